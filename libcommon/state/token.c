#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "token.h"
#include "weir.h"

int
token_new_run(uint64_t number, char run[TOKEN_RUN_SIZE], struct fail *f)
{
	uint64_t r[2];

	if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r)
		return fail_errno(f, WEIR_EIO, "no random numbers");
	snprintf(run, TOKEN_RUN_SIZE, "%07" PRIu64 "-%016" PRIx64 "%016" PRIx64, number % 10000000, r[0], r[1]);
	return 0;
}

int
token_is_run(const char *text, size_t n)
{
	size_t i = 0;

	while (i < n && i < 12 && isdigit((unsigned char)text[i]))
		i++;
	if (i < 7 || n != i + 33 || text[i] != '-')
		return 0;
	while (++i < n)
		if (!isdigit((unsigned char)text[i]) && (text[i] < 'a' || text[i] > 'f'))
			return 0;
	return 1;
}

int
token_parse(const char *token, char run[TOKEN_RUN_SIZE], uint64_t *id)
{
	const char *slash = strchr(token, '/');
	char *end;

	if (!slash || !token_is_run(token, (size_t)(slash - token)) || !isdigit((unsigned char)slash[1]))
		return -1;
	memcpy(run, token, (size_t)(slash - token));
	run[slash - token] = '\0';
	errno = 0;
	*id = strtoull(slash + 1, &end, 10);
	return *end || errno ? -1 : 0;
}

void
token_format(const char *run, uint64_t id, char token[TOKEN_SIZE])
{
	snprintf(token, TOKEN_SIZE, "%s/%" PRIu64, run, id);
}
