/* Models with random weights: files of any shape and quantisation, for timing and for tests. */
#ifndef ENGINE_SYNTH_H
#define ENGINE_SYNTH_H

#include "engine/shape.h"

#include "engine/err.h"

#include <signal.h>

/* Smallest vocabulary: all bytes, and the tokens that begin and end a text. */
enum { HX_SYNTH_VOCAB = 258 };

struct hx_synth_options {
	int type;      /* enum hx_type of layers, embedding and head; rows that it does not divide are f16, vectors f32 */
	uint64_t seed; /* the same seed and shape: the same file */
	const volatile sig_atomic_t *stop; /* ends it with HX_IO when it becomes non-zero; NULL: never */
};

/* Writes a GGUF of a shape. Weights are about normal with a deviation of 1/sqrt(inputs), so that activations keep their size; norms are 1. They are
 * drawn from a pool of 2^18 encoded values for each matrix, in stretches of 256: what is random is their order. The vocabulary is byte-level BPE:
 * all bytes, then letters joined to ever longer words, then the control tokens. Memory does not grow with the model. HX_INPUT: a shape that no
 * architecture we have can be; HX_IO: the file cannot be written, and is not there. */
int hx_synth_write(const struct hx_shape *s, const struct hx_synth_options *o, const char *path, struct hx_err *err);

/* The tokenizer's metadata, for a vocabulary of n tokens. */
struct hx_gguf_writer;
void hx_synth_vocab(struct hx_gguf_writer *w, int n);

#endif
