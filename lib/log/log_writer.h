/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * log_writer: struct sl_log_writer inside.
 *
 * Who may touch what: `log`, `outs` and everything under the append lock belong to the thread that
 * commits; what encode() needs (schema, plans) is guarded by `mutex`.
 *
 *   log_writer.c  opening, closing, taking the lock      create.c  a new log
 *   encode.c  batches to blobs                        append.c  blobs to committed rows
 *   rotate.c  the next commit file                    recover.c after a reboot
 *   evolve.c  schemas                                 route.c   rows to partitions
 *   tend.c    closed segments, on another thread      rewrite.c of tiny batches
 *   lost.c    bytes set aside                         unmake.c  a log without a commit
 *   stale.c   files that left the log                 retain.c  old segments, by the log's settings
 */
#ifndef SL_LOG_LOG_WRITER_H
#define SL_LOG_LOG_WRITER_H

#include <pthread.h>
#include "log/form.h"
#include "log/retain.h"
#include "log/sync.h"
#include "log/view.h"

/* What encode() makes for a partition. */
struct sl_plan {
    struct sl_form_plan *form; /* NULL: the first batch decides */
    int64_t base, by;          /* the open segment when the plan was made; base -1: none */
    int rolling;               /* form is not that segment's: the next append begins a new one */
    int64_t since_trial;       /* bytes since another form was tried */
};

struct sl_out { /* the open segment of a partition, as we have it open */
    int fd;
    struct sl_seg_key key;
};

struct sl_log_blob {
    int partition;
    size_t given; /* its place among those of its commit */
    int64_t rows, min_time, max_time;
    struct sl_buf bytes;
    size_t value; /* of the identity in bytes */
    struct sl_form_plan *form;
    int64_t base, by; /* the segment known when it was encoded */
    int rolling;      /* leave that segment for one of this form */
    int force;        /* the open segment's form cannot hold it: leave whatever is there */
    struct sl_batch *batch;
};

struct sl_tender;

struct sl_log_writer {
    struct sl_log *log;
    struct sl_syncer *sync;
    struct sl_tender *tender; /* NULL until there is something for it */
    int64_t ahead;            /* commit file whose end it was told of */
    enum sl_sync_policy policy;
    int64_t segment_bytes, grace, pause;
    int64_t retain_at; /* when the settings are looked at again (monotonic µs) */
    int64_t tiny;      /* batches committed, until there are enough of them for a tender */
    struct sl_account *account;
    char *host;
    int64_t pid;
    uint64_t
        history; /* of the log when it was opened: another one took back what this writer knew */

    char *fresh; /* path of a log that we made, until there is a commit in it, or it shall stay */

    pthread_mutex_t mutex;
    struct sl_schema *schema; /* what batches must have: the log's newest, or the one after it: */
    int schema_id;
    int64_t own_rows; /* committed by this writer */
    int64_t lost;     /* see sl_log_writer_lost() */
    int unsaid;       /* no commit has brought it yet, the next one that adds rows does */
    struct sl_plan *plans;

    int64_t replanned; /* partitions looked at so far, for a test of what a commit costs */

    struct sl_out *outs;
    int nouts;               /* of which so many are open */
    int *keys, nkeys, crc32; /* partitioner */
    struct sl_buf line;      /* text of the line being written */
};

/* ---- log_writer.c ---- */

/* A writer with nothing read and nothing locked. */
int sl_writer_new(const char *path, const struct sl_log_options *o, struct sl_log_writer **out,
                  struct sl_err *err);
/* Takes the append lock, catches up, rotates if that is due. On failure the lock is free. */
int sl_writer_lock(struct sl_log_writer *w, struct sl_err *err);
void sl_writer_unlock(struct sl_log_writer *w);
/* A line to fill, with what every line has. */
void sl_writer_line(struct sl_log_writer *w, struct sl_line *line);
/* Prints the line, appends it in one write, takes it into the state. Under the lock. */
int sl_writer_append_line(struct sl_log_writer *w, struct sl_line *line, struct sl_err *err);
/* Tells the syncer what changed since the last call, up to the state's commit. */
int sl_writer_tell(struct sl_log_writer *w, struct sl_err *err);
/* Makes the log's newest schema the writer's, if it is another by now; plans begin anew. One that is
 * still unsaid is merged with it. */
int sl_writer_take_schema(struct sl_log_writer *w, struct sl_err *err);
/* The log stays, whatever becomes of this writer. */
void sl_writer_keep_log(struct sl_log_writer *w);
/* The unsaid schema was committed. */
void sl_writer_schema_said(struct sl_log_writer *w);

/* ---- create.c ---- */

/* Makes a log with this schema under a temporary name beside path, which goes to made, and a lock
 * that says that it is in use: a descriptor, to be closed when it has its name, or none. */
int sl_log_make(const char *path, const struct sl_log_options *o, struct sl_schema *schema,
                struct sl_buf *made, struct sl_err *err);
/* Removes what killed processes made of logs of that name, before it had that. */
void sl_log_sweep(const char *path);
/* Gives it its name. On failure it still has the other. SL_EEXIST: somebody else made one meanwhile, or
 * something is there. */
int sl_log_name(const char *made, const char *path, struct sl_err *err);
/* Takes its name away: it has another temporary one then, which goes to made. */
int sl_log_unname(const char *path, struct sl_buf *made, struct sl_err *err);
/* unmake.c: removes it, if it is no more than that: without a commit, and without anything foreign. */
void sl_log_unmake(const char *made);
/* The same of a log that has its name, unless a writer has it open. */
void sl_log_withdraw(const char *path);
/* n random bytes of the system, for ids. */
int sl_writer_random(void *out, size_t n, struct sl_err *err);

/* ---- rotate.c ---- */

/* The commit file has outgrown its bound, or ends in a torn line: the next commit begins another; near:
 * soon. */
int sl_writer_rotate_due(const struct sl_log_writer *w);
int sl_writer_rotate_near(const struct sl_log_writer *w);
/* Before the lock is taken: syncs what the next commit file would wait for while it is held. */
void sl_writer_before_rotation(struct sl_log_writer *w);
/* Begins the next commit file. new_history: with a history that left after the present commit.
 * n: number of the snapshot, 0 = the next. */
int sl_writer_rotate(struct sl_log_writer *w, int new_history, int64_t n, struct sl_err *err);

/* ---- lost.c ---- */

/* The directory lost/, which is made if it is not there: a descriptor, to be closed. A link, or a file,
 * in its place is an error. */
int sl_lost_open(struct sl_log *l, struct sl_err *err);
/* Moves a file of the log there (dir is open on lost/) under the name `as`, with a number added if
 * that is taken. A file that is not there any more is no error. */
int sl_lost_move(struct sl_log *l, int dir, const char *name, const char *as, struct sl_err *err);

/* ---- stale.c ---- */

/* Removes the partition's files that the state does not name and that were last modified `grace` µs ago or
 * more. First it makes the state's last commit durable, so that no recovery comes back to them; where
 * that fails nothing is removed. Without the lock. */
void sl_writer_remove_stale(struct sl_log_writer *w, int partition, int64_t grace);
/* A segment is about to leave the log: whoever removes such files may remove its file in `grace` µs. Under
 * the lock. */
int sl_writer_set_aging(struct sl_log_writer *w, struct sl_seg_key key, int64_t grace,
                        struct sl_err *err);

/* ---- recover.c ---- */

/* After a reboot or a failed sync. Under the lock; *moved counts bytes that went to lost/. */
int sl_writer_recover(struct sl_log_writer *w, int64_t *moved, struct sl_err *err);
/* What lies behind the state: bytes past the committed lengths, and files that it does not name, but for
 * those of rows that it has elsewhere. Copied to lost/ if it holds a whole batch (*moved counts the bytes),
 * then cut off; or one of the two, so that a line can be written between them. Under the lock. */
enum sl_trim { SL_TRIM_MOVE, SL_TRIM_COPY, SL_TRIM_CUT };
int sl_log_trim(struct sl_log *l, enum sl_trim how, int64_t *moved, struct sl_err *err);
/* Writes again, and syncs, the bytes that the commits after the mark added to segments (the log is
 * unclean: they have been checked), and the commit file: the kernel may have called them clean after a
 * sync that failed. The bytes stay what they are. */
int sl_log_write_again(struct sl_log *l, struct sl_err *err);

/* ---- evolve.c ---- */

/* Names of key columns, with commas between, as the schema writes them: names match exactly, else
 * uniquely without case. SL_EUSAGE names the nearest column. */
int sl_log_name_keys(const struct sl_schema *s, const char *keys, struct sl_buf *out,
                     struct sl_err *err);
/* A log's own copy of a schema: without the keys of pipes, with format, id and what o says. */
int sl_log_make_schema(struct sl_schema *schema, const struct sl_log_options *o,
                       const uint8_t *log_id, struct sl_schema **out, struct sl_err *err);
enum sl_merge {
    SL_MERGE_TYPES,  /* a column becomes what holds every value of both types */
    SL_MERGE_VALUES, /* who wants double precision knows that it holds the values so far */
};
/* Whether rows of `want` go into `have`: 0 they do; 1 they do after evolution to *out; < 0. */
int sl_log_merge_schema(struct sl_schema *have, struct sl_schema *want, enum sl_merge how,
                        struct sl_schema **out, struct sl_err *err);

/* ---- encode.c ---- */

/* A blob of the batch, which has no selection, not encoded yet. */
int sl_blob_new(struct sl_batch *batch, int partition, struct sl_log_blob **out,
                struct sl_err *err);
/* Encodes the blob's batch anew in this form (its columns must fit). */
int sl_blob_encode(struct sl_log_writer *w, struct sl_log_blob *b, struct sl_form_plan *form,
                   struct sl_err *err);
/* Encodes anew for the segment that is open now, or for a new one if that cannot hold it. */
int sl_blob_refit(struct sl_log_writer *w, struct sl_log_blob *b, const struct sl_seg *open,
                  struct sl_err *err);
/* Plans follow the open segments: of all partitions; of those that changed since sl_writer_tell, which
 * is all that a commit costs. */
int sl_writer_replan(struct sl_log_writer *w, struct sl_err *err);
int sl_writer_replan_changed(struct sl_log_writer *w, struct sl_err *err);

#endif
