/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * tend: what a writer does about segments that it has closed, on a thread beside its appends: their
 * index, their rewriting if their batches are tiny, and the removal of files that were replaced.
 *
 * The thread is a writer of its own, with its own view, descriptors and locks: to the one that appends
 * it is just another writer. Nothing that fails here harms the log: the segment stays as it is.
 */
#ifndef SL_LOG_TEND_H
#define SL_LOG_TEND_H

#include <stdatomic.h>
#include "log/log_writer.h"

enum {
    SL_TINY_BATCHES = 64, /* segments of fewer are not worth it */
    SL_TINY_PAUSE = 256,  /* nor is it that a pause is waited for after fewer */
};

/* A segment was closed by commit n. Starts the thread at the first one. */
void sl_tender_closed(struct sl_tender *t, struct sl_seg_key key, int64_t n);
/* The commit file is about to end: syncs all so far, so that the rotation, which holds the append lock,
 * has little left to sync. */
void sl_tender_sync(struct sl_tender *t);
/* The log has settings: does what they say. */
void sl_tender_retain(struct sl_tender *t);
/* So many batches of a commit just now are tiny, maybe none. After enough of them the open segments are compacted
 * in the next pause, or when the writer ends. */
void sl_tender_tiny(struct sl_tender *t, int64_t n);
/* `like` is the writer that it works for; it must outlive the tender. NULL on failure. */
struct sl_tender *sl_tender_new(const struct sl_log_writer *like);
/* Does what is left to do. */
void sl_tender_finish(struct sl_tender *t);
/* Leaves what is left to do undone. */
void sl_tender_free(struct sl_tender *t);

/* rewrite.c: makes one segment (or a few, of other forms) of n closed ones that lie one behind the other and
 * have one schema. by: the commit that closed the last of them, or a later one up to that which began the one
 * behind it. 1 if it did; 0 if one is no longer there, or another process does it, or was killed at it; < 0. */
int sl_segments_rewrite(struct sl_log_writer *w, const struct sl_seg_key *keys, size_t n,
                        int64_t by, const atomic_int *stop, struct sl_err *err);

/* ---- compact.c ---- */

/* A commit that closes the partition's open segment, if that is still this one. */
int sl_writer_close_open(struct sl_log_writer *w, struct sl_seg_key key, struct sl_err *err);

/* Rewrites the partition's segments of tiny batches, several that are neighbours to one. The open one too, if
 * it has `min` batches or more: it is closed first. Adds to *done. */
int sl_writer_compact(struct sl_log_writer *w, int partition, int64_t min, const atomic_int *stop,
                      struct sl_compaction *done, struct sl_err *err);

#endif
