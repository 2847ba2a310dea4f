/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * err: the one error shape.
 *
 * A function that can fail returns int: 0 or > 0 is success, < 0 is -(enum sl_code) with the
 * caller's struct sl_err filled once, where it happened. End of input is never an error code.
 * An err argument may be NULL when the caller wants only the code.
 * Every message names the thing (what), the place (file:line:column or file and offset) and, where
 * there is one, the remedy (hint). Nothing here allocates: the struct is plain and may be copied.
 */
#ifndef SL_BASE_ERR_H
#define SL_BASE_ERR_H

#include "base/compat.h"

struct sl_buf;

enum sl_code {
    SL_OK = 0,
    SL_EFAIL,        /* generic failure: exit 1 */
    SL_EUSAGE,       /* bad option, name or expression: exit 2 */
    SL_ENOMEM,       /* over the memory budget, or malloc failed */
    SL_EIO,          /* the system said no; sys_errno is set */
    SL_ECORRUPT,     /* bytes that fail a check: place and offset are set */
    SL_EFORMAT,      /* input that is not what its format says */
    SL_ETYPE,        /* a value does not fit its type */
    SL_EOVERFLOW,    /* arithmetic left its type */
    SL_ESCHEMA,      /* schemas do not agree */
    SL_EEXIST,       /* would overwrite or repeat */
    SL_ENOENT,       /* named thing is missing */
    SL_EEXPIRED,     /* offsets that retention removed */
    SL_EUPSTREAM,    /* input stopped without its end */
    SL_ELOCKED,      /* another run holds it: exit 75 */
    SL_EFENCED,      /* another run took over */
    SL_EUNSUPPORTED, /* a form this build does not handle */
    SL_EPIPE,        /* the reader of our output is gone: a quiet end */
    SL_EROW,         /* a bad row; err.line says which row of the batch (0-based) */
    SL_EBUG,         /* an invariant broke: exit 70 */
    SL_ESTOPPED,     /* told to end before there was anything: 128 and the signal */
};

struct sl_err {
    enum sl_code code;
    int sys_errno;
    int retryable;
    int64_t offset; /* byte offset in place, -1 = none */
    int64_t line;   /* 1-based line of text, or row of a batch for SL_EROW; -1 = none */
    int column;     /* 1-based column (characters) in an expression or line, 0 = none */
    char what[384];
    char place[256];
    char hint[256];
};

#define SL_ERR_INIT                                                                                \
    {                                                                                              \
        .offset = -1, .line = -1                                                                   \
    }
/* Clears err to "no error". */
void sl_err_init(struct sl_err *err);

/* Fills code and what; place, hint, offset, line and column are reset. Returns -code. */
int sl_err_set(struct sl_err *err, enum sl_code code, const char *fmt, ...) SL_PRINTF(3, 4);

/* As sl_err_set with SL_EIO (SL_ENOMEM for ENOMEM, SL_EPIPE for EPIPE, SL_ENOENT for ENOENT) and
 * the present errno, whose text is appended as ": No such file or directory". */
int sl_err_sys(struct sl_err *err, const char *fmt, ...) SL_PRINTF(2, 3);

/* Shorthand for "out of memory while what". Returns -SL_ENOMEM. */
int sl_err_nomem(struct sl_err *err, const char *what);
/* The same, answering NULL. */
static inline void *sl_err_no_memory(struct sl_err *err, const char *what)
{
    sl_err_nomem(err, what);
    return NULL;
}

/* What a function that keeps its own error hands on. Returns its -code. */
int sl_err_copy(struct sl_err *err, const struct sl_err *from);

/* Add to a filled error; each returns -err->code so that it can end a return statement. */
int sl_err_place(struct sl_err *err, const char *fmt, ...) SL_PRINTF(2, 3);
int sl_err_hint(struct sl_err *err, const char *fmt, ...) SL_PRINTF(2, 3);
int sl_err_at(struct sl_err *err, const char *place, int64_t line, int column);
/* For an error at a character of an option's text: the place becomes the option, the character and
 * what stands there, so that one of several options is known. Nothing without a column. */
int sl_err_option(struct sl_err *err, const char *option, const char *text);
int sl_err_offset(struct sl_err *err, const char *place, int64_t offset);

/* The word for n things in a message. */
static inline const char *sl_plural(int64_t n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

/* Appends "place:line:column: what; hint" to out, control bytes escaped, without a newline. */
void sl_err_format(const struct sl_err *err, struct sl_buf *out);

#endif
