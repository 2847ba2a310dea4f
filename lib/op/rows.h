/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * rows: work on a batch in which single rows may fail.
 *
 * Kernels stop at the first bad row (-SL_EROW). Here that row goes to emit->reject, and the work is
 * done again without it, until it succeeds: by halves while many rows are left, so that a batch full
 * of bad rows costs a small multiple of a good one.
 */
#ifndef SL_OP_ROWS_H
#define SL_OP_ROWS_H

#include "op/op.h"

/* Work on the selected rows of b, repeatable: 0, -SL_EROW with err->line the position among the
 * selected rows, or another failure. err is never NULL. */
typedef int sl_rows_work(void *arg, struct sl_batch *b, struct sl_err *err);

/* Does the work on b less its bad rows. *good is the batch on which the last run succeeded (a
 * reference; b itself if no row was bad), or NULL if no row is left. */
int sl_rows_try(struct sl_batch *b, sl_rows_work *work, void *arg, struct sl_emit *out,
                struct sl_batch **good, struct sl_err *err);
/* Rejects the selected row at position `at`. */
int sl_rows_reject(struct sl_batch *b, size_t at, struct sl_emit *out, const struct sl_err *why,
                   struct sl_err *err);
/* b with a selection of the n given physical rows (copied). */
struct sl_batch *sl_rows_pick(struct sl_batch *b, const uint32_t *rows, size_t n,
                              struct sl_account *account, struct sl_err *err);
/* Position in `all` of the row at position `at` of `part`, whose rows are some of all's; -1 if there
 * is no such row. */
int64_t sl_rows_position(const struct sl_batch *all, const struct sl_batch *part, int64_t at);

#endif
