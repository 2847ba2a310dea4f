/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * lz4: see lz4.h. What foreign writers of Arrow compress with unless told otherwise; we only read it.
 *
 * The five functions are declared here rather than by lz4frame.h: their form has been fixed since
 * the library's 1.7, and building does not need another package.
 */
#include "base/library.h"
#include "ipc/lz4.h"

enum { VERSION = 100, RATIO_MAX = 255 }; /* a byte of input makes at most so many of output */

/* Functions of the library that are used. Results are sizes, or errors by is_error. */
static struct {
    size_t (*create)(void **context, unsigned version);
    size_t (*free)(void *context);
    void (*reset)(void *context);
    size_t (*decompress)(void *context, void *dst, size_t *dst_n, const void *src, size_t *src_n,
                         const void *options);
    unsigned (*is_error)(size_t result);
    const char *(*error_name)(size_t result);
} lz4;
static const struct sl_symbol symbols[] = {
    SL_SYMBOL("LZ4F_createDecompressionContext", lz4, create),
    SL_SYMBOL("LZ4F_freeDecompressionContext", lz4, free),
    SL_SYMBOL("LZ4F_resetDecompressionContext", lz4, reset),
    SL_SYMBOL("LZ4F_decompress", lz4, decompress),
    SL_SYMBOL("LZ4F_isError", lz4, is_error),
    SL_SYMBOL("LZ4F_getErrorName", lz4, error_name),
};
static struct sl_library library = SL_LIBRARY("liblz4.so.1", "liblz4-1", symbols, &lz4);

int sl_lz4_need(struct sl_err *err)
{
    return sl_library_need(&library, "Arrow compressed with lz4", err);
}

void *sl_lz4_new(void)
{
    void *context = NULL;
    assert(lz4.create);
    return lz4.is_error(lz4.create(&context, VERSION)) ? NULL : context;
}

void sl_lz4_free(void *context)
{
    if (context)
        lz4.free(context);
}

const char *sl_lz4_decompress(void *context, void *dst, size_t want, size_t claimed,
                              const void *src, size_t n)
{
    assert(context && (dst || !want) && (src || !n));
    size_t out = 0, in = 0, left = 1; /* left: of the frame, 0 at its end */
    if (claimed / RATIO_MAX > n)
        return "it claims more than it can hold";
    lz4.reset(context);
    while (out < want || (want == claimed && left)) {
        size_t made = want - out, used = n - in;
        left =
            lz4.decompress(context, (char *)dst + out, &made, (const char *)src + in, &used, NULL);
        if (lz4.is_error(left))
            return lz4.error_name(left);
        out += made;
        in += used;
        if (!left && out < want)
            return "it is shorter than it says";
        if (!made && !used && left)
            return in < n ? "it is longer than it says" : "it ends early";
    }
    return want < claimed || in == n ? NULL : "something follows its end";
}
