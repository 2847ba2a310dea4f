/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * groups: consumer groups of a log: LOG/groups/NAME/, see sluice-log(5), GROUPS.
 *
 * A process of a group is a consumer. It holds a lock as a member of the group, and one for each partition
 * that it reads; the kernel frees all of them when it dies. Only who holds a partition writes its position.
 * Who changes positions from outside holds the group as a whole, so that no consumer is there.
 *
 * Call order: sl_consumer_open; sl_consumer_join or sl_consumer_seize; the others; sl_consumer_free. Without
 * a lock only sl_consumer_position and sl_consumer_holder may be called.
 */
#ifndef SL_LOG_GROUPS_H
#define SL_LOG_GROUPS_H

#include "log/lockfile.h"
#include "log/log.h"

struct sl_group_position {
    int64_t n;      /* how often one was written for this partition; 0: never, or all are damaged */
    int64_t offset; /* of the first row that the group has not had */
    uint64_t history;
};

struct sl_consumer;

/* 0, or SL_EUSAGE: letters, digits, '_', '-' and '.', which does not come first; 64 at most. */
int sl_group_check_name(const char *name, struct sl_err *err);
/* Calls fn with the name of each group, in the order of their names. */
int sl_group_list(const struct sl_log *l,
                  int (*fn)(void *arg, const char *name, struct sl_err *err), void *arg,
                  struct sl_err *err);
/* Makes a group that is not there yet: from[p] is the first offset of partition p. SL_EEXIST. */
int sl_group_make(const struct sl_log *l, const char *name, const int64_t *from,
                  struct sl_err *err);
int sl_group_is_there(const struct sl_log *l, const char *name);

/* SL_ENOENT: there is no such group. */
int sl_consumer_open(const struct sl_log *l, const char *name, struct sl_consumer **out,
                     struct sl_err *err);
void sl_consumer_free(struct sl_consumer *c); /* all that it holds is free then */
int sl_consumer_join(struct sl_consumer *c, struct sl_err *err);
/* Holds the group alone. SL_ELOCKED: a consumer is there, which is named. */
int sl_consumer_seize(struct sl_consumer *c, struct sl_err *err);
/* How many of n partitions are this member's. The shares of all members together are n. */
int sl_consumer_share(const struct sl_consumer *c, int n, struct sl_err *err);
/* Takes a partition: 1, 0 somebody else has it. */
int sl_consumer_take(struct sl_consumer *c, int partition, struct sl_err *err);
void sl_consumer_give(struct sl_consumer *c, int partition);
/* Who holds a partition, as seen by somebody else: 1 and *pid and host (SL_HOLDER_HOST bytes), 0. */
int sl_consumer_holder(const struct sl_consumer *c, int partition, int64_t *pid, char *host);
/* SL_ECORRUPT: both records are damaged, and out->n is 0. */
int sl_consumer_position(const struct sl_consumer *c, int partition, struct sl_group_position *out,
                         struct sl_err *err);
/* Writes p->offset and p->history behind what p->n says, which grows. */
int sl_consumer_set(struct sl_consumer *c, int partition, struct sl_group_position *p,
                    struct sl_err *err);
/* All positions that were set are on their device. */
int sl_consumer_sync(struct sl_consumer *c, struct sl_err *err);
/* Removes the group, which is seized. */
int sl_consumer_remove(struct sl_consumer *c, struct sl_err *err);

#endif
