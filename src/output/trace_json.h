/* Traces as files in Chrome's trace-event format, which chrome://tracing, Perfetto and `plot timeline` read: complete events in microseconds from the
 * first one, a lane for the passes of each model and one for each unit, one event a line. */
#ifndef OUTPUT_TRACE_JSON_H
#define OUTPUT_TRACE_JSON_H

#include "base/field.h"
#include "engine/trace.h"

/* What ran. NULL: unknown, or there is none. Texts of any content make a legal file; ours have no control characters, and timeline_read takes none. */
struct trace_json_about {
	char *command;          /* of hexplore */
	char *target, *drafter; /* models and their quantisations */
	char *target_map, *draft_map;
	int gamma;
	int mode; /* enum hx_mode; of plain decoding sequential */
};
extern const struct field_table trace_json_about;

/* Writes a trace, in any order, of events on these units. Where both models run at the same time each has its own lane on a unit. HX_IO: see
 * file_write. */
int trace_json_write(const char *path, const struct trace_json_about *about, const struct hx_units *units, const struct hx_trace *trace,
		     struct hx_err *err);

/* Of events; NULL-terminated, in the order of the enum. */
extern const char *const trace_json_categories[];
enum { TRACE_JSON_PASS, TRACE_JSON_OP, TRACE_JSON_TRANSFER };

#endif
