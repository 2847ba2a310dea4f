/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * ipc_cat: reads an Arrow IPC stream on standard input, and writes it decoded and encoded again
 * (or, with `print`, as text). Without arguments there is nothing to test by itself.
 *
 *   ipc_cat copy | zstd | dict | print | select | parts | rows | nulls
 *     dict: fits the form to the first batch; select: keeps every third row; parts: cuts every column
 *     in three and joins them; rows: builds every column anew row by row; nulls: puts nulls in front
 */
#include <unistd.h>

#include "../test.h"
#include "arrow/builder.h"
#include "ipc/ipc.h"

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

/* A column cut in three and joined. */
static struct sl_column *cut_and_join(struct sl_column *c, struct sl_err *err)
{
    size_t a = c->rows / 3, b = c->rows / 2;
    struct sl_column *out = NULL;
    struct sl_column *parts[3] = {sl_column_slice(c, 0, a, err), sl_column_slice(c, a, b - a, err),
                                  sl_column_slice(c, b, c->rows - b, err)};
    if (parts[0] && parts[1] && parts[2])
        out = sl_column_concat(parts, 3, NULL, err);
    for (int i = 0; i < 3; i++)
        sl_column_unref(parts[i]);
    return out;
}

static struct sl_column *row_by_row(struct sl_column *c, struct sl_err *err)
{
    struct sl_builder b;
    if (sl_column_load(c, err) < 0)
        return NULL;
    sl_builder_init(&b, c->type, NULL, 1);
    for (size_t k = 0; k < c->rows; k++)
        sl_builder_row(&b, c, k);
    struct sl_column *out = sl_builder_finish(&b, err);
    sl_builder_release(&b);
    return out;
}

/* Two nulls, then the column. */
static struct sl_column *nulls_first(struct sl_column *c, struct sl_err *err)
{
    struct sl_column *parts[2] = {sl_column_nulls(c->type, 2, err), c}, *out = NULL;
    if (parts[0])
        out = sl_column_concat(parts, 2, NULL, err);
    sl_column_unref(parts[0]);
    return out;
}

/* The batch with every column made anew; its reference passes. */
static struct sl_batch *rebuild(struct sl_batch *b, const char *mode, struct sl_err *err)
{
    int nulls = strcmp(mode, "nulls") == 0;
    struct sl_batch *out = sl_batch_new(b->schema, b->rows + (nulls ? 2 : 0));
    for (int i = 0; out && i < b->schema->nfields; i++) {
        struct sl_column *c = b->columns[i];
        out->columns[i] = nulls                       ? nulls_first(c, err)
                          : strcmp(mode, "rows") == 0 ? row_by_row(c, err)
                                                      : cut_and_join(c, err);
        if (!out->columns[i]) {
            sl_batch_unref(out);
            out = NULL;
        }
    }
    sl_batch_unref(b);
    return out;
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
    if (strcmp(c->mode, "parts") == 0 || strcmp(c->mode, "rows") == 0 ||
        strcmp(c->mode, "nulls") == 0) {
        if (!(b = rebuild(b, c->mode, &c->err)))
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
        printf("1..0\n"); /* a tool of tests/oracle, no test by itself */
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
