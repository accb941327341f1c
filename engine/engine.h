/* The engine on one device: its units, the threads on them, and models loaded onto them. What the commands that run models use. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "engine/exec.h"
#include "engine/opencl/opencl.h"
#include "engine/tokenizer.h"

/* A unit on an OpenCL device. */
struct hx_engine_device {
	bool wanted; /* false: the unit is on none */
	struct hx_cl_wish wish;
	struct hx_cl_options options;
	struct hx_cl *cl; /* owned; NULL: not opened yet */
};

/* A device. Threads are started when a mapping first wants them; so are OpenCL's drivers, which take long. */
struct hx_engine {
	struct hx_units units;         /* borrowed */
	const int *cpus[HX_MAX_UNITS]; /* by unit: the processors of its cores, borrowed; NULL: a unit that the engine cannot run */
	struct hx_engine_device devices[HX_MAX_UNITS]; /* by unit */
	struct hx_cl_info *found;      /* OpenCL devices, owned; NULL: not looked for, or none */
	size_t n_found;
	const struct hx_kernels *kernels;
	double memory_bytes;           /* that is left for models; INFINITY: not looked at */
	struct hx_engine_threads *threads; /* owned */
	size_t n_threads;
};

void hx_engine_free(struct hx_engine *e);

/* So many cores of a unit, from the first one on. Pools are the engine's. */
int hx_engine_pool(struct hx_engine *e, int unit, int first, int cores, struct hx_pool **out, struct hx_err *err);

/* Where operators of a unit run: a pool as above, or its device. Both are the engine's. HX_INPUT: the unit is none that runs here; HX_IO: its device
 * is not here, and what is, or it fails. */
int hx_engine_place(struct hx_engine *e, int unit, int first, int cores, struct hx_place *out, struct hx_err *err);

/* Closes the devices. */
void hx_engine_place_free(struct hx_engine *e);

/* How a model is wanted. */
struct hx_engine_model {
	const char *path;
	int type;            /* enum hx_type to requantise to; -1: as in the file */
	const struct hx_instance *like; /* has its file, and weights of that type, which are used where all are there that this mapping wants; outlives it. NULL: all is
					 * loaded */
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
	struct hx_weights weights;            /* of what runs on threads */
	struct hx_cl_weights *on_device;      /* NULL: nothing runs on one */
	struct hx_place places[HX_MAX_UNITS]; /* the engine's */
	struct hx_exec *exec;
	struct hx_engine *engine; /* borrowed */
	double bytes;             /* of its memory, and of the device's that shares it */
	double device_bytes;      /* of a device's, shared or not */
	bool borrows_model, borrows_weights; /* they are another's */
};

/* Loads a model, whose memory is the engine's no longer until the instance is freed. HX_INPUT: refused before loading, with the figures, where it would not
 * fit; a mapping that sets a clock, or that needs what the instance beside has. The engine outlives the instance, which stays where it is. */
int hx_instance_open(struct hx_instance *in, struct hx_engine *e, const struct hx_engine_model *want, struct hx_err *err);
void hx_instance_free(struct hx_instance *in);

#endif
