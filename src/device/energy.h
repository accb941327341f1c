/* Energy that the machine says it has used: the counters of Intel's and AMD's processors (RAPL), else those of sensors (hwmon). */
#ifndef DEVICE_ENERGY_H
#define DEVICE_ENERGY_H

enum { ENERGY_COUNTERS = 16 };

/* Counters that add up to as much of the machine as it tells. */
struct energy {
	char paths[ENERGY_COUNTERS][320];
	double range_j[ENERGY_COUNTERS]; /* a counter begins at 0 again after it; NAN: never */
	int n;
};

struct energy_reading {
	double j[ENERGY_COUNTERS];
};

/* Counters below root/sys that can be read; there may be none. Empty root: this machine. */
void energy_init(struct energy *e, const char *root);

struct energy_reading energy_read(const struct energy *e);

/* Joules from one reading to a later one, in which no counter began again twice. NAN: without counters, or where one could not be read. */
double energy_between(const struct energy *e, const struct energy_reading *before, const struct energy_reading *after);

#endif
