/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * log: the log on disk, as its users see it. The format is sluice-log(5).
 *
 *   struct sl_log         a view of the committed state, made from commits/; refreshed, never locks
 *   struct sl_log_writer  appends batches and commits them; any number at once, in any processes
 *   struct sl_log_reader  committed rows of chosen partitions from offset to offset, or followed
 *
 * A log's truth is its commit lines: readers see rows up to the last whole line and nothing else.
 * A view and a reader belong to one thread, chunks may be decoded on any; a writer's encode may be
 * called from any thread, all else from one.
 */
#ifndef SL_LOG_LOG_H
#define SL_LOG_LOG_H

#include "arrow/batch.h"
#include "base/path.h"
#include "ipc/ipc.h"
#include "log/positions.h"

/* ---- the view ---- */

struct sl_log;

struct sl_log_id {
    uint8_t bytes[16];
};

/* Opens for reading: SL_ENOENT if there is none, SL_ECORRUPT with file and offset if damaged. */
int sl_log_open(const char *path, struct sl_log **out, struct sl_err *err);
/* The same with a boot id given (36 characters), for tests; NULL = the running system's. After a
 * reboot a view ends at the last commit whose rows are all there: see sluice-log(5), RECOVERY. */
int sl_log_open_as(const char *path, const char *boot_id, struct sl_log **out, struct sl_err *err);
void sl_log_free(struct sl_log *l);
/* Reads new commit lines; 1 if anything changed, 0 not. */
int sl_log_refresh(struct sl_log *l, struct sl_err *err);
const char *sl_log_path(const struct sl_log *l); /* as it was opened; borrowed */
/* 0 as long as the path leads to this log; SL_EEXPIRED: to another one, or to none any more. */
int sl_log_is_there(const struct sl_log *l, struct sl_err *err);
struct sl_log_id sl_log_get_id(const struct sl_log *l);  /* made with the log, in every segment */
struct sl_schema *sl_log_schema(const struct sl_log *l); /* newest; borrowed */
/* Whether a column's type stays: rows are ordered by it, or routed. */
int sl_log_column_pinned(const struct sl_schema *s, const char *name);
int sl_log_partitions(const struct sl_log *l);
int64_t sl_log_start(const struct sl_log *l, int partition); /* first kept offset */
int64_t sl_log_end(const struct sl_log *l, int partition);   /* next offset */
/* Makes err say that an offset before the first kept one was pruned, and which is left. -SL_EEXPIRED. */
int sl_log_expired(const struct sl_log *l, int partition, int64_t offset, struct sl_err *err);
int64_t sl_log_commit_number(const struct sl_log *l); /* of the last commit seen, from 1 */
/* Nothing was ever committed to it: the run that made it may remove it again. */
int sl_log_is_new(const struct sl_log *l);
int64_t sl_log_durable(const struct sl_log *l); /* last commit known to be on the device */
/* Every commit that was seen is on the device afterwards, whoever made it. Who may not write to the log
 * syncs the whole file system, and leaves the mark where it is. */
int sl_log_make_durable(struct sl_log *l, struct sl_err *err);

/* Source positions recorded by commits; borrowed, and changed by refresh. */
const struct sl_positions *sl_log_positions(const struct sl_log *l);
/* Its settings, by name: see log/retain.h. */
const struct sl_positions *sl_log_settings(const struct sl_log *l);

/* The last checkpoint of each pipeline that ends here, by its name. */
const struct sl_positions *sl_log_pipelines(const struct sl_log *l);
/* Newest record of the pipeline of that name: the last that opened a run (open = 1), or its last
 * checkpoint. 1 and *value, 0. */
int sl_log_pipeline(const struct sl_log *l, const char *name, int open, const char **value,
                    size_t *len);
/* Id of the present history, and whether a position taken in an older one still means the same. */
uint64_t sl_log_history(const struct sl_log *l);
int sl_log_history_holds(const struct sl_log *l, uint64_t history, int partition, int64_t offset);
/* Up to where the offsets of a history are still those of the log; -1 = it is not known. */
int64_t sl_log_history_end(const struct sl_log *l, uint64_t history, int partition);

/* 1: commits after the last one did not reach the device, after a reboot or a failed sync; the next
 * writer takes them back, until then the log ends here. */
int sl_log_unsettled(const struct sl_log *l);

struct sl_log_segment_info {
    int partition;
    int64_t base, end; /* offsets */
    int64_t bytes;     /* committed length */
    int closed;
    int64_t min_time, max_time;     /* event time, µs; SL_TIME_MAX/MIN if unknown */
    const struct sl_schema *schema; /* borrowed */
    char file[64];                  /* relative to the log */
};
/* Calls fn for each segment that counts, by partition and offset; stops and returns its result if not
 * 0. */
int sl_log_segments(struct sl_log *l, int (*fn)(void *arg, const struct sl_log_segment_info *s),
                    void *arg, struct sl_err *err);

struct sl_compaction {
    int64_t segments, into; /* how many were rewritten; how many became of them */
    int64_t bytes, to_bytes;
};

/* ---- writing ---- */

enum sl_sync_policy { SL_SYNC_INTERVAL, SL_SYNC_COMMIT, SL_SYNC_NONE };

struct sl_log_options {
    /* at creation (ignored for an existing log, but keys and partitions that differ are refused) */
    int partitions;          /* 0 = 1, or what there is */
    const char *keys;        /* comma-separated, NULL = none */
    const char *hash;        /* "murmur2" (default) | "crc32" */
    const char *time_column; /* NULL = by the schema's SL_META_TIME */
    const int64_t *starts;   /* first offset of each partition; NULL = 0 */
    /* always */
    enum sl_sync_policy sync;
    int64_t sync_interval; /* µs, for SL_SYNC_INTERVAL; 0 = 1 s */
    int64_t segment_bytes; /* roll at; 0 = 256 MiB */
    const char *command;   /* command line for the schema's plan, NULL = none */
    struct sl_account *account;
    const char *boot_id; /* for tests: 36 characters instead of the running system's */
    int64_t grace;       /* µs that files of replaced segments are kept; 0 = 10 min */
    int64_t
        pause; /* µs without a commit after which open segments of tiny batches are rewritten; 0 =
                          * 10 s */
};

struct sl_log_writer;
struct sl_log_blob; /* a batch encoded for a partition, not yet appended */

/*
 * Opens for appending rows of this schema, making the log (under a temporary name, renamed whole) if there
 * is none. An existing schema is kept where schema's columns fit into it; where they do not, it is evolved
 * (new nullable columns, lossless widening) by the first commit that brings rows, else SL_ESCHEMA showing
 * both. Recovers after a reboot (*recovered: bytes moved to lost/; see sl_log_writer_lost). SL_ELOCKED after
 * 10 s. So a writer that commits nothing leaves no trace if it ends with sl_log_writer_abort: a log that it
 * made goes again, unless another writer has committed something, or has it open.
 */
int sl_log_writer_open(const char *path, const struct sl_log_options *o, struct sl_schema *schema,
                       struct sl_log_writer **out, int64_t *recovered, struct sl_err *err);
/* The number of the commit after which the recovery found commits that did not reach the device; 0: it
 * found none. Their rows are no longer in the log. */
int64_t sl_log_writer_lost(const struct sl_log_writer *w);
/* Syncs (unless SL_SYNC_NONE) what is not yet acknowledged, and closes. The writer is gone. A log that it
 * made stays, without a commit too. */
int sl_log_writer_close(struct sl_log_writer *w, struct sl_err *err);
void sl_log_writer_abort(struct sl_log_writer *w); /* closes without committing or syncing */
struct sl_log *sl_log_writer_view(struct sl_log_writer *w);      /* borrowed */
struct sl_schema *sl_log_writer_schema(struct sl_log_writer *w); /* what batches must have */

/* Changes the schema for later batches (evolution); the commit that brings them changes the log's. Numbers
 * become double precision where schema says so and this writer wrote every row of the log: it knows that
 * a double holds them. */
int sl_log_writer_evolve(struct sl_log_writer *w, struct sl_schema *schema, struct sl_err *err);

/* What decides the partition of a row: the hash of columns of a schema. */
struct sl_route {
    int crc32; /* else murmur2 */
    int partitions;
    const struct sl_schema *schema;
    const int *keys; /* columns of schema; a batch has them by name */
    int nkeys;
};
/* Partition of each selected row; out has b->selected entries. */
int sl_route_rows(const struct sl_route *to, struct sl_batch *b, uint16_t *out, struct sl_err *err);
/* Partition of each selected row by the log's hash and keys; out has b->selected entries. A log of
 * one partition: all 0. */
int sl_log_writer_route(struct sl_log_writer *w, struct sl_batch *b, uint16_t *out,
                        struct sl_err *err);

/* Encodes the selected rows for a partition: compresses and checksums; any thread. The blob keeps a
 * reference to the batch, for encoding anew if another writer changed the schema meanwhile. */
int sl_log_writer_encode(struct sl_log_writer *w, int partition, struct sl_batch *b,
                         struct sl_log_blob **out, struct sl_err *err);
void sl_log_blob_free(struct sl_log_blob *b);
size_t sl_log_blob_bytes(const struct sl_log_blob *b);

/* What a commit says besides rows. */
struct sl_log_note {
    const char *const *position_id; /* n source positions */
    const char *const *position;    /* JSON values */
    /* What the log must hold of each id until now, byte for byte: "" nothing, NULL whatever it is.
     * Otherwise the commit is refused (SL_ELOCKED): another run went on from there meanwhile. The
     * list as a whole may be NULL. */
    const char *const *position_was;
    int npositions;
    const char *pipeline; /* JSON object of the pipeline record, or NULL */
    /* Under the lock, before anything is written, with the log as it is then: < 0 refuses the commit. May
     * be NULL. */
    int (*check)(void *arg, const struct sl_log *l, struct sl_err *err);
    void *arg; /* its */
};
/* Appends the blobs and commits them with the note in one line: lock, bytes, line, unlock. Blobs
 * are consumed. With SL_SYNC_COMMIT returns when it is durable. nblobs 0 commits only the note. */
int sl_log_writer_commit(struct sl_log_writer *w, struct sl_log_blob **blobs, size_t nblobs,
                         const struct sl_log_note *note, struct sl_err *err);
/* Makes every commit so far durable and raises the durable mark. */
int sl_log_writer_sync(struct sl_log_writer *w, struct sl_err *err);
/* Calls fn under the append lock, with the log as it is then; it may not write to it. */
int sl_log_writer_locked(struct sl_log_writer *w,
                         int (*fn)(void *arg, const struct sl_log *l, struct sl_err *err),
                         void *arg, struct sl_err *err);
/* When sl_log_writer_sync wants to be called (monotonic µs), INT64_MAX = not at all. */
int64_t sl_log_writer_deadline(const struct sl_log_writer *w);

/* ---- reading ---- */

struct sl_log_range { /* of one partition; half-open */
    int64_t from, to; /* to INT64_MAX: to the end */
};

struct sl_log_read_options {
    const struct sl_log_range *ranges; /* one per partition, NULL = all rows; from == to: skip it */
    int only;                          /* this partition's rows only, + 1; 0 = of all */
    int follow;                        /* wait for more at the end instead of ending */
    int64_t from_time, to_time;        /* batches wholly outside may be skipped; SL_TIME_MIN/MAX */
    struct sl_schema *schema;          /* of the rows, one that the log had; NULL = its newest */
    struct sl_account *account;
};

struct sl_log_reader;
struct sl_log_chunk; /* a batch as stored */

enum sl_log_next { SL_LOG_CHUNK = 1, SL_LOG_WAIT = 2, SL_LOG_END = 3, SL_LOG_SCHEMA = 4 };

/* A bounded read pins its end (and its schema) here; a follower keeps the schema it starts with.
 * Values of columns that the schema lacks go to its column `_rest`, if it has one. */
int sl_log_reader_open(struct sl_log *l, const struct sl_log_read_options *o,
                       struct sl_log_reader **out, struct sl_err *err);
void sl_log_reader_free(struct sl_log_reader *r);
/* Before the first next(): only these columns are read (a bit each of the reader's schema). The others
 * come as nulls, and damage in them is not seen. */
int sl_log_reader_want(struct sl_log_reader *r, const uint8_t *columns, struct sl_err *err);
/*
 * SL_LOG_CHUNK and *out; SL_LOG_WAIT (poll sl_log_reader_fd, or 200 ms); SL_LOG_END;
 * SL_LOG_SCHEMA: the log's types were widened under a follower, which ends; < 0 (SL_EEXPIRED,
 * SL_ECORRUPT with file and offset). Partitions take turns batch by batch.
 */
int sl_log_reader_next(struct sl_log_reader *r, struct sl_log_chunk **out, struct sl_err *err);
/* From now on this partition is read from `from` to `to`, whatever was read of it before; from == to: not. */
void sl_log_reader_aim(struct sl_log_reader *r, int partition, struct sl_log_range range);
int sl_log_reader_fd(const struct sl_log_reader *r); /* inotify, -1 = poll by time */
/* Verifies, decompresses, casts to the reader's schema; any thread. Physical row 0 has the
 * offset `base` of its info. */
int sl_log_chunk_decode(struct sl_log_chunk *c, struct sl_batch **out, struct sl_err *err);
struct sl_log_chunk_info {
    int partition;
    int64_t base, rows;
    int64_t bytes;    /* of its messages in the segment: what was read, whatever rows are wanted */
    uint64_t history; /* of the log when it was read: what a position behind it must name */
};
struct sl_log_chunk_info sl_log_chunk_info(const struct sl_log_chunk *c);
void sl_log_chunk_free(struct sl_log_chunk *c);

/* First offset of the partition whose event time is >= t (an index narrows, rows decide), or end. */
int sl_log_seek_time(struct sl_log *l, int partition, int64_t t, int64_t *offset,
                     struct sl_err *err);
/* The event time of a row, µs; SL_TIME_MIN: it has none, or the log has no such row. */
int sl_log_time_at(struct sl_log *l, int partition, int64_t offset, int64_t *out,
                   struct sl_err *err);

#endif
