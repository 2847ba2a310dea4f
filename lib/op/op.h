/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * op: what an operator is.
 *
 * One door: data and control enter by push() only, and leave through the struct sl_emit handed to
 * it. An operator is pure: it knows no clock, no descriptor, no thread, and not whether the run is
 * batch or stream. The same rows give the same final rows however they are cut; the contract test
 * (tests/unit/op/contract.c) holds every registered operator to it.
 *
 * Call order: new (by the operator's own constructor); schema once per input, which binds it; load
 * if a checkpoint is restored; push ...; save whenever BARRIER has been pushed on every input;
 * push(STOP) or push(END) once, last; free. A row-wise operator may be bound again between two pushes,
 * to the same columns, some of a wider type: from there on it is as a new one bound to them.
 *
 * push(batch, directive): batch may be NULL. The rows come first, then the directive acts:
 *   MORE     more may follow at once
 *   FLUSH    nothing more for now: emit all that may be emitted without changing the result
 *   BARRIER  as FLUSH; afterwards save() may be called and must give the state at this point
 *   STOP     the run is over, the data is not: as BARRIER; windows stay open
 *   END      the data is over: emit everything
 * The call watermark() decides when results may be emitted; the column `_wm`, if the schema has one,
 * decides what is late. An operator with several inputs gets a directive once on each: what it does of
 * its own accord at FLUSH it does on every one of them.
 *
 * Row accounts are kept by who calls push() and by emit(): in = what was pushed, out = what was
 * emitted. An operator reports only what they cannot see: through aside() rows rejected and late,
 * through fate() rows filtered, used, held.
 */
#ifndef SL_OP_OP_H
#define SL_OP_OP_H

#include "state/store.h"

enum sl_directive { SL_MORE, SL_FLUSH, SL_BARRIER, SL_STOP, SL_END };

/* What push and emit answer besides < 0. DONE: the consumer wants no more rows (a limit is reached,
 * the reader is gone); it travels up to the source. FULL: a sink has taken this, and wants no more for
 * now; only the loop hears of it, and pulls no source then. */
enum sl_push_result { SL_PUSH_OK = 0, SL_PUSH_DONE = 1, SL_PUSH_FULL = 2 };

enum sl_fate {
    SL_FATE_FILTERED, /* a condition was not true */
    SL_FATE_REJECTED, /* sent to rejects */
    SL_FATE_LATE,
    SL_FATE_LATE_IDLE,
    SL_FATE_USED, /* went into a group, a window, a top-n */
    SL_FATE_CUT,  /* beyond a limit */
    SL_FATE_DEDUPED,
    SL_FATE_ASSIGNED, /* rows x windows they fell in */
    SL_FATE_RELEASED, /* assigned rows whose window was emitted */
    SL_FATE_COUNT
};

enum sl_aside_kind {
    SL_ASIDE_REJECTED,  /* it cannot be processed */
    SL_ASIDE_LATE,      /* it came when its last window was over, by its own watermark; */
    SL_ASIDE_LATE_IDLE, /* ... had been emitted, as its partition was idle */
};

struct sl_aside_row {        /* a row that goes aside, and why */
    uint32_t row;            /* physical, of its batch */
    const char *column;      /* REJECTED: the name of what was computed, or NULL; */
    const char *what;        /* the reason */
    int64_t time, watermark; /* LATE: µs, what it has; */
    int64_t behind;          /* how long before that watermark its last window had closed */
};

struct sl_emit {
    /* Hands a batch on (borrowed; the callee takes references). SL_PUSH_OK, SL_PUSH_DONE, < 0. */
    int (*emit)(struct sl_emit *out, struct sl_batch *batch, struct sl_err *err);
    /* Says that no row with a smaller event time will come that is not late; as emit(). It may be
     * called only by an operator that has the call watermark(). */
    int (*watermark)(struct sl_emit *out, int64_t watermark, struct sl_err *err);
    /* Rows of a batch (borrowed, as all texts are) that go aside: n of them, at least one, in their order;
     * those of one push in as few calls as can be. 0: they are on record and counted (no fate() for them), go on
     * without them. < 0: the run stops with err. */
    int (*aside)(struct sl_emit *out, enum sl_aside_kind kind, struct sl_batch *batch,
                 const struct sl_aside_row *rows, size_t n, struct sl_err *err);
    void (*fate)(struct sl_emit *out, enum sl_fate fate, int64_t rows);
};

enum sl_op_traits {
    SL_OP_ROWWISE = 1, /* each output row comes from one input row; no state: any thread, any cut */
    SL_OP_MERGE = 2,   /* split() and merge() work: partial results per thread */
    SL_OP_ORDERED = 4, /* the result depends on the order of rows (class B): no split */
    SL_OP_WATERMARK = 8, /* looks at `_wm`: the loop adds it where the source has none */
    SL_OP_ENDLESS = 16,  /* set by the loop before schema(): an input has no end */
    SL_OP_PASSES = 32, /* keeps rows on their way and nothing else: when held() is 0 it is as new */
    SL_OP_CHANGES =
        64, /* into a store of changes save() puts only what it has not saved or loaded */
};

struct sl_op;

struct sl_op_class {
    const char *name;
    /* Row account that must balance, as text for --stats: "in = out + filtered + rejected". */
    const char *account;
    /* Binds to the input schema: *out is the output schema (a reference). May be called again, with
     * another schema, until the first push, of a SL_OP_ROWWISE operator always: the last call holds. */
    int (*schema)(struct sl_op *op, int input, struct sl_schema *in, struct sl_schema **out,
                  struct sl_err *err);
    int (*push)(struct sl_op *op, int input, struct sl_batch *batch, enum sl_directive directive,
                struct sl_emit *out, struct sl_err *err);
    /* The watermark of its inputs has grown, µs: it decides when results may be emitted, never what they
     * hold. Without rows: a watermark alone is this call and nothing else. NULL = it goes on as it is;
     * else the operator says by emit->watermark what holds of its output, now or later. Answers as
     * push. */
    int (*watermark)(struct sl_op *op, int64_t watermark, struct sl_emit *out, struct sl_err *err);
    /* Of an operator with several inputs: which one it wants a batch of now, one that has not ended;
     * -1: any. The loop pulls that one; but what it has under way may come unasked, from any input. */
    int (*next_input)(const struct sl_op *op);
    /* Which input columns the operator must be given when the output columns with a bit in `out`
     * are wanted (a bit per field; out NULL: none are): sets bits in `in`, never clears them. With
     * out NULL these are the columns that the operator itself computes with. An operator that ranks
     * rows asks for hidden columns here (state/rank.h). */
    void (*needs)(const struct sl_op *op, int input, const uint8_t *out, uint8_t *in);
    /* As needs, of types: the columns that must keep theirs, for the output columns in `out` to keep theirs
     * and for every row to come out as it does. Others may become a wider numeric. NULL = those of needs. */
    void (*fixes)(const struct sl_op *op, int input, const uint8_t *out, uint8_t *in);
    /* NULL for operators without state. With SL_OP_CHANGES load() is called for each store of the state, in
     * their order; else for the last one, and save() puts all of it into each. */
    int (*save)(struct sl_op *op, struct sl_store *store, struct sl_err *err);
    int (*load)(struct sl_op *op, struct sl_store *store, struct sl_err *err);
    /* Rows now inside (held back, open windows). NULL = always 0. */
    int64_t (*held)(const struct sl_op *op);
    /* A fresh operator with the same settings, already bound; and back: takes over other's state and
     * leaves it empty. Only with SL_OP_MERGE or SL_OP_ROWWISE (merge then has nothing to do). */
    struct sl_op *(*split)(const struct sl_op *op, struct sl_err *err);
    int (*merge)(struct sl_op *op, struct sl_op *other, struct sl_err *err);
    /* Canonical text of the settings: another text is another plan. */
    void (*plan)(const struct sl_op *op, struct sl_buf *out);
    void (*free)(struct sl_op *op);
};

struct sl_op { /* first member of every operator */
    const struct sl_op_class *class;
    int traits; /* enum sl_op_traits, may depend on the settings */
    struct sl_account *account;
};

static inline int sl_op_schema(struct sl_op *op, int input, struct sl_schema *in,
                               struct sl_schema **out, struct sl_err *err)
{
    assert(op && input >= 0 && sl_schema_is_sound(in) && out);
    return op->class->schema(op, input, in, out, err);
}
static inline int sl_op_push(struct sl_op *op, int input, struct sl_batch *batch,
                             enum sl_directive directive, struct sl_emit *out, struct sl_err *err)
{
    assert(op && input >= 0 && out && (!batch || sl_batch_is_sound(batch)));
    assert(directive >= SL_MORE && directive <= SL_END);
    return op->class->push(op, input, batch, directive, out, err);
}
static inline void sl_op_free(struct sl_op *op)
{
    if (op)
        op->class->free(op);
}

/* What many operators do alike. */

/* For needs(), where an output column is the input column of the same place: bits of `out` (or NULL)
 * among the first n are set in `in`. */
void sl_op_needs_same(const uint8_t *out, int n, uint8_t *in);
/* For split(): copy, bound to the schema `in` as the original is (NULL: it is not yet). NULL, and copy
 * is freed, if that fails; copy may be NULL. */
struct sl_op *sl_op_bind_copy(struct sl_op *copy, struct sl_schema *in, struct sl_err *err);
/* For merge() of operators that have no state. */
int sl_op_merge_nothing(struct sl_op *op, struct sl_op *other, struct sl_err *err);

/* Every operator of the program, for the contract test and `--explain`; NULL-ended. A class exists
 * only through the list in op/registry.h. */
extern const struct sl_op_class *const sl_op_classes[];

#endif
