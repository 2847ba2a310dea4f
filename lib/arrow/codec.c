/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
#include "arrow/codec.h"

#include <pthread.h>
#include <zstd.h>

#include "base/mem.h"

struct contexts {
    ZSTD_CCtx *compress;
    ZSTD_DCtx *decompress;
};

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int key_failed;
static _Thread_local struct contexts *mine; /* what the key holds, without the call */

static void free_contexts(void *p)
{
    struct contexts *c = p;
    ZSTD_freeCCtx(c->compress);
    ZSTD_freeDCtx(c->decompress);
    free(c);
}

static void make_key(void)
{
    key_failed = pthread_key_create(&key, free_contexts) != 0;
}

/* This thread's contexts, or NULL. */
static struct contexts *get(void)
{
    if (SL_LIKELY(mine != NULL))
        return mine;
    pthread_once(&key_once, make_key);
    struct contexts *c = key_failed ? NULL : sl_calloc(1, sizeof *c);
    if (c && pthread_setspecific(key, c) != 0) {
        free(c);
        c = NULL;
    }
    return mine = c;
}

int sl_codec_compress(struct sl_buf *out, const void *src, size_t n, int level, struct sl_err *err)
{
    struct contexts *c = get();
    if (c && !c->compress)
        c->compress = ZSTD_createCCtx();
    if (!c || !c->compress)
        return sl_err_nomem(err, "compression");
    size_t cap = ZSTD_compressBound(n);
    char *dst = sl_buf_room(out, cap);
    if (!dst)
        return sl_err_nomem(err, "compression");
    size_t got = ZSTD_compressCCtx(c->compress, dst, cap, src, n, level);
    if (ZSTD_isError(got))
        return sl_err_set(err, SL_EFAIL, "zstd: %s", ZSTD_getErrorName(got));
    if (got >= n)
        return 0;
    out->len += got;
    return 1;
}

static int bad_frame(struct sl_err *err, const char *why)
{
    return sl_err_set(err, SL_EFORMAT, "a compressed buffer is damaged: %s", why);
}

/* Only a part is wanted: decompress until dst is full. */
static int decompress_part(ZSTD_DCtx *d, void *dst, size_t want, const void *src, size_t n,
                           struct sl_err *err)
{
    ZSTD_outBuffer o = {dst, want, 0};
    ZSTD_inBuffer in = {src, n, 0};
    ZSTD_DCtx_reset(d, ZSTD_reset_session_only);
    while (o.pos < o.size) {
        size_t before = o.pos, at = in.pos;
        size_t rc = ZSTD_decompressStream(d, &o, &in);
        if (ZSTD_isError(rc))
            return bad_frame(err, ZSTD_getErrorName(rc));
        if (o.pos == before && in.pos == at)
            return bad_frame(err, "it ends early");
    }
    return 0;
}

int sl_codec_decompress(void *dst, size_t want, size_t claimed, const void *src, size_t n,
                        struct sl_err *err)
{
    struct contexts *c = get();
    if (c && !c->decompress)
        c->decompress = ZSTD_createDCtx();
    if (!c || !c->decompress)
        return sl_err_nomem(err, "decompression");
    if (want < claimed)
        return decompress_part(c->decompress, dst, want, src, n, err);
    size_t got = ZSTD_decompressDCtx(c->decompress, dst, want, src, n);
    if (ZSTD_isError(got))
        return bad_frame(err, ZSTD_getErrorName(got));
    return got == want ? 0 : bad_frame(err, "it is shorter than it says");
}
