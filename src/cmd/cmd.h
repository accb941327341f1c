/* Commands: each reads its options, calls the rooms below and prints. */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include "base/opt.h"

/* A command: what --help says of it, and what runs it. Results go to stdout. Returns an enum hx_status with the message in err. */
struct command {
	struct opt_command about;
	int (*run)(const struct opt_command *about, int argc, char **argv, struct hx_err *err);
};

int cmd_sweep(const struct opt_command *about, int argc, char **argv, struct hx_err *err);
int cmd_best(const struct opt_command *about, int argc, char **argv, struct hx_err *err);
int cmd_explain(const struct opt_command *about, int argc, char **argv, struct hx_err *err);
int cmd_pareto(const struct opt_command *about, int argc, char **argv, struct hx_err *err);
int cmd_plot(const struct opt_command *about, int argc, char **argv, struct hx_err *err);
int cmd_merge(const struct opt_command *about, int argc, char **argv, struct hx_err *err);
int cmd_run(const struct opt_command *about, int argc, char **argv, struct hx_err *err);
int cmd_accept(const struct opt_command *about, int argc, char **argv, struct hx_err *err);
int cmd_devices(const struct opt_command *about, int argc, char **argv, struct hx_err *err);
int cmd_calibrate(const struct opt_command *about, int argc, char **argv, struct hx_err *err);
int cmd_validate(const struct opt_command *about, int argc, char **argv, struct hx_err *err);
int cmd_report(const struct opt_command *about, int argc, char **argv, struct hx_err *err);
int cmd_profile(const struct opt_command *about, int argc, char **argv, struct hx_err *err);
int cmd_model(const struct opt_command *about, int argc, char **argv, struct hx_err *err);

#define CMD_DEFAULT_DB "results/hexplore.db"

/* Prints a finished sentence on stderr as `hexplore: ...`, cleaned: one line, whatever names and texts it quotes. */
void cmd_complain(const char *message);

/* The command as it was typed; the caller frees it. */
char *cmd_line(int argc, char **argv);

/* HX_INPUT naming the first argument that a command does not take. */
int cmd_no_arguments(const struct opt_command *about, int argc, char **argv, int first, struct hx_err *err);

/* The enum hx_type that an option names; stays as it is where text is NULL. HX_INPUT names the nearest, or all. */
int cmd_quantisation(const char *option, const char *text, int *type, struct hx_err *err);

#endif
