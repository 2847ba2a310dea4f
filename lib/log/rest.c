/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * rest: columns that a log gained after a follower began go to its column `_rest`, so that nothing is
 * dropped in silence: a JSON object a row, null where there is nothing.
 */
#include "base/compat.h"
#include "arrow/builder.h"
#include "arrow/hidden.h"
#include "base/mem.h"
#include "log/log_reader.h"

struct rest {
    int *extra, nextra;
    struct sl_batch *from;
    const struct sl_column *old; /* `_rest` as stored, NULL if there is none */
};

/* A value as JSON: numbers and truth bare where JSON has them, all else as strings. */
static void add_value(struct sl_buf *out, const struct sl_column *c, size_t i)
{
    size_t start = out->len, n;
    uint8_t kind = c->type.kind;
    if (kind == SL_JSONB) {
        const char *s = sl_column_bytes(c, i, &n);
        sl_buf_add(out, s, n);
        return;
    }
    struct sl_buf text = SL_BUF_INIT;
    sl_column_print(c, i, &text);
    const char *s = text.data ? text.data : "";
    int bare = kind == SL_BIGINT || kind == SL_NUMERIC || kind == SL_BOOL ||
               (kind == SL_DOUBLE && text.len && strcspn(s, "NI") == text.len);
    if (bare && kind == SL_BOOL)
        sl_buf_addstr(out, *s == 't' ? "true" : "false");
    else if (bare)
        sl_buf_add(out, s, text.len);
    else
        sl_buf_add_json(out, s, text.len);
    out->failed |= text.failed;
    sl_buf_release(&text);
    assert(out->failed || out->len > start);
}

/* The row's object into out (reset); 0 if it has no members. */
static int build_row(const struct rest *r, size_t i, struct sl_buf *out)
{
    int any = 0;
    sl_buf_reset(out);
    if (r->old && !sl_column_null(r->old, i)) {
        size_t n;
        const char *s = sl_column_bytes(r->old, i, &n);
        while (n && (s[n - 1] == ' ' || s[n - 1] == '\n'))
            n--;
        if (n > 2 && s[0] == '{' && s[n - 1] == '}') {
            sl_buf_add(out, s, n - 1); /* its closing brace comes after what is added */
            any = 1;
        }
    }
    for (int k = 0; k < r->nextra; k++) {
        const struct sl_column *c = r->from->columns[r->extra[k]];
        const char *name = r->from->schema->fields[r->extra[k]].name;
        if (sl_column_null(c, i))
            continue;
        sl_buf_addch(out, any ? ',' : '{');
        sl_buf_add_json(out, name, strlen(name));
        sl_buf_addch(out, ':');
        add_value(out, c, i);
        any = 1;
    }
    if (any)
        sl_buf_addch(out, '}');
    return any;
}

static int build(const struct rest *r, struct sl_batch *to, int at, struct sl_err *err)
{
    struct sl_builder b;
    struct sl_buf row = SL_BUF_INIT;
    int failed = 0;
    sl_builder_init(&b, to->schema->fields[at].type, NULL, 0);
    for (size_t i = 0; i < to->rows; i++) {
        if (build_row(r, i, &row))
            sl_builder_bytes(&b, row.data, row.len);
        else
            sl_builder_null(&b);
        failed |= row.failed;
    }
    struct sl_column *c = sl_builder_finish(&b, err);
    sl_builder_release(&b);
    sl_buf_release(&row);
    if (!c || failed) {
        sl_column_unref(c);
        return sl_err_nomem(err, "the column _rest");
    }
    sl_column_unref(to->columns[at]);
    to->columns[at] = c;
    return 0;
}

int sl_rest_fill(struct sl_batch *to, struct sl_batch *from, struct sl_err *err)
{
    assert(sl_batch_is_sound(to) && sl_batch_is_sound(from) && to->rows == from->rows);
    int at = sl_rest_column(to->schema), rc = 0;
    if (at < 0 || to->schema->fields[at].type.kind != SL_JSONB)
        return 0;
    struct rest r = {.from = from, .extra = sl_malloc((size_t)from->schema->nfields * sizeof(int))};
    if (!r.extra)
        return sl_err_nomem(err, "the column _rest");
    for (int i = 0; i < from->schema->nfields && rc == 0; i++) {
        const char *name = from->schema->fields[i].name;
        int known = sl_schema_find(to->schema, name, strlen(name));
        if (known >= 0 && known != at)
            continue;
        rc = sl_column_load(from->columns[i], err);
        if (known == at)
            r.old = from->columns[i];
        else
            r.extra[r.nextra++] = i;
    }
    if (rc == 0 && r.nextra)
        rc = build(&r, to, at, err);
    free(r.extra);
    return rc;
}
