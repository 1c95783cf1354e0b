/*
 * module.h - stages found by name, plugins by path.
 */
#ifndef MODULE_H
#define MODULE_H

#include "fail.h"
#include "weir.h"

/* Every stage of our own. */
extern const char *const module_names[];
extern const size_t module_n_names;

/* The stage of a word: a path with a slash that ends in .so, or a name in WEIR_MODULE_DIR, else in the compiled-in folder.
 * 0 with *stage NULL when the word is neither; WEIR_ECONFIG when a module does not load.  Loaded modules stay. */
int	module_load(const char *word, const struct weir_stage **stage, struct fail *);

#endif
