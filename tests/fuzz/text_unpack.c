/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * fuzz: any bytes as compressed input, whole and in pieces: the same plain bytes, or an error.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -Ilib tests/fuzz/text_unpack.c LAYERS... LIBS
 */
#include <stdlib.h>
#include "base/buf.h"
#include "base/mem.h"
#include "text/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

enum { PLAIN_MAX = 4 << 20 };

struct input {
    const uint8_t *p;
    size_t n, step;
};

static int give(void *arg, void *data, size_t n, struct sl_err *err)
{
    struct input *in = arg;
    size_t k = SL_MIN(SL_MIN(n, in->step), in->n);
    (void)err;
    memcpy(data, in->p, k);
    in->p += k;
    in->n -= k;
    return (int)k;
}

/* Plain bytes into out until the end, an error, or too many of them: the last answer. */
static int64_t unpack(const uint8_t *p, size_t n, size_t step, size_t room, struct sl_buf *out)
{
    struct input in = {p, n, step};
    struct sl_err err;
    struct sl_decompressor *d = sl_decompressor_new(give, &in, "x", &err);
    char data[4096];
    int64_t k = 1;
    while (k > 0 && out->len < PLAIN_MAX) {
        k = sl_decompressor_read(d, data, room, &err);
        if (k > 0)
            sl_buf_add(out, data, (size_t)k);
    }
    if (k < 0 && (err.code != SL_EFORMAT || !err.what[0] || err.offset > (int64_t)n))
        abort();
    sl_decompressor_free(d);
    return k;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    struct sl_buf whole = SL_BUF_INIT, pieces = SL_BUF_INIT;
    if (sl_compression_of_bytes(input, size) != SL_GZIP)
        return 0;
    int64_t a = unpack(input, size, size, 4096, &whole);
    int64_t b = unpack(input, size, 1 + size % 7, 1 + size % 1000, &pieces);
    if (whole.len < PLAIN_MAX && ((a < 0) != (b < 0) || (a == 0 && whole.len != pieces.len)))
        abort();
    if (memcmp(whole.data ? whole.data : "", pieces.data ? pieces.data : "",
               SL_MIN(whole.len, pieces.len)) != 0)
        abort();
    sl_buf_release(&whole);
    sl_buf_release(&pieces);
    return 0;
}
