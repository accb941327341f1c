/* Threads of drivers. */
#define _GNU_SOURCE /* affinity */
#include "engine/opencl/threads.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

struct thread {
	pid_t id;
	int platform; /* -1: not a driver's */
};

/* Of the process, as drivers are: all threads that were seen. */
static struct thread *threads;
static size_t n_threads;

static void note(pid_t id, int platform)
{
	for (size_t i = 0; i < n_threads; i++)
		if (threads[i].id == id)
			return;
	threads = hx_xrealloc(threads, n_threads + 1, sizeof(*threads));
	threads[n_threads++] = (struct thread){id, platform};
}

static void note_all(int platform)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;

	while (tasks && (task = readdir(tasks)))
		if (*task->d_name != '.')
			note((pid_t)strtol(task->d_name, NULL, 10), platform);
	if (tasks)
		closedir(tasks);
}

void hx_cl_threads_watch(void)
{
	note_all(-1);
}

void hx_cl_threads_seen(int platform)
{
	note_all(platform);
}

int hx_cl_threads_pin(int platform, int cpu, struct hx_err *err)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	for (size_t i = 0; i < n_threads; i++)
		if (threads[i].platform == platform && sched_setaffinity(threads[i].id, sizeof(set), &set) && errno != ESRCH)
			return hx_err_set(err, HX_IO, "cannot keep an OpenCL driver's threads on CPU %d: %s", cpu, strerror(errno));
	return HX_OK;
}
