/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * durable: who has only read a log makes sure that a power cut does not take back what was read.
 *
 * It does what a writer does before it acknowledges commits, see sync.h: whose commits these are makes no
 * difference. After a reboot, or a sync that failed, a writer has to look at the log first.
 */
#include "base/compat.h"
#include <fcntl.h>
#include <unistd.h>
#include "log/log.h"
#include "log/sync.h"

/* A writer looks at the log, and has nothing to write. */
static int recover(struct sl_log *l, struct sl_err *err)
{
    struct sl_log_writer *w = NULL;
    struct sl_log_options o = {.sync = SL_SYNC_COMMIT};
    int rc = sl_log_writer_open(l->path, &o, sl_log_schema(l), &w, NULL, err);
    return rc < 0 ? rc : sl_log_writer_close(w, err);
}

static int sync_all(struct sl_log *l, struct sl_syncer *s, struct sl_err *err)
{
    int rc = 0;
    for (int i = 0; i < l->state.npartitions; i++) {
        const struct sl_part *p = &l->state.parts[i];
        for (int k = 0; k < p->nsegs && rc == 0; k++)
            if (p->segs[k].touched > l->state.durable)
                rc = sl_syncer_touch(s, sl_seg_key(&p->segs[k]), p->segs[k].touched, -1, err);
    }
    if (rc == 0)
        rc = sl_syncer_commit(s, l, l->state.n, err);
    return rc < 0 ? rc : sl_syncer_run(s, err);
}

int sl_log_make_durable(struct sl_log *l, struct sl_err *err)
{
    assert(l);
    struct sl_syncer *s = NULL;
    if (sl_log_durable(l) >= l->state.n ||
        sl_log_is_new(l)) /* a mark above 0 says that it is to stay */
        return 0;
    if (faccessat(l->dirfd, "lock", W_OK, AT_EACCESS) < 0)
        return syncfs(l->dirfd) < 0 ? sl_err_sys(err, "cannot sync the file system of %s", l->path)
                                    : 0;
    if (l->trust != SL_VIEW_TRUSTED)
        return recover(l, err);
    int rc = sl_syncer_new(l, 0, &s, err);
    if (rc == 0)
        rc = sync_all(l, s, err);
    sl_syncer_free(s);
    return rc;
}
