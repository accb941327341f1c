/* The schema. */
#include "store/schema.h"

const char schema_sql[] =
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
