/*
 * breakage.h - guards that can be switched off, for the negative controls of tests/fault/controls.
 *
 * ./configure --enable-breakage makes a build in which WEIR_BREAK=NAME[,NAME...]
 * leaves a guard of the protocol out; some test must catch each of them.
 * In every other build BROKEN() is 0 and nothing of this is compiled.
 *
 *	no-cas		a sink's commit does not compare the stored token with its predecessor's
 *	le-compare	it takes "not newer than what is there" for done, and anything newer for good
 *	no-prev		a stream may begin anywhere, whatever the table says
 *	no-eos		the end of input without eos ends the epoch
 *	no-hash		n, hash and seq of the input are not checked
 *	no-nonce	control lines of any run are taken
 *	no-escape	keys that look like a control line's are not escaped by the source
 *	no-balance	accounts are not checked before a commit
 *	id-keyed	snapshots are found by id, whatever the run, and replaced
 *	forward-first	a barrier is forwarded before the snapshots are durable
 *	reuse-tmp	files are published through one temporary name, truncated each time, and its removal is not checked
 *	no-fsync	of files
 *	no-dirsync	of directories
 *	bq-new-id	a load job's id is made of the run, not of the token that it follows
 *	bq-no-label	a job of our id is ours, whatever its labels say
 */
#ifndef BREAKAGE_H
#define BREAKAGE_H

#ifdef WEIR_BREAKAGE

#include <stdlib.h>
#include <string.h>

static inline int
breakage_has(const char *name)
{
	const char *p = getenv("WEIR_BREAK");
	size_t n = strlen(name);

	for (; p && *p; p += strcspn(p, ","), p += *p == ',')
		if (strcspn(p, ",") == n && !memcmp(p, name, n))
			return 1;
	return 0;
}
#define BROKEN(name)	breakage_has(name)

#else
#define BROKEN(name)	0
#endif

#endif
