/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * leftover: what a killed process left under a temporary name.
 *
 * Who makes a file or directory under a temporary name holds a flock(2) on it for as long as it bears
 * that name. The kernel frees it at the latest at the holder's death, whatever its number, host or
 * namespace: a temporary name that can be locked is nobody's. Where there are no such locks (some
 * network file systems) nothing is ever taken for a leftover.
 *
 * The name is PATH MARK PID-RANDOM. RANDOM is a random number of eight hexadecimal digits, so that
 * nobody can lie in wait at the name, and then the CRC32C of the name before it in eight more. A file
 * of somebody else's does not bear such a name by accident, whatever dates or numbers it ends in.
 * A sweep gives only names with a true checksum to `take`; `take` looks inside what can hold a proof.
 *
 * Call order: sweep; name; make; hold; if that says 0, somebody's sweep came between: again from name.
 */
#ifndef SL_BASE_LEFTOVER_H
#define SL_BASE_LEFTOVER_H

#include "base/buf.h"
#include "base/err.h"

/* A new temporary name for path, in place of what out holds. 0 or < 0. */
int sl_leftover_name(const char *path, const char *mark, struct sl_buf *out, struct sl_err *err);
/* Locks what fd is open on until it is closed. 0: it is not at path any more; 1: it is. */
int sl_leftover_hold(int fd, const char *path);
/* Calls take with each file or directory under such a name that is nobody's. It is locked meanwhile. */
void sl_leftover_sweep(const char *path, const char *mark, void (*take)(const char *path));

#endif
