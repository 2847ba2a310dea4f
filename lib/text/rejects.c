/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* rejects: the list of records that are not in the batch, with reason and place. */
#include "base/mem.h"
#include "base/utf8.h"
#include "text/text_reader.h"

static void reject_release(struct sl_reject *r)
{
    free(r->column_name);
    free(r->reason);
    free(r->raw);
    sl_buffer_unref(r->header);
}

void sl_text_reject_cut(struct sl_reject_list *l, size_t n)
{
    assert(n <= l->n);
    while (l->n > n)
        reject_release(&l->items[--l->n]);
}

void sl_reject_list_release(struct sl_reject_list *l)
{
    sl_text_reject_cut(l, 0);
    free(l->items);
    *l = (struct sl_reject_list){0};
}

int sl_text_reject(struct sl_reject_list *l, size_t byte, size_t len, int column, const char *name,
                   struct sl_err *err, const char *fmt, ...)
{
    assert(l && fmt);
    struct sl_buf text = SL_BUF_INIT;
    va_list ap;
    va_start(ap, fmt);
    sl_buf_vprintf(&text, fmt, ap);
    va_end(ap);
    struct sl_reject r = {.byte = (int64_t)byte,
                          .len = len,
                          .column = column,
                          .row = -1,
                          .partition = -1,
                          .offset = -1};
    r.reason = sl_buf_take(&text);
    r.column_name = name ? sl_strdup(name) : NULL;
    if (!r.reason || (name && !r.column_name))
        goto nomem;
    if (SL_GROW(l->items, l->n + 1, l->cap, "noting a rejected record", NULL) < 0)
        goto nomem;
    l->items[l->n++] = r;
    return 0;
nomem:
    sl_buf_release(&text);
    reject_release(&r);
    return sl_err_nomem(err, "noting a rejected record");
}

int sl_text_reject_bytes(struct sl_reject_list *l, const char *data, size_t byte, size_t len,
                         int column, int keeps, struct sl_err *err)
{
    int32_t cp = 0;
    size_t i = 0, k = 0;
    for (; i + k < len && cp >= 0; i += k, k = sl_utf8_decode(data + byte + i, len - i, &cp))
        ;
    return sl_text_reject(l, byte, len, column, NULL, err,
                          "byte 0x%02X is not UTF-8; iconv -f latin1 -t UTF-8 converts Latin-1%s",
                          (unsigned char)data[byte + i],
                          keeps ? ", and the type bytea keeps the bytes" : "");
}

static int by_byte(const void *a, const void *b)
{
    int64_t x = ((const struct sl_reject *)a)->byte, y = ((const struct sl_reject *)b)->byte;
    return x < y ? -1 : x > y;
}

void sl_text_reject_lines(struct sl_reject_list *l, size_t from, const char *data, char eol,
                          int64_t first_line)
{
    assert(from <= l->n);
    if (l->n == from)
        return;
    qsort(l->items + from, l->n - from, sizeof *l->items, by_byte);
    int64_t line = first_line, at = 0;
    for (size_t i = from; i < l->n; i++) {
        line += sl_text_lines(eol, data + at, data + l->items[i].byte);
        at = l->items[i].byte;
        l->items[i].line = line;
    }
}
