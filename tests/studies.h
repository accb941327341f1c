/* Members of sweeps, to be strung together: what to study on the devices of fixture.h. */
#ifndef TESTS_STUDIES_H
#define TESTS_STUDIES_H

#include "fixture.h"

#define ALPHA(a)   "\"acceptance\": [{\"alpha\": " a ", \"kind\": \"estimate\", \"from\": \"x\"}]"
#define DRAFTER    "\"target_quants\": [\"f16\"], \"drafters\": [\"small\"],\n"
#define IDEAL_MAPS "\"target_mappings\": [\"cx1\"], \"draft_mappings\": [\"g\"],\n"
#define LONG       "\"workloads\": [{\"prompt\": 1, \"generated\": 100000}],\n"
#define SHORT      "\"workloads\": [{\"prompt\": 63, \"generated\": 63}],\n"
#define HEADER     "model,quantisation,unit,cores,rows,context,seconds\n"
#define BOTH       "\"modes\": [\"sequential\", \"overlapped\"],\n"

/* Every kind of drafter. */
#define MIXED                                                                                                                              \
	"\"target_quants\": [\"f16\", \"q8_0\"], \"drafters\": [\"small\", \"ngram\", \"early-exit:2\"], \"draft_quants\": [\"f16\"],\n"   \
	"\"target_mappings\": [\"cx1\", \"cx3\", \"g\", \"cx2:0-2+g:3-5\"], \"draft_mappings\": [\"cx1\", \"g\"],\n" SHORT BOTH            \
	"\"gamma\": {\"from\": 0, \"to\": 4},\n"

/* One kind, and both modes. */
#define ONE DRAFTER "\"target_mappings\": [\"cx2\", \"g\"], \"draft_mappings\": [\"cx3\", \"g\"], " BOTH "\"gamma\": [2],\n"

#endif
