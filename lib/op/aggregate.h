/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * aggregate: what the files of the aggregate operator share; nobody else includes it.
 *
 *   aggregate.c         settings, binding, plan
 *   aggregate_windows.c the open windows
 *   aggregate_rows.c    rows in: windows, lateness, groups, accumulators
 *   aggregate_emit.c    results out
 *   aggregate_state.c   save, load, split, merge
 *   aggregate_parts.c   states as rows
 *   aggregate_sets.c    grouping sets
 *
 * A group's key is window_start, if there are windows, and the --by values. Groups are numbered by
 * one table for all windows; an open window knows its groups by a list, so that emitting a window
 * costs what its own groups cost. Without any key there is one group, number 0.
 *
 * Invariants: (1) windows is sorted by start unless `unsorted`; no group of a window that was emitted is in the table.
 * (2) assigned rows = released rows + held. (3) accumulators have room for every group number given
 * out. (4) a window is emitted only when every later row of it is late by its own watermark (`_wm`):
 * so without that column only END emits. (5) an aggregate that tracks has a byte in `changed` for every group
 * that accumulators have room for.
 */
#ifndef SL_OP_AGGREGATE_H
#define SL_OP_AGGREGATE_H

#include "op/ops.h"
#include "op/registry.h"
#include "op/window.h"
#include "state/acc.h"
#include "state/group.h"
#include "state/order.h"

enum { SL_AGG_KEYS_MAX = 64 };

struct sl_open_window {
    int64_t start, end;
    int64_t rows;
    uint32_t groups; /* first group + 1 */
    uint32_t ngroups;
    int changed; /* since it was saved */
};

/* What one accumulator takes from a batch; filled anew for each. */
struct sl_agg_input {
    struct sl_buffer *sel; /* FILTER: physical rows; NULL = all */
    size_t n;
    struct sl_column *arg, *second;
};

struct sl_aggregate {
    struct sl_op op;
    const struct sl_expr_env *env;
    struct sl_asts select, by, having;
    char *window_text, *sets_text; /* NULL: none */
    int64_t lateness;
    enum sl_aggregate_parts parts;

    /* binding */
    struct sl_schema *in, *keys, *out;
    int windowed;
    struct sl_window window;
    int time_column, wm_column; /* -1: none */
    int nby, nkeys;             /* nkeys: with window_start */
    int nsets;                  /* > 0: the last key is `grouping` */
    uint64_t *sets;             /* its value for each set */
    struct sl_expr **by_expr;   /* borrowed from by_lists */
    struct sl_expr_list *by_lists;
    int nlists;
    struct sl_agg_list *lists; /* one per --select, then one per --having */
    int naccs;
    struct sl_acc **accs;
    struct sl_agg_call **acc_call; /* the call whose argument and filter an accumulator takes */
    int **acc_of;                  /* [list][call]: its accumulator */
    int ranked;
    const struct sl_agg_call *ranked_call; /* the first that is */
    int *part_columns;                     /* of states that are merged: keys, then accumulators */

    uint64_t seed; /* of the tables of windows */

    /* state */
    int ready; /* the group table stands */
    struct sl_group groups;
    size_t reserved; /* groups that accumulators have room for */
    struct sl_open_window *windows;
    size_t nwindows, windows_cap, window_mask;
    struct sl_vec window_slots; /* uint32_t: index in windows + 1; 0 = free */
    int unsorted;
    struct sl_vec next; /* uint32_t by group: next of its window + 1 */
    struct sl_ranker ranker;
    int64_t held, watermark;
    int64_t
        passed; /* the watermark when windows were emitted last: none that closed by then opens again */
    atomic_int *family;    /* this operator and its copies: see split */
    int tracks;            /* it was saved or loaded: what changes from there on is marked */
    struct sl_vec changed; /* uint8_t by group */

    /* scratch of a batch */
    struct sl_eval *eval;
    struct sl_column **by_columns; /* of states that are merged, `grouping` is the last */
    struct sl_agg_input *inputs;
    struct sl_vec pane_codes, panes, pane_slots, ids, sub_ids, times, ranks, sub_times, sub_ranks;
    size_t npanes, pane_mask;
};

/* A window that occurs in the present batch. */
struct sl_pane {
    int64_t start, end, closes; /* closes: end + lateness */
    int64_t rows;
};

/* Invariant 3, and what counts agree in, between two calls of the operator. */
static inline int sl_aggregate_is_sound(const struct sl_aggregate *a)
{
    return a->nwindows <= a->windows_cap && a->held >= 0 &&
           (!a->ready || a->groups.n <= a->reserved) &&
           (!a->tracks || a->changed.bytes >= a->reserved);
}

void sl_aggregate_drop_inputs(struct sl_aggregate *a);
/* The table, made if need be. */
int sl_aggregate_ready(struct sl_aggregate *a, struct sl_err *err);
void sl_aggregate_clear(struct sl_aggregate *a);
/* Index in windows of the one that starts at start, made if need be; good until they are sorted. */
int sl_aggregate_window(struct sl_aggregate *a, int64_t start, int64_t end, size_t *index,
                        struct sl_err *err);
void sl_aggregate_sort_windows(struct sl_aggregate *a);
/* The first n windows leave. */
void sl_aggregate_drop_windows(struct sl_aggregate *a, size_t n);
/* Windows that the watermark has closed, once they are sorted: they are the first ones. */
size_t sl_aggregate_closed(const struct sl_aggregate *a);
/* The first n windows leave, and their groups. */
void sl_aggregate_forget(struct sl_aggregate *a, size_t n);
/* Room in accumulators and window lists for the groups that the last find made. */
int sl_aggregate_admit(struct sl_aggregate *a, struct sl_err *err);

int sl_aggregate_rows(struct sl_aggregate *a, struct sl_batch *b, struct sl_emit *out,
                      struct sl_err *err);
/* 1 if windows that the watermark has closed hold enough groups for a large batch. */
int sl_aggregate_is_full(struct sl_aggregate *a);
/* Emits windows that the watermark has closed, or all that there is. */
int64_t sl_aggregate_output_watermark(const struct sl_aggregate *a); /* SL_TIME_MIN: none */
int sl_aggregate_emit(struct sl_aggregate *a, int all, struct sl_emit *out, struct sl_err *err);

/* Appends the groups to the table `groups`: their keys, and what accumulators pack. */
int sl_aggregate_export(struct sl_aggregate *a, const struct sl_entry *e, size_t n,
                        struct sl_store *store, struct sl_err *err);

/* ---- aggregate_sets.c ---- */
/* Reads sets_text; --by is bound. */
int sl_aggregate_bind_sets(struct sl_aggregate *a, struct sl_err *err);
/* The --by values and `grouping` of n rows in a set. */
int sl_aggregate_set_keys(struct sl_aggregate *a, int set, size_t n, struct sl_column **keys,
                          struct sl_err *err);
/* The set of no columns has a group, also where there is no row. */
int sl_aggregate_total(struct sl_aggregate *a, struct sl_err *err);

/* ---- aggregate_parts.c ---- */
/* The schema of states, into a->out. */
int sl_aggregate_bind_states(struct sl_aggregate *a, struct sl_schema *in, struct sl_err *err);
int sl_aggregate_emit_states(struct sl_aggregate *a, const struct sl_entry *e, size_t n,
                             struct sl_emit *out, struct sl_err *err);
/* What the schema of states says of the input that they are of: a new schema. */
int sl_aggregate_given(const struct sl_schema *in, struct sl_schema **out, struct sl_err *err);
/* Finds the columns of states; keys and calls are bound. */
int sl_aggregate_bind_merge(struct sl_aggregate *a, struct sl_schema *in, struct sl_err *err);
/* Keys and states of the rows of b, into by_columns and inputs; then, when their groups are in ids, the
 * states into accumulators. */
int sl_aggregate_take_parts(struct sl_aggregate *a, struct sl_batch *b, struct sl_err *err);
int sl_aggregate_absorb_parts(struct sl_aggregate *a, size_t n, struct sl_err *err);

int sl_aggregate_save(struct sl_op *op, struct sl_store *store, struct sl_err *err);
int sl_aggregate_load(struct sl_op *op, struct sl_store *store, struct sl_err *err);
struct sl_op *sl_aggregate_split(const struct sl_op *op, struct sl_err *err);
int sl_aggregate_merge(struct sl_op *op, struct sl_op *other, struct sl_err *err);

#endif
