/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * ipc_footer: the flatbuffer at the end of an Arrow IPC file, which says where its messages are.
 *
 * A file is read as the stream that it holds; the footer is needed only where dictionaries come
 * behind the batches that use them, which a stream may not do and a file may.
 */
#include "ipc/fb_read.h"
#include "ipc/ipc_int.h"

enum { FB_FOOTER_VERSION, FB_FOOTER_SCHEMA, FB_FOOTER_DICTIONARIES, FB_FOOTER_BATCHES };
enum { BLOCK = 24 }; /* offset; length of the metadata, padded to 8; length of the body */

int sl_ipc_footer_read(const uint8_t *data, size_t n, struct sl_ipc_footer *out, struct sl_err *err)
{
    assert(data && out);
    struct sl_fb fb;
    *out = (struct sl_ipc_footer){.first_batch = INT64_MAX};
    struct sl_fb_table footer = sl_fb_root(&fb, data, n);
    struct sl_fb_vector dicts = sl_fb_vector(&footer, FB_FOOTER_DICTIONARIES, BLOCK);
    struct sl_fb_vector batches = sl_fb_vector(&footer, FB_FOOTER_BATCHES, BLOCK);
    for (size_t i = 0; i < batches.n; i++)
        out->first_batch = SL_MIN(out->first_batch, sl_fb_vector_i64(&batches, BLOCK * i));
    if (!footer.pos || fb.bad)
        return sl_ipc_malformed(err, "the footer of the file is damaged");
    out->dictionaries = sl_calloc(dicts.n + 1, sizeof *out->dictionaries);
    if (!out->dictionaries)
        return sl_err_nomem(err, "the footer of a file");
    for (size_t i = 0; i < dicts.n; i++) {
        struct sl_ipc_block *b = &out->dictionaries[i];
        int64_t meta = sl_fb_vector_i32(&dicts, BLOCK * i + 8);
        int64_t body = sl_fb_vector_i64(&dicts, BLOCK * i + 16);
        b->offset = sl_fb_vector_i64(&dicts, BLOCK * i);
        if (b->offset < 0 || meta < 8 || body < 0 || body > SL_IPC_BODY_MAX) {
            free(out->dictionaries);
            out->dictionaries = NULL;
            return sl_ipc_malformed(err, "the footer of the file is damaged");
        }
        b->length = meta + body;
        out->late |= b->offset > out->first_batch;
    }
    out->ndictionaries = dicts.n;
    return 0;
}
