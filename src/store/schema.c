/* The schema, step by step. A step that was published stays as it is, to the letter: check_schema compares texts. */
#include "store/schema.h"

static const char predictions[] =
	/* an input is its text: equal texts are one row, whoever uses them under whatever name */
	"CREATE TABLE input (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (kind, text));"
	"CREATE TABLE sweep ("
	" id INTEGER PRIMARY KEY, created TEXT NOT NULL, version TEXT NOT NULL,"
	" profile TEXT NOT NULL, sweep TEXT NOT NULL, target TEXT NOT NULL, model TEXT NOT NULL, temperature REAL NOT NULL, kv_cache INTEGER NOT NULL,"
	" acceptance TEXT, costs TEXT, keep TEXT, size INTEGER NOT NULL);"
	/* ids above `first` up to `last` are the part's, those up to `done` are evaluated */
	"CREATE TABLE part ("
	" sweep INTEGER NOT NULL REFERENCES sweep, first INTEGER NOT NULL, last INTEGER NOT NULL, done INTEGER NOT NULL, feasible INTEGER NOT NULL,"
	" PRIMARY KEY (sweep, first)) WITHOUT ROWID;"
	/* what the answer is drawn from, whatever rows are kept */
	"CREATE TABLE finding ("
	" sweep INTEGER NOT NULL REFERENCES sweep, workload INTEGER NOT NULL, target_quant TEXT NOT NULL,"
	" best INTEGER, best_s REAL, refused INTEGER, refused_bytes REAL,"
	" PRIMARY KEY (sweep, workload, target_quant)) WITHOUT ROWID;"
	"CREATE TABLE sweep_input ("
	" sweep INTEGER NOT NULL REFERENCES sweep, input INTEGER NOT NULL REFERENCES input, name TEXT NOT NULL, path TEXT NOT NULL,"
	" PRIMARY KEY (sweep, input, name)) WITHOUT ROWID;"
	"CREATE TABLE mapping (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
	"CREATE TABLE point ("
	" sweep INTEGER NOT NULL REFERENCES sweep, id INTEGER NOT NULL,"
	" target_quant TEXT NOT NULL, target_map INTEGER NOT NULL REFERENCES mapping,"
	" drafter TEXT, draft_quant TEXT, draft_map INTEGER REFERENCES mapping,"
	" gamma INTEGER NOT NULL, mode TEXT, prompt INTEGER NOT NULL, generated INTEGER NOT NULL, acceptance TEXT,"
	" feasible INTEGER NOT NULL, reason TEXT,"
	" speedup REAL, tpot_s REAL, ttft_s REAL, e2e_s REAL, speedup_e2e REAL, speedup_cpu REAL, speedup_same REAL,"
	" tokens_per_round REAL, round_s REAL, draft_s REAL, verify_s REAL, transfer_s REAL, sync_s REAL, host_s REAL,"
	" memory_bytes REAL, energy_j_token REAL, quality REAL,"
	" PRIMARY KEY (sweep, id)) WITHOUT ROWID;"
	"CREATE VIEW prediction AS SELECT"
	" p.sweep, p.id, s.profile, s.target, p.target_quant, t.text AS target_map, p.drafter, p.draft_quant, d.text AS draft_map, p.gamma, p.mode,"
	" s.kv_cache, s.temperature, p.prompt, p.generated, p.acceptance, p.feasible, p.reason,"
	" p.speedup, p.tpot_s, p.ttft_s, p.e2e_s, p.speedup_e2e, p.speedup_cpu, p.speedup_same, p.tokens_per_round, p.round_s, p.draft_s, p.verify_s,"
	" p.transfer_s, p.sync_s, p.host_s, p.memory_bytes, p.energy_j_token, p.quality"
	" FROM point p JOIN sweep s ON s.id = p.sweep JOIN mapping t ON t.id = p.target_map LEFT JOIN mapping d ON d.id = p.draft_map;";

static const char measurements[] =
	/* equal fingerprints are one row */
	"CREATE TABLE device (id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE);"
	"CREATE TABLE run ("
	" id INTEGER PRIMARY KEY, device INTEGER NOT NULL REFERENCES device, command TEXT NOT NULL, version TEXT NOT NULL, seed INTEGER NOT NULL,"
	" started TEXT NOT NULL, ended TEXT, load REAL);"
	/* a sweep that keeps few points may drop one that was measured: what was measured stays */
	"CREATE TABLE measurement ("
	" run INTEGER NOT NULL REFERENCES run, sweep INTEGER NOT NULL REFERENCES sweep, point INTEGER NOT NULL, kind TEXT NOT NULL, repeat INTEGER NOT NULL,"
	" target_map INTEGER NOT NULL REFERENCES mapping, synthesised INTEGER NOT NULL,"
	" prefill_s REAL, draft_s REAL, verify_s REAL, host_s REAL, decode_s REAL NOT NULL,"
	" tokens INTEGER NOT NULL, rounds INTEGER NOT NULL, accepted INTEGER NOT NULL, drafted INTEGER NOT NULL,"
	" PRIMARY KEY (run, sweep, point, kind, repeat)) WITHOUT ROWID;"
	"CREATE TABLE step ("
	" run INTEGER NOT NULL REFERENCES run, sweep INTEGER NOT NULL REFERENCES sweep, point INTEGER NOT NULL, kind TEXT NOT NULL,"
	" pass TEXT NOT NULL, unit TEXT NOT NULL, op TEXT NOT NULL, predicted_s REAL, measured_s REAL, n INTEGER NOT NULL,"
	" PRIMARY KEY (run, sweep, point, kind, pass, unit, op)) WITHOUT ROWID;"
	"CREATE TABLE calibration_sample ("
	" id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run, unit TEXT NOT NULL, cores INTEGER NOT NULL, kind TEXT NOT NULL, type TEXT,"
	" rows INTEGER NOT NULL, n_out INTEGER NOT NULL, n_in INTEGER NOT NULL, footprint_bytes REAL NOT NULL, seconds REAL NOT NULL,"
	" held_out INTEGER NOT NULL);"
	/* A repeat is a baseline and a configuration, measured one after the other. The median is the mean of the middle one or two. */
	"CREATE VIEW validation AS WITH pair AS (SELECT"
	" c.run, c.sweep, c.point, c.synthesised, b.target_map AS baseline_map, c.tokens, c.rounds, c.decode_s,"
	" (b.decode_s / b.tokens) / (c.decode_s / c.tokens) AS speedup"
	" FROM measurement c JOIN measurement b ON b.run = c.run AND b.sweep = c.sweep AND b.point = c.point AND b.repeat = c.repeat"
	" WHERE c.kind = 'configuration' AND b.kind = 'baseline'),"
	" ranked AS (SELECT *, count(*) OVER point AS n,"
	" row_number() OVER (point ORDER BY speedup) AS by_speedup, row_number() OVER (point ORDER BY decode_s) AS by_decode"
	" FROM pair WINDOW point AS (PARTITION BY run, sweep, point))"
	" SELECT p.sweep, p.id, r.run, p.profile, p.target, p.target_quant, p.target_map, p.drafter, p.draft_quant, p.draft_map, p.gamma, p.mode,"
	" m.text AS baseline_map, r.synthesised, count(*) AS repeats,"
	" p.speedup AS predicted_speedup,"
	" avg(CASE WHEN r.by_speedup IN ((n + 1) / 2, (n + 2) / 2) THEN r.speedup END) AS measured_speedup,"
	" p.tpot_s * avg(r.tokens) AS predicted_decode_s,"
	" avg(CASE WHEN r.by_decode IN ((n + 1) / 2, (n + 2) / 2) THEN r.decode_s END) AS measured_decode_s,"
	" p.tokens_per_round AS predicted_tokens_per_round,"
	" sum(r.tokens) * 1.0 / sum(r.rounds) AS measured_tokens_per_round"
	" FROM ranked r JOIN prediction p ON p.sweep = r.sweep AND p.id = r.point JOIN mapping m ON m.id = r.baseline_map"
	" GROUP BY r.run, r.sweep, r.point;";

static const char choices[] =
	/* rounds but the last that accepted all; speed of memory beside the output, of that at calibration */
	"ALTER TABLE measurement ADD COLUMN catch_ups INTEGER;"
	"ALTER TABLE measurement ADD COLUMN energy_j REAL;"
	"ALTER TABLE measurement ADD COLUMN memory REAL;"
	/* what a run is to measure, so that one that was interrupted can go on */
	"CREATE TABLE chosen ("
	" run INTEGER NOT NULL REFERENCES run, sweep INTEGER NOT NULL REFERENCES sweep, place INTEGER NOT NULL, point INTEGER NOT NULL,"
	" PRIMARY KEY (run, sweep, place)) WITHOUT ROWID;";

const char *const schema_steps[] = {predictions, measurements, choices};
