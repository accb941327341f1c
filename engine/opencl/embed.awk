# The C file that embeds the OpenCL programs named on the command line: hx_cl_sources of internal.h. They begin with a #line, so that compilers name files
# and lines as they are in the source tree.
BEGIN {
	print "/* Made by embed.awk from the .cl files of this folder. */\n#include \"engine/opencl/internal.h\"\n\nconst struct hx_cl_source hx_cl_sources[] = {"
}
FNR == 1 {
	n = split(FILENAME, path, "/")
	sub(/\.cl$/, "", path[n])
	print (NR > 1 ? "\t},\n" : "") "\t{\"" path[n] "\",\n\t\t\"#line 1 \\\"" path[n] ".cl\\\"\\n\""
}
{
	gsub(/[\\"]/, "\\\\&")
	print "\t\t\"" $0 "\\n\""
}
END {
	print (NR ? "\t},\n" : "") "\t{NULL, NULL},\n};"
}
