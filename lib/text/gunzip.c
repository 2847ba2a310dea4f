/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * gunzip: members of gzip one after the other, each held to its checksum and its length.
 *
 * libarchive would read gzip too, but it passes over the eight bytes at the end of a member without
 * a look, and takes whatever is no member for the end of the file: flipped bits and a lost second
 * half would go unseen. zlib, of which it makes use itself, compares both. Behind the last member
 * zeros may follow (tapes pad so); anything else is an error.
 */
#include "text/gunzip.h"
#define ZLIB_CONST
#include <zlib.h>
#include "base/library.h"
#include "base/mem.h"

enum { GZIP_ONLY = 16 + 15 }; /* inflateInit2: no other wrapping, any window */

/* Functions of zlib that are used. */
static struct {
    int (*init)(z_stream *, int, const char *, int);
    int (*inflate)(z_stream *, int);
    int (*reset)(z_stream *);
    int (*end)(z_stream *);
} zlib;
static const struct sl_symbol symbols[] = {
    SL_SYMBOL("inflateInit2_", zlib, init),
    SL_SYMBOL("inflate", zlib, inflate),
    SL_SYMBOL("inflateReset", zlib, reset),
    SL_SYMBOL("inflateEnd", zlib, end),
};
static struct sl_library library = SL_LIBRARY("libz.so.1", "zlib1g", symbols, &zlib);

struct sl_gunzip {
    sl_gunzip_more *more;
    void *arg;
    z_stream z;
    int ready;  /* z is to be ended */
    int inside; /* of a member */
    int eof;
    int64_t in;           /* bytes that more() gave */
    int64_t member, from; /* number of the member at hand, and where it begins */
};

struct sl_gunzip *sl_gunzip_new(sl_gunzip_more *more, void *arg, struct sl_err *err)
{
    assert(more);
    if (sl_library_need(&library, "gzip", err) < 0)
        return NULL;
    struct sl_gunzip *g = sl_calloc(1, sizeof *g);
    if (g) {
        g->more = more;
        g->arg = arg;
        g->ready = zlib.init(&g->z, GZIP_ONLY, ZLIB_VERSION, (int)sizeof g->z) == Z_OK;
    }
    if (!g || !g->ready) {
        sl_gunzip_free(g);
        return sl_err_no_memory(err, "decompressing");
    }
    return g;
}

void sl_gunzip_free(struct sl_gunzip *g)
{
    if (g && g->ready)
        zlib.end(&g->z);
    free(g);
}

int64_t sl_gunzip_offset(const struct sl_gunzip *g)
{
    return g->in - (int64_t)g->z.avail_in;
}

/* Sees to it that there is input, or eof: 0 or < 0. */
static int fill(struct sl_gunzip *g, struct sl_err *err)
{
    const uint8_t *data;
    if (g->z.avail_in || g->eof)
        return 0;
    int64_t n = g->more(g->arg, &data, err);
    if (n < 0)
        return (int)n;
    assert(n <= INT_MAX);
    g->eof = n == 0;
    g->z.next_in = data;
    g->z.avail_in = (uInt)n;
    g->in += n;
    return 0;
}

/* Between members: 1 the next one begins, 0 the end, < 0. */
static int begin_member(struct sl_gunzip *g, struct sl_err *err)
{
    int padded = 0, rc;
    while ((rc = fill(g, err)) == 0 && !g->eof) {
        if (*g->z.next_in == 0 && g->member) {
            padded = 1;
            g->z.next_in++;
            g->z.avail_in--;
            continue;
        }
        if (*g->z.next_in != 0x1f || padded) {
            sl_err_set(err, SL_EFORMAT, "what follows the %lld member%s of gzip here is none",
                       (long long)g->member, g->member == 1 ? "" : "s");
            return sl_err_hint(err, "if it may be dropped: gzip -dc, or cut the file there");
        }
        g->inside = 1;
        g->member++;
        g->from = sl_gunzip_offset(g);
        return zlib.reset(&g->z) == Z_OK ? 1 : sl_err_set(err, SL_EBUG, "zlib lost its state");
    }
    return rc;
}

static int damaged(const struct sl_gunzip *g, const char *what, struct sl_err *err)
{
    if (strcmp(what, "incorrect data check") == 0)
        what = "the checksum does not fit";
    else if (strcmp(what, "incorrect length check") == 0)
        what = "the length does not fit";
    return sl_err_set(err, SL_EFORMAT, "damaged gzip: %s (member %lld, from byte %lld)", what,
                      (long long)g->member, (long long)g->from);
}

/* What inflate answered: 0 go on, < 0. */
static int judge(struct sl_gunzip *g, int answer, struct sl_err *err)
{
    switch (answer) {
    case Z_OK: return 0;
    case Z_STREAM_END: g->inside = 0; return 0;
    case Z_BUF_ERROR: /* it needs more of something: room there is */
        return g->eof ? damaged(g, "it stops in its middle", err) : 0;
    case Z_MEM_ERROR: return sl_err_nomem(err, "decompressing");
    default: return damaged(g, g->z.msg ? g->z.msg : "not what gzip writes", err);
    }
}

int64_t sl_gunzip_read(struct sl_gunzip *g, void *data, size_t n, struct sl_err *err)
{
    assert(g && (data || !n));
    n = SL_MIN(n, (size_t)1 << 30);
    g->z.next_out = data;
    g->z.avail_out = (uInt)n;
    while (g->z.avail_out) {
        size_t got = n - g->z.avail_out;
        if (got && !g->z.avail_in && g->inside)
            return (int64_t)got; /* more() may wait for long */
        int rc = g->inside ? fill(g, err) : begin_member(g, err);
        if (rc < 0)
            return rc;
        if (!g->inside)
            break;
        rc = judge(g, zlib.inflate(&g->z, Z_NO_FLUSH), err);
        if (rc < 0)
            return rc;
        if (!g->inside && !g->z.avail_in && n > g->z.avail_out)
            break;
    }
    return (int64_t)(n - g->z.avail_out);
}
