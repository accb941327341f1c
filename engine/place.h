/* Where the operators of a unit run: on threads, or on an OpenCL device. Both NULL: nowhere. */
#ifndef ENGINE_PLACE_H
#define ENGINE_PLACE_H

/* Borrowed pointers. */
struct hx_place {
	struct hx_pool *pool;
	struct hx_cl *cl;
};

#endif
