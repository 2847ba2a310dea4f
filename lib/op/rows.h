/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * rows: work on a batch in which single rows may fail.
 *
 * The work stops at the first expression that some row fails, and names all rows that fail it. It is
 * done again without these until it succeeds, which takes as many rounds as there are expressions
 * that fail, however many rows are bad. Then the bad rows go to emit->aside, in their order.
 */
#ifndef SL_OP_ROWS_H
#define SL_OP_ROWS_H

#include "expr/expr.h"
#include "op/op.h"
#include "state/topn.h"

struct sl_rows_bad; /* the bad rows of one try */

/* Work on the selected rows of b, repeatable: 0, or a failure: of rows, by sl_rows_failed. err is
 * never NULL. */
typedef int sl_rows_work(void *arg, struct sl_batch *b, struct sl_rows_bad *bad,
                         struct sl_err *err);

/* Does the work on b less its bad rows. *good is the batch on which the last run succeeded (a
 * reference; b itself if no row was bad), or NULL if no row is left. */
int sl_rows_try(struct sl_batch *b, sl_rows_work *work, void *arg, struct sl_emit *out,
                struct sl_batch **good, struct sl_err *err);
/* What the work answers to -SL_EROW of an evaluation over `part`, which holds the rows of its batch
 * b or, by the same physical numbers, some of them. Other codes of rc pass through. column names what
 * was computed, for messages; NULL = it has no name. It outlives the try. */
int sl_rows_failed(struct sl_rows_bad *bad, int rc, const struct sl_eval *ev,
                   const struct sl_batch *b, const struct sl_batch *part, const char *column,
                   struct sl_err *err);
/* Rows of a batch that shall go aside: zero it first, free(items) at last. */
struct sl_aside_rows {
    size_t n, cap;
    struct sl_aside_row *items;
};
int sl_rows_note(struct sl_aside_rows *l, struct sl_aside_row row, struct sl_err *err);
/* Puts them aside, if there are any; the list is empty then. */
int sl_rows_aside(struct sl_aside_rows *l, enum sl_aside_kind kind, struct sl_batch *b,
                  struct sl_emit *out, struct sl_err *err);
/* After sl_topn_finish: emits all rows of t and empties it. Rows that nobody wants any more raise *cut.
 * SL_PUSH_OK, SL_PUSH_DONE, < 0. */
int sl_rows_emit(struct sl_topn *t, struct sl_emit *out, int64_t *cut, struct sl_err *err);

#endif
