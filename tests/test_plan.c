#include "fixture.h"

/* A device of two plain units and an NPU that takes matrices of q8_0 only. */
static struct hx_unit c = {.name = "c", .kind = HX_CPU, .cores = 4, .usable = 3};
static struct hx_unit g = {.name = "g", .kind = HX_GPU, .cores = 2, .usable = 2};
static int q8[] = {HX_Q8_0};
static struct hx_support matrices[] = {
	{HX_OP_QKV, q8, 1}, {HX_OP_ATTN_OUT, q8, 1}, {HX_OP_FFN_UP, q8, 1}, {HX_OP_FFN_DOWN, q8, 1}, {HX_OP_HEAD, NULL, 0}};
static struct hx_unit npu = {
	.name = "npu", .kind = HX_NPU, .cores = 1, .usable = 1, .supports = matrices, .n_supports = 5, .fallback = "c"};
static const struct hx_units units = {3, {&c, &g, &npu}};
enum { C, G, NPU };

static struct hx_shape toy(void)
{
	return (struct hx_shape){.name = "toy",
				 .layers = 6,
				 .d_model = 512,
				 .heads = 8,
				 .kv_heads = 4,
				 .d_head = 64,
				 .d_ff = 1024,
				 .vocab = 2048,
				 .context = 4096,
				 .tied = true,
				 .gated_ffn = true,
				 .norms = 2};
}

/* A graph with the mapping it stands on. */
struct made {
	struct hx_mapping map;
	struct hx_graph graph;
};

static void make(struct made *m, const struct hx_shape *s, const char *mapping, int type, int layers)
{
	struct hx_err err;

	if (hx_mapping_parse(&m->map, mapping, s, &units, &err) || hx_graph_init(&m->graph, s, &m->map, type, layers, &units, &err))
		fail_msg("%s", err.msg);
}

static void unmake(struct made *m)
{
	hx_graph_free(&m->graph);
	hx_mapping_free(&m->map);
}

static double weights(const struct hx_graph *graph)
{
	double sum = 0;

	for (size_t i = 0; i < graph->n_ops; i++)
		sum += hx_graph_op(graph, i)->weight_bytes;
	/* the embedding gathers rows, its table is the head's unless untied */
	return sum + (graph->shape->tied ? 0 : graph->shape->vocab * hx_shape_row_bytes(graph->type, graph->shape->d_model));
}

/* Operators stream every weight once, whatever the model and type. */
static void weights_add_up(void **state)
{
	struct inputs in = {0};
	char **names = input_names(INPUT_MODEL);

	(void)state;
	for (char **n = names; *n; n++) {
		const struct input *file;
		struct hx_shape s;
		struct hx_err err;

		if (input_find(&in, INPUT_MODEL, *n, &file, &err) || shape_parse(&s, file->text, file->len, file->path, &err))
			fail_msg("%s", err.msg);
		for (int type = 0; type < HX_TYPE_COUNT; type++) {
			struct hx_buffers b = {0};
			struct made m;

			make(&m, &s, "c", type, s.layers);
			check_near(weights(&m.graph), hx_shape_bytes(&s, type), 1e-12);
			hx_graph_buffers(&m.graph, 1, 1, 1, &b);
			check_near(b.bytes[C][HX_BUF_WEIGHTS], hx_shape_bytes(&s, type), 1e-12);
			unmake(&m);
		}
		shape_free(&s);
	}
	input_names_free(names);
	inputs_free(&in);
}

static void falls_back_by_row(void **state)
{
	struct hx_shape s = toy();
	struct made m;

	(void)state;
	s.d_model = 128 + 512;
	for (int type = HX_F32; type <= HX_Q6_K; type++) {
		bool k = type == HX_Q4_K || type == HX_Q5_K || type == HX_Q6_K;

		make(&m, &s, "c", type, s.layers);
		assert_int_equal(m.graph.row_fallback, k);
		for (size_t i = 0; i < m.graph.n_ops; i++) {
			const struct hx_op *op = hx_graph_op(&m.graph, i);

			/* rows of d_model (640) are not cut into blocks of 256, rows of 512 and 1024 are */
			if (op->kind == HX_OP_QKV || op->kind == HX_OP_FFN_UP || op->kind == HX_OP_HEAD || op->kind == HX_OP_EMBED)
				assert_int_equal(op->type, k ? HX_F16 : type);
			if (op->kind == HX_OP_ATTN_OUT || op->kind == HX_OP_FFN_DOWN)
				assert_int_equal(op->type, type);
		}
		unmake(&m);
	}
}

static void order(void **state)
{
	static const int layer[] = {HX_OP_ATTN_NORM, HX_OP_QKV,      HX_OP_ROPE,   HX_OP_ATTN,
				    HX_OP_ATTN_OUT,  HX_OP_FFN_NORM, HX_OP_FFN_UP, HX_OP_FFN_DOWN};
	static const int last[] = {HX_OP_NORM, HX_OP_HEAD, HX_OP_ARGMAX};
	struct hx_shape s = toy();

	(void)state;
	for (int layers = 1; layers <= s.layers; layers += 5) {
		struct made m;

		make(&m, &s, "c", HX_F16, layers);
		assert_int_equal(m.graph.n_ops, 1 + 8 * layers + 3);
		assert_int_equal(hx_graph_op(&m.graph, 0)->kind, HX_OP_EMBED);
		for (size_t i = 0; i < m.graph.n_ops; i++) {
			const struct hx_op *op = hx_graph_op(&m.graph, i);
			size_t l = (i - 1) / 8;

			if (i && l < (size_t)layers) {
				assert_int_equal(op->kind, layer[(i - 1) % 8]);
				assert_int_equal(hx_graph_layer(&m.graph, i), l);
			} else if (i) {
				assert_int_equal(op->kind, last[(i - 1) % 8]);
				assert_int_equal(hx_graph_layer(&m.graph, i), -1);
			}
			assert_int_equal(op->logits, l == (size_t)layers && i);
		}
		unmake(&m);
	}
}

/* Activations of a row, f32, read and written: hidden 512, queries 512, keys and values 512, inner 1024, vocabulary 2048. Residual additions
 * read and write the stream in attn_out and ffn_down; keys and values are cached as f16. */
static void activations(void **state)
{
	static const double values[HX_OP_COUNT] = {
		[HX_OP_EMBED] = 512,
		[HX_OP_ATTN_NORM] = 512 + 512,
		[HX_OP_QKV] = 512 + 512 + 512,
		[HX_OP_ROPE] = 2 * (512 + 256),
		[HX_OP_ATTN] = 512 + 512,
		[HX_OP_ATTN_OUT] = 512 + 512 + 512,
		[HX_OP_FFN_NORM] = 512 + 512,
		[HX_OP_FFN_UP] = 512 + 1024,
		[HX_OP_FFN_DOWN] = 1024 + 512 + 512,
		[HX_OP_NORM] = 512 + 512,
		[HX_OP_HEAD] = 512 + 2048,
		[HX_OP_ARGMAX] = 2048,
	};
	struct hx_shape s = toy();
	struct made m;

	(void)state;
	make(&m, &s, "c", HX_F16, s.layers);
	for (size_t i = 0; i < m.graph.n_ops; i++) {
		const struct hx_op *op = hx_graph_op(&m.graph, i);

		check_near(op->act_row, 4 * values[op->kind], 0);
		check_near(op->kv_row, op->kind == HX_OP_ROPE ? 2 * 256 * 2 : 0, 0);
		check_near(op->kv_pos, op->kind == HX_OP_ATTN ? 2 * 256 * 2 : 0, 0);
		check_near(op->weight_row, op->kind == HX_OP_EMBED ? 1024 : 0, 0);
	}
	unmake(&m);
}

/* Llama-3.2 1B: two operations a matrix parameter and row; attention 4 x 2048 a layer, row and position. */
static void operations(void **state)
{
	struct inputs in = {0};
	const struct input *file;
	struct hx_shape s;
	struct hx_err err;
	struct made m;
	double one = 0, five = 0, prefill = 0, kv = 0;

	(void)state;
	if (input_find(&in, INPUT_MODEL, "llama-3.2-1b", &file, &err) || shape_parse(&s, file->text, file->len, file->path, &err))
		fail_msg("%s", err.msg);
	make(&m, &s, "c", HX_F16, s.layers);
	for (size_t i = 0; i < m.graph.n_ops; i++) {
		one += hx_op_work(hx_graph_op(&m.graph, i), 1, 1, 100).flop;
		five += hx_op_work(hx_graph_op(&m.graph, i), 5, 5, 100).flop;
		prefill += hx_op_work(hx_graph_op(&m.graph, i), 64, 1, 0).flop;
		if (hx_graph_op(&m.graph, i)->kind == HX_OP_ATTN)
			kv += hx_graph_op(&m.graph, i)->kv_pos;
	}
	check_near(one, 2 * 1235746816.0 + 16 * 4 * 2048.0 * 101, 1e-12);
	check_near(five, 5 * 2 * 1235746816.0 + 16 * 4 * 2048.0 * (101 + 102 + 103 + 104 + 105), 1e-12);
	/* the head (128256 x 2048) sees one row; row i attends to i positions */
	check_near(prefill, 64 * 2 * 973078528.0 + 2 * 262668288.0 + 16 * 4 * 2048.0 * (64 * 65 / 2), 1e-12);
	check_near(kv, 16 * 2 * 8 * 64 * 2.0, 0);
	unmake(&m);
	shape_free(&s);
	inputs_free(&in);
}

/* Rows attend to at most `window` positions, themselves among them; positions that some row needs are read once. */
static void window(void **state)
{
	struct hx_op op = {.kind = HX_OP_ATTN, .window = 8, .kv_pos = 1, .flop_row_pos = 1};

	(void)state;
	for (int n = 0; n <= 20; n += 5)
		for (int r = 1; r <= 21; r += 4) {
			double seen = 0, oldest = n + 1;

			for (int i = 1; i <= r; i++) {
				double width = fmin(n + i, 8);

				seen += width;
				oldest = fmin(oldest, n + i - width + 1);
			}
			check_near(hx_op_work(&op, r, 1, n).flop, seen, 1e-12);
			check_near(hx_op_work(&op, r, 1, n).act_bytes, n + r - oldest + 1, 1e-12);
		}
}

static const struct {
	const char *mapping;
	int segments;
	int staging[2]; /* on c and g for 10 rows: 512 x 4 bytes a row, if anything comes in */
} splits[] = {
	{"c", 1, {0, 0}},
	{"g", 1, {0, 0}},
	{"c:0-2+g:3-5", 2, {0, 20480}},
	{"c:0-2,head+g:3-5", 3, {6144, 20480}}, /* into the head: logit rows, here 3 */
	{"c:0,2,4+g:1,3,5", 6, {20480, 20480}},
	{"c:0-5.attn+g:0-5.ffn", 12, {20480, 20480}},
	{"c:0-5.ffn+g:0-5.attn", 12, {20480, 20480}},
	{"c:0-5.attn,head+g:0-5.ffn", 13, {20480, 20480}},
	{"c:embed+g:0-5", 2, {0, 20480}},
	{"c:embed,head+g:0-5", 3, {6144, 20480}},
	{"cx2:0-2+g:3-5", 2, {0, 20480}}, /* as many cores as g has */
	{"cx2:0,2,4+g:1,3,5", 6, {20480, 20480}},
};

/* Every operator runs where the mapping says. */
static void check_places(const struct made *m)
{
	for (size_t i = 0; i < m->graph.n_ops; i++) {
		const struct hx_op *op = hx_graph_op(&m->graph, i);
		int l = hx_graph_layer(&m->graph, i);
		int use = l < 0 ? i ? m->map.head : m->map.embed : op->kind >= HX_OP_FFN_NORM ? m->map.ffn[l] : m->map.attn[l];

		assert_int_equal(op->unit, m->map.uses[use].unit);
		assert_int_equal(op->cores, m->map.uses[use].cores);
	}
}

static void segments(void **state)
{
	struct hx_shape s = toy();

	(void)state;
	for (size_t i = 0; i < COUNT(splits); i++) {
		struct hx_buffers b = {0};
		struct hx_chain chain;
		struct made m;
		size_t ops = 0;

		make(&m, &s, splits[i].mapping, HX_F16, s.layers);
		check_places(&m);
		hx_chain_init(&chain, &m.graph, 0, m.graph.n_ops);
		assert_int_equal(chain.n_segments, splits[i].segments);
		for (size_t k = 0; k < chain.n_segments; k++) {
			const struct hx_segment *seg = &chain.segments[k];

			assert_int_equal(seg->first, ops);
			for (size_t o = seg->first; o < seg->first + seg->n; o++)
				assert_int_equal(hx_graph_op(&m.graph, o)->unit, seg->unit);
			ops += seg->n;
			assert_int_equal(seg->from, k ? chain.segments[k - 1].unit : -1);
			check_near(seg->transfer_row, k ? 512 * 4 : 0, 0);
		}
		assert_int_equal(ops, m.graph.n_ops);
		hx_graph_buffers(&m.graph, 10, 3, 50, &b);
		for (int u = 0; u < 2; u++)
			check_near(b.bytes[u][HX_BUF_STAGING], splits[i].staging[u], 0);
		hx_chain_free(&chain);
		unmake(&m);
	}
}

/* toy in f16, bytes: table 2,097,152; layer 4,722,688 = 2 x (1024 + 512 + 2048 + 1024) x 512 + 2 x 512 x 4; last norm 2048.
 * Cached position: 2 x 4 x 64 x 2 = 1024 a layer. Widest operator: ffn_down, (1024 + 2 x 512) x 4 = 8192 a row. */
static const struct {
	const char *mapping;
	bool tied;
	double weights[2], kv[2], activations[2], logits[2], largest[2];
} memory[] = {
	{"c", true, {2097152 + 6 * 4722688. + 2048, 0}, {6 * 51200, 0}, {81920, 0}, {24576, 0}, {2097152, 0}},
	{"c", false, {2 * 2097152 + 6 * 4722688. + 2048, 0}, {6 * 51200, 0}, {81920, 0}, {24576, 0}, {2097152, 0}},
	/* a tied table that is split is held twice */
	{"c:0-1+g:2-5",
	 true,
	 {2097152 + 2 * 4722688., 2097152 + 4 * 4722688. + 2048},
	 {2 * 51200, 4 * 51200},
	 {81920, 81920},
	 {0, 24576},
	 {2097152, 2097152}},
	{"c:0-1+g:2-5",
	 false,
	 {2097152 + 2 * 4722688., 2097152 + 4 * 4722688. + 2048},
	 {2 * 51200, 4 * 51200},
	 {81920, 81920},
	 {0, 24576},
	 {2097152, 2097152}},
	/* attention with its norm: 2 x 1536 x 512 + 2048 = 1,574,912; feed-forward 3,147,776, whose gate, up and down are 1,048,576 each */
	{"c:0-5.attn,head+g:0-5.ffn",
	 true,
	 {2097152 + 6 * 1574912. + 2048, 6 * 3147776.},
	 {6 * 51200, 0},
	 {61440, 81920},
	 {24576, 0},
	 {2097152, 1048576}},
};

static void buffers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(memory); i++) {
		struct hx_buffers b = {0};
		struct hx_shape s = toy();
		struct made m;

		s.tied = memory[i].tied;
		make(&m, &s, memory[i].mapping, HX_F16, s.layers);
		hx_graph_buffers(&m.graph, 10, 3, 50, &b);
		for (int u = 0; u < 2; u++) {
			check_near(b.bytes[u][HX_BUF_WEIGHTS], memory[i].weights[u], 0);
			check_near(b.bytes[u][HX_BUF_KV], memory[i].kv[u], 0);
			check_near(b.bytes[u][HX_BUF_ACTIVATIONS], memory[i].activations[u], 0);
			check_near(b.bytes[u][HX_BUF_LOGITS], memory[i].logits[u], 0);
			check_near(b.largest[u], memory[i].largest[u], 0);
		}
		hx_graph_buffers(&m.graph, 10, 3, 50, &b); /* adds: a second model beside the first */
		check_near(b.bytes[0][HX_BUF_WEIGHTS], 2 * memory[i].weights[0], 0);
		unmake(&m);
	}
}

/* A windowed layer caches its window and the rows of the pass; layers 2 and 5 cache everything. 1024 bytes a position, the table is 2,097,152. */
static const struct {
	const char *mapping;
	int window;
	double positions, kv[2], largest[2];
} windowed[] = {
	{"c", 32, 1000, {1024. * (2 * 1000 + 4 * 40), 0}, {2097152, 0}},
	{"c", 32, 20, {1024. * 6 * 20, 0}, {2097152, 0}}, /* not yet full */
	{"c", 32, 5000, {1024. * (2 * 5000 + 4 * 40), 0}, {1024 * 5000, 0}},
	{"c:0-1,3-4,head+g:2,5", 32, 5000, {1024. * 4 * 40, 1024. * 2 * 5000}, {2097152, 1024 * 5000}},
	{"c:0-1,3-4,head+g:2,5", 3000, 5000, {1024. * 4 * 3008, 1024. * 2 * 5000}, {1024 * 3008, 1024 * 5000}},
	{"c:0-1,3-4,head+g:2,5", 3000, 2500, {1024. * 4 * 2500, 1024. * 2 * 2500}, {1024 * 2500, 1024 * 2500}},
};

static void windowed_cache(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(windowed); i++) {
		struct hx_shape s = toy();
		struct hx_buffers b = {0};
		struct made m;

		s.window = windowed[i].window;
		s.global_every = 3;
		make(&m, &s, windowed[i].mapping, HX_F16, s.layers);
		hx_graph_buffers(&m.graph, 8, 8, windowed[i].positions, &b);
		for (int u = 0; u < 2; u++) {
			check_near(b.bytes[u][HX_BUF_KV], windowed[i].kv[u], 0);
			check_near(b.largest[u], windowed[i].largest[u], 0);
		}
		unmake(&m);
	}
}

static void fallback(void **state)
{
	struct hx_shape s = toy();
	struct made m;

	(void)state;
	make(&m, &s, "npu", HX_Q8_0, s.layers);
	for (size_t i = 0; i < m.graph.n_ops; i++) {
		const struct hx_op *op = hx_graph_op(&m.graph, i);
		bool takes = op->kind == HX_OP_QKV || op->kind == HX_OP_ATTN_OUT || op->kind == HX_OP_FFN_UP ||
			     op->kind == HX_OP_FFN_DOWN || op->kind == HX_OP_HEAD;

		assert_int_equal(op->unit, takes ? NPU : C);
		assert_int_equal(op->cores, takes ? 1 : 3); /* all usable cores of c */
	}
	unmake(&m);
	make(&m, &s, "npu:0-4+cx2:5", HX_Q8_0, s.layers); /* or as many as the mapping uses */
	for (size_t i = 0; i < m.graph.n_ops; i++)
		assert_int_equal(hx_graph_op(&m.graph, i)->cores, hx_graph_op(&m.graph, i)->unit == C ? 2 : 1);
	unmake(&m);
	make(&m, &s, "npu", HX_F16, s.layers); /* of f16 it takes the head alone */
	for (size_t i = 0; i < m.graph.n_ops; i++)
		assert_int_equal(hx_graph_op(&m.graph, i)->unit, hx_graph_op(&m.graph, i)->kind == HX_OP_HEAD ? NPU : C);
	unmake(&m);
}

static void no_fallback(void **state)
{
	static const struct {
		const char *fallback, *message;
		int usable;
	} rows[] = {
		{NULL, "npu does not support embed in q8_0 and has no fallback", 3},
		{"npu", "npu does not support embed in q8_0, nor does its fallback", 3},
		{"c", "reserved", 0},
	};
	struct hx_shape s = toy();

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct made m = {{0}, {0}};
		struct hx_err err = {""};
		int rc;

		npu.fallback = (char *)rows[i].fallback;
		c.usable = rows[i].usable;
		assert_int_equal(hx_mapping_parse(&m.map, "npu", &s, &units, &err), HX_OK);
		rc = hx_graph_init(&m.graph, &s, &m.map, HX_Q8_0, s.layers, &units, &err);
		npu.fallback = "c";
		c.usable = 3;
		assert_int_equal(rc, HX_INPUT);
		if (!strstr(err.msg, rows[i].message))
			fail_msg("%s", err.msg);
		assert_null(m.graph.distinct);
		unmake(&m);
	}
}

static const struct {
	int drafter, mode, gamma;
	struct hx_pass passes[5]; /* ended by a chain of -1 */
	int drafts;               /* times of draft passes in the schedule, with those that a rejection may add */
} plans[] = {
	{HX_DRAFT_NONE,
	 HX_SEQUENTIAL,
	 0,
	 {{HX_PASS_PREFILL_TARGET, HX_CHAIN_TARGET, 0, 1}, {HX_PASS_VERIFY, HX_CHAIN_TARGET, 1, 1}, {.chain = -1}},
	 0},
	{HX_DRAFT_NGRAM,
	 HX_SEQUENTIAL,
	 4,
	 {{HX_PASS_PREFILL_TARGET, HX_CHAIN_TARGET, 0, 1}, {HX_PASS_VERIFY, HX_CHAIN_TARGET, 5, 5}, {.chain = -1}},
	 0},
	{HX_DRAFT_MODEL,
	 HX_SEQUENTIAL,
	 4,
	 {{HX_PASS_PREFILL_TARGET, HX_CHAIN_TARGET, 0, 1},
	  {HX_PASS_PREFILL_DRAFT, HX_CHAIN_DRAFT, 0, 0},
	  {HX_PASS_DRAFT, HX_CHAIN_DRAFT, 1, 1},
	  {HX_PASS_CATCH_UP, HX_CHAIN_DRAFT, 2, 1},
	  {HX_PASS_VERIFY, HX_CHAIN_TARGET, 5, 5}},
	 4},
	{HX_DRAFT_MODEL,
	 HX_OVERLAPPED,
	 4,
	 {{HX_PASS_PREFILL_TARGET, HX_CHAIN_TARGET, 0, 1},
	  {HX_PASS_PREFILL_DRAFT, HX_CHAIN_DRAFT, 0, 0},
	  {HX_PASS_DRAFT, HX_CHAIN_DRAFT, 1, 1},
	  {HX_PASS_VERIFY, HX_CHAIN_TARGET, 4, 4},
	  {.chain = -1}},
	 8},
	{HX_DRAFT_EXIT,
	 HX_SEQUENTIAL,
	 4,
	 {{HX_PASS_PREFILL_TARGET, HX_CHAIN_TARGET, 0, 1},
	  {HX_PASS_DRAFT, HX_CHAIN_DRAFT, 1, 1},
	  {HX_PASS_FRONT, HX_CHAIN_FRONT, 1, 0},
	  {HX_PASS_VERIFY, HX_CHAIN_TAIL, 5, 5},
	  {.chain = -1}},
	 4},
};

static void check_plan(const struct hx_plan *p, const struct hx_pass *expected, int drafts)
{
	int n = 0, times = 0;

	for (; n < 5 && expected[n].chain >= 0; n++) {
		const struct hx_pass *pass = hx_plan_pass(p, expected[n].kind);

		assert_non_null(pass);
		assert_int_equal(pass->chain, expected[n].chain);
		assert_int_equal(pass->rows, expected[n].rows);
		assert_int_equal(pass->logit_rows, expected[n].logit_rows);
		assert_true(p->chains[pass->chain]->n > 0);
	}
	assert_int_equal(p->n_passes, n);
	for (int i = 0; i < p->n_steps; i++) {
		assert_true(p->steps[i].pass == -1 || hx_plan_pass(p, p->steps[i].pass));
		assert_non_null(p->steps[i].note);
		if (p->steps[i].pass == HX_PASS_DRAFT)
			times += p->steps[i].times;
	}
	assert_int_equal(times, drafts);
}

static void passes(void **state)
{
	struct hx_shape s = toy(), small = toy();
	struct made target, draft, early;

	(void)state;
	small.layers = 2;
	make(&target, &s, "g", HX_F16, s.layers);
	make(&draft, &small, "c", HX_F16, small.layers);
	make(&early, &s, "g", HX_F16, 3);
	for (size_t i = 0; i < COUNT(plans); i++) {
		const struct hx_graph *d = plans[i].drafter == HX_DRAFT_MODEL  ? &draft.graph
					   : plans[i].drafter == HX_DRAFT_EXIT ? &early.graph
									       : NULL;
		struct hx_plan p;

		hx_plan_init(&p, plans[i].drafter, &target.graph, d, plans[i].gamma, plans[i].mode, true);
		check_plan(&p, plans[i].passes, plans[i].drafts);
		if (plans[i].gamma) { /* there and back again */
			hx_plan_set_gamma(&p, 1);
			assert_int_equal(hx_plan_pass(&p, HX_PASS_VERIFY)->rows, plans[i].mode == HX_OVERLAPPED ? 1 : 2);
			hx_plan_set_gamma(&p, plans[i].gamma);
			check_plan(&p, plans[i].passes, plans[i].drafts);
		}
		hx_plan_free(&p);
	}
	unmake(&target);
	unmake(&draft);
	unmake(&early);
}

/* Front and tail are the target's operators, each once, with every transfer of the whole. */
static void early_exit(void **state)
{
	static const char *const maps[] = {"c", "c:0-2+g:3-5", "c:0-5.attn+g:0-5.ffn", "g:0,2,4+c:1,3,5"};
	struct hx_shape s = toy();

	(void)state;
	for (size_t i = 0; i < COUNT(maps); i++)
		for (int k = 1; k < s.layers; k++) {
			struct made whole, part;
			struct hx_plan p;
			int transfers[3] = {0};

			make(&whole, &s, maps[i], HX_F16, s.layers);
			make(&part, &s, maps[i], HX_F16, k);
			hx_plan_init(&p, HX_DRAFT_EXIT, &whole.graph, &part.graph, 3, HX_SEQUENTIAL, true);
			assert_int_equal(p.chains[HX_CHAIN_FRONT]->first, 0);
			assert_int_equal(p.chains[HX_CHAIN_FRONT]->n, 1 + 8 * k);
			assert_int_equal(p.chains[HX_CHAIN_TAIL]->first, 1 + 8 * k);
			assert_int_equal(p.chains[HX_CHAIN_FRONT]->n + p.chains[HX_CHAIN_TAIL]->n, whole.graph.n_ops);
			for (int kind = 0; kind < 3; kind++) {
				const struct hx_chain *chain = p.chains[(int[]){HX_CHAIN_TARGET, HX_CHAIN_FRONT, HX_CHAIN_TAIL}[kind]];

				for (size_t n = 0; n < chain->n_segments; n++)
					transfers[kind] += chain->segments[n].from >= 0;
			}
			assert_int_equal(transfers[1] + transfers[2], transfers[0]);
			hx_plan_free(&p);
			unmake(&whole);
			unmake(&part);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_add_up), cmocka_unit_test(falls_back_by_row), cmocka_unit_test(order),
		cmocka_unit_test(operations),     cmocka_unit_test(activations),       cmocka_unit_test(window),
		cmocka_unit_test(segments),       cmocka_unit_test(buffers),           cmocka_unit_test(windowed_cache),
		cmocka_unit_test(fallback),       cmocka_unit_test(no_fallback),       cmocka_unit_test(passes),
		cmocka_unit_test(early_exit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
