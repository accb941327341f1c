/* Predicting many points. Threads take batches by number and put them in a ring; the caller takes them out in order. */
#include "core/evaluate.h"

#include <pthread.h>
#include <stdlib.h>

enum { SLOTS_PER_JOB = 2 };

struct slot {
	struct batch batch;
	bool ready;
};

struct ring {
	const struct predict *predict;
	int64_t first, last;
	int64_t taken;    /* batches that threads have begun */
	int64_t returned; /* batches that the caller is done with */
	int64_t batches;
	bool stop;
	size_t n;
	struct slot **slots;
	pthread_mutex_t lock;
	pthread_cond_t moved;
};

static void fill(const struct ring *r, int64_t number, struct batch *b, struct pair *pair)
{
	int64_t left;

	b->first = r->first + number * EVALUATE_BATCH;
	left = r->last - b->first;
	b->n = left < EVALUATE_BATCH ? (size_t)left : EVALUATE_BATCH;
	for (size_t i = 0; i < b->n; i++) {
		b->point[i] = space_point(r->predict->space, b->first + (int64_t)i);
		predict_point(r->predict, &b->point[i], pair, &b->prediction[i]);
	}
}

static void *work(void *arg)
{
	struct ring *r = arg;
	struct pair pair = {0};

	pthread_mutex_lock(&r->lock);
	for (;;) {
		struct slot *s;
		int64_t number;

		while (!r->stop && r->taken < r->batches && r->taken - r->returned >= (int64_t)r->n)
			pthread_cond_wait(&r->moved, &r->lock);
		if (r->stop || r->taken >= r->batches)
			break;
		number = r->taken++;
		s = r->slots[(size_t)number % r->n];
		pthread_mutex_unlock(&r->lock);
		fill(r, number, &s->batch, &pair);
		pthread_mutex_lock(&r->lock);
		s->ready = true;
		pthread_cond_broadcast(&r->moved);
	}
	pthread_mutex_unlock(&r->lock);
	predict_pair_free(&pair);
	return NULL;
}

static int drain(struct ring *r, evaluate_sink *sink, void *arg)
{
	int rc = 0;

	for (int64_t i = 0; i < r->batches && !rc; i++) {
		struct slot *s = r->slots[(size_t)i % r->n];

		pthread_mutex_lock(&r->lock);
		while (!s->ready)
			pthread_cond_wait(&r->moved, &r->lock);
		pthread_mutex_unlock(&r->lock);
		rc = sink(arg, &s->batch);
		pthread_mutex_lock(&r->lock);
		s->ready = false;
		r->returned++;
		r->stop = rc != 0;
		pthread_cond_broadcast(&r->moved);
		pthread_mutex_unlock(&r->lock);
	}
	return rc;
}

int evaluate(const struct predict *p, int64_t first, int64_t last, int jobs, evaluate_sink *sink, void *arg)
{
	struct ring r = {.predict = p, .first = first, .last = last, .batches = (last - first + EVALUATE_BATCH - 1) / EVALUATE_BATCH};
	pthread_t *threads = hx_xcalloc((size_t)jobs, sizeof(*threads));
	int started = 0, rc;

	r.n = (size_t)jobs * SLOTS_PER_JOB;
	r.slots = hx_xcalloc(r.n, sizeof(*r.slots));
	for (size_t i = 0; i < r.n; i++)
		r.slots[i] = hx_xcalloc(1, sizeof(**r.slots));
	pthread_mutex_init(&r.lock, NULL);
	pthread_cond_init(&r.moved, NULL);
	while (started < jobs && pthread_create(&threads[started], NULL, work, &r) == 0)
		started++;
	if (started) {
		rc = drain(&r, sink, arg);
	} else { /* no thread to be had: batch by batch */
		struct pair pair = {0};

		rc = 0;
		for (int64_t i = 0; i < r.batches && !rc; i++) {
			fill(&r, i, &r.slots[0]->batch, &pair);
			rc = sink(arg, &r.slots[0]->batch);
		}
		predict_pair_free(&pair);
	}
	for (int i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	pthread_cond_destroy(&r.moved);
	pthread_mutex_destroy(&r.lock);
	for (size_t i = 0; i < r.n; i++)
		free(r.slots[i]);
	free(r.slots);
	free(threads);
	return rc;
}
