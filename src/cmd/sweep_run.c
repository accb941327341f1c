/* Running a sweep. */
#include "cmd/sweep_run.h"

#include "base/interrupt.h"
#include "base/text.h"
#include "cmd/answer.h"
#include "cmd/intervals.h"
#include "output/progress.h"

#include <math.h>
#include <string.h>

/* Of a sweep that keeps some of its points all of these are stored anew at each checkpoint, so that takes at most a twentieth of the time. */
static const double checkpoint_s = 2, checkpoint_share = 0.05;

struct job {
	struct sweep_run *run;
	int64_t begun; /* done when this process took over */
	struct findings findings;
	struct keeper keeper;
	struct pair pair; /* for points that are recalled */
	struct progress *progress;
	double next_checkpoint_s; /* of elapsed time */
	struct hx_err *err;
};

/* Stores points and progress; kept ones replace those stored before. */
static int save(struct job *j, const struct point *points, const struct prediction *predictions, size_t n, int64_t done)
{
	struct sweep_run *r = j->run;
	struct store_batch batch = {points, predictions, n, r->keep != KEEP_ALL, done, &j->findings};
	int rc = store_points(r->store, &r->stored, &r->part, r->predict, &batch, j->err);

	if (!rc)
		r->stored.done = r->part.done - r->part.first;
	return rc;
}

static int checkpoint(struct job *j, int64_t done)
{
	double start_s = progress_elapsed_s(j->progress), took_s;
	int rc;

	keeper_finish(&j->keeper);
	rc = save(j, j->keeper.points, j->keeper.predictions, j->keeper.n, done);
	took_s = progress_elapsed_s(j->progress) - start_s;
	j->next_checkpoint_s = start_s + fmax(checkpoint_s, took_s / checkpoint_share);
	return rc;
}

/* Takes a batch; non-zero ends the sweep. */
static int take(void *arg, const struct batch *b)
{
	struct job *j = arg;
	int64_t done = b->first + (int64_t)b->n;
	int rc = HX_OK;

	findings_join(&j->findings, &b->findings);
	if (j->run->keep == KEEP_ALL) {
		rc = save(j, b->point, b->prediction, b->kept, done);
	} else {
		keeper_add(&j->keeper, b->point, b->prediction, b->kept);
		if (interrupt_came() || done == j->run->part.last || progress_elapsed_s(j->progress) >= j->next_checkpoint_s)
			rc = checkpoint(j, done);
	}
	if (rc)
		return rc;
	progress_update(j->progress, done - j->begun);
	return interrupt_came() && done < j->run->part.last ? INTERRUPT_STATUS : HX_OK;
}

/* A front needs a value in every objective; energies need powers. */
int sweep_run_check(const struct predict *p, enum keep keep, struct hx_err *err)
{
	const struct sweep *sw = &p->study->sweep;

	for (size_t o = 0; keep == KEEP_PARETO && o < sw->n_objectives; o++) {
		bool known = false;

		for (int64_t i = 0; i < p->space->n_plain; i++)
			known |= !isnan(keeper_objective(&p->plain[i], (enum objective)sw->objectives[o]));
		if (!known)
			return study_fail(p->study, err, "objectives", "no point would have an energy: the profile has no 'power' for these units");
	}
	return HX_OK;
}

static int keep_again(void *arg, const struct store_value *values)
{
	struct job *j = arg;
	const struct predict *p = j->run->predict;
	struct prediction pr;
	struct point pt;

	if (!(values[0].number >= 1 && values[0].number <= (double)p->space->size))
		return hx_err_set(j->err, HX_INPUT, "database '%s' is damaged: sweep %lld has no point %.17g", j->run->db, (long long)j->run->stored.id,
				  values[0].number);
	pt = space_point(p->space, (int64_t)values[0].number - 1);
	predict_point(p, &pt, &j->pair, &pr);
	keeper_add(&j->keeper, &pt, &pr, 1);
	return HX_OK;
}

/* What was found and kept so far. */
static int recall(struct job *j)
{
	static const char *const id[] = {"id"};
	struct sweep_run *r = j->run;
	struct store_query q = {.sweep = r->stored.id, .columns = id, .n_columns = 1, .infeasible = true};
	int rc = store_part_check(r->store, r->stored.id, &r->part, r->keep == KEEP_ALL, j->err);

	if (!rc)
		rc = store_sweep_resume(r->store, &r->stored, r->predict, &j->findings, j->err);
	if (rc || r->keep == KEEP_ALL || r->part.done == r->part.last)
		return rc;
	rc = store_select(r->store, &q, keep_again, j, j->err);
	predict_pair_free(&j->pair);
	return rc;
}

/* Less than the whole sweep, whichever way that was asked for. */
static bool is_part(const struct sweep_run *r)
{
	return r->shard.count > 1 || r->part.first > 0 || r->part.last < r->stored.size;
}

/* Says which part it is. */
static const char *part_text(const struct sweep_run *r, char *buf, size_t size)
{
	if (r->shard.count > 1)
		snprintf(buf, size, "part %d of %d", r->shard.index, r->shard.count);
	else
		snprintf(buf, size, "points %lld to %lld of %lld", (long long)r->part.first + 1, (long long)r->part.last, (long long)r->stored.size);
	return buf;
}

static int evaluate_rest(struct job *j)
{
	struct sweep_run *r = j->run;
	char range[96];

	j->progress = progress_begin("points", r->part.last - j->begun, r->quiet);
	j->next_checkpoint_s = checkpoint_s;
	int rc = evaluate(r->predict, j->begun, r->part.last, r->jobs, &j->keeper, take, j);
	if (rc != INTERRUPT_STATUS)
		return rc;
	return hx_err_set(j->err, INTERRUPT_STATUS, "interrupted: the first %lld of %lld points%s%s are kept as sweep %lld in %s; the same command with --resume goes on",
			  (long long)r->stored.done, (long long)(r->part.last - r->part.first), is_part(r) ? " of " : "",
			  is_part(r) ? part_text(r, range, sizeof(range)) : "", (long long)r->stored.id, r->db);
}

/* A shard has no answer: that takes all of them. */
static int print_part(const struct job *j, const char *time)
{
	const struct sweep_run *r = j->run;
	char points[TEXT_MAX], feasible[TEXT_MAX], range[96];
	FILE *f = r->format == REPORT_TABLE ? stdout : stderr; /* a list meant for programs is empty */

	fprintf(f, "sweep %lld, %s, %s: %s points, %s can run, %s\n", (long long)r->stored.id, r->predict->study->sweep.name,
	       part_text(r, range, sizeof(range)), text_count(points, (double)r->stored.done), text_count(feasible, (double)j->findings.feasible), time);
	fprintf(f, "'hexplore merge' joins %s with the other parts\n", r->db);
	return HX_OK;
}

int sweep_run(struct sweep_run *r, const struct inputs *in, struct hx_err *err)
{
	const struct sweep *sw = &r->predict->study->sweep;
	struct job j = {.run = r, .err = err};
	char time[TEXT_MAX];
	int rc;

	findings_init(&j.findings, r->predict);
	keeper_init(&j.keeper, r->keep, r->top, sw->objectives, sw->n_objectives);
	interrupt_catch(true);
	rc = r->stored.id ? recall(&j) : store_sweep_create(r->store, &r->stored, &r->part, in, r->predict->space, r->resume, err);
	j.begun = r->part.done;
	r->stored.done = r->part.done - r->part.first;
	if (!rc)
		rc = evaluate_rest(&j);
	interrupt_catch(false);
	if (!rc && !is_part(r)) /* a part's front is not the whole's */
		rc = intervals_store(r->store, &r->stored, r->predict, &j.findings, err);
	if (j.progress) {
		text_time(time, progress_elapsed_s(j.progress));
		progress_end(j.progress);
	}
	if (!rc && is_part(r))
		rc = print_part(&j, time);
	else if (!rc)
		rc = answer_print(r->store, &r->stored, r->predict, &j.findings, time, r->format, err);
	keeper_free(&j.keeper);
	findings_free(&j.findings);
	return rc;
}
