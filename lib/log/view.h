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

/* What a view is for. It is opened to read or to write; the append lock moves a writer's view between
 * the last two. */
enum sl_view_use {
    SL_VIEW_READS,  /* files are opened for reading only, and nothing is locked for long */
    SL_VIEW_WRITES, /* a writer's, between its commits: others may append */
    SL_VIEW_LOCKED, /* a writer's that holds the append lock: nobody else appends */
};

/* What a view believes of the commits behind the durable mark. Unless it is SL_VIEW_TRUSTED, the bytes of
 * each such commit are checked before the commit counts (check.c). */
enum sl_view_trust {
    SL_VIEW_TRUSTED,  /* everything: the kernel that took these bytes still runs */
    SL_VIEW_REBOOTED, /* the mark is damaged, of another boot, or says that a sync failed */
    SL_VIEW_ORPHANED, /* the mark is this boot's; a sync began, and nobody knows how it ended */
    SL_VIEW_SUSPECT, /* the mark is this boot's, but what lies behind it was seen not to be whole */
};

/* What follows the last good line. */
enum sl_commits_tail {
    SL_TAIL_NONE, /* nothing */
    SL_TAIL_TORN, /* the beginning of a line, of a writer that was killed or writes now */
    SL_TAIL_LOST, /* a commit whose bytes are not on the device; never in a trusted view */
};

struct sl_commits {
    char *dir; /* path, for messages */
    int dirfd, fd;
    int64_t file;  /* number that names the file */
    int64_t pos;   /* end of the last good line */
    int64_t first; /* length of the snapshot */
    enum sl_commits_tail tail;
    /* Change time of the directory when it was last listed; zeros if the listing was too soon after it
     * for another change to show. */
    struct timespec listed;
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
    enum sl_view_use use;
    enum sl_view_trust trust; /* changed by sl_view_set_trust only */
    int64_t greatest;         /* greatest number that any line seen bore */
    /* Not trusted: segments that commits after the mark changed; at: the length before these. */
    struct sl_segset checked;
    struct sl_segset
        replaced; /* not trusted: segments that lines of `in` replace, if that is known */
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

/* Opens descriptors, reads nothing yet. boot NULL = this system's. use: SL_VIEW_READS, SL_VIEW_WRITES. */
int sl_view_open(const char *path, const char *boot, enum sl_view_use use, struct sl_log **out,
                 struct sl_err *err);
/* The append lock was taken (locked = 1), or is about to be given back. Of a writer's view. */
static inline void sl_view_set_locked(struct sl_log *l, int locked)
{
    assert(l->use == (locked ? SL_VIEW_WRITES : SL_VIEW_LOCKED));
    l->use = locked ? SL_VIEW_LOCKED : SL_VIEW_WRITES;
}
/* What the view believes from now on. The mark is the one that says so: it is this boot's exactly if
 * `to` is not SL_VIEW_REBOOTED. */
void sl_view_set_trust(struct sl_log *l, enum sl_view_trust to);
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

/* Removes a segment's file and its index, if they are there. */
void sl_view_remove_seg(struct sl_log *l, struct sl_seg_key key);
/* Makes err's place a segment's file. Returns its -code. */
int sl_view_place(const struct sl_log *l, struct sl_seg_key key, struct sl_err *err);
/* The schema message at the start of a segment's file into head: 1, 0 if there is none, < 0. */
int sl_view_read_head(struct sl_log *l, struct sl_seg_key key, struct sl_buf *head,
                      struct sl_err *err);

/* check.c: 0 if all bytes that the line promises beyond the state's are there and good. */
int sl_check_line(struct sl_log *l, const struct sl_line *line, struct sl_err *err);

#endif
