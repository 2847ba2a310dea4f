/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* compaction: `log compact`: every partition's tiny batches, see log/compact.c. */
#include "log/tend.h"
#include "maintain/maintain.h"
#include "maintain/mend.h"

int sl_maintain_open(const char *path, struct sl_log_writer **w, struct sl_err *err)
{
    const struct sl_log_options options = {.sync = SL_SYNC_NONE};
    struct sl_log *l = NULL;
    int64_t recovered;
    int rc = sl_log_open(path, &l, err);
    if (rc == 0)
        rc = sl_log_writer_open(path, &options, sl_log_schema(l), w, &recovered, err);
    sl_log_free(l);
    return rc;
}

int sl_log_compact(const char *path, struct sl_compaction *done, struct sl_err *err)
{
    assert(path && done);
    struct sl_log_writer *w = NULL;
    atomic_int stop;
    atomic_init(&stop, 0);
    *done = (struct sl_compaction){0};
    int rc = sl_maintain_open(path, &w, err);
    for (int i = 0; rc == 0 && i < w->log->state.npartitions; i++)
        rc = sl_writer_compact(w, i, 2, &stop, done, err);
    if (rc == 0)
        rc = sl_log_writer_sync(w, err);
    for (int i = 0; rc == 0 && i < w->log->state.npartitions; i++)
        sl_writer_remove_stale(w, i, SL_GRACE);
    sl_log_writer_abort(w);
    return rc;
}
