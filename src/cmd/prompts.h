/* Files of prompts: a prompt a line, in UTF-8. */
#ifndef CMD_PROMPTS_H
#define CMD_PROMPTS_H

#include "engine/tokenizer.h"

struct prompt {
	int *tokens;
	int n, line; /* line: in the file, from 1 */
};

struct prompts {
	struct prompt *items;
	size_t n;
};

/* Reads and tokenises a file, `-` being standard input, of 16 MiB at most; empty lines are skipped. HX_INPUT, naming the line: white space alone,
 * what is not UTF-8 text, more than most_tokens tokens; or there is no prompt. special: as in hx_tokenizer_encode. */
int prompts_read(struct prompts *p, const char *path, const struct hx_tokenizer *t, bool special, int most_tokens, struct hx_err *err);
void prompts_free(struct prompts *p);

#endif
