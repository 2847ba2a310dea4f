/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * sync: makes commits durable and raises the mark, beside the commits.
 *
 * A syncer is told of every segment that a commit touched, whoever's commit it was, and of the
 * commit file; sl_syncer_run brings all of that to the device, in this order: segments and their
 * directories, commit file, mark. Many processes share one sync: under the sync lock the mark is read
 * first, and who finds it high enough has nothing to do.
 *
 * A failed sync is final (the kernel may have dropped the bytes and called them clean): the syncer
 * spoils the boot id in the lock file, so that everybody stops and the next writer looks at what the
 * device has, and answers its error from then on.
 */
#ifndef SL_LOG_SYNC_H
#define SL_LOG_SYNC_H

#include "log/view.h"

struct sl_syncer;

/* interval > 0: a thread runs it that long (µs) after the first commit that is not durable. */
int sl_syncer_new(struct sl_log *l, int64_t interval, struct sl_syncer **out, struct sl_err *err);
/* Ends the thread; what is not synced stays so. */
void sl_syncer_free(struct sl_syncer *s);
/* A segment was changed by commit n; fd (consumed) is a descriptor opened before it was written, or
 * -1: one that another process wrote. */
int sl_syncer_touch(struct sl_syncer *s, struct sl_seg_key key, int64_t n, int fd,
                    struct sl_err *err);
/* Commit n is in the file that the log has open; the touches of it have been told. */
int sl_syncer_commit(struct sl_syncer *s, const struct sl_log *l, int64_t n, struct sl_err *err);
/* Makes everything told durable. Any thread. */
int sl_syncer_run(struct sl_syncer *s, struct sl_err *err);
/* A sync of something else of the log failed, in the caller's hands: final as well. */
void sl_syncer_fail(struct sl_syncer *s, const struct sl_err *why);
/* 0, or the error of a sync that failed. */
int sl_syncer_check(struct sl_syncer *s, struct sl_err *err);
/* When to look whether the thread's sync has failed (monotonic µs): 0 it has, INT64_MAX none is due. */
int64_t sl_syncer_deadline(struct sl_syncer *s);
/* The mark was raised or rewritten by the caller, who holds the append lock. */
int sl_syncer_set_mark(struct sl_syncer *s, int64_t n, const char *boot, struct sl_err *err);

#endif
