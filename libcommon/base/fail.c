#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "weir.h"

int
fail(struct fail *f, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->text, sizeof f->text, fmt, ap);
	va_end(ap);
	return f->code = code;
}

int
fail_path_code(int e)
{
	switch (e) {
	case EACCES:
	case EPERM:
	case EROFS:
	case ENOTDIR:
	case ELOOP:
	case ENAMETOOLONG:
		return WEIR_ECONFIG;
	default:
		return WEIR_EIO;
	}
}

int
fail_input_code(int e)
{
	switch (e) {
	case EIO:
	case EINTR:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOSPC:
	case EDQUOT:
	case ESTALE:
	case ETIMEDOUT:
		return WEIR_EIO;
	default:
		return WEIR_ECONFIG;
	}
}

static const char *
remedy(int e)
{
	switch (e) {
	case ENOSPC:
	case EDQUOT:
		return "; make room and run it again";
	case EFBIG:
		return "; raise the limit of file sizes (ulimit -f) and run it again";
	default:
		return "";
	}
}

int
fail_errno(struct fail *f, int code, const char *fmt, ...)
{
	int e = errno, n;
	va_list ap;

	va_start(ap, fmt);
	n = vsnprintf(f->text, sizeof f->text, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof f->text)
		snprintf(f->text + n, sizeof f->text - (size_t)n, ": %s%s", strerror(e), remedy(e));
	return f->code = e == ENOMEM ? WEIR_EAGAIN : code;
}

void
fail_no_memory(void)
{
	static const char text[] = ": no memory; run it again\n";

	if (write(2, program_invocation_short_name, strlen(program_invocation_short_name)) < 0 || write(2, text, sizeof text - 1) < 0)
		_exit(-WEIR_EAGAIN);		/* nobody to be told */
	_exit(-WEIR_EAGAIN);
}
