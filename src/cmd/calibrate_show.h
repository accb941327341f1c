/* What a calibration found, as tables. */
#ifndef CMD_CALIBRATE_SHOW_H
#define CMD_CALIBRATE_SHOW_H

#include "device/calibrate.h"

/* Prints bandwidths, kernels and errors on stdout, and on stderr that passes scattered. path: of the profile written. */
void calibrate_show(const struct calibration *c, const char *path);

#endif
