/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * Fuzz target: any bytes as an Arrow IPC stream. What decodes must load or fail, print, be written
 * again, and that must decode.
 *
 * tests/fuzz/check builds and runs it.
 */
#include "ipc/control.h"
#include "ipc/ipc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS_SHOWN = 64, COLUMNS_SHOWN = 64 };

/* Loads, prints and takes the columns; 1 if all are good. */
static int touch(struct sl_batch *b, struct sl_err *err)
{
    static const uint32_t sel[4] = {0, 1, 1, 0};
    int good = 1;
    for (int i = 0; i < b->schema->nfields; i++) {
        struct sl_column *c = b->columns[i], *t, *both[2];
        struct sl_buf out = SL_BUF_INIT;
        if (sl_column_load(c, err) < 0) {
            good = 0;
            continue;
        }
        for (size_t k = 0; k < c->rows && k < ROWS_SHOWN; k++) {
            sl_column_print(c, k, &out);
            sl_column_compare(c, k, c, c->rows - 1 - k);
        }
        sl_buf_release(&out);
        if (c->rows < 2 || c->rows > 100000 || i >= COLUMNS_SHOWN)
            continue;
        t = sl_column_take(c, sel, 4, NULL, err);
        both[0] = t;
        both[1] = sl_column_slice(c, 1, c->rows - 1, err);
        if (both[0] && both[1])
            sl_column_unref(sl_column_concat(both, 2, NULL, err));
        sl_column_unref(both[0]);
        sl_column_unref(both[1]);
    }
    return good;
}

static void run(const uint8_t *data, size_t size, int again);

static void write_again(struct sl_batch *b)
{
    struct sl_ipc_form form;
    struct sl_buf out = SL_BUF_INIT;
    if (sl_ipc_form_init(&form, b->schema, NULL) < 0)
        return;
    form.zstd = (int)(b->rows & 1);
    if (sl_ipc_form_fit(&form, b, NULL) == 0 &&
        sl_ipc_encode_schema(b->schema, &form, &out, NULL) == 0 &&
        sl_ipc_encode_batch(b, &form, NULL, 0, &out, NULL, NULL, NULL) == 0)
        run((const uint8_t *)out.data, out.len, 0);
    sl_ipc_form_release(&form);
    sl_buf_release(&out);
}

static void one_batch(struct sl_ipc_decoder *d, const struct sl_ipc_message *m, int again,
                      struct sl_err *err)
{
    struct sl_batch *b = NULL;
    int rc = sl_ipc_decoder_batch(d, m, &b, err);
    if (!again && rc < 0)
        abort(); /* what we write, we read */
    if (rc < 0)
        return;
    int good = touch(b, err);
    if (!again && !good)
        abort();
    if (again && good && b->rows < 100000)
        write_again(b);
    sl_batch_unref(b);
}

static void run(const uint8_t *data, size_t size, int again)
{
    struct sl_account account;
    struct sl_err err;
    sl_account_init(&account, "fuzz", 256 << 20, NULL);
    sl_err_init(&err);
    struct sl_ipc_decoder *d = sl_ipc_decoder_new(&account);
    struct sl_buffer *in = sl_buffer_new(NULL, size);
    if (size)
        memcpy(in->data, data, size);
    for (size_t at = 0; at < size;) {
        struct sl_ipc_message m;
        struct sl_control control;
        const char *value;
        size_t len;
        int64_t n = sl_ipc_peek(in->data + at, size - at, &m, &err);
        if (n <= 0 || (size_t)n > size - at || m.kind == SL_IPC_END)
            break;
        m.owner = in;
        if (sl_ipc_message_meta(&m, SL_IPC_KEY, &value, &len) > 0)
            sl_control_parse(value, len, &control, &err);
        if (m.kind == SL_IPC_SCHEMA && sl_ipc_decoder_schema(d, &m, &err) < 0)
            break;
        if (m.kind == SL_IPC_DICTIONARY)
            sl_ipc_decoder_dictionary(d, &m, &err);
        if (m.kind == SL_IPC_BATCH)
            one_batch(d, &m, again, &err);
        at += (size_t)n;
    }
    sl_buffer_unref(in);
    sl_ipc_decoder_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run(data, size, 1);
    return 0;
}
