/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * pipeline: sources, operators and one sink as a graph, and the one loop that moves rows.
 *
 * The loop is the same for batch and stream: it takes morsels from the source that is wanted, has them
 * decoded and taken through row-wise operators (and encoded for the sink) by workers, puts them back in
 * order, pushes them through the rest of the graph and into the sink. When the source has nothing now
 * (WAIT) it pushes FLUSH, once, and polls. Batch is the run in which WAIT never comes.
 *
 * Row accounts are kept here, for every stage, and checked at the end: an imbalance is SL_EBUG.
 *
 * Call order: sl_pipeline_new, _source and _op as often as wanted, _sink, [_rejects], [_late], sl_pipeline_run,
 * sl_pipeline_free.
 */
#ifndef SL_FLOW_PIPELINE_H
#define SL_FLOW_PIPELINE_H

#include <signal.h>
#include "flow/sink.h"
#include "flow/source.h"
#include "op/op.h"

struct sl_pipeline;

struct sl_stage_rows { /* one stage's account, for --stats */
    const char *name;
    const char *account; /* the equation */
    int64_t in, out, held;
    int64_t fate[SL_FATE_COUNT];
    int waits_for; /* a partition that is behind the others, -1 = none */
};

/* The number that a word of an account stands for ("in", "held", "late", ...): 1 and *value, or 0 if
 * it is no such word. Words are made of SL_STAGE_LETTERS. */
#define SL_STAGE_LETTERS "abcdefghijklmnopqrstuvwxyz_"
int sl_stage_word(const struct sl_stage_rows *s, const char *word, size_t len, int64_t *value);

struct sl_pipeline_result {
    int64_t records, rejected, skipped, rows_in; /* of the source */
    int64_t rows_out;                            /* reached the sink */
    int64_t bytes_in, late;
    int64_t unread;                /* files that could not be read */
    int64_t recovered;             /* bytes that opening the log moved to lost/ */
    int64_t lost;                  /* opening it found commits after this number lost; 0: none */
    enum sl_directive ended;       /* SL_END or SL_STOP */
    enum sl_end_reason end_reason; /* of the pipe that was read: SL_END_SCHEMA is exit 76 */
    int done_early;                /* the sink or a limit wanted no more */
    int pipe_closed;               /* ... because the reader of our output is gone */
    int nstages;
    struct sl_stage_rows *stages; /* the pipeline's */
};

struct sl_pipeline_options {
    int threads; /* >= 1: workers besides nothing else; 1 = all in the loop */
    struct sl_account *account;
    const volatile sig_atomic_t *signal; /* set to a signal's number to end the run; may be NULL */
    int signal_fd;                       /* becomes readable with it (a self-pipe); -1 = none */
    int64_t max_rejects;                 /* with rejects: stop beyond this many; < 0 = no limit */
    /* Of a run that goes on where the last one was (SL_AGAIN_RESUME): */
    const char *name;   /* of the pipeline, in the sink that it ends in; NULL: main */
    int wait;           /* for another run of it to end; else it is refused */
    int final;          /* the end of the input is the end of the data: what is held is let go */
    int reset_state;    /* from no state, behind what the sink has of the inputs */
    int64_t checkpoint; /* between two, µs; 0 = 10 s */
    /* What came out has to be agreed to at the end before sources are told that it is out, < 0: it is not.
     * NULL: it need not. */
    int (*agree)(void *arg, struct sl_err *err);
    void *agree_arg;
    /* Called about 10 times a second from the loop with bytes done and total (-1 unknown). */
    void (*progress)(void *arg, int64_t rows, int64_t bytes, int64_t total);
    void *progress_arg;
    const struct sl_zone *zone; /* of times in what is said; NULL = UTC */
    /* Told what the source assumed when it settled, and what the pipeline takes for granted: text for
     * stderr. Told again at the end what is true by then, if that is something else. */
    void (*assumed)(void *arg, const char *text, size_t len);
    void (*say)(void *arg, const char *text);
    void *say_arg; /* of both */
};

/* o is copied; what it points to outlives the pipeline. */
int sl_pipeline_new(const struct sl_pipeline_options *o, struct sl_pipeline **out,
                    struct sl_err *err);
/* What gives rows: a source, or an operator. Each feeds one operator, or the sink. */
struct sl_feed;
/* A source; operators behind n inputs each, which exist already; the one sink. Not opened yet, and the
 * pipeline's from here on, also on failure (NULL or < 0). */
struct sl_feed *sl_pipeline_source(struct sl_pipeline *p, struct sl_source *s, struct sl_err *err);
struct sl_feed *sl_pipeline_op(struct sl_pipeline *p, struct sl_op *op,
                               struct sl_feed *const *inputs, int n, struct sl_err *err);
int sl_pipeline_sink(struct sl_pipeline *p, struct sl_sink *s, struct sl_feed *from,
                     struct sl_err *err);
/* Where rows go to a log: those without an event time (column, NULL: the schema's) are rejected, by the
 * source if it can, else by an operator behind `from`. What gives the rows then, NULL on failure. */
struct sl_feed *sl_pipeline_timed(struct sl_pipeline *p, const char *column, struct sl_feed *from,
                                  struct sl_err *err);
/* How inputs are taken of which the sink has something; SL_AGAIN_REFUSE where it is not called. */
void sl_pipeline_again(struct sl_pipeline *p, enum sl_again again);
/* Where rejected rows go instead of ending the run; its schema is sl_reject_schema(). */
int sl_pipeline_rejects(struct sl_pipeline *p, struct sl_sink *s, struct sl_err *err);
/* Where rows go that come too late, as they are, of an operator with SL_OP_WATERMARK, which the plan has; s is
 * the pipeline's. */
void sl_pipeline_late(struct sl_pipeline *p, struct sl_sink *s);
struct sl_schema *sl_reject_schema(void); /* a new reference, NULL: no memory */

/* Opens source and sink, binds the operators; afterwards the plan can be printed. run does it too if
 * it has not been done. */
int sl_pipeline_bind(struct sl_pipeline *p, struct sl_err *err);
/* What runs, once it is bound: a line a stage (source, operators, sink, rejects), what threads share, and
 * the schema that comes out. */
void sl_pipeline_explain(const struct sl_pipeline *p, struct sl_buf *out);
/* Moves the rows until the end, a signal or a failure, once. r is filled in any case, as far as it
 * got; an account that does not balance is SL_EBUG. */
int sl_pipeline_run(struct sl_pipeline *p, struct sl_pipeline_result *r, struct sl_err *err);
void sl_pipeline_free(struct sl_pipeline *p);

#endif
