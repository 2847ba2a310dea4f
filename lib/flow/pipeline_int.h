/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * pipeline_int: what the files of flow share; nobody else includes it.
 *
 * A graph is made of strands and nodes. A strand is a source with what runs on workers: its ring of
 * morsels under way and, per worker, a lane: copies of the row-wise operators behind it (the prefix)
 * and, in a bounded run, of one mergeable operator behind those. A node is an operator with its
 * inputs, or the sink. Behind the strands one thread pushes.
 *
 * The last lane of a strand belongs to that thread and holds the original operators: small morsels go
 * through it directly, so that a single row does not pay for a thread.
 *
 * Invariants: (1) items of a strand are delivered in the order of next(). (2) a lane is used by one
 * thread at a time. (3) counts of an item reach the nodes when it is delivered, so a discarded item
 * leaves no trace in the accounts. (4) nodes are listed in topological order, the sink last; each has
 * one output. (5) an operator gets its END on an input once, after all rows of that input.
 */
#ifndef SL_FLOW_PIPELINE_INT_H
#define SL_FLOW_PIPELINE_INT_H

#include "flow/pipeline.h"

/* Counts of one node: of the run as a whole, or of one item until it is delivered. */
struct sl_counts {
    int64_t in, out;
    int64_t fate[SL_FATE_COUNT];
    int has_late;             /* in this run: the fate counts those of runs before, too */
    struct sl_aside_row late; /* the first one */
};

/* Batches (references), and what the sink made of each on a worker, or NULL; growing. */
struct sl_outputs {
    size_t n, cap;
    struct sl_output {
        struct sl_batch *batch;
        void *encoded;
    } * items;
};

struct sl_feed { /* what gives rows: one of both */
    struct sl_graph_node *node;
    struct sl_strand *strand;
};

struct sl_input { /* of a node: where its rows come from, and what it was told of it */
    const struct sl_feed *from;
    struct sl_schema *schema; /* once bound */
    int64_t watermark;
    int ended;
};

struct sl_graph_node {
    struct sl_feed feed; /* itself */
    struct sl_op *op;    /* NULL: the sink */
    int index;
    int ninputs;
    struct sl_input *inputs;
    struct sl_schema *out;    /* once bound; of the sink: what it is given */
    struct sl_graph_node *to; /* NULL: the sink, or not yet */
    int to_input;
    /* Columns that it is given values of (a bit each), NULL = all; the others are null, whatever the
     * source has there. */
    uint8_t *given;
    struct sl_counts counts;
    int pulled;        /* the input that had its turn last, where any will do */
    int arrived;       /* inputs that the directive under way has reached */
    int64_t watermark; /* that it was told last */
};

/* One operator on the way of a batch: receives what it emits and pushes that into the next one. */
struct sl_hop {
    struct sl_emit emit; /* first: handed to the operator as its output */
    struct sl_way *walk;
    struct sl_graph_node *node;
    struct sl_op *op; /* the node's, or a lane's copy; NULL: the sink */
    struct sl_counts *counts;
    struct sl_hop *next; /* NULL: out of the walk */
    int input;           /* of the next one */
};

/* The way of batches through operators: those of a lane, or all nodes of the graph. */
struct sl_way {
    struct sl_pipeline *p;
    struct sl_item
        *item; /* gathers what leaves a lane and what it rejects; NULL: it ends in the sink */
    int nhops;
    struct sl_hop *hops;
};

struct sl_item {         /* a morsel under way */
    struct sl_task task; /* first */
    struct sl_strand *strand;
    struct sl_morsel *morsel;
    int submitted, push_done;
    int status; /* of decode and the prefix */
    struct sl_err err;
    struct sl_outputs outputs;
    struct sl_reject_list rejects; /* of operators; those of its reader are the morsel's */
    int64_t greatest;              /* event time of its rows, µs; see watermark.c */
    struct sl_counts counts[];     /* of the prefix */
};

enum { SL_INFLIGHT_MAX = 64 };

struct sl_strand {
    struct sl_feed feed; /* itself */
    struct sl_pipeline *p;
    struct sl_source *source;
    int index;
    struct sl_schema *schema;      /* the source's, with `_wm` if rows are stamped */
    uint8_t *needs;                /* columns of schema that are wanted, NULL = all */
    struct sl_graph_node **prefix; /* operators that lanes run, leading and row-wise, */
    int nprefix;
    int merging; /* but for the last, which keeps partial results, merged at the end */
    struct sl_graph_node *first,
        *to; /* the node behind the source, and the one behind the prefix */
    int first_input, to_input;
    struct sl_way *lanes; /* p->nlanes of them */
    struct sl_item *ring[SL_INFLIGHT_MAX];
    unsigned head, tail; /* ring[head % MAX] is the oldest */
    int waiting;         /* its last answer was WAIT, and nothing woke it */
    int at_barrier;      /* it has given it, and is not read until all have */
    int over;            /* SL_STOP or SL_END: it gives nothing more */
    int64_t bytes;
    /* watermark.c */
    int stamps;        /* rows get `_wm` here */
    int time;          /* index of the time column, -1 = none */
    int nsplits;       /* partitions of the source, at least 1 */
    int64_t *greatest; /* per split, SL_TIME_MIN = no row yet */
    int paused;        /* splits without a row are idle */
};

struct sl_aside {   /* rejects of this run and of those that it goes on from; see aside.c */
    int64_t passed; /* so far */
    int64_t told;   /* of those, that the sink's commits count */
    int64_t there;  /* that their own place counts, where it keeps positions */
    int64_t ahead;  /* of those, that come again in this run */
    uint32_t plan;  /* that they were made by */
    /* The last one in each input: as their own place said when the run began; by now. */
    struct sl_positions known, last;
    int recorded; /* the sink's commits name their place */
};

struct sl_late {               /* rows that came too late; see late.c */
    struct sl_sink *sink;      /* NULL: they are only counted */
    struct sl_batch **waiting; /* for the next checkpoint */
    size_t n, cap;
    int64_t bytes;                    /* of them, about */
    const struct sl_positions *there; /* what a log of late rows had when the run began */
    int moved;                        /* the file has grown since its end was recorded */
    int recorded;                     /* the sink's commits name their file */
    int is_open, ended;               /* their sink has been opened; has had its END or STOP */
};

enum sl_role { SL_ROLE_NONE, SL_ROLE_ALONE, SL_ROLE_HEAD, SL_ROLE_MIDDLE, SL_ROLE_TAIL };

struct sl_pipeline {
    struct sl_pipeline_options o;
    int nstrands, nnodes;
    struct sl_strand **strands;
    struct sl_graph_node **nodes;
    struct sl_sink *sink, *rejects;
    struct sl_graph_node *end; /* the sink's node */
    int bound;
    int reshapes; /* what the sources give is not what the sink gets: there are operators between */
    enum sl_again again;
    struct sl_checkpoint loaded; /* of the sink, where it keeps positions */
    int timed;                   /* the source rejects rows without an event time */
    struct sl_way whole;         /* a hop for each node */
    int64_t rejected;            /* rows and records sent to rejects */
    struct sl_aside aside;
    struct sl_late late;
    /* barrier.c: of a pipeline that resumes with state */
    enum sl_role role;
    int stateful;                         /* it has one */
    int64_t place;                        /* of this process in its pipe, from the head: 0 */
    struct sl_run_record run, checkpoint; /* this run; the last checkpoint, k 0: there is none */
    struct sl_run_record base;            /* where it began: run and k */
    int64_t k;                            /* the last barrier */
    const struct sl_control *arrived; /* a barrier that came down the pipe and is on its way now */
    int aligns;                       /* the inputs are branches of one run */
    struct sl_run_record came;        /* state of the stages before, as the last one named it */
    struct sl_run_record saved; /* of this one: a file with all of it, and what changed since */
    size_t saved_cap;
    struct sl_positions untold;       /* of those in `taken`, not passed on by a barrier yet */
    struct sl_buf in_front;           /* what the stream says of the run */
    int is_light, is_stopped;         /* the barrier under way; the run is over, the data is not */
    int64_t bytes, counted;           /* that the sink had been given at the last barrier; rows */
    struct sl_buf opened, last;       /* their records, as the sink has them */
    struct sl_positions taken;        /* what it has of its inputs */
    int is_open;                      /* this run has opened it */
    int is_dirty, is_fresh;           /* rows came since the last full barrier; since any */
    int64_t next_checkpoint;          /* monotonic µs */
    struct sl_pipeline_result before; /* what the state says of the runs before */
    struct sl_stage_rows *stages;
    /* threads */
    struct sl_pool *pool; /* NULL: not started */
    int nlanes, window;
    struct sl_item *passing; /* whose rows go through the rest of the graph now, or NULL */
    /* state of the loop */
    struct sl_poll_set wait;
    int full; /* the sink takes no more for now */
    int done_early, flushed;
    int stopped; /* a source said STOP */
    int said_late;
    int input_failed;  /* the input or a row of it ended the run: what the sink was given is good */
    int rejects_ended; /* their sink has had its END or STOP */
    int64_t next_progress;
    int waits_for;       /* partition for which results wait, -1 = none, */
    int64_t waits_since; /* since then (monotonic µs); INT64_MAX: it was said */
};

/* Whether the process commits checkpoints, of all of its pipe. */
static inline int sl_commits(const struct sl_pipeline *p)
{
    return p->role == SL_ROLE_ALONE || p->role == SL_ROLE_TAIL;
}

/* The positions of other pipelines than the main one are in their state only. */
static inline int sl_is_named(const struct sl_pipeline *p)
{
    return strcmp(p->o.name, "main") != 0;
}
static inline int sl_makes_barriers(const struct sl_pipeline *p)
{
    return p->role == SL_ROLE_ALONE || p->role == SL_ROLE_HEAD;
}

/* For an assert at each door: a strand whose ring is a ring, and an item of one. The ring is the loop's:
 * workers, who are handed items, do not look at it. */
static inline int sl_strand_is_sound(const struct sl_strand *s)
{
    return s && s->p && s->source && s->tail - s->head <= SL_INFLIGHT_MAX && s->nprefix >= 0;
}
static inline int sl_item_is_sound(const struct sl_item *it)
{
    return it && it->strand && it->morsel;
}

/* ---- way.c ---- */

/* Makes the hops for n nodes; ops: their operators in this walk, NULL: the nodes' own. */
int sl_way_init(struct sl_way *w, struct sl_pipeline *p, struct sl_graph_node **nodes, int n,
                struct sl_op **ops, struct sl_err *err);
/* Pushes a batch into a hop; h NULL: out of the walk. SL_PUSH_OK, DONE or < 0. */
int sl_way_push(struct sl_way *w, struct sl_hop *h, int input, struct sl_batch *b,
                struct sl_err *err);
/* What a strand delivers, into the node behind its prefix, with what was encoded of it (consumed). */
int sl_way_deliver(struct sl_strand *s, struct sl_batch *b, void *encoded, struct sl_err *err);
/* A directive on one input of a node: into its operator, and on once all its inputs have had it. */
int sl_way_direct(struct sl_pipeline *p, struct sl_graph_node *n, int input, enum sl_directive d,
                  const struct sl_control *c, struct sl_err *err);
/* The watermark of one input of a node: to the operator, and on. */
int sl_way_watermark(struct sl_pipeline *p, struct sl_graph_node *n, int input, int64_t watermark,
                     struct sl_err *err);
void sl_outputs_clear(struct sl_pipeline *p, struct sl_outputs *o);

/* ---- strand.c ---- */

/* s passes to the strand. NULL: no memory. */
struct sl_strand *sl_strand_new(struct sl_pipeline *p, struct sl_source *s);
void sl_strand_free(struct sl_strand *s);
/* Decides which operators run on workers. */
int sl_strand_plan(struct sl_strand *s, struct sl_err *err);
/* Opens the lane of the loop's own thread. */
int sl_strand_open(struct sl_strand *s, struct sl_err *err);
/* Takes charge of a morsel, which passes: to a worker, or through the own lane at once. */
int sl_strand_take(struct sl_strand *s, struct sl_morsel *m, struct sl_err *err);
/* The operators have been bound again: workers, none of which runs, get copies of them as they are now. */
int sl_strand_renew(struct sl_strand *s, struct sl_err *err);
/* At the end: the partial results of the copies into the operator itself. */
int sl_strand_merge(struct sl_strand *s, struct sl_err *err);
/* m passes to the item. NULL: no memory. */
struct sl_item *sl_item_new(struct sl_strand *s, struct sl_morsel *m);
void sl_item_free(struct sl_item *it);
void sl_item_reset(struct sl_item *it); /* forgets results, to be run again */
/* Takes a batch that leaves its lane. */
int sl_item_add(struct sl_item *it, struct sl_batch *b, struct sl_err *err);
/* Decodes the morsel and takes it through the worker's lane: here, or by the pool. */
void sl_item_run(struct sl_item *it, int worker);
void sl_item_submit(struct sl_item *it);

/* ---- watermark.c ---- */

/* Before operators are bound: whether rows get a watermark here, and the schema that they have then. */
int sl_stamp_plan(struct sl_strand *s, int wanted, struct sl_err *err);
/* On a worker: b with the column `_wm`, as far as b itself tells it. */
struct sl_batch *sl_stamp_begin(struct sl_item *it, struct sl_batch *b, struct sl_err *err);
/* As the item is delivered: what the rows before it add to that, in a batch that left the prefix
 * (replaced). */
int sl_stamp_finish(struct sl_item *it, struct sl_batch **b, struct sl_err *err);
/* The item's rows have been delivered. */
void sl_stamp_advance(struct sl_item *it);
/* The head of a pipe has no state: its positions say how far the times of each split had come. The next run
 * takes that up; before positions are asked for, it is told. */
void sl_stamp_take_up(struct sl_strand *s);
void sl_stamp_tell(const struct sl_strand *s);
/* The watermark of the strand: the least of its splits, but for idle ones. SL_TIME_MIN: not known yet. */
int64_t sl_stamp_watermark(const struct sl_strand *s);
/* A split so far behind another that windows stay open for it alone, -1 = none. */
int sl_stamp_waits_for(const struct sl_strand *s);

/* ---- reject.c ---- */

/* Records of an item's morsel and rows of its operators, to the rejects sink. */
int sl_pipeline_reject_item(struct sl_pipeline *p, struct sl_item *it, struct sl_err *err);
/* Without a rejects sink: the first bad record or row of an item, if it has one, as the error that ends
 * the run, and where it stands (byte, line, row). 0 or < 0. */
int sl_pipeline_first_bad(struct sl_pipeline *p, struct sl_item *it, struct sl_reject *where,
                          struct sl_err *err);
/* The error that more rows were rejected than may be, once they were. */
int sl_pipeline_too_many(const struct sl_pipeline *p, struct sl_err *err);
/* Bad rows to the rejects sink; without one the first of them is the error that ends the run. Those
 * that are of m (may be NULL) get its place, line and text, others place. */
int sl_pipeline_reject_rows(struct sl_pipeline *p, struct sl_reject_list *l, struct sl_morsel *m,
                            const char *place, struct sl_err *err);
/* Puts n rows of b by, as text that outlives the batch. given: the columns that it shows, NULL = all.
 * numbered: physical rows are those of the morsel's batch. */
int sl_reject_list_add(struct sl_reject_list *l, struct sl_batch *b,
                       const struct sl_aside_row *rows, size_t n, int numbered,
                       const uint8_t *given, struct sl_err *err);

/* ---- aside.c ---- */

/* As the sink has been asked what it has: how far the rejects of earlier runs came. */
int sl_aside_load(struct sl_pipeline *p, struct sl_err *err);
void sl_aside_release(struct sl_aside *a);
/* A batch of rejects to their sink, but for those that it has of an earlier run. */
int sl_aside_write(struct sl_pipeline *p, struct sl_batch *b, struct sl_err *err);
/* Commits what it was given; out: positions that the sink commits next, NULL: it commits none. */
int sl_aside_commit(struct sl_pipeline *p, struct sl_positions *out, struct sl_err *err);

/* "late:" and so on, and the name of a sink; empty: it has none yet. */
int sl_aside_name(const struct sl_sink *s, const char *before, struct sl_buf *out,
                  struct sl_err *err);
/* Whether the sink's commits say how far what goes aside had come. */
int sl_aside_is_used(const struct sl_pipeline *p, const struct sl_sink *place);
/* Goes back to where the last commit says; *recorded: NULL, it says nothing. */
int sl_aside_take_back(struct sl_pipeline *p, struct sl_sink *place, const char *before,
                       const struct sl_position **recorded, struct sl_err *err);
/* How far it has come, among the positions that the sink commits next. */
int sl_aside_note(const struct sl_sink *place, const char *before, const struct sl_buf *value,
                  struct sl_positions *out, struct sl_err *err);
/* A batch into such a sink. */
int sl_aside_put(struct sl_sink *s, struct sl_batch *b, struct sl_err *err);

/* ---- late.c ---- */

/* Before anything is opened: a file goes back to where the last checkpoint has it. */
int sl_late_load(struct sl_pipeline *p, struct sl_err *err);
/* Whether all columns of what the node is given are wanted. */
int sl_late_wants_all(const struct sl_pipeline *p, const struct sl_graph_node *n);
/* Of the rows, once the operators are bound. */
struct sl_schema *sl_late_schema(const struct sl_pipeline *p);
int sl_late_open(struct sl_pipeline *p, struct sl_err *err);
/* Rows of b, n of them. */
int sl_late_write(struct sl_pipeline *p, struct sl_batch *b, const struct sl_aside_row *rows,
                  size_t n, struct sl_err *err);
/* Rows that wait, with the state of a checkpoint. */
int sl_late_save(const struct sl_pipeline *p, struct sl_store *store, struct sl_err *err);
int sl_late_load_rows(struct sl_pipeline *p, struct sl_store *store, struct sl_err *err);
/* Once the state is loaded: those rows go to their place, unless they are there. */
int sl_late_restore(struct sl_pipeline *p, struct sl_err *err);
/* Before the sink commits, as sl_aside_commit; and once it has. */
int sl_late_commit(struct sl_pipeline *p, struct sl_positions *out, struct sl_err *err);
int sl_late_committed(struct sl_pipeline *p, const struct sl_run_record *checkpoint,
                      struct sl_err *err);
int sl_late_control(struct sl_pipeline *p, enum sl_directive d, struct sl_err *err);
void sl_late_release(struct sl_late *l);

/* ---- account.c ---- */

/* Says that a row came too late, once, when the first one did. */
void sl_pipeline_say_late(struct sl_pipeline *p);
/* Fills r with the rows of every stage; balance checks them: 0, or SL_EBUG naming the stage. */
int sl_pipeline_account(struct sl_pipeline *p, struct sl_pipeline_result *r, struct sl_err *err);
int sl_pipeline_balance(const struct sl_pipeline_result *r, struct sl_err *err);

/* ---- pipeline.c ---- */

/* Binds the operators in the order of the rows: to the schemas that the strands have now. */
int sl_pipeline_bind_ops(struct sl_pipeline *p, struct sl_err *err);
/* Once the sink is open, where types may become wider: those of columns that the sink orders or routes by
 * stay, and those of columns that an operator computes with. */
int sl_pipeline_pin(struct sl_pipeline *p, struct sl_err *err);
/* Says what was assumed, or what holds of it by now. */
void sl_pipeline_say_assumed(struct sl_pipeline *p);

/* ---- commit.c ---- */

/* Before anything is opened: asks the sink what it has, and tells the sources. */
int sl_pipeline_load(struct sl_pipeline *p, struct sl_err *err);
/* Whether what comes out is out for good at the end only. */
int sl_pipeline_commits_late(const struct sl_pipeline *p);
/* When a source wants to know that the rows so far are out (monotonic µs); INT64_MAX: none does, or they
 * cannot be before the end. */
int64_t sl_pipeline_wanted(const struct sl_pipeline *p);
/* Tells the sources that they are. */
int sl_pipeline_acknowledge(struct sl_pipeline *p, struct sl_err *err);
/* Whether a later run can go on behind the positions: no operator keeps anything but rows on their way. */
int sl_pipeline_goes_on(const struct sl_pipeline *p);
/* Commits what the sinks were given, with the positions behind it. LAST: nothing comes behind that.
 * ASIDE: rejects only. */
enum sl_commit { SL_COMMIT_SOME, SL_COMMIT_LAST, SL_COMMIT_ASIDE };
int sl_pipeline_commit(struct sl_pipeline *p, enum sl_commit what, struct sl_err *err);
/* The same if a sink says that it is due. Between two items, or after a wait. */
int sl_pipeline_commit_due(struct sl_pipeline *p, struct sl_err *err);
/* After an item: tells the source that its morsel is out, and commits if that is due. */
int sl_pipeline_delivered(struct sl_strand *s, struct sl_morsel *m, struct sl_err *err);
/* After a batch: commits if that is due and no position is to go with it. */
int sl_pipeline_written(struct sl_pipeline *p, struct sl_err *err);

/* ---- resume.c ---- */

/* ---- barrier.c ---- */

/* Before the sink is asked anything: keeps other runs of the pipeline out, where they would meet in its state
 * only. Where all it has are positions, a commit says so that meets another of the same input. */
int sl_barrier_hold(struct sl_pipeline *p, struct sl_err *err);
/* As the sink has been asked what it has: what that is of this pipeline. */
int sl_barrier_load(struct sl_pipeline *p, struct sl_err *err);
/* Once the sources are open: which part this process has. */
int sl_barrier_join(struct sl_pipeline *p, struct sl_err *err);
/* Before the sink is opened: names the run, or learns its name. */
int sl_barrier_begin(struct sl_pipeline *p, struct sl_err *err);
/* Once the sink is open: takes up the last checkpoint. */
int sl_barrier_restore(struct sl_pipeline *p, struct sl_err *err);

/* ---- barrier.c ---- */

#define SL_CHECKPOINT_EVERY (10 * SL_USEC_PER_SEC) /* unless the run says something else */
enum { SL_PLACE_BRANCH = 1000 };                   /* places of branch B begin at B times that */

/* Whether the process has a file of state at each full barrier. */
static inline int sl_has_state(const struct sl_pipeline *p)
{
    return !sl_pipeline_goes_on(p) || (sl_commits(p) && sl_is_named(p));
}
/* The state is in one more file (changes), or in this one alone. */
int sl_barrier_add_saved(struct sl_pipeline *p, const struct sl_state_ref *ref, int changes,
                         struct sl_err *err);
/* Whether the end of the input is not the end of the data: the next run goes on. */
int sl_barrier_stops(const struct sl_pipeline *p);
/* The input pauses: whether a light barrier is to be made. */
int sl_barrier_at_pause(struct sl_pipeline *p);
/* No position says what the sink was given, as rows before it are held: no barrier goes on for now. 0. */
int sl_barrier_put_off(struct sl_pipeline *p);
/* When the next one is wanted (monotonic µs), 0 = now, INT64_MAX = not at all. */
int64_t sl_barrier_due(const struct sl_pipeline *p);
/* The directive has reached every operator: saves their state and commits all of it. */
int sl_barrier_commit(struct sl_pipeline *p, struct sl_positions *positions, struct sl_err *err);
void sl_barrier_release(struct sl_pipeline *p);

/* ---- own_state.c ---- */

int sl_own_save(struct sl_pipeline *p, struct sl_state_writer *w, struct sl_err *err);
/* Of each file, in their order: what is kept by operators that save changes. */
int sl_own_load_changes(struct sl_pipeline *p, struct sl_state_reader *r, struct sl_err *err);
/* Of the last file: all the rest. */
int sl_own_load(struct sl_pipeline *p, struct sl_state_reader *r, struct sl_err *err);
/* Of what is saved the positions only, into p->taken. */
int sl_own_load_positions(struct sl_pipeline *p, struct sl_state_reader *r, struct sl_err *err);

/* ---- deliver.c ---- */

int sl_strand_deliver(struct sl_strand *s, struct sl_err *err); /* the oldest item */
int sl_strand_drain(struct sl_strand *s, struct sl_err *err);   /* all of them */
void sl_strand_wait(struct sl_strand *s);                       /* until no worker runs */
void sl_strand_discard(struct sl_strand *s);                    /* without delivering */

#endif
