/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* dest: a descriptor, or a file that is made whole. */
#ifndef SL_FILE_DEST_H
#define SL_FILE_DEST_H

#include "base/poll_set.h"
#include "op/op.h"

struct sl_dest;
struct sl_dest_options {
    const char *dest; /* NULL: standard output */
    int force, append;
    int in_place; /* the file grows under its own name, for all to see */
    int is_ours; /* in place: it is known, whatever is in it; its bytes behind `keep` are taken back */
    int64_t keep;
    int cut_later; /* ... at sl_dest_cut() */
    int stop_fd;   /* see struct sl_input_options: a FIFO waits for its reader; -1 none */
};
/* 1 if a file of that name is compressed as it is written. */
int sl_path_is_packed(const char *path);
int sl_dest_open(const struct sl_dest_options *o, struct sl_dest **out, struct sl_err *err);
/* SL_PUSH_OK, SL_PUSH_DONE (the reader is gone), < 0. Everything given is written at once. */
int sl_dest_write(struct sl_dest *o, const void *data, size_t n, struct sl_err *err);
/* The end: a file is synced and takes its name. */
int sl_dest_close(struct sl_dest *o, struct sl_err *err);
void sl_dest_free(struct sl_dest *o); /* without close: no half file is left */
void sl_dest_poll(struct sl_dest *o, struct sl_poll_set *p);
/* Before anything is written: takes back what is behind `keep`, where that was put off. */
int sl_dest_cut(struct sl_dest *o, struct sl_err *err);
/* What was written is on the device, and so is the name: the size of the file, or < 0. A compressed one is whole there, and what
 * comes behind begins anew. */
int64_t sl_dest_sync(struct sl_dest *o, struct sl_err *err);
int sl_dest_is_terminal(const struct sl_dest *o);
int sl_dest_is_empty(const struct sl_dest *o); /* append: the file had nothing in it */

#endif
