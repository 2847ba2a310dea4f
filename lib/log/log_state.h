/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * log_state: what the commit lines up to one of them say: segments, schemas, positions, pipelines,
 * histories.
 *
 * One path changes it: sl_state_apply of a line, for readers and writers, own lines and others'.
 * Invariants: (1) segments of a partition are sorted by base and do not overlap. (2) a snapshot
 * made from a state and applied to an empty one gives the same state. (3) a line that cannot follow
 * is refused; `broken` says that it was refused half applied, and the state must be read anew.
 */
#ifndef SL_LOG_LOG_STATE_H
#define SL_LOG_LOG_STATE_H

#include "log/line.h"
#include "log/positions.h"

struct sl_seg_key {
    int partition;
    int64_t base, by;
};

struct sl_part {
    struct sl_seg *segs; /* kept ones; form is owned */
    int nsegs, cap;
    int64_t end; /* next offset */
};

struct sl_state {
    uint8_t log_id[16];
    int64_t n;       /* last commit, 0 = nothing yet */
    uint32_t crc;    /* of its line */
    int64_t durable; /* greatest mark that a line mentioned */
    uint64_t history;
    int npartitions, nhistories, nschemas;
    struct sl_part *parts;
    struct sl_history *histories;
    struct sl_line_schema *schemas; /* ascending ids */
    struct sl_positions positions, settings;
    struct sl_positions
        pipelines[2]; /* by name: [1] the newest that opened a run, [0] the newest other */
    int track;        /* keep `changed` */
    int broken;
    int lenient;                /* a repair: lines may be missing between those that are applied */
    struct sl_seg_key *changed; /* segments changed since somebody emptied the list (may repeat) */
    int nchanged, changed_cap;
};

/* Zeroed memory is a state of nothing, and so is a released one. */
/* For an assert at each door. */
static inline int sl_state_is_sound(const struct sl_state *s)
{
    return s && s->n >= 0 && s->npartitions >= 0 && (s->parts || !s->npartitions) &&
           s->nhistories >= 0 && s->nschemas >= 0 && s->nchanged <= s->changed_cap;
}

void sl_state_release(struct sl_state *s);
/* Takes a line into the state. SL_ECORRUPT if it cannot follow. */
int sl_state_apply(struct sl_state *s, const struct sl_line *l, struct sl_err *err);
/* Fills l, a fresh line, with all that s holds, n and prev included; strings are borrowed from s. */
int sl_state_snapshot(const struct sl_state *s, struct sl_line *l, struct sl_err *err);

/* What is in the table, borrowed, behind the *n pairs of a list of the line. 1; 0: no memory. */
int sl_line_add_pairs(struct sl_line *l, const struct sl_positions *p, int open,
                      struct sl_line_pair **list, int *n);

/* The segment of that name, or NULL. */
struct sl_seg *sl_state_seg(const struct sl_state *s, struct sl_seg_key key);
/* Index of the first segment of the partition that ends after offset; nsegs if there is none. */
int sl_state_seg_at(const struct sl_state *s, int partition, int64_t offset);
/* The segment that takes appends, or NULL: none, or the last is closed. */
struct sl_seg *sl_state_open_seg(const struct sl_state *s, int partition);
struct sl_schema *sl_state_schema(const struct sl_state *s, int id); /* borrowed, NULL if unknown */
static inline int sl_state_newest(const struct sl_state *s)
{
    return s->nschemas ? s->schemas[s->nschemas - 1].id : 0;
}
static inline struct sl_seg_key sl_seg_key(const struct sl_seg *s)
{
    return (struct sl_seg_key){s->partition, s->base, s->by};
}

enum { SL_SEG_NAME = 64, SL_END_MARKER = 8 };
extern const char sl_end_marker[SL_END_MARKER]; /* Arrow's: the last bytes of a closed segment */
/* "0000/00000000000000000000-7.arrows" into out[SL_SEG_NAME]; suffix ".arrows" or ".idx". */
void sl_seg_name(struct sl_seg_key key, const char *suffix, char *out);
/* Reads "00000000000000000000-7.arrows", a name in the partition's directory. 1 or 0. */
int sl_seg_parse_name(const char *name, int partition, struct sl_seg_key *key);

#endif
