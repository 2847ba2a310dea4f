/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* bytes: the bytes of one file, pipe or standard input, decompressed, perhaps followed. */
#ifndef SL_FILE_BYTES_H
#define SL_FILE_BYTES_H

#include "base/poll_set.h"

struct sl_bytes;

enum sl_bytes_next { SL_BYTES_DATA = 1, SL_BYTES_WAIT, SL_BYTES_END, SL_BYTES_TRUNCATED };

/* path "-" is standard input. follow: the end of a file is not its end; it is followed through
 * rename (the old file is read to its end first), truncation and re-creation. stop_fd: see struct
 * sl_input_options. */
int sl_bytes_open(const char *path, int follow, int stop_fd, struct sl_bytes **out,
                  struct sl_err *err);
/* No bytes at all, under a name for messages: of records that come from elsewhere. */
int sl_bytes_none(const char *name, struct sl_bytes **out, struct sl_err *err);
/* Whether opening failed for want of memory or descriptors: that is not the file's affair. */
int sl_bytes_is_short(const struct sl_err *why);
/* Waits until there is something at the path, by is_there if that is not NULL; its directory must be there then.
 * 0, SL_ESTOPPED when stop_fd becomes readable before. */
int sl_bytes_await(const char *path, int stop_fd, int (*is_there)(const char *path),
                   struct sl_err *err);
void sl_bytes_free(struct sl_bytes *b);
/*
 * Up to n bytes: DATA and *got > 0; WAIT: nothing now; END: nothing more of this file (when followed:
 * it was rotated away, sl_bytes_reopen goes on with its successor); TRUNCATED: the file shrank below
 * what was read, reading goes on at its start.
 */
int sl_bytes_read(struct sl_bytes *b, void *data, size_t n, size_t *got, struct sl_err *err);
/* Gives n bytes back, to be read again first. */
int sl_bytes_unread(struct sl_bytes *b, const void *data, size_t n, struct sl_err *err);
/* Before the first read of a followed file: reads another one first, as if it had just been renamed. */
int sl_bytes_precede(struct sl_bytes *b, const char *older, struct sl_err *err);
/* 1: the successor of a rotated file is open; 0: there is none yet. */
int sl_bytes_reopen(struct sl_bytes *b, struct sl_err *err);
/* Goes to a byte of the (decompressed) stream; regular files and compressed ones only. */
int sl_bytes_seek(struct sl_bytes *b, int64_t offset, struct sl_err *err);
void sl_bytes_poll(struct sl_bytes *b, struct sl_poll_set *p);
int sl_bytes_is_regular(const struct sl_bytes *b);
/* Of a followed file: why what has come to its path cannot be opened now; it is tried again. NULL: there
 * is nothing, or nothing amiss. */
const char *sl_bytes_trouble(const struct sl_bytes *b);
/* 1 if its end of file is not its end. */
int sl_bytes_is_followed(const struct sl_bytes *b);
/* 1 if it is standard input, which has no name. */
int sl_bytes_is_input(const struct sl_bytes *b);
int sl_bytes_is_compressed(const struct sl_bytes *b);
/* Descriptor of the raw bytes, for identity. */
int sl_bytes_fd(const struct sl_bytes *b);
const char *sl_bytes_name(const struct sl_bytes *b); /* for messages */
/* Raw bytes read so far and the file's size (-1 unknown). */
void sl_bytes_progress(const struct sl_bytes *b, int64_t *done, int64_t *total);
/* Waits until there is something to read: 1, or 0 when stop_fd became readable or timeout ran out
 * (µs, -1 = none). */
int sl_bytes_wait(struct sl_bytes *b, int stop_fd, int64_t timeout, struct sl_err *err);

#endif
