/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * walk: the batches of one segment, one after the other, within its committed length.
 *
 * Each step checks the batch's metadata CRC and its place (log, partition, offset, commit); bodies
 * are for who decodes (sl_walk_group_decode) or verifies (sl_walk_group_verify). With skip set, bodies that are
 * not in memory already are jumped over: for looking rows up.
 *
 * Call order: sl_walk_open, [sl_walk_seek], sl_walk_next..., sl_walk_release; sl_walk_extend when the
 * segment has grown. A step answers SL_ENOENT if the file was closed meanwhile and is gone now.
 */
#ifndef SL_LOG_WALK_H
#define SL_LOG_WALK_H

#include "log/identity.h"
#include "log/stream.h"
#include "log/view.h"

enum {
    SL_WALK_WINDOW = 1 << 20,
    SL_WALK_SKIP_WINDOW = 64 << 10, /* where bodies are jumped over: from */
    SL_WALK_SKIP_LEAST = 2 << 10,   /* this much on, twice as much where groups are that small */
    SL_WALK_WINDOWS = 32 << 20,     /* of all partitions together: a reader holds one of each */
    SL_WALK_FILES =
        256, /* open at once of a log: those that were not read for longest are closed */
};

struct sl_walk_group {
    int64_t pos, len;      /* in the file */
    struct sl_identity id; /* crcs point into buf */
    struct sl_buffer *buf; /* borrowed from the walk; NULL if the body was jumped over */
    size_t at;             /* of the group in buf */
};

struct sl_walk {
    struct sl_seg seg; /* as pinned; form is not to be used */
    uint8_t log_id[16];
    int64_t last_commit; /* no batch bears a later one */
    struct sl_buf name;  /* path, for messages */
    struct sl_log *log;
    int fd; /* -1: closed meanwhile; opened again when something is to be read */
    struct sl_walk *newer, *older; /* among those of the log that have a file open */
    int skip;
    int ahead; /* bytes a window has at least, */
    int skips; /* and where bodies are jumped over */
    struct sl_account *account;
    struct sl_stream *stream;
    int64_t pos, limit; /* next group; end of groups */
    int64_t offset;     /* of the next row */
    int64_t commit;     /* of the group before */
    struct sl_buffer *win;
    int64_t win_pos;
};

int sl_walk_open(struct sl_walk *w, struct sl_log *l, const struct sl_seg *seg,
                 struct sl_account *account, struct sl_err *err);
/* The same where the schema message in the file is damaged: head is what it should be. */
int sl_walk_open_head(struct sl_walk *w, struct sl_log *l, const struct sl_seg *seg,
                      const struct sl_buf *head, struct sl_err *err);
void sl_walk_release(struct sl_walk *w);
/* Goes on at a group that an index named. */
void sl_walk_seek(struct sl_walk *w, int64_t pos, int64_t offset);
void sl_walk_extend(struct sl_walk *w, const struct sl_seg *seg, int64_t last_commit);
/* 1 and *g (valid until the next call), 0 at the committed end, < 0. */
int sl_walk_next(struct sl_walk *w, struct sl_walk_group *g, struct sl_err *err);
/* Makes err the corruption of this segment at a byte. */
int sl_walk_corrupt(const struct sl_walk *w, int64_t pos, struct sl_err *err);

/* Decodes the group's batch from buf. wanted: bitmap of columns, NULL = all; others come as nulls.
 * Checks the CRCs of what is wanted; the error names every damaged column. Errors come without a
 * place. */
int sl_walk_group_decode(struct sl_stream *s, struct sl_buffer *buf, size_t at, size_t len,
                         const uint8_t *log_id, const uint8_t *wanted, struct sl_batch **out,
                         struct sl_err *err);
/* Checks the stored bytes of a group that a walk has just given, whose metadata it has checked. */
int sl_walk_group_intact(const struct sl_walk_group *g, struct sl_err *err);
/* Checks every byte of the group, and that it can be decoded. */
int sl_walk_group_verify(struct sl_stream *s, struct sl_buffer *buf, size_t at, size_t len,
                         const uint8_t *log_id, struct sl_err *err);

#endif
