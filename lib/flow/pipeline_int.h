/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * pipeline_int: what the files of flow share; nobody else includes it.
 *
 * A pipeline is a chain of nodes, one per operator and one for the sink. Each worker has a lane: its
 * own copies of the leading row-wise operators (the prefix) and, in a bounded run, of one mergeable
 * operator behind them. The last lane belongs to the loop's own thread and holds the original
 * operators: small morsels go through it directly, so that a single row does not pay for a thread.
 *
 * Invariants: (1) items are delivered in the order of next(). (2) a lane is used by one thread at a
 * time. (3) counts of an item reach the stages when it is delivered, so a discarded item leaves no
 * trace in the accounts.
 */
#ifndef SL_FLOW_PIPELINE_INT_H
#define SL_FLOW_PIPELINE_INT_H

#include "flow/pipeline.h"

struct sl_pipeline;

/* Counts of one stage: of the pipeline as a whole, or of one item until it is delivered. */
struct sl_counts {
    int64_t in, out;
    int64_t fate[SL_FATE_COUNT];
    struct sl_late late; /* the first ones; rows 0: there were none */
};

/* Batches (references), and what the sink made of each on a worker, or NULL; growing. */
struct sl_outputs {
    size_t n, cap;
    struct sl_output {
        struct sl_batch *batch;
        void *encoded;
    } * items;
};

/* A row that an operator rejected: as text, so that it outlives the batch. */
struct sl_op_reject {
    char *raw, *reason, *column; /* column: that was computed, or NULL */
    int64_t partition, offset;
    int64_t row; /* physical, of its batch */
};
struct sl_op_rejects {
    size_t n, cap;
    struct sl_op_reject *items;
};

struct sl_lane {
    int nops;
    struct sl_op *ops[SL_PIPELINE_OPS];
};

/* One stop on the way: receives what operator index - 1 emits and pushes it into operator index. */
struct sl_chain_node {
    struct sl_emit emit; /* first: handed to operator index - 1 as its output */
    struct sl_pipeline *p;
    struct sl_run *run;
    int index;
};

/* A walk of one batch (or directive) through operators [from, to) of a lane. */
struct sl_run {
    struct sl_pipeline *p;
    struct sl_lane *lane;
    int to;                        /* one past the last operator */
    struct sl_counts *counts;      /* per operator */
    struct sl_outputs *outputs;    /* where what leaves operator to - 1 goes; NULL: to the sink */
    struct sl_op_rejects *rejects; /* where rejected rows go; NULL: straight to the pipeline */
    struct sl_chain_node nodes[SL_PIPELINE_OPS + 1];
};

struct sl_item {         /* a morsel under way */
    struct sl_task task; /* first */
    struct sl_pipeline *p;
    struct sl_morsel *morsel;
    int submitted, push_done;
    int status; /* of decode and the prefix */
    struct sl_err err;
    struct sl_counts counts[SL_PIPELINE_OPS];
    struct sl_outputs outputs;
    struct sl_op_rejects rejects;
};

enum { SL_INFLIGHT_MAX = 64 };

struct sl_pipeline {
    struct sl_pipeline_options o;
    struct sl_source *source;
    struct sl_sink *sink, *rejects;
    int nops, bound;
    int reshapes; /* what the source gives is not what the sink gets: there are operators between */
    enum sl_again again;
    struct sl_checkpoint loaded; /* of the sink, where it keeps positions */
    int timed;                   /* the source rejects rows without an event time */
    struct sl_op *ops[SL_PIPELINE_OPS];
    struct sl_schema
        *schemas[SL_PIPELINE_OPS + 1]; /* [i] goes into operator i; [nops] to the sink */
    /* [i]: columns that operator i is given values of (a bit each), NULL = all; the others are null,
     * whatever the source has there. */
    uint8_t *given[SL_PIPELINE_OPS];
    struct sl_counts counts[SL_PIPELINE_OPS];
    int64_t sunk;     /* rows given to the sink */
    int64_t rejected; /* rows and records sent to rejects */
    int64_t bytes;
    /* threads */
    struct sl_pool *pool; /* NULL: not started */
    int prefix;           /* leading operators that lanes run */
    int merging;          /* the last of them keeps partial results, merged at the end */
    int nlanes;
    struct sl_lane *lanes;
    struct sl_item *ring[SL_INFLIGHT_MAX];
    unsigned head, tail; /* ring[head % MAX] is the oldest */
    int window;
    struct sl_morsel *passing; /* whose rows go through the rest of the chain now, or NULL */
    /* state of the loop */
    struct sl_poll_set wait;
    int full; /* the sink takes no more for now */
    int done_early, flushed;
    int said_late;
    int input_failed;  /* the input or a row of it ended the run: what the sink was given is good */
    int rejects_ended; /* their sink has had its END or STOP */
    int64_t next_progress;
    int waits_for;       /* partition for which results wait, -1 = none, */
    int64_t waits_since; /* since then (monotonic µs); INT64_MAX: it was said */
};

/* chain.c */
void sl_run_init(struct sl_run *r, struct sl_pipeline *p, struct sl_lane *lane, int to,
                 struct sl_counts *counts, struct sl_outputs *outputs,
                 struct sl_op_rejects *rejects);
/* Pushes a batch (may be NULL) with a directive into operator from; SL_PUSH_OK, DONE or < 0. */
int sl_run_push(struct sl_run *r, int from, struct sl_batch *b, enum sl_directive d,
                struct sl_err *err);
/* Writes a batch with what was encoded of it, which is consumed: SL_PUSH_OK, DONE or < 0. */
int sl_pipeline_sink_write(struct sl_pipeline *p, struct sl_batch *b, void *encoded,
                           struct sl_err *err);
void sl_outputs_clear(struct sl_pipeline *p, struct sl_outputs *o);
void sl_op_rejects_clear(struct sl_op_rejects *r);

/* lane.c */
/* Decides which operators run on workers. */
void sl_lanes_plan(struct sl_pipeline *p);
/* Opens the lane of the loop's own thread. */
int sl_lanes_open(struct sl_pipeline *p, struct sl_err *err);
/* Starts the workers and makes each its copies of the operators: when the first morsel comes that is
 * worth a thread. close undoes both, also half made. */
int sl_lanes_start(struct sl_pipeline *p, struct sl_err *err);
void sl_lanes_close(struct sl_pipeline *p);
/* At the end: the partial results of the copies into the operator itself. */
int sl_lanes_merge(struct sl_pipeline *p, struct sl_err *err);
/* m passes to the item. NULL: no memory. */
struct sl_item *sl_item_new(struct sl_pipeline *p, struct sl_morsel *m);
void sl_item_free(struct sl_item *it);
void sl_item_reset(struct sl_item *it); /* forgets results, to be run again */
/* Decodes the morsel and takes it through the worker's lane: here, or by the pool. */
void sl_item_run(struct sl_item *it, int worker);
void sl_item_submit(struct sl_item *it);

/* reject.c */
/* Records of an item's morsel and rows of its operators, to the rejects sink. */
int sl_pipeline_reject_item(struct sl_pipeline *p, struct sl_item *it, struct sl_err *err);
/* Without a rejects sink: the first bad record or row of an item, if it has one, as the error that ends
 * the run, and where it stands. 0 or < 0. */
int sl_pipeline_first_bad(struct sl_pipeline *p, struct sl_item *it, struct sl_bad_row *where,
                          struct sl_err *err);
/* The error that more rows were rejected than may be, once they were. */
int sl_pipeline_too_many(const struct sl_pipeline *p, struct sl_err *err);
/* Rows of operators; those that are of m (may be NULL) get its place, line and text, others place. */
int sl_pipeline_reject_rows(struct sl_pipeline *p, struct sl_op_rejects *r, struct sl_morsel *m,
                            const char *place, struct sl_err *err);
/* Puts a row by (copied) until its batch is delivered. given: the columns that it shows, NULL = all. */
int sl_op_rejects_add(struct sl_op_rejects *r, struct sl_batch *b, size_t row, const uint8_t *given,
                      const struct sl_err *why, struct sl_err *err);

/* account.c */
/* Says that a row came too late, once, when the first one did. */
void sl_pipeline_say_late(struct sl_pipeline *p);
/* Fills r with the rows of every stage; balance checks them: 0, or SL_EBUG naming the stage. */
void sl_pipeline_account(struct sl_pipeline *p, struct sl_pipeline_result *r);
int sl_pipeline_balance(struct sl_pipeline *p, const struct sl_pipeline_result *r,
                        struct sl_err *err);

/* pipeline.c: says what was assumed, or what holds of it by now */
void sl_pipeline_say_assumed(struct sl_pipeline *p);

/* commit.c */
/* Before anything is opened: asks the sink what it has, and tells the source. */
int sl_pipeline_load(struct sl_pipeline *p, struct sl_err *err);
/* Whether what the sink was given may lag behind what the operators were given. */
int sl_pipeline_holds_rows(const struct sl_pipeline *p);
/* Commits what the sinks were given, with the positions behind it. LAST: nothing comes behind that.
 * ASIDE: rejects only. */
enum sl_commit { SL_COMMIT_SOME, SL_COMMIT_LAST, SL_COMMIT_ASIDE };
int sl_pipeline_commit(struct sl_pipeline *p, enum sl_commit what, struct sl_err *err);
/* The same if a sink says that it is due. Between two items, or after a wait. */
int sl_pipeline_commit_due(struct sl_pipeline *p, struct sl_err *err);
/* After an item: tells the source that its morsel is out, and commits if that is due. */
int sl_pipeline_delivered(struct sl_pipeline *p, struct sl_morsel *m, struct sl_err *err);
/* After a batch: commits if that is due and no position is to go with it. */
int sl_pipeline_written(struct sl_pipeline *p, struct sl_err *err);

/* deliver.c */
int sl_pipeline_deliver(struct sl_pipeline *p, struct sl_err *err); /* the oldest item */
int sl_pipeline_drain(struct sl_pipeline *p, struct sl_err *err);   /* all of them */
void sl_pipeline_discard(struct sl_pipeline *p);                    /* without delivering */
/* A directive through the operators behind the prefix and into the sink. */
int sl_pipeline_direct(struct sl_pipeline *p, enum sl_directive d, const struct sl_control *c,
                       struct sl_err *err);

#endif
