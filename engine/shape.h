/* The shape of a model: what a plan needs to know of its weights, and nothing of their values. */
#ifndef ENGINE_SHAPE_H
#define ENGINE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Tensor types, by their GGUF names; a quantised row is cut into blocks of `block` values held in `bytes` bytes. */
enum hx_type {
	HX_F32, HX_F16, HX_BF16, HX_Q4_0, HX_Q4_1, HX_Q5_0, HX_Q5_1, HX_Q8_0, HX_Q4_K, HX_Q5_K, HX_Q6_K,
	HX_TYPE_COUNT
};

struct hx_type_info {
	unsigned block;
	unsigned bytes;
};

extern const struct hx_type_info hx_types[HX_TYPE_COUNT];
extern const char *const hx_type_names[]; /* NULL-terminated, in the order of the enum */

/* Longest supported model; bounds every per-layer array. */
enum { HX_MAX_LAYERS = 1024 };

enum hx_norm { HX_NORM_RMS, HX_NORM_LAYER };

/* Known quality of a quantisation of a model: `value` of `metric` (perplexity, BLEU), and where it comes from. */
struct hx_quality {
	int type; /* enum hx_type */
	char *metric;
	double value;
	char *from;
};

struct hx_shape {
	char *name, *description;
	char *family;      /* architecture name as in GGUF's general.architecture */
	char *from;        /* where the numbers come from */
	char *tokenizer;   /* identity of the vocabulary; equal strings can draft for each other */
	int layers, d_model, heads, kv_heads, d_head, d_ff, vocab;
	int context;       /* context limit in tokens */
	bool tied;         /* the head uses the embedding table */
	bool gated_ffn;    /* SwiGLU and kin: gate and up projections; false: one up projection */
	bool qk_norm;      /* norms on query and key heads */
	bool qkv_bias;     /* biases on q, k, v */
	bool linear_bias;  /* biases on every linear operator (GPT-NeoX) */
	int norm;          /* enum hx_norm */
	int norms;         /* norms per layer: 2, or 4 where outputs are normed too (Gemma 3) */
	int window;        /* sliding-window length in tokens; 0: none */
	int global_every;  /* with a window: every n-th layer attends to the whole context */
	char *rope;        /* rotary variant, for people */
	double rope_theta;
	struct hx_quality *quality;
	size_t n_quality;
};

/* -1 when the name is no type. */
int hx_shape_type(const char *name);

/* Bytes of one row of n values stored as type; a row the block does not divide falls back to f16 (see hx_shape_row_type). */
double hx_shape_row_bytes(int type, int n);
int hx_shape_row_type(int type, int n);

/* Number of parameters; a tied table counts once. */
int64_t hx_shape_params(const struct hx_shape *s);

/* Bytes of all weights with layers and head stored as type, norms and biases as f32; a tied table counts once. */
double hx_shape_bytes(const struct hx_shape *s, int type);

/* Values of the longest row that a matrix takes in. */
int hx_shape_widest(const struct hx_shape *s);

/* Window of a layer in tokens, 0 where it attends to everything. */
int hx_shape_window(const struct hx_shape *s, int layer);

#endif
