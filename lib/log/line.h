/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * line: one commit line of sluice-log(5), as a struct, printed and parsed.
 *
 * A line lives in an arena: sl_line_init, then filled by hand or by sl_line_parse, then
 * sl_line_release frees all that it holds. Parsing checks form and types only; whether the line can
 * follow a state is for log_state.h to say.
 */
#ifndef SL_LOG_LINE_H
#define SL_LOG_LINE_H

#include "arrow/schema.h"
#include "base/buf.h"
#include "base/mem.h"
#include "log/log.h"

enum {
    SL_LOG_FORMAT = 1,
    SL_LOG_PARTITIONS = 65535,
    SL_LINE_TRAILER = 19, /* ,"crc":"xxxxxxxx"} and the newline */
    SL_LINE_MAX = 512 * 1024 * 1024,
};
#define SL_LINE_NUMBER (INT64_MAX / 4) /* the greatest commit number, offset or length */

/* The changing facts of a segment. p, base, by are its name. */
struct sl_seg {
    int partition;
    int schema;
    int64_t base, by;
    char *form; /* "-:00" or "z:02", see sluice-log(5) */
    int64_t head_len;
    uint32_t head_crc;
    int64_t bytes, end;
    int64_t min_time, max_time; /* SL_TIME_MAX, SL_TIME_MIN: none */
    int closed, dropped;
    int has_sum;
    uint32_t sum;    /* binds the batches that this line adds: see sl_identity_chain */
    int64_t touched; /* last commit that changed it; not on disk */
    int64_t
        at; /* wall-clock time (µs) at which its last row was committed; a line that leaves it out
                      * (0) means its own time */
};

struct sl_history {
    uint64_t id;
    int64_t from;
    int64_t *ends; /* one per partition */
};

struct sl_line_schema {
    int id;
    struct sl_schema *schema; /* a reference */
};

struct sl_line_pair { /* a source position, a setting, or a pipeline record by its name */
    const char *key;
    const char *value; /* JSON, not NUL-ended */
    size_t len;
    int open; /* pipeline: the record has a member `open` */
};

struct sl_line {
    struct sl_arena arena;
    int64_t n, at, durable;
    uint32_t prev, crc;
    uint64_t history;
    int snapshot;
    /* of a snapshot */
    uint8_t log_id[16];
    int partitions;
    int64_t *ends;
    struct sl_history *histories;
    int nhistories;
    int64_t file; /* number that names the predecessor, 0 = none */
    int64_t file_bytes, last;
    /* of any line */
    struct sl_line_schema *schemas;
    int nschemas;
    struct sl_seg *segs;
    int nsegs;
    struct sl_line_pair *positions;
    int npositions;
    struct sl_line_pair *pipelines; /* at most one unless a snapshot */
    int npipelines;
    struct sl_line_pair *settings; /* of the log, by name */
    int nsettings;
    int64_t pid;
    const char *host;
};

void sl_line_init(struct sl_line *l);
void sl_line_release(struct sl_line *l);

/* Appends the line with its newline to out and sets l->crc. 0, -SL_ENOMEM, or -SL_EBUG if a value
 * that the caller gave is no JSON. */
int sl_line_print(struct sl_line *l, struct sl_buf *out, struct sl_err *err);

/* Reads a line of n bytes, newline included. SL_ECORRUPT says what is wrong with it; the caller
 * adds file and offset. The text must outlive the line. */
int sl_line_parse(const char *s, size_t n, struct sl_line *l, struct sl_err *err);

/* 1 if the bytes (which hold no newline) may be what a killed writer left of a line: a proper
 * prefix. */
int sl_line_is_torn(const char *s, size_t n);

/* The pair of a pipeline record of n bytes at s, which must outlive it; its name goes to the line's arena. */
int sl_line_pipeline(struct sl_line *l, const char *s, size_t n, struct sl_line_pair *out,
                     struct sl_err *err);

#endif
