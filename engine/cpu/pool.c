/* Threads that run one function together: a generation number starts them, a barrier ends it. */
#define _GNU_SOURCE /* affinity */
#include "engine/cpu/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Pauses before a thread that waits goes to sleep, from which waking takes some 50 microseconds. At a barrier, about a millisecond: the others are at work
 * on processors of their own and come soon. Between runs, some 50 microseconds: another pool may want the processor. */
enum { SPIN_BARRIER = 40000, SPIN_START = 2000, LINE = 64 };

/* A number that threads wait for: it only grows. */
struct signal {
	_Alignas(LINE) atomic_uint value;
	atomic_int sleepers;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

struct worker {
	struct hx_pool *pool;
	pthread_t id;
	int thread;
};

struct hx_pool {
	int n;
	bool spin;
	bool keeps; /* callers as they are bound */
	int *cpus;     /* NULL: not pinned */
	cpu_set_t all; /* what the process may use, where not pinned */
	struct worker *workers;
	void (*work)(void *arg, int thread, int n);
	void *arg;
	bool quit;
	struct signal start, passed;       /* runs started; barriers passed */
	_Alignas(LINE) atomic_int arrived; /* at the barrier */
};

/* What this thread is bound to, so that going from pool to pool asks the system only where processors change. */
static _Thread_local struct {
	bool bound;
	int cpu;
	cpu_set_t before;
} here;

static inline void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static void signal_init(struct signal *s)
{
	atomic_init(&s->value, 0);
	atomic_init(&s->sleepers, 0);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
}

static void signal_free(struct signal *s)
{
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
}

/* The value is written before the sleepers are looked at, and sleepers count themselves before they look at the value: one sees the other. */
static void signal_raise(struct signal *s)
{
	atomic_fetch_add(&s->value, 1);
	if (atomic_load(&s->sleepers)) {
		pthread_mutex_lock(&s->lock);
		pthread_cond_broadcast(&s->changed);
		pthread_mutex_unlock(&s->lock);
	}
}

/* Waits until the value is no longer `old`. */
static void signal_wait(struct signal *s, unsigned old, int spin)
{
	for (int i = 0; i < spin; i++) {
		if (atomic_load_explicit(&s->value, memory_order_acquire) != old)
			return;
		relax();
	}
	pthread_mutex_lock(&s->lock);
	atomic_fetch_add(&s->sleepers, 1);
	while (atomic_load(&s->value) == old)
		pthread_cond_wait(&s->changed, &s->lock);
	atomic_fetch_sub(&s->sleepers, 1);
	pthread_mutex_unlock(&s->lock);
}

void hx_pool_barrier(struct hx_pool *p, int thread)
{
	unsigned passed = atomic_load(&p->passed.value);

	(void)thread;
	if (atomic_fetch_add(&p->arrived, 1) + 1 < p->n) {
		signal_wait(&p->passed, passed, p->spin ? SPIN_BARRIER : 0);
		return;
	}
	atomic_store(&p->arrived, 0);
	signal_raise(&p->passed);
}

static void *serve(void *arg)
{
	struct worker *w = arg;
	struct hx_pool *p = w->pool;

	for (unsigned run = 0;; run++) {
		signal_wait(&p->start, run, p->spin ? SPIN_START : 0);
		if (p->quit)
			return NULL;
		p->work(p->arg, w->thread, p->n);
		hx_pool_barrier(p, w->thread);
	}
}

static bool only(cpu_set_t *set, int cpu)
{
	CPU_ZERO(set);
	if (cpu < 0 || cpu >= CPU_SETSIZE)
		return false;
	CPU_SET(cpu, set);
	return true;
}

static bool bind_to(pthread_t id, int cpu)
{
	cpu_set_t set;

	return only(&set, cpu) && pthread_setaffinity_np(id, sizeof(set), &set) == 0;
}

static int unusable(int cpu, struct hx_err *err)
{
	return hx_err_set(err, HX_IO, "processor %d cannot be used: it is not there, or not for this process", cpu);
}

void hx_pool_bind(int cpu)
{
	if (here.bound && here.cpu == cpu)
		return;
	if (!here.bound)
		pthread_getaffinity_np(pthread_self(), sizeof(here.before), &here.before);
	if (bind_to(pthread_self(), cpu)) {
		here.bound = true;
		here.cpu = cpu;
	}
}

void hx_pool_let_go(void)
{
	if (here.bound)
		here.bound = pthread_setaffinity_np(pthread_self(), sizeof(here.before), &here.before) != 0;
}

/* Binds the calling thread as the pool's first one, or lets it go. */
static void enter(const struct hx_pool *p)
{
	if (p->cpus)
		hx_pool_bind(p->cpus[0]);
	else if (!p->keeps)
		hx_pool_let_go();
}

/* A processor may be listed more often than once, or others be asked for than there are: threads that spin would keep each other from working. */
static bool spins(const struct hx_pool *p)
{
	for (int i = 0; p->cpus && i < p->n; i++)
		for (int k = 0; k < i; k++)
			if (p->cpus[i] == p->cpus[k])
				return false;
	return p->n <= CPU_COUNT(&p->all);
}

/* On its processor from the first: on the caller's it would wait for as long as the caller spins. */
static int start(struct hx_pool *p, int thread, struct hx_err *err)
{
	struct worker *w = &p->workers[thread];
	cpu_set_t set = p->all;
	pthread_attr_t attr;
	int rc;

	*w = (struct worker){.pool = p, .thread = thread};
	if (p->cpus && !only(&set, p->cpus[thread]))
		return unusable(p->cpus[thread], err);
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	rc = pthread_create(&w->id, &attr, serve, w);
	pthread_attr_destroy(&attr);
	if (rc == EINVAL && p->cpus)
		return unusable(p->cpus[thread], err);
	return rc ? hx_err_set(err, HX_IO, "cannot start thread %d of %d: %s", thread + 1, p->n, strerror(rc)) : HX_OK;
}

static int check_first(const struct hx_pool *p, struct hx_err *err)
{
	cpu_set_t now;
	bool bound;

	pthread_getaffinity_np(pthread_self(), sizeof(now), &now);
	bound = bind_to(pthread_self(), p->cpus[0]);
	pthread_setaffinity_np(pthread_self(), sizeof(now), &now);
	return bound ? HX_OK : unusable(p->cpus[0], err);
}

static int start_all(struct hx_pool *p, struct hx_err *err)
{
	int rc = p->cpus ? check_first(p, err) : HX_OK, started = 1;

	while (!rc && started < p->n)
		if (!(rc = start(p, started, err)))
			started++;
	if (rc)
		p->n = started;
	return rc;
}

int hx_pool_create(struct hx_pool **out, int n, const int *cpus, struct hx_err *err)
{
	struct hx_pool *p;
	int rc;

	p = aligned_alloc(LINE, (sizeof(*p) + LINE - 1) / LINE * LINE);
	if (!p)
		return hx_err_set(err, HX_IO, "no memory for a pool of %d threads", n);
	memset(p, 0, sizeof(*p));
	p->n = n;
	p->workers = hx_xcalloc((size_t)n, sizeof(*p->workers));
	if (cpus) {
		p->cpus = hx_xcalloc((size_t)n, sizeof(*cpus));
		memcpy(p->cpus, cpus, (size_t)n * sizeof(*cpus));
	}
	if (here.bound)
		p->all = here.before;
	else
		pthread_getaffinity_np(pthread_self(), sizeof(p->all), &p->all);
	p->spin = spins(p);
	signal_init(&p->start);
	signal_init(&p->passed);
	atomic_init(&p->arrived, 0);
	rc = start_all(p, err);
	if (rc)
		hx_pool_free(p);
	else
		*out = p;
	return rc;
}

void hx_pool_free(struct hx_pool *p)
{
	if (!p)
		return;
	p->quit = true;
	signal_raise(&p->start);
	for (int i = 1; i < p->n; i++)
		pthread_join(p->workers[i].id, NULL);
	signal_free(&p->start);
	signal_free(&p->passed);
	free(p->workers);
	free(p->cpus);
	free(p);
}

void hx_pool_rest(struct hx_pool *p)
{
	p->spin = false;
}

void hx_pool_keep(struct hx_pool *p)
{
	p->keeps = true;
}

void hx_pool_run(struct hx_pool *p, void (*work)(void *arg, int thread, int n), void *arg)
{
	enter(p);
	p->work = work;
	p->arg = arg;
	signal_raise(&p->start);
	work(arg, 0, p->n);
	hx_pool_barrier(p, 0);
}

int hx_pool_threads(const struct hx_pool *p)
{
	return p->n;
}

void hx_pool_share(int64_t n, int64_t step, int thread, int threads, int64_t *first, int64_t *last)
{
	int64_t steps = (n + step - 1) / step;

	*first = steps * thread / threads * step;
	*last = steps * (thread + 1) / threads * step;
	*first = *first < n ? *first : n;
	*last = *last < n ? *last : n;
}
