/* Runs a command for tests/bench.sh: `bench_run FILE COMMAND [ARG...]` appends to FILE the seconds that it took from start to end, and the
 * most memory it had resident, in kB. Exits as the command did. */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
	double start_s = now_s(), took_s;
	struct rusage used;
	int status;
	FILE *f;
	pid_t child;

	if (argc < 3)
		return 2;
	child = fork();
	if (child == 0) {
		execvp(argv[2], &argv[2]);
		perror(argv[2]);
		_exit(127);
	}
	/* Ctrl-C is for the command; who cleans up waits for us */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	if (child < 0 || waitpid(child, &status, 0) != child) {
		perror("bench_run");
		return 1;
	}
	took_s = now_s() - start_s;
	getrusage(RUSAGE_CHILDREN, &used);
	f = fopen(argv[1], "a");
	if (!f || fprintf(f, "%.6f %ld\n", took_s, used.ru_maxrss) < 0 || fclose(f) != 0) {
		perror(argv[1]);
		return 1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
