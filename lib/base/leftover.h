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
 * Call order: sweep; make; hold; if that says 0, somebody's sweep came between: make it again.
 */
#ifndef SL_BASE_LEFTOVER_H
#define SL_BASE_LEFTOVER_H

#include "base/compat.h"

/* Locks what fd is open on until it is closed. 0: it is not at path any more; 1: it is. */
int sl_leftover_hold(int fd, const char *path);
/* Calls take with each path that begins with path and mark, goes on with digits, letters a to f and
 * dashes only, and is nobody's. It is locked meanwhile. */
void sl_leftover_sweep(const char *path, const char *mark, void (*take)(const char *path));

#endif
