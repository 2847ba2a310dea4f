/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * source: where rows come from, as the loop sees it.
 *
 * next() is called by the loop's thread only and is cheap: it reads and cuts. What it gives is a
 * morsel: bytes that decode() turns into a batch on any thread. Morsels are handed on in the order
 * next() gave them. WAIT means that nothing is there now; the loop then flushes and polls.
 *
 * A source whose inputs can be read again is told by resume() what the sink has of them, by delivered() how
 * far its morsels have come, and is asked for positions() when that is committed. A position is JSON that
 * means something to the source alone.
 */
#ifndef SL_FLOW_SOURCE_H
#define SL_FLOW_SOURCE_H

#include "arrow/batch.h"
#include "base/poll_set.h"
#include "base/thread.h"
#include "flow/checkpoint.h"
#include "ipc/control.h"
#include "text/text.h"

struct sl_source;

enum sl_next {
    SL_NEXT_MORSEL = 1,
    SL_NEXT_WAIT,
    SL_NEXT_BARRIER, /* a barrier came down the pipe: pass it on */
    SL_NEXT_STOP,
    SL_NEXT_END,
};

struct sl_morsel {
    struct sl_task task; /* the loop's */
    struct sl_source *source;
    struct sl_buffer *data; /* bytes, if any; the source's decode reads them */
    const char *text;       /* in data */
    size_t len;
    struct sl_buffer *header; /* names the fields of text, NULL = nothing does */
    void *arg;                /* the source's, freed by discard() */
    struct sl_morsel *rest;   /* was split off, and comes next; NULL: nothing was */
    int64_t upto;             /* cut short before this physical row of its batch; -1: it was not */
    /* given by next() */
    int64_t watermark;        /* of the rows so far, µs; SL_TIME_MIN: none */
    char *place;              /* file or log, for messages */
    int64_t first_line, byte; /* of the first record in place */
    int32_t split;            /* partition or file number */
    int64_t base;             /* number in it of physical row 0 of the batch; -1: not known */
    /* given by decode() */
    struct sl_batch *batch;
    struct sl_reject_list rejects;
    struct sl_schema *wider; /* decode wants this schema */
    int64_t records;         /* counted by decode: rows, rejects and skipped must add up to it */
    struct sl_text_place *places; /* by locate(): of each row of the batch */
    size_t nplaces;
    int64_t skipped; /* records that are neither rows nor rejects (empty lines) */
    int status;      /* decode's result */
    struct sl_err err;
};

struct sl_source_class {
    const char *name;
    /* After open: appends where the rows come from and how they are read, for --explain. NULL = there is
     * nothing to say. */
    void (*plan)(const struct sl_source *s, struct sl_buf *out);
    /* Before open, where the sink keeps positions: what it has, which is valid as long as the source, and
     * how inputs are taken of which it has something. NULL = the inputs cannot be read again. */
    int (*resume)(struct sl_source *s, const struct sl_checkpoint *from, enum sl_again again,
                  struct sl_err *err);
    /* Opens and settles: after it schema is known. May block for a first row; follows `wait`. */
    int (*open)(struct sl_source *s, struct sl_err *err);
    int (*next)(struct sl_source *s, struct sl_morsel **out, struct sl_err *err); /* enum or < 0 */
    /* Instead of next() once the run shall end: what was read and not given yet; reads nothing. A morsel,
     * or SL_NEXT_END. NULL = next() keeps nothing back. */
    int (*rest)(struct sl_source *s, struct sl_morsel **out, struct sl_err *err);
    /* Any thread. Fills batch and rejects, or wider. NULL: next() fills batch itself. */
    int (*decode)(struct sl_source *s, struct sl_morsel *m, int worker, struct sl_err *err);
    /* After decode, when one is asked for: fills the places of the rows of m's batch; m->text is their
     * text. NULL = they have none. */
    int (*locate)(struct sl_source *s, struct sl_morsel *m, struct sl_err *err);
    /* Takes a wider schema (generation grows); its event time stays the column that it is. NULL = this
     * source has no SCHEMA event. */
    int (*widen)(struct sl_source *s, struct sl_schema *wider, struct sl_err *err);
    /* Before the first next(): only columns with a bit are wanted, others may come as nulls. NULL =
     * all are given. */
    int (*want)(struct sl_source *s, const uint8_t *columns, struct sl_err *err);
    /* Before the first next(): columns with a bit are only copied to text in this format; where that
     * can be, they keep every byte (the schema changes). NULL = this source cannot. */
    int (*raw)(struct sl_source *s, enum sl_text_format to, const uint8_t *columns,
               struct sl_err *err);
    /* Before the first next(), where may_widen: the type of this column stays. NULL = no column of this
     * source changes. */
    void (*pin)(struct sl_source *s, int column, enum sl_pin why);
    /* After WAIT: adds what it waits for. NULL = nothing wakes it. */
    void (*poll)(struct sl_source *s, struct sl_poll_set *p);
    /* m has been delivered, in order: cheap, for it is called for every morsel. NULL with positions. */
    int (*delivered)(struct sl_source *s, struct sl_morsel *m, struct sl_err *err);
    /* At a commit: sets in out the positions behind what was delivered, of the inputs that got further
     * since it was asked last. NULL = there are none. */
    int (*positions)(struct sl_source *s, struct sl_positions *out, struct sl_err *err);
    /* Before it is asked for positions, at a checkpoint or at the end of a run without state: brings to its
     * device what they will point at, so that no power cut takes rows back that the sink has. NULL = nothing
     * is done about that. */
    int (*durable)(struct sl_source *s, int is_checkpoint, struct sl_err *err);
    /* The rows of all that was delivered are out of the sink for good. NULL = the source need not know. */
    int (*committed)(struct sl_source *s, struct sl_err *err);
    /* Before m is run again: it now ends before the record at `byte` of its text, on `line` of its
     * input; or, for a morsel without text, before the physical row `row` of its batch. Its position
     * becomes the one behind what is left. 1, 0 if the source has no position there (the morsel is then
     * dropped, and the source gives it again), < 0. NULL = 0. */
    int (*shorten)(struct sl_source *s, struct sl_morsel *m, const struct sl_reject *before,
                   struct sl_err *err);
    /* After widen, before m is run again: where it is too large for the columns that there are now, its
     * front stays in it, and what stood behind that goes into m->rest, before what is there. 0 or < 0.
     * NULL = no morsel is. */
    int (*split)(struct sl_source *s, struct sl_morsel *m, struct sl_err *err);
    void (*discard)(struct sl_morsel *m); /* frees m->arg; NULL = nothing to free */
    /* Once, behind the last row of an input that came to its end: to say what shows only then. NULL =
     * nothing does. */
    void (*ended)(struct sl_source *s);
    /* Settled facts for --stats and stderr: what was assumed; once the schema is a wider one, only what
     * holds of the types by now. NULL = nothing to say. */
    void (*assumed)(struct sl_source *s, struct sl_buf *out);
    /* Bytes read, total (-1 = unknown), for progress. NULL = unknown. */
    void (*progress)(struct sl_source *s, int64_t *done, int64_t *total);
    void (*free)(struct sl_source *s);
};

struct sl_source { /* first member of every source */
    const struct sl_source_class *class;
    struct sl_schema *schema; /* after open; replaced by widen */
    int generation;           /* of the schema: counts what widen took */
    int workers;              /* decode() is called with worker < workers; set before open */
    int may_widen;     /* decode may ask for wider types; else what does not fit is rejected */
    int may_grow;      /* ... and for new columns */
    int keeps_rejects; /* bad records are kept and the run goes on; set before open */
    int live;          /* input has no end */
    int gives_batches; /* after open: next() fills the batch of every morsel, decode() has no work */
    int is_once;       /* cannot be read again from where a run was; set before open */
    int end_required;  /* a pipe whose end must be a message */
    enum sl_end_reason end_reason; /* why a pipe ended */
    int64_t out_of_order; /* µs: D of the watermark that rows get; < 0: infinite, nothing is late */
    int assumed_order;    /* ... which nobody said */
    int64_t due;      /* when it wants committed() to be called, monotonic µs; 0 = not at all */
    int commits_late; /* before the first next(): committed() is called at the end of the run only */
    int partitions;   /* whose watermarks count, at least 1 */
    /* By partition, the greatest event time up to its position, SL_TIME_MIN: not known. After open: as the
     * positions said that the run goes on from; before positions() is called the flow says it. NULL: none. */
    int64_t *greatest;
    struct sl_control control; /* of the last SL_NEXT_BARRIER */
    struct sl_account *account;
    int64_t unread;                           /* files that could not be read, which was said */
    int64_t records, rejected, skipped, rows; /* row account, kept by the loop */
};

struct sl_morsel *sl_morsel_new(struct sl_source *s);
void sl_morsel_free(struct sl_morsel *m);

#endif
