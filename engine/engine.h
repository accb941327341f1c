/* The engine on one device: its units, the threads on them, and models loaded onto them. What the commands that run models use. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "engine/exec.h"
#include "engine/tokenizer.h"

/* A device. Threads are started when a mapping first wants them. */
struct hx_engine {
	struct hx_units units;         /* borrowed */
	const int *cpus[HX_MAX_UNITS]; /* by unit: the processors of its cores, borrowed; NULL: a unit that the engine cannot run */
	const struct hx_kernels *kernels;
	double memory_bytes;           /* that is left for models; INFINITY: not looked at */
	struct hx_engine_threads *threads; /* owned */
	size_t n_threads;
};

void hx_engine_free(struct hx_engine *e);

/* So many cores of a unit, from the first one on. Pools are the engine's. */
int hx_engine_pool(struct hx_engine *e, int unit, int first, int cores, struct hx_pool **out, struct hx_err *err);

/* How a model is wanted. */
struct hx_engine_model {
	const char *path;
	int type;            /* enum hx_type to requantise to; -1: as in the file */
	const struct hx_instance *like; /* has its file and weights of that type, which are used, and outlives it; NULL: they are loaded */
	const char *mapping;
	const struct hx_instance *beside; /* works at the same time: this one takes other cores; NULL: none does */
	bool text;           /* its tokenizer is wanted */
	struct hx_exec_options options; /* context 0: as much as the model holds, 4096 at most */
	bool shorter;        /* a context that the model does not hold is cut to what it does */
};

/* A model that can run. */
struct hx_instance {
	struct hx_model model;
	struct hx_tokenizer *tokenizer; /* NULL: not wanted */
	struct hx_mapping mapping;
	struct hx_graph graph;
	struct hx_weights weights;
	struct hx_place places[HX_MAX_UNITS]; /* the engine's */
	struct hx_exec *exec;
	struct hx_engine *engine; /* borrowed */
	double bytes;             /* of its memory */
	bool borrows;             /* model and weights are another's */
};

/* Loads a model, whose memory is the engine's no longer until the instance is freed. HX_INPUT: refused before loading, with the figures, where it would not
 * fit; a mapping that sets a clock, or that needs what the instance beside has. The engine outlives the instance, which stays where it is. */
int hx_instance_open(struct hx_instance *in, struct hx_engine *e, const struct hx_engine_model *want, struct hx_err *err);
void hx_instance_free(struct hx_instance *in);

#endif
