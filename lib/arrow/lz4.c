/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * lz4: see lz4.h. What foreign writers of Arrow compress with unless told otherwise; we only read it.
 *
 * The five functions are declared here rather than by lz4frame.h: their form has been fixed since
 * the library's 1.7, and building does not need another package.
 */
#include "arrow/lz4.h"
#include <dlfcn.h>
#include <pthread.h>

#define LIBRARY "liblz4.so.1"

enum { VERSION = 100, RATIO_MAX = 255 }; /* a byte of input makes at most so many of output */

/* Functions of the library that are used; filled once. Results are sizes, or errors by is_error. */
static struct {
    void *library;
    size_t (*create)(void **context, unsigned version);
    size_t (*free)(void *context);
    void (*reset)(void *context);
    size_t (*decompress)(void *context, void *dst, size_t *dst_n, const void *src, size_t *src_n,
                         const void *options);
    unsigned (*is_error)(size_t result);
    const char *(*error_name)(size_t result);
} lz4;
static pthread_once_t lz4_once = PTHREAD_ONCE_INIT;

static void open_library(void)
{
    static const struct {
        const char *name;
        size_t at;
    } symbols[] = {
        {"LZ4F_createDecompressionContext", offsetof(__typeof__(lz4), create)},
        {"LZ4F_freeDecompressionContext", offsetof(__typeof__(lz4), free)},
        {"LZ4F_resetDecompressionContext", offsetof(__typeof__(lz4), reset)},
        {"LZ4F_decompress", offsetof(__typeof__(lz4), decompress)},
        {"LZ4F_isError", offsetof(__typeof__(lz4), is_error)},
        {"LZ4F_getErrorName", offsetof(__typeof__(lz4), error_name)},
    };
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return;
    for (size_t i = 0; i < SL_COUNT(symbols); i++) {
        void *f = dlsym(library, symbols[i].name);
        if (!f) {
            dlclose(library);
            return;
        }
        memcpy((char *)&lz4 + symbols[i].at, &f, sizeof f);
    }
    lz4.library = library;
}

int sl_lz4_need(struct sl_err *err)
{
    pthread_once(&lz4_once, open_library);
    if (lz4.library)
        return 0;
    sl_err_set(err, SL_EUNSUPPORTED, "Arrow compressed with lz4 needs " LIBRARY);
    return err ? sl_err_hint(err, "apt install liblz4-1") : -SL_EUNSUPPORTED;
}

void *sl_lz4_new(void)
{
    void *context = NULL;
    assert(lz4.library);
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
