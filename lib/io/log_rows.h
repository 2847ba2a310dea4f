/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * log_rows: rows on their way into a log, from the batches that come to the blobs of a commit.
 *
 * Workers call sl_log_rows_encode, all else is for the loop's thread, in the order of the rows:
 * sl_log_rows_add of what was encoded, and before a commit sl_log_rows_finish. A large batch is encoded by
 * its worker. A small one is not: it goes on a pile, and the pile is encoded as one batch when it is
 * large enough, or when a commit is due. So many small inputs cost what they weigh.
 */
#ifndef SL_IO_LOG_ROWS_H
#define SL_IO_LOG_ROWS_H

#include "arrow/pile.h"
#include "io/connect.h"

/* What is made of one batch: one of both. */
struct sl_log_encoded {
    struct sl_batch *small; /* rows for the pile: loaded, without a selection */
    size_t n;
    struct sl_log_blob *blobs[]; /* of its partitions */
};

struct sl_log_rows {
    struct sl_log_writer *writer; /* borrowed */
    struct sl_unpack *unpack;     /* owned; NULL: there is no `_rest` */
    struct sl_account *account;
    /* Rows that wait for a commit: those of the blobs, and behind them those of the pile. */
    struct sl_log_blob **blobs;
    size_t n, cap, bytes;
    struct sl_pile pile;
};

void sl_log_rows_init(struct sl_log_rows *r, struct sl_account *account);
void sl_log_rows_release(struct sl_log_rows *r);
/* SL_TEXT_WIDEN: what b has in `_rest` needs columns that unpack has not; *wider, if asked for, has them. */
int sl_log_rows_encode(struct sl_log_rows *r, struct sl_batch *b, int worker,
                       struct sl_log_encoded **out, struct sl_schema **wider, struct sl_err *err);
void sl_log_encoded_free(struct sl_log_encoded *e);
/* Takes e behind all rows so far; e is gone, on failure too. */
int sl_log_rows_add(struct sl_log_rows *r, struct sl_log_encoded *e, struct sl_err *err);
/* All rows lie in the n blobs then. */
int sl_log_rows_finish(struct sl_log_rows *r, struct sl_err *err);
/* So many that they should be committed. */
int sl_log_rows_full(const struct sl_log_rows *r);

#endif
