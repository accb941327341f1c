/* hexplore: the command table, dispatch, exit codes. */
#include "base/text.h"
#include "cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <gsl/gsl_errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* In the order a user meets them. */
static const struct command commands[] = {
	{{"sweep", "--profile P [options]", "predict mappings and draft lengths, store them, say what to deploy",
	  "Without --sweep: 'translation', Llama-3.2 3B with a 1B drafter, on\neverything the profile offers.\n"}, cmd_sweep},
	{{"best", "[options]", "rank the points of a sweep", NULL}, cmd_best},
	{{"explain", "ID [options]", "say where a point's time goes, and what would change the answer",
	  "ID is a point of the latest sweep; N:ID one of sweep N.\n"}, cmd_explain},
	{{"pareto", "[options]", "show the points that no other beats in every objective", NULL}, cmd_pareto},
	{{"plot", "KIND [ID] [-o FILE]", "draw a chart: heatmap, gamma, ..., or the timeline of a run", NULL}, cmd_plot},
	{{"merge", "FILE... [options]", "join the databases of a sweep's parts, or of several devices", NULL}, cmd_merge},
	{{"run", "--target F [--draft F] [options]", "generate text with one configuration, and time it", NULL}, cmd_run},
	{{"accept", "--target F --draft F --prompts FILE [options]", "measure how often a target accepts a drafter's tokens", NULL}, cmd_accept},
	{{"validate", "[ID ...] [options]", "run points on this machine, compare with the prediction",
	  "Ids, --top, --pareto, --sample or --resume says which. ID is a point of the\nlatest sweep; N:ID one of sweep N. Where no weights are given\n"
	  "they are random and the acceptance is imposed: timing is real, text is not.\n"}, cmd_validate},
	{{"report", "[options]", "say how far predictions were off at the points validated", NULL}, cmd_report},
	{{"devices", "[options]", "show this machine's CPUs and OpenCL devices, and which profile fits", NULL}, cmd_devices},
	{{"calibrate", "[-o FILE] [options]", "measure this machine into a hardware profile",
	  "Runs the engine's own kernels for some minutes, on models that are made for it\nin TMPDIR; the machine should have nothing else to do meanwhile.\n"}, cmd_calibrate},
	{{"profile", "list | show PROFILE | check PROFILE...", "list, show or check hardware profiles", NULL}, cmd_profile},
	{{"model", "list | show MODEL | check MODEL... | synth MODEL -o FILE [options]", "list, show or check model shapes, or make models of them", NULL}, cmd_model},
};
enum { N_COMMANDS = sizeof(commands) / sizeof(*commands) };

static void print_usage(void)
{
	puts("usage: hexplore COMMAND [options]\n\n"
	     "Should this device speculate, where should drafter and target run, and how long\n"
	     "should drafts be?\n");
	for (int i = 0; i < N_COMMANDS; i++)
		printf("  %-9s  %s\n", commands[i].about.name, commands[i].about.summary);
	puts("\n'hexplore COMMAND --help' lists a command's options; hexplore(1) tells more.");
}

static void print_version(void)
{
	puts("hexplore " HX_VERSION);
#ifdef HAVE_OPENCL
	puts("OpenCL: yes");
#else
	puts("OpenCL: no");
#endif
}

static int unknown(const char *name, struct hx_err *err)
{
	const char *names[N_COMMANDS + 1] = {NULL}, *near;
	char shown[80];

	for (int i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i].about.name;
	near = text_nearest(name, names);
	text_clean(shown, sizeof(shown), name);
	if (near)
		return hx_err_set(err, HX_INPUT, "no command '%s'; did you mean '%s'?", shown, near);
	return hx_err_set(err, HX_INPUT, "no command '%s'; 'hexplore' alone lists them", shown);
}

static int dispatch(int argc, char **argv, struct hx_err *err)
{
	const char *name = argc > 1 ? argv[1] : "--help";

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		print_usage();
		return HX_OK;
	}
	if (strcmp(name, "--version") == 0) {
		print_version();
		return HX_OK;
	}
	for (int i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].about.name, name) == 0)
			return commands[i].run(&commands[i].about, argc - 1, argv + 1, err);
	return unknown(name, err);
}

/* A standard stream that the caller closed would be the first file opened. In its place stands one that cannot be used, so that a result that
 * nobody can read is noticed. */
static void occupy_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct hx_err err = {""};
	int rc;

	occupy_standard_streams();
	setlocale(LC_CTYPE, "");
	gsl_set_error_handler_off();
	rc = dispatch(argc, argv, &err);
	/* a full disk or a closed pipe shows only here */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		if (errno != EPIPE)
			fprintf(stderr, "hexplore: cannot write the output: %s\n", strerror(errno));
		if (rc == HX_OK)
			rc = HX_IO;
	}
	if (*err.msg)
		cmd_complain(err.msg);
	return rc;
}
