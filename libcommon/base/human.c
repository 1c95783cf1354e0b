#include "config.h"

#include <stdio.h>

#include "human.h"

/* Three digits or more, and the unit. */
static const char *
scaled(double v, const char *const unit[], int n_units, char text[HUMAN_SIZE])
{
	int u = 0;

	while (u + 1 < n_units && v >= 999.5) {
		v /= 1000;
		u++;
	}
	snprintf(text, HUMAN_SIZE, "%.*f%s", u == 0 || v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2, v, unit[u]);
	return text;
}

const char *
human_count(double v, char text[HUMAN_SIZE])
{
	static const char *const unit[] = { "", " k", " M", " G", " T" };

	return scaled(v < 0 ? 0 : v, unit, 5, text);
}

const char *
human_bytes(double v, char text[HUMAN_SIZE])
{
	static const char *const unit[] = { " B", " kB", " MB", " GB", " TB" };

	return scaled(v < 0 ? 0 : v, unit, 5, text);
}

const char *
human_span(double s, char text[HUMAN_SIZE])
{
	if (s < 0)
		s = 0;
	if (s < 9.95)
		snprintf(text, HUMAN_SIZE, "%.*f s", s > 0 && s < 0.95 ? 1 : 0, s);
	else if (s < 120)
		snprintf(text, HUMAN_SIZE, "%.0f s", s);
	else if (s < 7200)
		snprintf(text, HUMAN_SIZE, "%.0f min", s / 60);
	else if (s < 48 * 3600)
		snprintf(text, HUMAN_SIZE, "%.0f h", s / 3600);
	else
		snprintf(text, HUMAN_SIZE, "%.0f d", s / 86400);
	return text;
}
