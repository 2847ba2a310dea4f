/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * sink: where rows go. It owns the truth: what it has committed has happened.
 *
 * encode() runs on any thread and turns a batch into what write() appends; write() is called in
 * order by the loop's thread. A sink without encode gets the batch itself. Directives arrive after
 * the rows, as for operators: FLUSH means that the reader shall see all rows so far; before a
 * BARRIER, and before END and STOP, which come once and last, the loop commits.
 */
#ifndef SL_FLOW_SINK_H
#define SL_FLOW_SINK_H

#include <signal.h>
#include "arrow/batch.h"
#include "flow/checkpoint.h"
#include "base/poll_set.h"
#include "ipc/control.h"
#include "op/op.h"
#include "text/text.h"

struct sl_sink;

enum sl_promise { SL_PROMISE_EXACT, SL_PROMISE_UPSERT, SL_PROMISE_AT_LEAST };

struct sl_sink_class {
    const char *name;
    /* Before open: appends where the rows would go and in what form, for --explain. NULL = there is
     * nothing to say. */
    void (*plan)(const struct sl_sink *s, const struct sl_schema *schema, struct sl_buf *out);
    enum sl_promise promise;
    /* Of a run that resumes, before load: nobody else runs the pipeline `name` until the sink is freed. 1, and
     * state_dir is where its state goes; 0: there is no destination yet, ask again after open. SL_ELOCKED:
     * another run does; wait: until it is over, or *signal is set. NULL = the sink keeps no state. */
    int (*hold)(struct sl_sink *s, const char *name, int wait, const volatile sig_atomic_t *signal,
                struct sl_err *err);
    /* What no run will ask for is removed: all state but the n files in `keep`, and what the run that
     * opened the pipeline with this record has made behind checkpoint k. */
    int (*sweep)(struct sl_sink *s, const char *opened, const struct sl_state_ref *keep, int n,
                 int64_t k, struct sl_err *err);
    /* Before open: what the last run of that name left, into *out, which is valid as long as the sink; of
     * a destination that is not there yet that is nothing. NULL = the sink keeps no positions. */
    int (*load)(struct sl_sink *s, const char *name, struct sl_checkpoint *out, struct sl_err *err);
    int (*open)(struct sl_sink *s, struct sl_schema *schema, struct sl_err *err);
    /* Of a place for rejects beside a sink that keeps positions: appends the name under which that sink
     * records how far it has come; nothing while it has none. The sink itself is named so, too. */
    void (*identify)(const struct sl_sink *s, struct sl_buf *out);
    /* One that keeps no positions itself. Before open, once: goes back to where a commit recorded it
     * (JSON of mark()), NULL: none did. */
    int (*take_back)(struct sl_sink *s, const char *mark, struct sl_err *err);
    /* All that was written is on its device: appends where that ends. */
    int (*mark)(struct sl_sink *s, struct sl_buf *out, struct sl_err *err);
    /* A wider schema from now on; no encode() runs. NULL = it can have no other. */
    int (*widen)(struct sl_sink *s, struct sl_schema *schema, struct sl_err *err);
    /* After open, where there is widen: whether the type of this column stays, and why. NULL = of none. */
    enum sl_pin (*pinned)(const struct sl_sink *s, const char *column);
    /* 0; SL_TEXT_WIDEN: not before the sink itself has changed for what is in b; < 0. */
    int (*encode)(struct sl_sink *s, struct sl_batch *b, int worker, void **out,
                  struct sl_err *err);
    /* After encode() said so: the sink changes, and encodes b. Called as write(), while no encode() runs. */
    int (*encode_alone)(struct sl_sink *s, struct sl_batch *b, void **out, struct sl_err *err);
    void (*drop)(struct sl_sink *s, void *encoded); /* an encoded batch that is not written */
    /* SL_PUSH_OK; SL_PUSH_FULL: the batch was taken, and no other is wanted until ready() says OK;
     * SL_PUSH_DONE (the reader is gone), < 0. encoded is consumed. */
    int (*write)(struct sl_sink *s, struct sl_batch *b, void *encoded, struct sl_err *err);
    /* The rows written so far and the positions behind them become true at once, or neither. Nothing is
     * done for neither row nor position. SL_ELOCKED: another run has taken some of these inputs since
     * load(). NULL = rows are out when they are written, or at a directive. */
    int (*commit)(struct sl_sink *s, const struct sl_checkpoint *c, struct sl_err *err);
    /* The watermark of what was written has grown, µs. NULL = the sink has no use for it. As write. */
    int (*watermark)(struct sl_sink *s, int64_t watermark, struct sl_err *err);
    /* c: of a barrier that came down the pipe; of STOP: its reason says why. May be NULL. */
    int (*control)(struct sl_sink *s, enum sl_directive d, const struct sl_control *c,
                   struct sl_err *err);
    /* The run fails, and not by the sink's fault: what was written is committed, or shown, as far as
     * that needs no end. Called last. NULL = there is nothing to do. */
    int (*rescue)(struct sl_sink *s, struct sl_err *err);
    /* As struct sl_source_class.poll; ready() is called after each wait with the n entries that it added.
     * SL_PUSH_OK, SL_PUSH_FULL, SL_PUSH_DONE (the reader is gone), < 0. */
    void (*poll)(struct sl_sink *s, struct sl_poll_set *p);
    int (*ready)(struct sl_sink *s, const struct pollfd *fds, size_t n, struct sl_err *err);
    void (*free)(struct sl_sink *s);
};

struct sl_sink { /* first member of every sink */
    const struct sl_sink_class *class;
    enum sl_text_format text; /* that it writes; untouched columns may come as their bytes were */
    int workers;              /* encode() is called with worker < workers; set before open */
    int pipe_closed;          /* write or ready answered DONE because the reader is gone */
    int live;                 /* set before open: the source has no end, and */
    int64_t out_of_order;     /* its D, µs; < 0 = infinite */
    int ends_whole;           /* nothing of it counts before its END */
    int wants_hidden;         /* frames: rows travel with their hidden columns */
    int64_t committed, held;  /* row account: rows out for good, rows not yet */
    int64_t
        due; /* with commit: when it is wanted (monotonic µs); 0 = now, INT64_MAX = not at all */
    int barriers;          /* set before open: it commits at barriers only, and when due is 0 */
    const char *run;       /* set before open: what a stream says in front of its run, or NULL */
    const char *branch;    /* ... of one of several streams: its number, from 1; else NULL */
    int branches;          /* the sink writes to so many streams; 0: it is one */
    int state_fd;          /* after hold: the directory of the pipeline's state, */
    const char *state_dir; /* and its path, for messages */
    int64_t bytes;
    int64_t recovered; /* bytes that opening a log moved to lost/ */
    int64_t lost;      /* opening it found that commits after this number are lost; 0: none */
    struct sl_account *account;
};

#endif
