/*
 * command.h - the commands of weir(1), each in a file of its name.
 */
#ifndef COMMAND_H
#define COMMAND_H

int	command_run(int argc, char **argv);
int	command_begin(int argc, char **argv);
int	command_wrap(int argc, char **argv);
int	command_strip(int argc, char **argv);
int	command_state(int argc, char **argv);
int	command_doctor(int argc, char **argv);
int	command_demo(int argc, char **argv);
int	command_top(int argc, char **argv);

/* "weir: ..." on standard error; returns the exit code. */
int	command_error(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
