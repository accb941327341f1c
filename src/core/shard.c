/* Parts of a sweep: how launchers number their processes, and the arithmetic. */
#include "core/shard.h"

#include "base/text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SHARDS = 10000, MAX_DIGITS = 9 }; /* a product of two numbers of so many digits fits a long long */

/* Environment variables by which a launcher numbers its processes, NULL where it has none. The ids are first, first + step, ... last. */
struct launcher {
	const char *index, *count, *first, *last, *step;
	int base;            /* the first id, where no variable tells */
	const char *outside; /* value of the index that means: no such job */
	const char *fix;     /* what else to type where the count is not told */
};

/* Slurm comes first: a plugin of it sets PBS_ARRAY_INDEX as well. LSF and PBS do not tell the first id: arrays of theirs begin at 1. */
static const struct launcher arrays[] = {
	{"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_STEP",
	 .base = 0},
	{"SGE_TASK_ID", NULL, "SGE_TASK_FIRST", "SGE_TASK_LAST", "SGE_TASK_STEPSIZE", .base = 1, .outside = "undefined"},
	{"LSB_JOBINDEX", NULL, NULL, "LSB_JOBINDEX_END", "LSB_JOBINDEX_STEP", .base = 1, .outside = "0"},
	{"PBS_ARRAY_INDEX", .base = 1},
	{"JOB_COMPLETION_INDEX", .base = 0}, /* Kubernetes */
	{"PARALLEL_SEQ", .base = 1, .fix = " or --shard {#}/N"},
	{0},
};

/* Slurm comes last: mpirun may start its daemons by srun, and what they start inherits the variables of that step. */
static const struct launcher ranks[] = {
	{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", .base = 0},
	{"MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", .base = 0},
	{"PMI_RANK", "PMI_SIZE", .base = 0}, /* MPICH, Intel MPI */
	{"FLUX_TASK_RANK", "FLUX_JOB_SIZE", .base = 0},
	{"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", .base = 0},
	{0},
};

static const char *variable(const char *name)
{
	const char *text = name ? getenv(name) : NULL;

	return text && *text ? text : NULL;
}

/* Reads digits, and nothing else, and moves *s behind them. */
static bool whole(const char **s, long long *v)
{
	size_t n = strspn(*s, "0123456789");

	*v = strtoll(*s, NULL, 10);
	*s += n;
	return n > 0 && n <= MAX_DIGITS;
}

static int value(const char *name, int min, int missing, long long *v, struct hx_err *err)
{
	const char *text = variable(name), *end = text;
	char shown[64];

	*v = missing;
	if (!text || (whole(&end, v) && !*end && *v >= min))
		return HX_OK;
	return hx_err_set(err, HX_INPUT, "--shard: %s must be a whole number from %d to 999999999, is '%s'", name, min,
			  text_clean(shown, sizeof(shown), text));
}

/* The first launcher from l on whose variables are set. Without its count a rank is none: a batch script of Slurm has SLURM_PROCID 0. */
static const struct launcher *find(const struct launcher *l, bool with_count)
{
	for (; l->index; l++)
		if (variable(l->index) && !(l->outside && !strcmp(variable(l->index), l->outside)) && (!with_count || variable(l->count)))
			return l;
	return NULL;
}

static int nothing_found(struct hx_err *err)
{
	char list[512];
	size_t n = 0;

	for (const struct launcher *l = arrays; l->index; l++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s, ", l->index);
	for (const struct launcher *l = ranks; l->index; l++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", l->count, l[1].index ? ", " : "");
	return hx_err_set(err, HX_INPUT, "--shard: 'auto' finds no launcher (looked for %s); use I/N", list);
}

/* The place of this process, from 0, among those of its launcher. Where no variable tells their number it is `said`; 0: not said either. */
static int place(const struct launcher *l, long long said, long long *index, long long *count, struct hx_err *err)
{
	long long id, first, last, step, spanned;

	if (value(l->index, 0, 0, &id, err) || value(l->first, 0, l->base, &first, err) || value(l->last, 0, -1, &last, err) ||
	    value(l->step, 1, 1, &step, err) || value(l->count, 1, 0, count, err))
		return HX_INPUT;
	spanned = last < first ? 0 : (last - first) / step + 1;
	if (!*count)
		*count = last < 0 ? said : spanned;
	if (!*count && last < 0)
		return hx_err_set(err, HX_INPUT, "--shard: %s tells which part this is, and not how many there are; use auto/N%s", l->index,
				  l->fix ? l->fix : "");
	*index = (id - first) / step;
	/* Slurm gives 1,3,7 as three ids from 1 to 7 in steps of 1. All of them must fail, not only those that fall outside. */
	if (id < first || (id - first) % step || *index >= *count || (last >= 0 && spanned != *count))
		return hx_err_set(err, HX_INPUT,
				  "--shard: %s is %lld, and the ids are not %lld numbers from %lld in steps of %lld; use I/N", l->index, id,
				  *count, first, step);
	return HX_OK;
}

static int from_environment(long long said, struct shard *s, struct hx_err *err)
{
	const struct launcher *array = find(arrays, false), *rank = find(ranks, true);
	long long index = 0, count = 1, rank_index = 0, rank_count = 1;
	char a[64], b[64];

	if (!array && !rank)
		return nothing_found(err);
	for (const struct launcher *l = array; l; l = find(l + 1, false))
		if (strcmp(variable(array->index), variable(l->index)))
			return hx_err_set(err, HX_INPUT, "--shard: %s is %s and %s is %s, one launcher inside another; use I/N",
					  array->index, text_clean(a, sizeof(a), variable(array->index)), l->index,
					  text_clean(b, sizeof(b), variable(l->index)));
	if (rank && place(rank, 0, &rank_index, &rank_count, err))
		return HX_INPUT;
	if (array && said % rank_count)
		return hx_err_set(err, HX_INPUT, "--shard: auto/%lld is no multiple of the %lld that %s tells", said, rank_count,
				  rank->count);
	if (array && place(array, said / rank_count, &index, &count, err))
		return HX_INPUT;
	count *= rank_count;
	if (count > MAX_SHARDS)
		return hx_err_set(err, HX_INPUT, "--shard: the launcher has %lld parts, at most %d can be", count, MAX_SHARDS);
	if (said && said != count)
		return hx_err_set(err, HX_INPUT, "--shard: auto/%lld, but the launcher has %lld parts (%s%s%s); use auto", said, count,
				  array ? array->index : "", array && rank ? ", " : "", rank ? rank->index : "");
	*s = (struct shard){(int)(index * rank_count + rank_index + 1), (int)count};
	return HX_OK;
}

int shard_parse(const char *text, struct shard *s, struct hx_err *err)
{
	bool automatic = strncmp(text, "auto", 4) == 0;
	const char *rest = automatic ? text + 4 : text;
	long long index = 1, count = 0;
	char shown[64];

	if (strcmp(text, "auto") && ((!automatic && !whole(&rest, &index)) || *rest++ != '/' || !whole(&rest, &count) || *rest ||
				     index < 1 || index > count || count > MAX_SHARDS))
		return hx_err_set(err, HX_INPUT, "--shard: must be I/N with 1 <= I <= N <= %d, auto or auto/N, is '%s'", MAX_SHARDS,
				  text_clean(shown, sizeof(shown), text));
	if (automatic)
		return from_environment(count, s, err);
	*s = (struct shard){(int)index, (int)count};
	return HX_OK;
}

static int64_t start(int64_t size, int count, int before)
{
	int64_t larger = size % count; /* so many parts, the first ones, have a point more */

	return size / count * before + (before < larger ? before : larger);
}

void shard_range(const struct shard *s, int64_t size, int64_t *first, int64_t *last)
{
	assert(size >= 0 && s->index >= 1 && s->index <= s->count);
	*first = start(size, s->count, s->index - 1);
	*last = start(size, s->count, s->index);
}

char *shard_path(const char *db, const struct shard *s)
{
	const char *slash = strrchr(db, '/'), *name = slash ? slash + 1 : db, *dot = strrchr(name, '.');
	int width = snprintf(NULL, 0, "%d", s->count);

	if (!dot || dot == name)
		dot = name + strlen(name);
	return hx_xasprintf("%.*s-%0*d-of-%d%s", (int)(dot - db), db, width, s->index, s->count, dot);
}
