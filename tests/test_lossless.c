/* Losslessness: greedy speculative output is greedy plain output, token for token and logit for logit, whatever drafts, in either mode, however it runs on a CPU. Small
 * random models, and the pair that ships. */
#define _GNU_SOURCE /* affinity */
#include "lossless.h"

enum { EXIT = 1 };

/* A target and a drafter, as a test wants them. */
struct setting {
	const char *kernels;
	int type, threads;
	bool kv_cache;
	bool pair; /* the models that ship */
};

static void bench_init(struct bench *b, const struct setting *s)
{
	struct hx_engine_model want = {.path = s->pair ? HX_SRCDIR "/models/pair/pair-target.gguf" : target_path, .type = s->type,
				       .mapping = s->threads == 1 ? "cpux1" : "cpux2", .options = {256, 12, s->kv_cache, EXIT}};

	*b = (struct bench){.engine = one_cpu(s->kernels)};
	one_cpu_open(&b->target, &b->engine, &want);
	want.path = s->pair ? HX_SRCDIR "/models/pair/pair-drafter.gguf" : draft_path;
	want.options.exit_layers = 0;
	one_cpu_open(&b->draft, &b->engine, &want);
	b->overlaps = s->threads == 1 && one_cpu_ids[0] != one_cpu_ids[1];
	if (b->overlaps) {
		want.beside = &b->target;
		one_cpu_open(&b->beside, &b->engine, &want);
	}
	bench_lms(b);
}

/* In a message. */
static const char *setting_name(const struct setting *s)
{
	static char name[128];

	snprintf(name, sizeof(name), "%s %s, %d threads, cache %d", s->kernels, s->pair ? "pair" : hx_type_names[s->type], s->threads, s->kv_cache);
	return name;
}

static int check_setting(const struct setting *s, int first, int last)
{
	struct bench b;
	int accepted;

	bench_init(&b, s);
	accepted = check_drafters(&b, setting_name(s), first, last);
	bench_free(&b);
	return accepted;
}

static void every_gamma(void **state)
{
	(void)state;
	for (int threads = 1; threads <= 2; threads++) {
		const struct setting s = {hx_kernels_find(NULL)->name, HX_Q8_0, threads, true, false};

		assert_in_range(check_setting(&s, 1, 8), text_tokens() / 3, 100000); /* drafters that are never right would test half of it */
	}
}

static void the_pair(void **state)
{
	const struct setting s = {hx_kernels_find(NULL)->name, -1, 1, true, true};

	(void)state;
	assert_in_range(check_setting(&s, 1, 8), 1000, 100000);
}

static void every_type(void **state)
{
	(void)state;
	for (int t = 0; t < HX_TYPE_COUNT; t++) {
		const struct setting s = {hx_kernels_find(NULL)->name, t, 1 + t % 2, true, false};

		check_setting(&s, 3, 3);
	}
}

static void every_kernel_set(void **state)
{
	static const int types[] = {HX_F16, HX_Q8_0, HX_Q4_0, HX_Q6_K};

	(void)state;
	for (const struct hx_kernels *const *k = hx_kernels_usable(); *k; k++)
		for (size_t t = 0; t < sizeof(types) / sizeof(*types); t++)
			check_setting(&(struct setting){(*k)->name, types[t], 1 + (int)t % 2, true, false}, 2, 2);
}

static void without_cache(void **state)
{
	(void)state;
	check_setting(&(struct setting){hx_kernels_find(NULL)->name, HX_Q4_0, 1, false, false}, 1, 1);
	check_setting(&(struct setting){hx_kernels_find(NULL)->name, HX_F16, 2, false, false}, 8, 8);
}

/* Plain output does not depend on threads, nor on the cache. */
static void the_same_everywhere(void **state)
{
	static struct text texts[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		const struct setting s = {hx_kernels_find(NULL)->name, HX_Q8_0, 1 + i % 2, i < 2, false};
		struct bench b;
		struct hx_generated g;

		bench_init(&b, &s);
		g = generate(&b, NULL, 0, HX_SEQUENTIAL, text_tokens(), &texts[i]);
		hx_speculate_free(&g);
		bench_free(&b);
		check_same(&texts[0], &texts[i], setting_name(&s), "plain", 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_gamma),      cmocka_unit_test(the_pair),      cmocka_unit_test(every_type),
		cmocka_unit_test(every_kernel_set), cmocka_unit_test(without_cache), cmocka_unit_test(the_same_everywhere),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
