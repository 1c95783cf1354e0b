/*
 * fail.h - how a library function says what went wrong.
 *
 * The deepest place that knows writes the sentence, once; callers pass the
 * code on and add nothing.  Layers keep no globals: the struct belongs to the
 * caller, who shows the text (a stage: weir_error(ctx, f.code, "%s", f.text)).
 */
#ifndef FAIL_H
#define FAIL_H

struct fail {
	int	code;		/* enum weir_code, or 0 */
	char	text[1024];
};

/* Fill in and return `code`. */
int	fail(struct fail *, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same with ": " and the text of errno, and the remedy where it is always the same one.
 * Want of memory is WEIR_EAGAIN, whatever the code. */
int	fail_errno(struct fail *, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The code for an errno of a path that the user named: WEIR_ECONFIG where only he can help (permission, a name that is none), else WEIR_EIO. */
int	fail_path_code(int e);

/* The code for an errno of a file that the user named and that must be there: WEIR_EIO where the file may well be right (a bad disk, a
 * call interrupted, no descriptors left), so another run may do better; else WEIR_ECONFIG. */
int	fail_input_code(int e);

/* Ends the process, with 75 and a word.  For libraries that take a want of memory for something else (jansson: for text that is no JSON) or
 * abort (libjq): their calls cannot be told apart afterwards.  Ending anywhere is safe, as kill -9 is: the epoch is void and nothing is lost. */
void	fail_no_memory(void) __attribute__((noreturn));

#endif
