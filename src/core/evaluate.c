/* Predicting many points. Threads take batches by number and put them in a ring; the caller takes them out in order. */
#include "core/evaluate.h"

#include <pthread.h>
#include <stdlib.h>

enum {
	SLOTS_PER_JOB = 2,
	BATCHES_PER_JOB = 16, /* where some points are kept, batches are larger: threads then price fewer passes that another has priced */
	MOST_POINTS = 16 * EVALUATE_BATCH,
};

struct slot {
	struct batch batch;
	bool ready;
};

struct ring {
	const struct predict *predict;
	const struct keeper *keeper;
	int64_t first, last, size; /* size: points of a batch */
	int64_t taken;    /* batches that threads have begun */
	int64_t returned; /* batches that the caller is done with */
	int64_t batches;
	bool stop;
	size_t n;
	struct slot **slots;
	pthread_mutex_t lock;
	pthread_cond_t moved;
};

/* Makes room for another point. */
static void make_room(const struct ring *r, struct batch *b)
{
	if (b->kept < b->max)
		return;
	b->kept = keeper_sift(r->keeper, b->point, b->prediction, b->kept);
	if (b->kept <= b->max / 2 && b->max)
		return;
	b->max = b->max ? 2 * b->max : EVALUATE_BATCH;
	b->point = hx_xrealloc(b->point, b->max, sizeof(*b->point));
	b->prediction = hx_xrealloc(b->prediction, b->max, sizeof(*b->prediction));
}

static void take(const struct ring *r, struct batch *b, const struct pair *pair, struct point pt, const struct prediction *run, size_t n)
{
	const int *gamma = &r->predict->space->gamma[space_gamma(r->predict->space, pt.gamma)];

	for (size_t i = 0; i < n; i++, pt.index++) {
		findings_add(&b->findings, pair->group, pt.index, pt.gamma > 0, &run[i]);
		if (!keeper_wants(r->keeper, &run[i]))
			continue;
		make_room(r, b);
		if (pt.gamma)
			pt.gamma = gamma[i];
		b->point[b->kept] = pt;
		b->prediction[b->kept++] = run[i];
	}
}

/* run: scratch for the longest run of points. */
static void fill(const struct ring *r, int64_t number, struct batch *b, struct pair *pair, struct prediction *run)
{
	int64_t left;

	b->first = r->first + number * r->size;
	left = r->last - b->first;
	b->n = (size_t)(left < r->size ? left : r->size);
	b->kept = 0;
	findings_clear(&b->findings);
	for (size_t i = 0, n; i < b->n; i += n) {
		struct point pt = space_point(r->predict->space, b->first + (int64_t)i);

		n = predict_run(r->predict, &pt, b->n - i, pair, run);
		take(r, b, pair, pt, run, n);
	}
	b->kept = keeper_sift(r->keeper, b->point, b->prediction, b->kept);
}

static void *work(void *arg)
{
	struct ring *r = arg;
	struct prediction *run = hx_xcalloc(r->predict->space->n_gamma + 1, sizeof(*run));
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
		fill(r, number, &s->batch, &pair, run);
		pthread_mutex_lock(&r->lock);
		s->ready = true;
		pthread_cond_broadcast(&r->moved);
	}
	pthread_mutex_unlock(&r->lock);
	predict_pair_free(&pair);
	free(run);
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

/* Without a thread to be had: batch by batch. */
static int evaluate_here(struct ring *r, evaluate_sink *sink, void *arg)
{
	struct prediction *run = hx_xcalloc(r->predict->space->n_gamma + 1, sizeof(*run));
	struct pair pair = {0};
	int rc = 0;

	for (int64_t i = 0; i < r->batches && !rc; i++) {
		fill(r, i, &r->slots[0]->batch, &pair, run);
		rc = sink(arg, &r->slots[0]->batch);
	}
	predict_pair_free(&pair);
	free(run);
	return rc;
}

int evaluate(const struct predict *p, int64_t first, int64_t last, int jobs, const struct keeper *keeper, evaluate_sink *sink, void *arg)
{
	struct ring r = {.predict = p, .keeper = keeper, .first = first, .last = last, .size = EVALUATE_BATCH};
	pthread_t *threads = hx_xcalloc((size_t)jobs, sizeof(*threads));
	int started = 0, rc;

	if (keeper->keep != KEEP_ALL && r.size < (last - first) / jobs / BATCHES_PER_JOB)
		r.size = (last - first) / jobs / BATCHES_PER_JOB;
	if (r.size > MOST_POINTS)
		r.size = MOST_POINTS;
	r.batches = (last - first + r.size - 1) / r.size;
	r.n = (size_t)jobs * SLOTS_PER_JOB;
	r.slots = hx_xcalloc(r.n, sizeof(*r.slots));
	for (size_t i = 0; i < r.n; i++) {
		r.slots[i] = hx_xcalloc(1, sizeof(**r.slots));
		findings_init(&r.slots[i]->batch.findings, p);
	}
	pthread_mutex_init(&r.lock, NULL);
	pthread_cond_init(&r.moved, NULL);
	while (started < jobs && pthread_create(&threads[started], NULL, work, &r) == 0)
		started++;
	rc = started ? drain(&r, sink, arg) : evaluate_here(&r, sink, arg);
	for (int i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	pthread_cond_destroy(&r.moved);
	pthread_mutex_destroy(&r.lock);
	for (size_t i = 0; i < r.n; i++) {
		findings_free(&r.slots[i]->batch.findings);
		free(r.slots[i]->batch.point);
		free(r.slots[i]->batch.prediction);
		free(r.slots[i]);
	}
	free(r.slots);
	free(threads);
	return rc;
}
