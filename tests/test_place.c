/* Which OpenCL device a unit is, and what is said where it is not here. No device is needed. */
#define _GNU_SOURCE /* affinity */
#include "one_cpu.h"

#include "core/input.h"
#include "core/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct hx_cl_info devices[] = {
	{.platform = "Portable Computing Language", .name = "pthread-cortex-a76", .is_cpu = true, .at = {0, 0}},
	{.platform = "ARM Platform", .name = "Mali-G610 r0p0", .is_gpu = true, .at = {1, 0}},
	{.platform = "TIM-VX", .name = "NPU", .at = {2, 0}},
	{.platform = "rusticl", .name = "Mali-G610 (Panfrost)", .is_gpu = true, .at = {3, 0}},
};

static void chooses(void **state)
{
	static const struct {
		const char *platform, *device;
		int rank, want; /* index, -1: none */
	} cases[] = {
		{NULL, NULL, 0, 1},          {NULL, NULL, 1, 3},     {NULL, NULL, 2, 2},       {NULL, NULL, 3, 0},   {NULL, NULL, 4, -1},
		{NULL, "Mali-G610", 0, 1},   {"rust", NULL, 0, 3},   {"ARM|rusticl", NULL, 1, 3}, {"^ARM", "G310", 0, -1}, {NULL, "^pthread", 0, 0},
		{NULL, "Mali-(G610", 0, -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct hx_cl_wish wish = {cases[i].platform, cases[i].device, cases[i].rank};
		const struct hx_cl_info *got = hx_cl_choose(devices, COUNT(devices), &wish);

		if (got != (cases[i].want < 0 ? NULL : &devices[cases[i].want]))
			fail_msg("case %zu: %s", i, got ? got->name : "none");
	}
}

/* The shipped profiles name their GPUs as drivers do: what clinfo shows on such boards with Arm's driver (r50p0 and others), and the form of Mesa's rusticl. */
static void shipped(void **state)
{
	static const struct {
		const char *profile, *platform, *device;
	} rows[] = {
		{"imx95", "ARM Platform", "Mali-G310 r0p0"},   {"mali-g52", "ARM Platform", "Mali-G52 r1p0"},     {"rk3566", "ARM Platform", "Mali-G52 r1p0"},
		{"mt8195", "ARM Platform", "Mali-G57 r0p1"},   {"rk3588", "ARM Platform", "Mali-G610 r0p0"},      {"rk3588", "ARM Platform", "Mali-LODX r0p0"},
		{"tensor-g3", "ARM Platform", "Mali-G715 r0p0"}, {"rk3588", "rusticl", "Mali-G610 MC4 (Panfrost)"}, {"mt8195", "rusticl", "Mali-G57 (Panfrost)"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct hx_cl_info device = {.is_gpu = true};
		struct inputs in = {0};
		const struct input *file;
		struct profile p;
		struct hx_err err;
		int found = 0;

		snprintf(device.platform, sizeof(device.platform), "%s", rows[i].platform);
		snprintf(device.name, sizeof(device.name), "%s", rows[i].device);
		assert_int_equal(input_find(&in, INPUT_PROFILE, rows[i].profile, &file, &err), HX_OK);
		assert_int_equal(profile_parse(&p, file->text, file->len, file->path, &err), HX_OK);
		for (size_t u = 0; u < p.n_units; u++)
			found += p.units[u].device && hx_cl_choose(&device, 1, &(struct hx_cl_wish){p.units[u].platform, p.units[u].device, 0});
		if (found != 1)
			fail_msg("%s: %s of %s", rows[i].profile, rows[i].device, rows[i].platform);
		profile_free(&p);
		inputs_free(&in);
	}
}

/* found: so many of the devices above are here. */
static void refuses(void **state)
{
	static const struct {
		struct hx_cl_wish wish;
		size_t found;
		const char *message;
	} cases[] = {
		{{"ARM", "Mali-G310", 0}, 1, "gpu: no OpenCL device here matches 'Mali-G310' of 'ARM'; there are 'pthread-cortex-a76' of 'Portable"},
		{{"ARM", NULL, 0}, 1, "gpu: no OpenCL device here matches '.*' of 'ARM'; there are 'pthread-cortex-a76' of 'Portable"},
		{{NULL, NULL, 2}, 2, "gpu: there are not that many OpenCL devices here, only 'pthread-cortex-a76' of 'Portable Computing Language', 'Mali-G610"},
	};
	static char name[] = "gpu";
	struct hx_unit gpu = {.name = name, .kind = HX_GPU, .cores = 1, .usable = 1, .clock_hz = 1e9};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct hx_engine e = one_cpu(NULL);
		struct hx_place place;
		struct hx_err err = {""};

		e.units.v[e.units.n++] = &gpu;
		e.devices[1] = (struct hx_engine_device){.wanted = true, .wish = cases[i].wish};
		e.n_found = cases[i].found;
		e.found = hx_xcalloc(e.n_found, sizeof(*e.found));
		memcpy(e.found, devices, e.n_found * sizeof(*e.found));
		assert_int_equal(hx_engine_place(&e, 1, 0, 1, &place, &err), HX_IO);
		if (!strstr(err.msg, cases[i].message))
			fail_msg("'%s', not '%s'", err.msg, cases[i].message);
		hx_engine_free(&e);
	}
}

static void threads(void **state)
{
	struct hx_engine e = one_cpu(NULL);
	struct hx_place place;
	struct hx_err err = {""};

	(void)state;
	assert_int_equal(hx_engine_place(&e, 0, 0, 2, &place, &err), HX_OK);
	assert_non_null(place.pool);
	assert_null(place.cl);
	assert_null(e.found); /* no driver was loaded */
	hx_engine_free(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(chooses), cmocka_unit_test(shipped), cmocka_unit_test(refuses), cmocka_unit_test(threads)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
