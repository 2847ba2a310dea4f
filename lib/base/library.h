/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * library: shared libraries that are opened on first use, so that the program starts without them.
 *
 * A file that needs one has a static table of pointers to the functions it calls, a list of their
 * names, and a static struct sl_library that ties them together:
 *
 *     static struct { int (*reset)(z_stream *); } zlib;
 *     static const struct sl_symbol symbols[] = {SL_SYMBOL("inflateReset", zlib, reset)};
 *     static struct sl_library library = SL_LIBRARY("libz.so.1", "zlib1g", symbols, &zlib);
 *
 * Call order: sl_library_need, from any thread, as often as is handy; what it found at its first call
 * stays. After it has answered 0 the table may be called through, without it not. Nothing is closed.
 */
#ifndef SL_BASE_LIBRARY_H
#define SL_BASE_LIBRARY_H

#include <pthread.h>
#include <stdatomic.h>
#include "base/compat.h"
#include "base/err.h"

struct sl_symbol {
    const char *name; /* in the library */
    size_t at;        /* of its pointer in the table, in bytes */
};

struct sl_library {
    const char *file;    /* as the dynamic linker looks for it */
    const char *package; /* of Debian, that has it */
    const struct sl_symbol *symbols;
    size_t n;
    void *table;
    pthread_mutex_t lock;
    atomic_int found; /* 0: nobody asked yet, 1: open, -1: missing, or without one of the symbols */
};

#define SL_SYMBOL(name, table, member)                                                             \
    {                                                                                              \
        name, offsetof(__typeof__(table), member)                                                  \
    }
#define SL_LIBRARY(file, package, symbols, table)                                                  \
    {                                                                                              \
        file, package, symbols, SL_COUNT(symbols), table, PTHREAD_MUTEX_INITIALIZER, 0             \
    }

/* Opens the library and fills its table, if that has not been done. 0, or -SL_EUNSUPPORTED with err
 * saying that `what` ("gzip") needs the file, and which package to install. */
int sl_library_need(struct sl_library *l, const char *what, struct sl_err *err);

#endif
