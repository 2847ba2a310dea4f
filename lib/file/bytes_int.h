/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* bytes_int: struct sl_bytes inside; what bytes.c and follow.c share, and nobody else includes. */
#ifndef SL_FILE_BYTES_INT_H
#define SL_FILE_BYTES_INT_H

#include <sys/types.h>
#include "file/bytes.h"
#include "text/text.h"

enum {
    SL_FOLLOW_TAIL = 256,
    SL_FOLLOW_CLOCK_USEC = 20 * 1000, /* that times of files may lag behind the clock */
};

struct sl_successor {
    int fd;
    dev_t dev;
    ino_t ino;
};

struct sl_bytes {
    char *path, *name;
    int fd, regular, follow, rotated;
    int64_t read;   /* raw bytes read, the position in a regular file */
    int64_t offset; /* where standard input was when we got it */
    int64_t size;
    int64_t from;    /* where reading began behind what is known: not read in this run */
    uint8_t head[8]; /* peeked to see whether it is compressed */
    size_t head_len, head_at;
    int stop_fd, stopped; /* readable when the run shall end; seen so while unpacking */
    struct sl_decompressor *unpack;
    struct sl_buf unread;
    struct sl_watch *watch;
    dev_t dev;
    ino_t ino;
    int paused;    /* followed: the last read found nothing */
    int64_t quiet; /* since when a rotated file has got nothing; 0 = it is not rotated */
    struct sl_successor *next; /* held from when they were seen at the path */
    int nnext;
    struct sl_err trouble; /* why what has come to the path cannot be opened now */
    int64_t looked;        /* when it was seen last what is at the path (wall clock) */
    size_t tail_len;
    uint8_t tail[SL_FOLLOW_TAIL]; /* followed: the last bytes that were read */
};

/* ---- bytes.c ---- */

int sl_bytes_take_stat(struct sl_bytes *b, struct sl_err *err);
/* Everything that is to be known of a descriptor just opened. */
int sl_bytes_begin_file(struct sl_bytes *b, struct sl_err *err);

/* ---- follow.c ---- */

/* These were read last. */
void sl_follow_keep_tail(struct sl_bytes *b, const uint8_t *data, size_t n);
/* Whether other bytes stand now where the last ones were read. */
int sl_follow_was_rewritten(const struct sl_bytes *b);
/* Goes back to the start of a file that was truncated: SL_BYTES_TRUNCATED or < 0. */
int sl_follow_start_over(struct sl_bytes *b, struct sl_err *err);
/* Queues what has come to the path since the last look; what cannot be opened now, as while a rotation sets its
 * permissions, is tried again at the next look. */
int sl_follow_look(struct sl_bytes *b, struct sl_err *err);
/* At its end: was it truncated or rotated away? enum sl_bytes_next or < 0. */
int sl_follow_look_again(struct sl_bytes *b, struct sl_err *err);

#endif
