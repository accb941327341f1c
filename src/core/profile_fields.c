/* Field tables of the hardware profile: names, units, ranges, defaults and help in one place. */
#include "core/profile.h"
#include "engine/plan.h"
#include "engine/shape.h"

#include <math.h>
#include <stddef.h>

#define AT(s, m) offsetof(struct s, m)
#define LIST(s, m, n) .at = AT(s, m), .count_at = AT(s, n)

const char *const profile_arithmetics[] = {"f32", "f16", "i8_dot", "i8_mul", NULL};
const char *const profile_statuses[] = {"measured", "literature", "estimate", NULL};
const char *const profile_source_kinds[] = {"measured", "datasheet", "derived", "estimate", NULL};

static const struct field support_rows[] = {
	{"op", FIELD_CHOICE, FIELD_REQUIRED, .at = AT(hx_support, op), .choices = hx_op_names, .help = "operator"},
	{"types", FIELD_CHOICES, .at = AT(hx_support, types), .count_at = AT(hx_support, n_types), .choices = hx_type_names,
	 .help = "weight types it takes; left out: all"},
	{0}};
static const struct field_table support = {.size = sizeof(struct hx_support), .fields = support_rows};

static const struct field rate_rows[] = {
	{"f32", FIELD_NUMBER, .at = ARITH_F32 * sizeof(double), .unit = "1/cycle", .min = 0.1, .max = 1e6, .missing = NAN,
	 .help = "single-precision operations per core and cycle"},
	{"f16", FIELD_NUMBER, .at = ARITH_F16 * sizeof(double), .unit = "1/cycle", .min = 0.1, .max = 1e6, .missing = NAN,
	 .help = "half-precision operations"},
	{"i8_dot", FIELD_NUMBER, .at = ARITH_I8_DOT * sizeof(double), .unit = "1/cycle", .min = 0.1, .max = 1e6, .missing = NAN,
	 .help = "8-bit operations with dot-product instructions"},
	{"i8_mul", FIELD_NUMBER, .at = ARITH_I8_MUL * sizeof(double), .unit = "1/cycle", .min = 0.1, .max = 1e6, .missing = NAN,
	 .help = "8-bit operations with widening multiplies, where there is no dot product"},
	{0}};
static const struct field_table rates = {.size = ARITH_COUNT * sizeof(double), .fields = rate_rows};

static const struct field small_rows[] = {
	{"embed", FIELD_NUMBER, .at = ACT_EMBED * sizeof(double), .unit = "B/s", .min = 1e6, .max = 1e13, .missing = NAN,
	 .help = "gathering rows of the embedding"},
	{"norm", FIELD_NUMBER, .at = ACT_NORM * sizeof(double), .unit = "B/s", .min = 1e6, .max = 1e13, .missing = NAN, .help = "norms"},
	{"rope", FIELD_NUMBER, .at = ACT_ROPE * sizeof(double), .unit = "B/s", .min = 1e6, .max = 1e13, .missing = NAN,
	 .help = "rotating queries and keys, and storing keys and values"},
	{"argmax", FIELD_NUMBER, .at = ACT_ARGMAX * sizeof(double), .unit = "B/s", .min = 1e6, .max = 1e13, .missing = NAN,
	 .help = "finding the largest logit"},
	{"matrix", FIELD_NUMBER, .at = ACT_MATRIX * sizeof(double), .unit = "B/s", .min = 1e6, .max = 1e13, .missing = NAN,
	 .help = "values that go into a matrix, converted beside the arithmetic of weights"},
	{"out", FIELD_NUMBER, .at = ACT_OUT * sizeof(double), .unit = "B/s", .min = 1e6, .max = 1e13, .missing = NAN,
	 .help = "values that come out of a matrix; left out: at once"},
	{"gate", FIELD_NUMBER, .at = ACT_GATE * sizeof(double), .unit = "B/s", .min = 1e6, .max = 1e13, .missing = NAN,
	 .help = "values that come out of ffn_up and are activated; left out: at once"},
	{"attn", FIELD_NUMBER, .at = ACT_ATTN * sizeof(double), .unit = "B/s", .min = 1e6, .max = 1e13, .missing = NAN,
	 .help = "queries and what attention makes of them, whatever the context"},
	{0}};
static const struct field_table small = {.size = ACT_COUNT * sizeof(double), .fields = small_rows};

static const struct field bandwidth_rows[] = {
	{"cores", FIELD_NUMBERS, FIELD_REQUIRED | FIELD_MIN1, LIST(bandwidth, cores, n_cores), .min = 1, .max = 1024,
	 .help = "core counts measured, ascending"},
	{"footprint_bytes", FIELD_NUMBERS, FIELD_REQUIRED | FIELD_MIN1, LIST(bandwidth, footprint_bytes, n_footprints), .unit = "B", .min = 1,
	 .max = 1e13, .help = "bytes touched per round, ascending"},
	{"bytes_s", FIELD_MATRIX, FIELD_REQUIRED | FIELD_MIN1, .at = AT(bandwidth, bytes_s), .count_at = AT(bandwidth, n_rows),
	 .cols_at = AT(bandwidth, n_cols), .unit = "B/s", .min = 1e6, .max = 1e13,
	 .help = "read bandwidth: one row per footprint, one column per core count"},
	{0}};
static const struct field_table bandwidth = {.size = sizeof(struct bandwidth), .fields = bandwidth_rows};

static const struct field kernel_rows[] = {
	{"type", FIELD_CHOICE, FIELD_REQUIRED, .at = AT(kernel, type), .choices = hx_type_names, .help = "weight type"},
	{"arithmetic", FIELD_CHOICE, FIELD_REQUIRED, .at = AT(kernel, arithmetic), .choices = profile_arithmetics,
	 .help = "arithmetic the kernel uses; its rate must be in flop_per_cycle"},
	{"ceiling", FIELD_NUMBER, .at = AT(kernel, ceiling), .min = 1e-6, .max = 1, .missing = NAN,
	 .help = "share of the peak reached with many rows"},
	{"r_half", FIELD_NUMBER, .at = AT(kernel, r_half), .unit = "rows", .min = 0, .max = 1e4, .missing = 0,
	 .help = "rows at which half the ceiling is reached: e(r) = ceiling r/(r + r_half)"},
	{"rows", FIELD_NUMBERS, 0, LIST(kernel, rows, n_rows), .unit = "rows", .min = 1, .max = 1e6,
	 .help = "instead of ceiling and r_half: row counts of a measured curve, ascending"},
	{"efficiency", FIELD_NUMBERS, 0, LIST(kernel, efficiency, n_efficiency), .min = 1e-6, .max = 1, .help = "share of the peak at those rows"},
	{0}};
static const struct field_table kernel = {.size = sizeof(struct kernel), .fields = kernel_rows};

static const struct field unit_rows[] = {
	{"name", FIELD_NAME, FIELD_REQUIRED, .at = AT(unit, is.name), .help = "name in mappings"},
	{"kind", FIELD_CHOICE, FIELD_REQUIRED, .at = AT(unit, is.kind), .choices = hx_unit_kinds, .help = "cpu, gpu or npu"},
	{"core", FIELD_STRING, FIELD_REQUIRED, .at = AT(unit, core), .help = "core or device, e.g. Cortex-A55"},
	{"cores", FIELD_INT, FIELD_REQUIRED, .at = AT(unit, is.cores), .min = 1, .max = 1024, .help = "CPU or shader cores"},
	{"clock_hz", FIELD_NUMBER, FIELD_REQUIRED, .at = AT(unit, is.clock_hz), .unit = "Hz", .min = 1e6, .max = 2e10, .help = "clock"},
	{"sustained_clock_hz", FIELD_NUMBER, .at = AT(unit, sustained_clock_hz), .unit = "Hz", .min = 1e6, .max = 2e10, .missing = NAN,
	 .help = "clock after ten minutes of load"},
	{"flop_per_cycle", FIELD_OBJECT, FIELD_REQUIRED, .at = AT(unit, flop_per_cycle), .sub = &rates, .help = "peak rates per core"},
	{"bandwidth", FIELD_OBJECT, FIELD_REQUIRED, .at = AT(unit, bandwidth), .sub = &bandwidth, .help = "read bandwidth by cores and footprint"},
	{"read_bytes_s", FIELD_NUMBERS, 0, LIST(unit, read_bytes_s, n_read), .unit = "B/s", .min = 1e6, .max = 1e13,
	 .help = "plain reading by each of bandwidth.cores while this was calibrated: 'validate' compares"},
	{"kernels", FIELD_OBJECTS, FIELD_REQUIRED | FIELD_MIN1, LIST(unit, kernels, n_kernels), .sub = &kernel,
	 .help = "matrix kernels by weight type; attention uses that of f16"},
	{"attn_efficiency", FIELD_NUMBER, .at = AT(unit, attn_efficiency), .min = 1e-6, .max = 1, .missing = NAN,
	 .help = "share of the f16 kernel's peak that attention reaches; left out: as many rows of that kernel"},
	{"attn_softmax", FIELD_NUMBER, .at = AT(unit, attn_softmax), .min = 0, .max = 1e4, .missing = NAN,
	 .help = "what attention takes of a position beside its values, as so many values of a head more; left out: nothing"},
	{"small_bytes_s", FIELD_OBJECT, .at = AT(unit, small_bytes_s), .sub = &small,
	 .help = "bytes a second that one core takes of operators without a matrix; left out: as bandwidth"},
	{"p", FIELD_NUMBER, .at = AT(unit, p), .min = 1, .max = 64, .missing = 4, .help = "exponent that joins memory and arithmetic time"},
	{"p_cache", FIELD_NUMBER, .at = AT(unit, p_cache), .min = 1, .max = 64, .missing = NAN,
	 .help = "p where the nearest cache holds all that is touched; between that and memory by the bandwidth reached; left out: p everywhere"},
	{"shared_bytes_s", FIELD_NUMBER, .at = AT(unit, shared_bytes_s), .unit = "B/s", .min = 1e6, .max = 1e13, .missing = NAN,
	 .help = "at which a row's values go from core to core, where several take an operator that is no norm and no search; left out: at once"},
	{"launch_s", FIELD_NUMBER, FIELD_REQUIRED, .at = AT(unit, launch_s), .unit = "s", .min = 0, .max = 1,
	 .help = "fixed cost of an operator: kernel launch, or barrier"},
	{"barrier_s", FIELD_NUMBER, .at = AT(unit, barrier_s), .unit = "s", .min = 0, .max = 1, .missing = NAN,
	 .help = "what operators and segments take beyond launch_s and sync_s on several cores; left out: nothing"},
	{"sync_s", FIELD_NUMBER, FIELD_REQUIRED, .at = AT(unit, sync_s), .unit = "s", .min = 0, .max = 1, .help = "cost of ending a segment"},
	{"wake_s", FIELD_NUMBER, .at = AT(unit, wake_s), .unit = "s", .min = 0, .max = 1, .missing = NAN,
	 .help = "until several cores work that slept while the other model ran on others; left out: none"},
	{"residual", FIELD_NUMBER, .at = AT(unit, residual), .min = 0, .max = 10, .missing = NAN,
	 .help = "relative standard deviation of whole passes' times from what this profile says"},
	{"cache_bytes", FIELD_NUMBER, .at = AT(unit, cache_bytes), .unit = "B", .min = 0, .max = 1e12, .missing = NAN, .help = "last-level cache"},
	{"mem_limit_bytes", FIELD_NUMBER, .at = AT(unit, mem_limit_bytes), .unit = "B", .min = 1, .max = 1e15, .missing = NAN,
	 .help = "most memory the unit may hold"},
	{"max_alloc_bytes", FIELD_NUMBER, .at = AT(unit, max_alloc_bytes), .unit = "B", .min = 1, .max = 1e15, .missing = NAN,
	 .help = "largest single allocation"},
	{"supports", FIELD_OBJECTS, 0, LIST(unit, is.supports, is.n_supports), .sub = &support, .help = "operators it takes; left out: all"},
	{"fallback", FIELD_NAME, .at = AT(unit, is.fallback), .help = "unit that takes what this one does not"},
	{"row_sizes", FIELD_AXIS, 0, LIST(unit, row_sizes, n_row_sizes), .unit = "rows", .min = 1, .max = 65536,
	 .help = "batch sizes that rows are padded to, ascending"},
	{"affinity", FIELD_AXIS, 0, LIST(unit, affinity, n_affinity), .min = 0, .max = 4095, .help = "CPU numbers on the device"},
	{"platform", FIELD_STRING, .at = AT(unit, platform), .help = "OpenCL platform name, regular expression"},
	{"device", FIELD_STRING, .at = AT(unit, device), .help = "OpenCL device name, regular expression"},
	{0}};
static const struct field_table unit = {.size = sizeof(struct unit), .keyed = true, .key_at = AT(unit, is.name), .fields = unit_rows};

static const struct field contention_rows[] = {
	{"a", FIELD_NAME, FIELD_REQUIRED, .at = AT(contention, a), .help = "unit"},
	{"b", FIELD_NAME, FIELD_REQUIRED, .at = AT(contention, b), .help = "unit that streams at the same time"},
	{"factor_a", FIELD_NUMBER, FIELD_REQUIRED, .at = AT(contention, factor_a), .min = 0.01, .max = 1, .help = "share of its bandwidth that a keeps"},
	{"factor_b", FIELD_NUMBER, FIELD_REQUIRED, .at = AT(contention, factor_b), .min = 0.01, .max = 1, .help = "share of its bandwidth that b keeps"},
	{0}};
static const struct field_table contention = {.size = sizeof(struct contention), .fields = contention_rows};

static const struct field memory_rows[] = {
	{"capacity_bytes", FIELD_NUMBER, FIELD_REQUIRED, .at = AT(memory, capacity_bytes), .unit = "B", .min = 1e6, .max = 1e15, .help = "memory installed"},
	{"bw_bytes_s", FIELD_NUMBER, FIELD_REQUIRED, .at = AT(memory, bw_bytes_s), .unit = "B/s", .min = 1e6, .max = 1e13,
	 .help = "bandwidth of all units together"},
	{"contention", FIELD_OBJECTS, 0, LIST(memory, contention, n_contention), .sub = &contention,
	 .help = "measured sharing; other pairs share bw_bytes_s in proportion"},
	{0}};
static const struct field_table memory = {.size = sizeof(struct memory), .fields = memory_rows};

static const struct field host_rows[] = {
	{"h0_s", FIELD_NUMBER, FIELD_REQUIRED, .at = AT(host, h0_s), .unit = "s", .min = 0, .max = 10, .help = "fixed host time of a round"},
	{"h0_plain_s", FIELD_NUMBER, .at = AT(host, h0_plain_s), .unit = "s", .min = 0, .max = 10, .missing = 0, .help = "host time of a plain token"},
	{"greedy_row_s", FIELD_NUMBER, .at = AT(host, greedy_row_s), .unit = "s", .min = 0, .max = 10, .missing = 0, .help = "host time per greedy row"},
	{"sample_vocab_s", FIELD_NUMBER, .at = AT(host, sample_vocab_s), .unit = "s", .min = 0, .max = 1, .missing = 5e-9,
	 .help = "host time per row and vocabulary entry when sampling"},
	{"unit", FIELD_NAME, .at = AT(host, unit), .help = "unit the host code runs on; left out: the first CPU"},
	{"awake", FIELD_BOOL, .at = AT(host, awake), .missing = 0,
	 .help = "idle processors were kept from sleeping when this was calibrated: 'validate' keeps them so too"},
	{0}};
static const struct field_table host = {.size = sizeof(struct host), .fields = host_rows};

static const struct field reserved_core_rows[] = {
	{"unit", FIELD_NAME, FIELD_REQUIRED, .at = AT(reserved_cores, unit), .help = "unit"},
	{"cores", FIELD_INT, FIELD_REQUIRED, .at = AT(reserved_cores, cores), .min = 0, .max = 1024, .help = "cores kept for the application"},
	{0}};
static const struct field_table reserved_core = {.size = sizeof(struct reserved_cores), .keyed = true, .key_at = AT(reserved_cores, unit),
						 .fields = reserved_core_rows};

static const struct field reserved_rows[] = {
	{"cores", FIELD_OBJECTS, 0, LIST(reserved, cores, n_cores), .sub = &reserved_core, .help = "cores kept, by unit"},
	{"bw_bytes_s", FIELD_NUMBER, .at = AT(reserved, bw_bytes_s), .unit = "B/s", .min = 0, .max = 1e13, .missing = 0, .help = "bandwidth kept"},
	{"memory_bytes", FIELD_NUMBER, .at = AT(reserved, memory_bytes), .unit = "B", .min = 0, .max = 1e15, .missing = 0,
	 .help = "memory kept: system and application"},
	{0}};
static const struct field_table reserved = {.size = sizeof(struct reserved), .fields = reserved_rows};

static const struct field link_rows[] = {
	{"a", FIELD_NAME, FIELD_REQUIRED, .at = AT(link, a), .help = "unit"},
	{"b", FIELD_NAME, FIELD_REQUIRED, .at = AT(link, b), .help = "unit"},
	{"fixed_s", FIELD_NUMBER, FIELD_REQUIRED, .at = AT(link, fixed_s), .unit = "s", .min = 0, .max = 1, .help = "fixed cost of a transfer"},
	{"bw_bytes_s", FIELD_NUMBER, FIELD_REQUIRED, .at = AT(link, bw_bytes_s), .unit = "B/s", .min = 1e6, .max = 1e13,
	 .help = "bandwidth of a transfer, or of map/unmap"},
	{"zero_copy", FIELD_BOOL, .at = AT(link, zero_copy), .missing = 0, .help = "buffers are shared: one copy in memory"},
	{0}};
static const struct field_table link_table = {.size = sizeof(struct link), .fields = link_rows};

static const struct field unit_power_rows[] = {
	{"unit", FIELD_NAME, FIELD_REQUIRED, .at = AT(unit_power, unit), .help = "unit"},
	{"active_w", FIELD_NUMBERS, FIELD_REQUIRED | FIELD_MIN1, LIST(unit_power, active_w, n_active), .unit = "W", .min = 0, .max = 1e4,
	 .help = "power above idle with 1, 2, ... cores; one figure for a GPU or NPU"},
	{0}};
static const struct field_table unit_power = {.size = sizeof(struct unit_power), .keyed = true, .key_at = AT(unit_power, unit),
					      .fields = unit_power_rows};

static const struct field power_rows[] = {
	{"idle_w", FIELD_NUMBER, .at = AT(power, idle_w), .unit = "W", .min = 0, .max = 1e4, .missing = NAN, .help = "device at idle"},
	{"dram_j_byte", FIELD_NUMBER, .at = AT(power, dram_j_byte), .unit = "J/B", .min = 0, .max = 1e-6, .missing = NAN, .help = "energy of a byte moved"},
	{"units", FIELD_OBJECTS, 0, LIST(power, units, n_units), .sub = &unit_power, .help = "active power by unit"},
	{0}};
static const struct field_table power = {.size = sizeof(struct power), .fields = power_rows};

static const struct field thermal_rows[] = {
	{"r_k_w", FIELD_NUMBER, .at = AT(thermal, r_k_w), .unit = "K/W", .min = 0, .max = 1e3, .missing = NAN, .help = "thermal resistance to ambient"},
	{"c_j_k", FIELD_NUMBER, .at = AT(thermal, c_j_k), .unit = "J/K", .min = 0, .max = 1e6, .missing = NAN, .help = "thermal capacity"},
	{"trip_c", FIELD_NUMBER, .at = AT(thermal, trip_c), .unit = "C", .min = 0, .max = 200, .missing = NAN, .help = "temperature at which clocks step down"},
	{"ambient_c", FIELD_NUMBER, .at = AT(thermal, ambient_c), .unit = "C", .min = -60, .max = 100, .missing = NAN, .help = "ambient temperature"},
	{"steps_hz", FIELD_NUMBERS, 0, LIST(thermal, steps_hz, n_steps), .unit = "Hz", .min = 1e6, .max = 2e10, .help = "clocks stepped through"},
	{0}};
static const struct field_table thermal = {.size = sizeof(struct thermal), .fields = thermal_rows};

static const struct field covariance_rows[] = {
	{"parameters", FIELD_STRINGS, FIELD_REQUIRED, LIST(covariance, parameters, n_parameters), .help = "paths of the calibrated parameters"},
	{"matrix", FIELD_MATRIX, FIELD_REQUIRED, .at = AT(covariance, matrix), .count_at = AT(covariance, n_rows), .cols_at = AT(covariance, n_cols),
	 .min = -1e30, .max = 1e30, .help = "covariance of the parameters' logarithms"},
	{0}};
static const struct field_table covariance = {.size = sizeof(struct covariance), .fields = covariance_rows};

static const struct field source_rows[] = {
	{"path", FIELD_STRING, FIELD_REQUIRED, .at = AT(source, path), .help = "parameter, or a prefix of parameters"},
	{"kind", FIELD_CHOICE, FIELD_REQUIRED, .at = AT(source, kind), .choices = profile_source_kinds, .help = "measured, datasheet, derived or estimate"},
	{"from", FIELD_STRING, FIELD_REQUIRED, .at = AT(source, from), .help = "who says so, or the formula"},
	{0}};
static const struct field_table source = {.size = sizeof(struct source), .fields = source_rows};

static const struct field profile_rows[] = {
	{"name", FIELD_NAME, FIELD_REQUIRED, .at = AT(profile, name), .help = "name of the profile"},
	{"soc", FIELD_STRING, FIELD_REQUIRED, .at = AT(profile, soc), .help = "system on chip"},
	{"description", FIELD_STRING, .at = AT(profile, description), .help = "board, memory, what to know"},
	{"status", FIELD_CHOICE, FIELD_REQUIRED, .at = AT(profile, status), .choices = profile_statuses, .help = "how far to trust it"},
	{"units", FIELD_OBJECTS, FIELD_REQUIRED | FIELD_MIN1, LIST(profile, units, n_units), .sub = &unit, .help = "processing units"},
	{"memory", FIELD_OBJECT, FIELD_REQUIRED, .at = AT(profile, memory), .sub = &memory, .help = "main memory"},
	{"host", FIELD_OBJECT, FIELD_REQUIRED, .at = AT(profile, host), .sub = &host, .help = "host time of a round"},
	{"reserved", FIELD_OBJECT, .at = AT(profile, reserved), .sub = &reserved, .help = "kept for the user's application"},
	{"links", FIELD_OBJECTS, 0, LIST(profile, links, n_links), .sub = &link_table, .help = "transfers; pairs without a link share memory at no cost"},
	{"power", FIELD_OBJECT, .at = AT(profile, power), .sub = &power, .help = "powers; without them energies are unknown"},
	{"thermal", FIELD_OBJECT, .at = AT(profile, thermal), .sub = &thermal, .help = "lumped thermal model"},
	{"covariance", FIELD_OBJECT, .at = AT(profile, covariance), .sub = &covariance, .help = "from calibration"},
	{"sources", FIELD_MAP, FIELD_REQUIRED, LIST(profile, sources, n_sources), .sub = &source, .help = "where each parameter comes from"},
	{0}};
const struct field_table profile_fields = {.schema = "hexplore/profile/1", .size = sizeof(struct profile), .fields = profile_rows};
