/*
 * human.h - numbers as people read them.
 */
#ifndef HUMAN_H
#define HUMAN_H

#define HUMAN_SIZE	32

/* 41200000 as "41.2 M", 950 as "950"; bytes as "181 MB"; seconds as "2 s", "14 min", "3.2 h", "6 d".  Into text, which is returned. */
const char *human_count(double v, char text[HUMAN_SIZE]);
const char *human_bytes(double v, char text[HUMAN_SIZE]);
const char *human_span(double seconds, char text[HUMAN_SIZE]);

#endif
