# The C file that embeds the OpenCL programs named on the command line: hx_cl_sources of internal.h.
BEGIN {
	print "/* Made by embed.awk from the .cl files of this folder. */\n#include \"engine/opencl/internal.h\"\n\nconst struct hx_cl_source hx_cl_sources[] = {"
}
FNR == 1 {
	n = split(FILENAME, path, "/")
	sub(/\.cl$/, "", path[n])
	print (NR > 1 ? "\t},\n" : "") "\t{\"" path[n] "\","
}
{
	gsub(/[\\"]/, "\\\\&")
	print "\t\t\"" $0 "\\n\""
}
END {
	print (NR ? "\t},\n" : "") "\t{NULL, NULL},\n};"
}
