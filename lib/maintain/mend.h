/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * mend: a repair under way: mend.c decides and commits, mend_commits.c reads damaged commit files,
 * mend_segment.c finds and copies the good batches of a damaged segment, mend_adopt.c finds segments
 * whose lines are gone, mend_origin.c begins without a snapshot.
 */
#ifndef SL_MAINTAIN_MEND_H
#define SL_MAINTAIN_MEND_H

#include "log/walk.h"
#include "log/log_writer.h"

struct sl_range { /* [from, to) */
    int64_t from, to;
};

struct sl_mend {
    struct sl_log_writer *w;
    struct sl_log *l;
    int yes;
    void (*say)(void *arg, const char *line);
    void *arg;
    int said; /* anything */
    /* What is wrong with a commit file; NULL: it is not told. */
    void (*bad)(struct sl_mend *m, const char *file, int64_t at, const char *what);
    int64_t lost; /* rows */
    int unplaced; /* rows are kept or found whose commit line, with its positions, is gone */
    struct sl_range *missing; /* numbers of commits whose lines are gone, ascending */
    size_t nmissing;
    int alone;                /* segments are not asked what a lost snapshot said */
    int64_t origin;           /* no snapshot is left up to that of this number; 0: one is */
    struct sl_segset dropped; /* segments that good lines drop: they never come back */
    int64_t damaged[2];       /* commit files to set aside */
    int ndamaged;
    int naside;          /* the older file is damaged and the newer is not: it is only set aside */
    struct sl_line line; /* what the repair commits */
    int changes;         /* things to do */
    struct sl_range *taken; /* offsets of the partition that is looked at, ascending */
    size_t ntaken;
    int64_t latest; /* greatest commit of the batches taken up in that partition */
    char *
        *aside; /* files that go to lost/ besides those of dropped segments; in the line's arena */
    size_t nadopted;
};
/* For an assert at each door. */
static inline int sl_mend_is_sound(const struct sl_mend *m)
{
    return m->l && (m->missing || !m->nmissing) && (m->taken || !m->ntaken) && m->ndamaged >= 0 &&
           m->ndamaged <= 2 && m->lost >= 0;
}

struct sl_extent { /* a good batch */
    int64_t pos, len, base, rows, commit, min_time, max_time;
};

struct sl_extents {
    struct sl_extent *list;
    size_t n, cap;
    int perfect;        /* the segment is as its commit says */
    struct sl_buf head; /* its schema message; empty: it cannot be had */
};

void sl_mend_say(struct sl_mend *m, const char *fmt, ...) SL_PRINTF(2, 3);
/* Reads the commit files, leaving out what is damaged. SL_ECORRUPT if no snapshot is good. */
int sl_mend_commits(struct sl_mend *m, struct sl_err *err);
/* A log as a stream: the first offset of each partition, with blanks between, of the schema; and of each batch
 * `PARTITION:OFFSET`. */
#define SL_META_STARTS "sluice.starts"
#define SL_META_PLACE  "sluice.place"
/* ... and of its end. */
#define SL_META_INPUTS   "sluice.positions"
#define SL_META_SETTINGS "sluice.settings"

/* compaction.c: a writer of a log that is there, with its schema as it is. */
int sl_maintain_open(const char *path, struct sl_log_writer **w, struct sl_err *err);
/* A commit file as it is: its bytes, and its name in the log (room for SL_COMMIT_NAME + 16). */
int sl_mend_file(struct sl_log *l, int64_t file, char *name, struct sl_buf *b, struct sl_err *err);
/* How much of the older commit file counts (bytes), and its last commit that does, as the newest file's
 * snapshot says. 0: it says nothing good, or names another predecessor. */
int64_t sl_mend_limit(struct sl_log *l, int64_t newest, int64_t older, int64_t *last);
/* Reads the older of two commit files of m->l alone, as far as the newer one says that it goes. 1 if it is
 * damaged, which m->bad is told. */
int sl_mend_older(const struct sl_mend *m, int64_t newest, int64_t older, struct sl_err *err);
/* Frees what m holds but its log and its writer. */
void sl_mend_release(struct sl_mend *m);
int sl_mend_is_missing(const struct sl_mend *m, int64_t n);
int sl_span_add(struct sl_range **list, size_t *n, int64_t from, int64_t to, struct sl_err *err);
/* The first span that ends after `at`; n if there is none. */
size_t sl_span_after(const struct sl_range *list, size_t n, int64_t at);
/* The good batches of a segment; last: it may be open. */
int sl_mend_examine(struct sl_mend *m, const struct sl_seg *seg, int last, struct sl_extents *x,
                    struct sl_err *err);
/* The good batches of a segment whose schema message is x->head. */
int sl_mend_collect(struct sl_mend *m, const struct sl_seg *seg, struct sl_extents *x,
                    struct sl_err *err);
void sl_extents_release(struct sl_extents *x);
/* Copies runs of them to new segments of commit n and states these in m->line. */
int sl_mend_copy(struct sl_mend *m, const struct sl_seg *seg, const struct sl_extents *x, int64_t n,
                 struct sl_err *err);
struct sl_seg *sl_mend_add_seg(struct sl_mend *m, struct sl_err *err);

/* mend_origin.c: a state with the number of a commit file whose first line is not good, with what
 * segments tell of the log. 1, or 0: they tell nothing. */
int sl_mend_origin(struct sl_mend *m, int64_t file, struct sl_err *err);
/* Finds the schemas that the line's segments have and that no line brought. */
int sl_mend_learn(struct sl_mend *m, const struct sl_line *line, struct sl_err *err);
/* Takes a schema that a segment has and that no line brought into the state, where it belongs among the
 * others. 1, or 0: the log never had it. Before anything is copied: ids may change. */
int sl_mend_place_schema(struct sl_mend *m, struct sl_schema *schema, struct sl_err *err);

/* mend_adopt.c: a segment that no line names any more, of a commit whose line is gone. */
struct sl_stranger {
    struct sl_seg seg; /* form in the line's arena */
    struct sl_extents x;
    int is_copy; /* a rewriting of another one: that one is asked first */
};
/* Takes the schemas of all of them into the state. */
int sl_mend_schemas(struct sl_mend *m, struct sl_err *err);
/* Finds them, by base. The list is the caller's, each one's extents too. */
int sl_mend_strangers(struct sl_mend *m, int partition, struct sl_stranger **list, size_t *n,
                      struct sl_err *err);
/* Those of its rows that nothing else in the partition claims go to new segments. */
int sl_mend_adopt(struct sl_mend *m, struct sl_stranger *s, int64_t n, struct sl_err *err);

/* mend_segment.c, for whoever looks for damage: the next batch at or after `from` of a file that is
 * in memory. 1 and its position and offset, or 0. */
int sl_mend_resync(const struct sl_walk *w, const struct sl_buf *b, int64_t from, int64_t *group,
                   int64_t *offset);
int sl_mend_head(struct sl_log *l, const struct sl_seg *seg, struct sl_buf *head,
                 struct sl_err *err);
/* Whole file in memory; damage is rare. */
int sl_mend_read(struct sl_log *l, const struct sl_seg *seg, struct sl_buf *b, struct sl_err *err);

#endif
