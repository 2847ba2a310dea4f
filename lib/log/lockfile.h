/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * lockfile: the file `lock` of a log: three locks on single bytes, and two small records.
 *
 * The append lock guards commits/ and the segments, the sync lock the durable mark. The lock of use is
 * shared by all writers that have the log open; who has it alone may remove a log. All are open file description locks: they belong to the descriptor, are not lost when another descriptor of the
 * file is closed, and the kernel frees them at death. Order: use, append, sync.
 */
#ifndef SL_LOG_LOCKFILE_H
#define SL_LOG_LOCKFILE_H

#include "base/compat.h"
#include "base/err.h"

enum sl_lock_byte { SL_LOCK_APPEND = 0, SL_LOCK_SYNC = 1, SL_LOCK_USE = 2 };
enum sl_lock_kind { SL_LOCK_SHARED, SL_LOCK_EXCLUSIVE };
enum { SL_BOOT_ID = 36, SL_LOCKFILE_BYTES = 256, SL_HOLDER_HOST = 65 };
#define SL_LOCK_PATIENCE (10 * 1000000LL) /* µs until SL_ELOCKED */

/* A record of who holds a lock: process id in 10 digits, space, host padded to `width` bytes, space, CRC of these,
 * newline. */
#define SL_HOLDER_BYTES(width) (10 + 1 + (width) + 1 + 8 + 1)
/* Of this process. */
void sl_holder_print(char *out, int width);
/* Read at a place of a file: 1 and *pid and host (width + 1 bytes), or 0: there is none. */
int sl_holder_read(int fd, int64_t at, int width, int64_t *pid, char *host);

struct sl_lockfile {
    int fd;     /* -1: none (a reader that may not open it) */
    char *path; /* owned */
};

struct sl_lock_mark {
    int64_t durable;
    char boot[SL_BOOT_ID + 1];
    int known;   /* 0: the record is damaged or missing */
    int syncing; /* a sync of what lies beyond is under way, or its process was killed */
};

/* The running system's boot id, SL_BOOT_ID characters; where the system does not tell, all are 'x'. */
int sl_boot_id(char *out, struct sl_err *err);
extern const char sl_boot_failed[]; /* what a failed sync leaves: zeros */

/* writable: 0 for readers, who go on without the file if they may not open it. */
int sl_lockfile_open(const char *log, int writable, struct sl_lockfile *f, struct sl_err *err);
void sl_lockfile_close(struct sl_lockfile *f);
/* Fresh contents into a new file at path (not synced by itself). */
int sl_lockfile_create(const char *path, int64_t durable, const char *boot, struct sl_err *err);

/* Waits at most patience µs, then SL_ELOCKED naming the holder. */
int sl_lockfile_lock(const struct sl_lockfile *f, enum sl_lock_byte byte, enum sl_lock_kind kind,
                     int64_t patience, struct sl_err *err);
/* Who holds a lock, or held it last, as far as the file tells: 1 and *pid and host (SL_HOLDER_HOST
 * bytes), or 0. */
int sl_lockfile_holder(const struct sl_lockfile *f, enum sl_lock_byte byte, int64_t *pid,
                       char *host);
void sl_lockfile_unlock(const struct sl_lockfile *f, enum sl_lock_byte byte);
/* SL_EIO if the file at the path is not the one that is open: the log was removed or replaced. */
int sl_lockfile_is_current(const struct sl_lockfile *f, struct sl_err *err);

/* Reads the mark; a damaged record is read again under the sync lock, then known = 0. locked: the
 * caller holds the sync lock. */
int sl_lockfile_mark(const struct sl_lockfile *f, int locked, struct sl_lock_mark *m,
                     struct sl_err *err);
/* Under the sync lock. */
int sl_lockfile_set_mark(struct sl_lockfile *f, int64_t durable, const char *boot,
                         struct sl_err *err);
/* A sync of what lies beyond the mark m begins, of this process. Under the sync lock; sl_lockfile_set_mark ends it. */
int sl_lockfile_set_syncing(struct sl_lockfile *f, const struct sl_lock_mark *m,
                            struct sl_err *err);
/* Says who appends. Under the append lock. */
int sl_lockfile_set_holder(struct sl_lockfile *f, struct sl_err *err);

#endif
