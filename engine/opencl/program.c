/* Programs: built once for each device and set of options, then kept on disk. */
#include "engine/opencl/internal.h"

#include "engine/opencl/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hx_cl_program {
	char *file, *options;
	cl_program program;
};

enum { LOG_SHOWN = 512 };

const char *hx_cl_source(const char *file)
{
	for (const struct hx_cl_source *s = hx_cl_sources; s->name; s++)
		if (strcmp(s->name, file) == 0)
			return s->text;
	return NULL;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	return hx_cl_hash(hash, text, strlen(text) + 1);
}

/* Of all that a binary depends on. */
static uint64_t key_of(const struct hx_cl *cl, const char *const sources[2], const char *options)
{
	char platform[256] = "";
	uint64_t hash = HX_CL_HASH;

	clGetPlatformInfo(cl->platform, CL_PLATFORM_VERSION, sizeof(platform), platform, NULL);
	platform[sizeof(platform) - 1] = '\0';
	hash = hash_text(hash, platform);
	hash = hash_text(hash, cl->info.name);
	hash = hash_text(hash, cl->info.version);
	hash = hash_text(hash, cl->info.driver);
	hash = hash_text(hash, sources[0]);
	hash = hash_text(hash, sources[1]);
	return hash_text(hash, options);
}

/* PoCL, whose devices are CPUs, keeps what it builds itself, and to hand out a program it builds every kernel once more. */
static bool is_kept(const struct hx_cl *cl)
{
	return !cl->info.is_cpu || cl->options.as_gpu;
}

/* NULL: there is none, or the driver does not want it. */
static cl_program read_program(const struct hx_cl *cl, uint64_t key, const char *options)
{
	size_t n;
	unsigned char *binary = is_kept(cl) ? hx_cl_cache_read(key, &n) : NULL;
	const unsigned char *binaries = binary;
	cl_program p = NULL;
	cl_int code;

	if (binary)
		p = clCreateProgramWithBinary(cl->context, 1, &cl->device, &n, &binaries, NULL, &code);
	if (p && clBuildProgram(p, 1, &cl->device, options, NULL, NULL) != CL_SUCCESS) {
		clReleaseProgram(p);
		p = NULL;
	}
	free(binary);
	return p;
}

static void write_program(const struct hx_cl *cl, cl_program p, uint64_t key)
{
	size_t n = 0;
	unsigned char *binary;

	if (!is_kept(cl) || clGetProgramInfo(p, CL_PROGRAM_BINARY_SIZES, sizeof(n), &n, NULL) || !n)
		return;
	binary = hx_xmalloc(n);
	if (clGetProgramInfo(p, CL_PROGRAM_BINARIES, sizeof(binary), &binary, NULL) == CL_SUCCESS)
		hx_cl_cache_write(key, binary, n);
	free(binary);
}

/* With the start of the log in one line, and where all of it is. */
static int fail_build(const struct hx_cl *cl, cl_program p, const char *file, uint64_t key, struct hx_err *err)
{
	char *log, *path = NULL, shown[LOG_SHOWN];
	size_t n = 0;

	if (clGetProgramBuildInfo(p, cl->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &n))
		n = 0;
	log = hx_xcalloc(n + 1, 1);
	if (n && clGetProgramBuildInfo(p, cl->device, CL_PROGRAM_BUILD_LOG, n, log, NULL))
		*log = '\0';
	if (strlen(log) >= sizeof(shown))
		path = hx_cl_cache_log(key, log);
	hx_cl_clean(shown, sizeof(shown), log);
	hx_err_set(err, HX_IO, "OpenCL device '%s' does not build %.40s.cl: %s%s%s", cl->info.name, file, *shown ? shown : "its driver does not say why",
		   path ? "... all of it is in " : "", path ? path : "");
	free(path);
	free(log);
	return HX_IO;
}

static int build(struct hx_cl *cl, const char *file, const char *options, cl_program *out, struct hx_err *err)
{
	const char *sources[2] = {hx_cl_source("common"), hx_cl_source(file)};
	char what[64];
	uint64_t key;
	cl_program p;
	cl_int code;

	if (!sources[1])
		return hx_err_set(err, HX_IO, "there is no program '%s'", file);
	key = key_of(cl, sources, options);
	*out = read_program(cl, key, options);
	if (*out)
		return HX_OK;
	snprintf(what, sizeof(what), "building %.40s.cl", file);
	p = clCreateProgramWithSource(cl->context, 2, sources, NULL, &code);
	if (!p)
		return hx_cl_fail(cl, code, what, err);
	code = clBuildProgram(p, 1, &cl->device, options, NULL, NULL);
	if (code == CL_SUCCESS) {
		write_program(cl, p, key);
		*out = p;
		return HX_OK;
	}
	code = code == CL_BUILD_PROGRAM_FAILURE ? fail_build(cl, p, file, key, err) : hx_cl_fail(cl, code, what, err);
	clReleaseProgram(p);
	return code;
}

int hx_cl_program(struct hx_cl *cl, const char *file, const char *options, cl_program *out, struct hx_err *err)
{
	char *quiet;
	cl_program built;
	int rc;

	for (size_t i = 0; i < cl->n_programs; i++)
		if (strcmp(cl->programs[i].file, file) == 0 && strcmp(cl->programs[i].options, options) == 0) {
			*out = cl->programs[i].program;
			return HX_OK;
		}
	quiet = hx_xasprintf("-w %s", options); /* some compilers print on stderr that there are warnings */
	rc = build(cl, file, quiet, &built, err);
	free(quiet);
	if (rc)
		return rc;
	cl->programs = hx_xrealloc(cl->programs, cl->n_programs + 1, sizeof(*cl->programs));
	cl->programs[cl->n_programs++] = (struct hx_cl_program){hx_xstrdup(file), hx_xstrdup(options), built};
	*out = built;
	return HX_OK;
}

void hx_cl_programs_free(struct hx_cl *cl)
{
	for (size_t i = 0; i < cl->n_programs; i++) {
		clReleaseProgram(cl->programs[i].program);
		free(cl->programs[i].file);
		free(cl->programs[i].options);
	}
	free(cl->programs);
}
