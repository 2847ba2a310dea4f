/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * ipc_cat: reads an Arrow IPC stream on standard input, and writes it decoded and encoded again
 * (or, with `print`, as text). Without arguments there is nothing to test by itself.
 *
 *   ipc_cat copy | zstd | dict | print | select
 *     dict: fits the form to the first batch; select: keeps every third row
 */
#include <unistd.h>

#include "../test.h"
#include "arrow/ipc.h"

struct cat {
    struct sl_ipc_decoder *d;
    struct sl_ipc_form form;
    struct sl_buf out;
    const char *mode;
    int has_schema;
    struct sl_err err;
};

static int put_schema(struct cat *c, struct sl_batch *b)
{
    struct sl_schema *s = sl_ipc_decoder_get_schema(c->d);
    if (c->has_schema || !s)
        return 0;
    c->has_schema = 1;
    if (sl_ipc_form_init(&c->form, s, &c->err) < 0)
        return -1;
    c->form.zstd = strcmp(c->mode, "copy") != 0;
    if (b && strcmp(c->mode, "dict") == 0 && sl_ipc_form_fit(&c->form, b, &c->err) < 0)
        return -1;
    if (strcmp(c->mode, "print") != 0)
        return sl_ipc_encode_schema(s, &c->form, &c->out, &c->err);
    sl_schema_print(s, &c->out);
    sl_buf_addch(&c->out, '\n');
    return 0;
}

static int print_batch(struct cat *c, struct sl_batch *b)
{
    for (int i = 0; i < b->schema->nfields; i++) {
        if (sl_column_load(b->columns[i], &c->err) < 0)
            return -1;
    }
    for (size_t k = 0; k < b->rows; k++) {
        for (int i = 0; i < b->schema->nfields; i++) {
            sl_buf_addstr(&c->out, i ? "|" : "");
            if (sl_column_null(b->columns[i], k))
                sl_buf_addstr(&c->out, "NULL");
            else
                sl_column_print(b->columns[i], k, &c->out);
        }
        sl_buf_addch(&c->out, '\n');
    }
    return 0;
}

static struct sl_batch *every_third(struct sl_batch *b, struct sl_err *err)
{
    size_t n = 0;
    struct sl_buffer *sel = sl_buffer_new(NULL, (b->rows / 3 + 1) * sizeof(uint32_t));
    if (!sel)
        return NULL;
    for (size_t k = 0; k < b->rows; k += 3)
        ((uint32_t *)sel->data)[n++] = (uint32_t)k;
    return sl_batch_select(b, sel, n, err);
}

static int put_batch(struct cat *c, const struct sl_ipc_message *m)
{
    struct sl_batch *b = NULL;
    struct sl_ipc_meta meta = {.key = "sluice"};
    if (sl_ipc_decoder_batch(c->d, m, &b, &c->err) < 0 || put_schema(c, b) < 0)
        goto fail;
    if (strcmp(c->mode, "select") == 0) {
        struct sl_batch *s = every_third(b, &c->err);
        sl_batch_unref(b);
        if (!(b = s))
            return -1;
    }
    int has = sl_ipc_message_meta(m, "sluice", &meta.value, &meta.len) > 0;
    if (strcmp(c->mode, "print") == 0
            ? print_batch(c, b) < 0
            : sl_ipc_encode_batch(b, &c->form, &meta, has, &c->out, NULL, NULL, &c->err) < 0)
        goto fail;
    sl_batch_unref(b);
    return 0;
fail:
    sl_batch_unref(b);
    return -1;
}

static int handle(struct cat *c, struct sl_ipc_message *m)
{
    switch (m->kind) {
    case SL_IPC_SCHEMA: return sl_ipc_decoder_schema(c->d, m, &c->err);
    case SL_IPC_DICTIONARY: return sl_ipc_decoder_dictionary(c->d, m, &c->err);
    case SL_IPC_BATCH: return put_batch(c, m);
    case SL_IPC_END:
        if (put_schema(c, NULL) == 0 && strcmp(c->mode, "print") != 0)
            sl_ipc_encode_end(&c->out);
        return 0;
    }
    return -1;
}

static int run(struct cat *c, struct sl_buffer *in)
{
    for (size_t at = 0; at < in->size;) {
        struct sl_ipc_message m;
        int64_t n = sl_ipc_peek(in->data + at, in->size - at, &m, &c->err);
        if (n < 0 || n == 0 || (size_t)n > in->size - at)
            return n < 0 ? -1 : sl_err_set(&c->err, SL_EFORMAT, "the stream is cut off");
        m.owner = in;
        if (handle(c, &m) < 0)
            return -1;
        at += (size_t)n;
        if (m.kind == SL_IPC_END)
            break;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct cat c = {.mode = argc > 1 ? argv[1] : "", .out = SL_BUF_INIT};
    struct sl_buf in = SL_BUF_INIT;
    char chunk[65536];
    size_t n;
    if (argc < 2) {
        printf("1..0 # skip a tool for arrow_roundtrip.py\n");
        return 0;
    }
    sl_err_init(&c.err);
    while ((n = fread(chunk, 1, sizeof chunk, stdin)) > 0)
        sl_buf_add(&in, chunk, n);
    struct sl_buffer *b = sl_buffer_new(NULL, in.len);
    c.d = sl_ipc_decoder_new(NULL);
    if (!b || !c.d)
        return 2;
    if (in.len)
        memcpy(b->data, in.data, in.len);
    int rc = run(&c, b);
    if (rc < 0) {
        struct sl_buf text = SL_BUF_INIT;
        sl_err_format(&c.err, &text);
        fprintf(stderr, "ipc_cat: %s\n", text.data ? text.data : "failed");
        sl_buf_release(&text);
    } else if (fwrite(c.out.data, 1, c.out.len, stdout) != c.out.len) {
        rc = -1;
    }
    sl_ipc_decoder_free(c.d);
    sl_ipc_form_release(&c.form);
    sl_buf_release(&c.out);
    sl_buf_release(&in);
    sl_buffer_unref(b);
    return rc < 0;
}
