/* Calibration without a clock: the fit on made-up samples, and the profile that is written. */
#include "check.h"
#include "core/cost.h"
#include "core/input.h"
#include "device/calibrate.h"

#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const int types[] = {HX_F16, HX_Q8_0, HX_Q4_0}, row_counts[] = {1, 2, 3, 4, 6, 8, 12, 16, 32};
static const double core_counts[] = {1, 2, 4}, footprints[] = {4e6, 16e6, 64e6, 256e6};

/* What the samples are made with. */
static const double bandwidths[4][3] = {{9e10, 1.7e11, 3e11}, {3e10, 5.5e10, 9e10}, {2e10, 3e10, 3.5e10}, {1.5e10, 2.2e10, 2.5e10}};
static const double reads[] = {1.4e10, 2.5e10, 3e10};
static const double ceilings[] = {0.8, 0.6, 0.5}, r_halves[] = {0.5, 1, 1.5};
static const double true_p = 2, true_p_cache = 5, true_launch_s = 1e-6, true_barrier_s = 2e-6, true_attention = 0.15, true_softmax = 20,
		    true_act[ACT_COUNT] = {3e9, 2e10, 1.2e10, 8e9, 9e9, 2e10, 5e9, 1.5e10}, true_shared = 3e10;

static double *numbers(size_t n, const double *v)
{
	double *copy = hx_xcalloc(n, sizeof(*copy));

	if (v)
		memcpy(copy, v, n * sizeof(*copy));
	return copy;
}

static double efficiency(size_t type, double rows)
{
	return ceilings[type] * rows / (rows + r_halves[type]);
}

static void add_kernels(struct unit *u)
{
	u->kernels = hx_xcalloc(COUNT(types), sizeof(*u->kernels));
	u->n_kernels = COUNT(types);
	for (size_t t = 0; t < COUNT(types); t++) {
		struct kernel *k = &u->kernels[t];

		*k = (struct kernel){.type = types[t], .arithmetic = types[t] == HX_F16 ? ARITH_F32 : ARITH_I8_DOT, .ceiling = NAN,
				     .rows = numbers(COUNT(row_counts), NULL), .efficiency = numbers(COUNT(row_counts), NULL),
				     .n_rows = COUNT(row_counts), .n_efficiency = COUNT(row_counts)};
		for (size_t r = 0; r < COUNT(row_counts); r++) {
			k->rows[r] = row_counts[r];
			k->efficiency[r] = efficiency(t, row_counts[r]);
		}
	}
}

/* A profile as calibration begins it, but with the figures that are to be found again. */
static void set_up(struct calibration *c)
{
	struct unit *u;
	struct bandwidth *b;

	*c = (struct calibration){.n_measured = COUNT(types)};
	c->profile.status = PROFILE_MEASURED;
	c->profile.name = hx_xstrdup("host-toy");
	c->profile.soc = hx_xstrdup("toy");
	c->profile.units = u = hx_xcalloc(1, sizeof(*u));
	c->profile.n_units = 1;
	c->profile.memory = (struct memory){.capacity_bytes = 8e9, .bw_bytes_s = 3.5e10};
	c->profile.power.idle_w = c->profile.power.dram_j_byte = NAN;
	c->profile.thermal = (struct thermal){NAN, NAN, NAN, NAN, NULL, 0};
	*u = (struct unit){.is = {.name = hx_xstrdup("c"), .kind = HX_CPU, .cores = 4, .usable = 4, .clock_hz = 3e9}, .core = hx_xstrdup("Cortex-A76"),
			   .sustained_clock_hz = NAN, .flop_per_cycle = {32, NAN, 128, NAN}, .p = true_p, .p_cache = true_p_cache, .launch_s = true_launch_s,
			   .barrier_s = true_barrier_s, .shared_bytes_s = true_shared,
			   .attn_efficiency = true_attention, .attn_softmax = true_softmax, .sync_s = 1e-6, .read_bytes_s = numbers(COUNT(core_counts), reads), .n_read = COUNT(core_counts),
			   .cache_bytes = 32e6, .mem_limit_bytes = NAN, .max_alloc_bytes = NAN};
	memcpy(u->small_bytes_s, true_act, sizeof(true_act));
	u->affinity = hx_xcalloc(4, sizeof(int));
	u->n_affinity = 1;
	b = &u->bandwidth;
	*b = (struct bandwidth){numbers(COUNT(core_counts), core_counts), numbers(COUNT(footprints), footprints), COUNT(core_counts), COUNT(footprints),
				hx_xcalloc(COUNT(footprints), sizeof(double *)), COUNT(footprints), COUNT(core_counts)};
	for (size_t f = 0; f < COUNT(footprints); f++)
		b->bytes_s[f] = numbers(COUNT(core_counts), bandwidths[f]);
	add_kernels(u);
}

/* Deterministic, in (-1, 1). */
static double scatter(void)
{
	static uint32_t state = 1;

	state = state * 1664525 + 1013904223;
	return (double)(state >> 8) / (1 << 23) - 1;
}

/* A pass of a model of about so many bytes, priced, and off by the noise. */
static void add_pass(struct calibration *c, int type, double footprint, int cores, int rows, int cached, double noise)
{
	static char name[] = "c";
	const struct hx_unit is = {.name = name, .kind = HX_CPU, .cores = 4, .usable = 4, .clock_hz = 3e9};
	const struct hx_units units = {1, {&is}};
	struct hx_shape s = {.name = name, .family = name, .layers = 2, .d_model = 512, .heads = 8, .kv_heads = 2, .d_head = 64, .d_ff = 2048, .vocab = 4096,
			     .context = 4096, .gated_ffn = true, .norms = 2, .tied = true};
	struct hx_mapping map;
	struct hx_graph graph;
	struct hx_err err;
	char text[16];

	if (footprint > 5e7)
		s.d_model = 1024, s.heads = 16, s.d_ff = 4096;
	else if (footprint < 5e6)
		s.heads = 16, s.kv_heads = 4, s.d_head = 32;
	snprintf(text, sizeof(text), "cx%d", cores);
	assert_int_equal(hx_mapping_parse(&map, text, &s, &units, &err), HX_OK);
	assert_int_equal(hx_graph_init(&graph, &s, &map, type, s.layers, &units, &err), HX_OK);
	c->samples = hx_xrealloc(c->samples, c->n + graph.n_distinct, sizeof(*c->samples));
	for (size_t i = 0; i < graph.whole.n_ops; i++) {
		const struct hx_op *op = &graph.distinct[graph.whole.ops[i].which];
		struct calibrate_sample *m = &c->samples[c->n++];
		double bw = cost_bandwidth(&c->profile.units[0], cores, 3e9, footprint);

		*m = (struct calibrate_sample){.op = *op, .type = type, .rows = rows, .logits = rows, .cached = cached, .footprint_bytes = footprint,
					       .count = graph.whole.ops[i].count, .share = 0.1, .pass = c->n_passes};
		m->seconds = cost_op(&c->profile, op, rows, rows, cached, bw).time_s * (1 + noise * scatter());
		m->held_out = m->pass % 5 == m->pass / 5 % 5;
	}
	c->n_passes++;
	hx_graph_free(&graph);
	hx_mapping_free(&map);
}

static void add_passes(struct calibration *c, double noise)
{
	for (size_t t = 0; t < COUNT(types); t++)
		for (size_t f = 0; f < COUNT(footprints); f++)
			for (size_t k = 0; k < COUNT(core_counts); k++)
				for (size_t r = 0; r < COUNT(row_counts); r++)
					add_pass(c, types[t], footprints[f], (int)core_counts[k], row_counts[r], r % 2 ? 500 : 30, noise);
}

/* Forgets what is to be found. */
static void blank(struct unit *u)
{
	u->p = u->p_cache = u->launch_s = u->barrier_s = u->shared_bytes_s = 0;
	u->attn_efficiency = u->attn_softmax = NAN;
	memset(u->small_bytes_s, 0, sizeof(u->small_bytes_s));
	for (size_t f = 0; f < COUNT(footprints); f++)
		memset(u->bandwidth.bytes_s[f], 0, sizeof(bandwidths[f]));
	for (size_t t = 0; t < COUNT(types); t++)
		memset(u->kernels[t].efficiency, 0, COUNT(row_counts) * sizeof(double));
}

/* But for one row in the cache: there memory and arithmetic are about as fast, and which of them it was, samples hardly tell. */
static void check_found(const struct unit *u, double tolerance, double tolerance_of_values)
{
	for (size_t f = 1; f < COUNT(footprints); f++)
		for (size_t k = 0; k < COUNT(core_counts); k++)
			check_near(u->bandwidth.bytes_s[f][k], bandwidths[f][k], tolerance);
	for (size_t t = 0; t < COUNT(types); t++)
		for (size_t r = 1; r < COUNT(row_counts); r++)
			check_near(u->kernels[t].efficiency[r], efficiency(t, row_counts[r]), tolerance);
	check_near(u->p, true_p, tolerance);
	check_near(u->p_cache, true_p_cache, 2 * tolerance);
	check_near(u->launch_s, true_launch_s, tolerance);
	check_near(u->barrier_s, true_barrier_s, tolerance);
	check_near(u->shared_bytes_s, true_shared, tolerance);
	check_near(u->attn_efficiency, true_attention, tolerance);
	check_near(u->attn_softmax, true_softmax, 2 * tolerance);
	for (size_t i = 0; i < ACT_COUNT; i++)
		check_near(u->small_bytes_s[i], true_act[i], tolerance_of_values);
}

static void test_finds_what_samples_were_made_with(void **state)
{
	struct calibration c;
	struct hx_err err;

	(void)state;
	set_up(&c);
	add_passes(&c, 0);
	blank(&c.profile.units[0]);
	assert_int_equal(calibrate_fit(&c, &err), HX_OK);
	check_found(&c.profile.units[0], 0.06, 0.06);
	assert_true(c.passes.mean < 0.005);
	assert_true(c.by_op[HX_OP_QKV].n > 0 && c.by_op[HX_OP_QKV].worst < 0.02);
	assert_true(c.profile.units[0].residual < 0.01);
	calibrate_free(&c);
}

static void test_scattered_samples(void **state)
{
	struct calibration c;
	struct hx_err err;

	(void)state;
	set_up(&c);
	add_passes(&c, 0.05);
	blank(&c.profile.units[0]);
	assert_int_equal(calibrate_fit(&c, &err), HX_OK);
	check_found(&c.profile.units[0], 0.2, 0.3);
	assert_true(c.passes.mean < 0.03);
	assert_true(c.profile.units[0].residual > 0.005 && c.profile.units[0].residual < 0.05); /* a pass is of many operators */
	calibrate_free(&c);
}

/* One sample of twenty was disturbed, and took four times as long. */
static void test_disturbed_samples(void **state)
{
	struct calibration c;
	struct hx_err err;
	const struct unit *u;

	(void)state;
	set_up(&c);
	add_passes(&c, 0.02);
	for (size_t i = 0; i < c.n; i += 20)
		c.samples[i].seconds *= 4;
	blank(&c.profile.units[0]);
	assert_int_equal(calibrate_fit(&c, &err), HX_OK);
	u = &c.profile.units[0];
	check_near(u->bandwidth.bytes_s[3][0], bandwidths[3][0], 0.05);
	check_near(u->bandwidth.bytes_s[3][2], bandwidths[3][2], 0.05);
	check_near(u->kernels[2].efficiency[7], efficiency(2, 16), 0.05);
	assert_true(u->residual < 0.5); /* half of the passes have a disturbed sample: nine tenths of them are not near 0 */
	calibrate_free(&c);
}

static void test_covariance(void **state)
{
	struct calibration c;
	struct hx_err err;
	const struct covariance *v;
	size_t want = COUNT(footprints) * COUNT(core_counts) + COUNT(types) * COUNT(row_counts) + ACT_COUNT + 7;

	(void)state;
	set_up(&c);
	add_passes(&c, 0.05);
	blank(&c.profile.units[0]);
	assert_int_equal(calibrate_fit(&c, &err), HX_OK);
	v = &c.profile.covariance;
	assert_int_equal(v->n_parameters, want);
	assert_string_equal(v->parameters[0], "units.c.bandwidth.bytes_s[0][0]");
	assert_string_equal(v->parameters[want - 1], "units.c.shared_bytes_s");
	for (size_t i = 0; i < want; i++) {
		assert_true(v->matrix[i][i] > 0 && v->matrix[i][i] < 1);
		for (size_t k = 0; k < i; k++)
			check_near(v->matrix[i][k], v->matrix[k][i], 1e-6);
	}
	calibrate_free(&c);
}

static void test_too_few_samples(void **state)
{
	struct calibration c;
	struct hx_err err = {""};

	(void)state;
	set_up(&c);
	add_pass(&c, HX_F16, 4e6, 1, 1, 0, 0); /* is held out */
	assert_int_equal(calibrate_fit(&c, &err), HX_INPUT);
	assert_string_equal(err.msg, "c: 0 samples are too few for 54 parameters");
	calibrate_free(&c);
}

static void count_problem(void *arg, const char *path, const char *what)
{
	print_error("%s %s\n", path, what);
	++*(int *)arg;
}

static char *written(const struct profile *p, size_t *size)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, size);

	assert_non_null(f);
	field_write(f, p, &profile_fields);
	fclose(f);
	return text;
}

static void test_profile_is_complete(void **state)
{
	struct calibration c;
	struct profile again;
	struct hx_err err = {""};
	int problems = 0;
	char *text, *twice;
	size_t size, size_twice;

	(void)state;
	set_up(&c);
	add_passes(&c, 0.05);
	assert_int_equal(calibrate_fit(&c, &err), HX_OK);
	calibrate_sources(&c, "test");
	text = written(&c.profile, &size);
	if (profile_parse(&again, text, size, "host-toy", &err))
		fail_msg("%s", err.msg);
	profile_unsourced(&again, count_problem, &problems);
	assert_int_equal(problems, 0);
	assert_int_equal(again.status, PROFILE_MEASURED);
	check_near(again.units[0].bandwidth.bytes_s[2][1], c.profile.units[0].bandwidth.bytes_s[2][1], 0);
	check_near(again.covariance.matrix[3][4], c.profile.covariance.matrix[3][4], 0);
	twice = written(&again, &size_twice);
	assert_string_equal(text, twice);
	free(text);
	free(twice);
	profile_free(&again);
	calibrate_free(&c);
}

/* Reads what it wrote: of every profile there is, everything. */
static void test_shipped_profiles_survive_writing(void **state)
{
	char **names = input_names(INPUT_PROFILE);

	(void)state;
	assert_non_null(names[0]);
	for (size_t i = 0; names[i]; i++) {
		struct inputs in = {0};
		const struct input *file;
		struct profile p, again;
		struct hx_err err;
		char *text, *twice;
		size_t size, size_twice;

		assert_int_equal(input_find(&in, INPUT_PROFILE, names[i], &file, &err), HX_OK);
		assert_int_equal(profile_parse(&p, file->text, file->len, names[i], &err), HX_OK);
		text = written(&p, &size);
		if (profile_parse(&again, text, size, names[i], &err))
			fail_msg("%s", err.msg);
		twice = written(&again, &size_twice);
		assert_string_equal(text, twice);
		assert_int_equal(p.n_sources, again.n_sources);
		assert_int_equal(p.n_links, again.n_links);
		free(text);
		free(twice);
		profile_free(&p);
		profile_free(&again);
		inputs_free(&in);
	}
	input_names_free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_what_samples_were_made_with),
		cmocka_unit_test(test_scattered_samples),
		cmocka_unit_test(test_disturbed_samples),
		cmocka_unit_test(test_covariance),
		cmocka_unit_test(test_too_few_samples),
		cmocka_unit_test(test_profile_is_complete),
		cmocka_unit_test(test_shipped_profiles_survive_writing),
	};

	gsl_set_error_handler_off();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
