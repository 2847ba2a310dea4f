/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * compat: the first include of every file.
 *
 * Fixes the language and POSIX level, gives the attribute names that the rest of the tree uses,
 * and makes the use of functions that overflow, truncate or keep hidden state a compile error.
 */
#ifndef SL_BASE_COMPAT_H
#define SL_BASE_COMPAT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef __int128 sl_int128;
typedef unsigned __int128 sl_uint128;

#define SL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define SL_UNUSED            __attribute__((unused))
#define SL_LIKELY(x)         __builtin_expect(!!(x), 1)
#define SL_UNLIKELY(x)       __builtin_expect(!!(x), 0)
#define SL_COUNT(a)          (sizeof(a) / sizeof((a)[0]))
#define SL_MIN(a, b)         ((a) < (b) ? (a) : (b))
#define SL_MAX(a, b)         ((a) > (b) ? (a) : (b))
#define SL_ALIGN_UP(n, a)    (((n) + ((a)-1)) & ~(size_t)((a)-1))

/*
 * An assumption that a reader must know is an assert: all builds keep them, so none stands in a loop
 * over rows or bytes. What costs as much as the work itself is a check function, which answers NULL or
 * what is broken, called by SL_CHECK: only builds with sanitizers (make SAN=...) do that.
 */
#ifdef SL_CHECKS
#define SL_CHECK(check)                                                                            \
    do {                                                                                           \
        const char *broken_ = (check);                                                             \
        if (broken_)                                                                               \
            __assert_fail(broken_, __FILE__, __LINE__, __func__);                                  \
    } while (0)
#else
#define SL_CHECK(check) ((void)0)
#endif
/* The same for one condition, in what is called for every row. */
#define SL_CHECK_THAT(holds) SL_CHECK((holds) ? NULL : #holds)

/* Banned: each has a bounded or re-entrant twin (sl_buf_printf, snprintf, memcpy, strtok_r,
 * gmtime_r or base/time.h, base/num.h). */
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf
#undef strtok
#undef gets
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok gets gmtime localtime ctime
#pragma GCC poison asctime mktemp tmpnam atoi atol atoll atof system popen

#endif
