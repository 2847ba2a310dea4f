/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * child: a command that reads what comes out of a run, and says by its exit status whether it took that.
 *
 * Call order: sl_child_start, sl_child_end once, which waits for its end.
 */
#ifndef SL_CMD_CHILD_H
#define SL_CMD_CHILD_H

#include <sys/types.h>
#include "option.h"

struct sl_child { /* zeroed: there is none */
    struct sl_words words;
    pid_t pid; /* 0: it does not run */
};

/* Whether the last of args stand behind a `--`. */
int sl_child_is_given(int argc, char **argv, const struct sl_words *args);
/* Takes the words behind `--` from the end of args, which keeps the others. Released with sl_words_release. */
int sl_child_words(int argc, char **argv, struct sl_words *args, struct sl_words *out,
                   struct sl_err *err);
/* A child that reads from input and writes to output (-1: where we do), with signals as they are at first. */
int sl_child_spawn(const struct sl_words *words, int input, int output, pid_t *pid,
                   struct sl_err *err);
/* Standard output goes to it from here on; its own standard output is what ours was. */
int sl_child_start(struct sl_child *c, struct sl_err *err);
/* Closes a descriptor unless it is -1, which it is then. */
void sl_child_close(int *fd);
/* It has all its input. 0: it exited with 0. */
int sl_child_end(struct sl_child *c, struct sl_err *err);

#endif
