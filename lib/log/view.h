/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * view: struct sl_log inside: the state, and where in commits/ it was read up to.
 *
 * Readers call sl_view_catch_up whenever they want to know more; writers call it after taking the
 * append lock. Both only ever read from the end of the last good line. Call order: sl_view_open,
 * sl_view_load, sl_view_catch_up..., sl_log_free.
 */
#ifndef SL_LOG_VIEW_H
#define SL_LOG_VIEW_H

#include "log/lockfile.h"
#include "log/log.h"
#include "log/segset.h"

struct sl_commits {
    char *dir; /* path, for messages */
    int dirfd, fd;
    int64_t file;           /* number that names the file */
    int64_t pos;            /* end of the last good line */
    int64_t first;          /* length of the snapshot */
    int torn;               /* there are bytes after pos, of a killed writer */
    struct timespec listed; /* change time of the directory when it was last listed */
    int settled;            /* that was long before: a later change shows in it */
};

struct sl_walk;

struct sl_log {
    char *path;
    int dirfd;
    struct sl_lockfile lock;
    struct sl_commits c;
    struct sl_state state;
    struct sl_lock_mark mark; /* as it was before the lines were read */
    char boot[SL_BOOT_ID + 1];
    int writable;
    int locked;       /* the append lock is held */
    int unclean;      /* another boot, or a failed sync: commits after the mark are checked */
    int orphaned;     /* unclean since a sync is, or was, under way of which nobody knows the end */
    int suspect;      /* unclean since what is behind the mark is not whole, without a reboot */
    int stopped;      /* unclean: a commit that is not good was met; the state ends before it */
    int64_t greatest; /* greatest number that any line seen bore */
    int64_t rolled;   /* number of the last snapshot that went back behind a known commit */
    /* Unclean: segments that commits after the mark changed; at: the length before these. */
    struct sl_segset checked;
    struct sl_segset replaced; /* unclean: segments that lines of `in` replace */
    int knows_replaced;
    struct sl_buf in;
    struct sl_walk *newest, *oldest; /* walks with a file open, by their last use */
    int nwalks;
};

enum { SL_COMMIT_NAME = 32 };
/* "00000000000000000001.jsonl" */
void sl_commit_name(int64_t n, char *out);
int sl_commit_number(const char *name,
                     int64_t *n); /* the same backwards: 1, 0 it is no such name */
/* Greatest number that names a file in commits/, and the one before it (0 = none). SL_ECORRUPT if
 * there is none. */
int sl_commits_list(struct sl_log *l, int64_t *newest, int64_t *before, struct sl_err *err);

/* Opens descriptors and reads the mark, no commits yet. boot NULL = this system's. */
int sl_view_open(const char *path, const char *boot, int writable, struct sl_log **out,
                 struct sl_err *err);
/* (Re)reads the newest file from its snapshot. */
int sl_view_load(struct sl_log *l, struct sl_err *err);
/* 1 if lines were taken, 0 if there were none, < 0. */
int sl_view_catch_up(struct sl_log *l, struct sl_err *err);
/* What the state promises is not there. 1: that is what a failed sync lost, and the state is another
 * now: it ends before that, or is what a recovery has made of it. 0: it is damage. */
int sl_view_doubt(struct sl_log *l, struct sl_err *err);
/* Reads the log anew, and checks what is behind the mark as after a reboot. */
int sl_view_distrust(struct sl_log *l, struct sl_err *err);
/* Opens a segment's file; "LOG/NAME" goes to name for messages if it is not NULL. */
int sl_view_open_seg(struct sl_log *l, struct sl_seg_key key, int flags, struct sl_buf *name,
                     struct sl_err *err);

/* check.c: 0 if all bytes that the line promises beyond the state's are there and good. */
int sl_check_line(struct sl_log *l, const struct sl_line *line, struct sl_err *err);

#endif
