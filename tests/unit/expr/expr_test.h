/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * expr_test: a batch from text, an expression over it, the answer as text: in every form that a
 * column can have.
 */
#ifndef SL_TESTS_EXPR_TEST_H
#define SL_TESTS_EXPR_TEST_H

#include "../test.h"
#include "arrow/builder.h"
#include "arrow/schema.h"
#include "../texts.h"

enum shape {
    SHAPE_PLAIN,
    SHAPE_DICT,     /* text columns as dictionaries */
    SHAPE_DICT_ALL, /* every column a dictionary, values of no row among the entries */
    SHAPE_CONST,    /* one row, held once */
    SHAPE_SELECTED, /* rows of other values between, passed over by the selection */
    SHAPE_COUNT
};

SL_UNUSED static const char *const shape_names[] = {"plain", "dict", "dict of all", "const",
                                                    "selected"};

/* 2026-03-04 05:06:07.890123 UTC */
#define TEST_NOW 1772600767890123LL

static inline struct sl_schema *test_schema(const char *text)
{
    struct sl_schema *s = NULL;
    struct sl_err err;
    if (sl_schema_parse(text, strlen(text), &s, &err) < 0) {
        printf("# bad schema %s: %s\n", text, err.what);
        abort();
    }
    return s;
}

/* Appends a value given as text ("null" is null) by casting it. */
static inline void test_append(struct sl_builder *b, const char *v)
{
    struct sl_schema *none = test_schema("x text");
    struct sl_expr_env env = {TEST_NOW, NULL, NULL};
    struct sl_buf sql = SL_BUF_INIT;
    struct sl_expr *e;
    struct sl_column *c;
    struct sl_err err;
    struct sl_batch *one = sl_batch_new(none, 1);
    struct sl_eval *ev = sl_eval_new(NULL, &err);
    if (strcmp(v, "null") == 0) {
        sl_buf_addstr(&sql, "null::");
    } else {
        sl_buf_addch(&sql, '\'');
        for (const char *p = v; *p; p++) {
            if (*p == '\'')
                sl_buf_addch(&sql, '\'');
            sl_buf_addch(&sql, *p);
        }
        sl_buf_addstr(&sql, "'::");
    }
    sl_type_print(b->type, &sql);
    one->columns[0] = sl_column_nulls(sl_type_of(SL_TEXT), 1, &err);
    one->selected = 1;
    if (text_expr(sql.data, sql.len, none, &env, &e, &err) < 0 ||
        sl_expr_eval(ev, e, one, &c, &err) < 0) {
        printf("# bad value %s: %s\n", sql.data, err.what);
        abort();
    }
    sl_builder_row(b, c, 0);
    sl_column_unref(c);
    sl_expr_free(e);
    sl_eval_free(ev);
    sl_batch_unref(one);
    sl_schema_unref(none);
    sl_buf_release(&sql);
}

/* Column `col` of rows "a|b|c" separated by newlines. */
static inline void test_fill(struct sl_builder *b, const char *rows, int col)
{
    char *copy = sl_strdup(rows), *save = NULL;
    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *cell = line;
        for (int k = 0; k < col && cell; k++) {
            cell = strchr(cell, '|');
            if (cell)
                cell++;
        }
        if (!cell)
            abort();
        char *end = strchr(cell, '|');
        if (end)
            *end = '\0';
        test_append(b, cell);
        if (end)
            *end = '|';
    }
    free(copy);
}

static inline size_t test_rows(const char *rows)
{
    size_t n = *rows != 0;
    for (; *rows; rows++)
        n += *rows == '\n' && rows[1];
    return n;
}

/* As a dictionary: the entries are the rows themselves in reverse (and so hold duplicates). */
static inline struct sl_column *test_as_dict(struct sl_column *plain)
{
    size_t n = plain->rows, used = 0;
    struct sl_err err;
    struct sl_column *c = sl_column_new(plain->type, n);
    uint32_t *keep = sl_calloc(n + 1, sizeof(*keep));
    struct sl_buffer *codes = sl_buffer_new(NULL, (n + 1) * sizeof(int32_t));
    int32_t *code = (int32_t *)codes->data;
    for (size_t i = n; i-- > 0;) {
        code[i] = 0;
        if (!sl_column_null(plain, i)) {
            code[i] = (int32_t)used;
            keep[used++] = (uint32_t)i;
        }
    }
    c->form = SL_DICT;
    c->dict = sl_column_take(plain, keep, used, NULL, &err);
    c->data = code;
    c->owner[1] = codes;
    c->valid = plain->valid;
    c->owner[0] = plain->owner[0] ? sl_buffer_ref(plain->owner[0]) : NULL;
    free(keep);
    return c;
}

static inline struct sl_column *test_as_const(struct sl_column *plain)
{
    struct sl_column *c = sl_column_new(plain->type, plain->rows);
    c->form = SL_CONST;
    c->valid = plain->valid;
    c->data = plain->data;
    c->offsets = plain->offsets;
    for (int i = 0; i < SL_COLUMN_OWNERS; i++)
        c->owner[i] = plain->owner[i] ? sl_buffer_ref(plain->owner[i]) : NULL;
    return c;
}

/* NULL if the shape does not fit these rows. */
static inline struct sl_batch *test_batch(struct sl_schema *s, const char *rows, enum shape shape)
{
    size_t n = test_rows(rows), spread = shape == SHAPE_SELECTED ? 3 : 1;
    struct sl_err err;
    if (shape == SHAPE_CONST && n != 1)
        return NULL;
    struct sl_batch *b = sl_batch_new(s, n * spread);
    b->selected = n;
    for (int i = 0; i < s->nfields; i++) {
        struct sl_builder builder;
        sl_builder_init(&builder, s->fields[i].type, NULL, 0);
        test_fill(&builder, rows, i);
        struct sl_column *c = sl_builder_finish(&builder, &err), *d = NULL;
        sl_builder_release(&builder);
        if (shape == SHAPE_DICT_ALL || (shape == SHAPE_DICT && sl_type_is_bytes(c->type)))
            d = test_as_dict(c);
        if (shape == SHAPE_CONST)
            d = test_as_const(c);
        if (shape == SHAPE_SELECTED) { /* every third row, the others hold the wrong ones */
            uint32_t *at = sl_malloc((n * 3 + 1) * sizeof(*at));
            for (size_t k = 0; k < n * 3; k++)
                at[k] = (uint32_t)(k % 3 == 1 ? k / 3 : (k * 7 + 1) % n);
            d = sl_column_take(c, at, n * 3, NULL, &err);
            free(at);
        }
        b->columns[i] = d ? d : c;
        if (d)
            sl_column_unref(c);
    }
    if (shape == SHAPE_SELECTED) {
        struct sl_buffer *sel = sl_buffer_new(NULL, (n + 1) * sizeof(uint32_t));
        for (size_t k = 0; k < n; k++)
            ((uint32_t *)sel->data)[k] = (uint32_t)(k * 3 + 1);
        b->selection = (uint32_t *)sel->data;
        b->selection_owner = sel;
    }
    return b;
}

/* "a|b|null" of a column. */
static inline void test_print(const struct sl_column *c, struct sl_buf *out)
{
    for (size_t i = 0; i < c->rows; i++) {
        if (i)
            sl_buf_addch(out, '|');
        if (sl_column_null(c, i))
            sl_buf_addstr(out, "null");
        else
            sl_column_print(c, i, out);
    }
}

/* The filter passes just the rows whose value is true. */
static inline void test_filter(const struct sl_expr *e, struct sl_batch *b,
                               const struct sl_column *v)
{
    struct sl_err err;
    struct sl_eval *ev = sl_eval_new(NULL, &err);
    struct sl_buffer *sel = NULL;
    size_t n = 0, want = 0;
    CHECK_INT(sl_expr_filter(ev, e, b, &sel, &n, &err), 0);
    for (size_t i = 0; sel && i < v->rows; i++) {
        const struct sl_column *h;
        if (sl_column_null(v, i))
            continue;
        size_t slot = sl_column_slot(v, i, &h);
        if (!sl_bit(h->data, slot))
            continue;
        CHECK(want < n && ((const uint32_t *)sel->data)[want] == sl_batch_row(b, i));
        want++;
    }
    CHECK_INT(n, want);
    sl_buffer_unref(sel);
    sl_eval_free(ev);
}

#endif
