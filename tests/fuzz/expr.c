/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * fuzz: any text as an expression, and what it parses to over a small batch.
 *
 * tests/fuzz/check builds and runs it.
 *
 * What must hold: an error names a place inside the text; what parses prints as text that parses to
 * the same text; its values are as many as the rows; a filter passes no row twice; the rows held
 * plain and by dictionary give the same values.
 */
#include <stdlib.h>
#include "../unit/expr/expr_test.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void die_if(int wrong)
{
    if (wrong)
        abort();
}

static const struct sl_expr_env env = {TEST_NOW, NULL, NULL};
static struct sl_schema *schema;
static struct sl_batch *batches[2];

static void make_batches(void)
{
    static const char rows[] =
        "1|2|2.50|1.5|ab|true|2026-01-31 10:20:30|2026-03-29|1 day\n"
        "null|0|-7.25|NaN|Über|false|null|1969-12-31|null\n"
        "-9223372036854775808|null|null|-0|null|null|1999-12-31|null|-2 hours";
    schema = test_schema("a bigint, b bigint, n numeric(12,2), d double precision, t text, "
                         "f boolean, ts timestamptz, day date, v interval");
    batches[0] = test_batch(schema, rows, SHAPE_PLAIN);
    batches[1] = test_batch(schema, rows, SHAPE_DICT_ALL);
}

static void check_values(const struct sl_expr *e)
{
    struct sl_err err;
    struct sl_eval *ev = sl_eval_new(NULL, &err);
    struct sl_buf text[2] = {SL_BUF_INIT, SL_BUF_INIT};
    int rc[2];
    for (int k = 0; k < 2; k++) {
        struct sl_column *v;
        rc[k] = sl_expr_eval(ev, e, batches[k], &v, &err);
        if (rc[k] < 0) {
            die_if(err.what[0] == 0);
            continue;
        }
        die_if(v->rows != batches[k]->selected);
        test_print(v, &text[k]);
        sl_column_unref(v);
        if (sl_expr_type(e).kind == SL_BOOL) {
            struct sl_buffer *sel;
            size_t n;
            die_if(sl_expr_filter(ev, e, batches[k], &sel, &n, &err) < 0); /* as the values did */
            for (size_t i = 1; i < n; i++)
                die_if(((uint32_t *)sel->data)[i - 1] >= ((uint32_t *)sel->data)[i]);
            sl_buffer_unref(sel);
        }
    }
    die_if((rc[0] < 0) != (rc[1] < 0));
    die_if(text[0].len != text[1].len ||
           (text[0].len && memcmp(text[0].data, text[1].data, text[0].len) != 0));
    sl_buf_release(&text[0]);
    sl_buf_release(&text[1]);
    sl_eval_free(ev);
}

static void check_expression(const char *s, size_t n)
{
    struct sl_expr *e, *again;
    struct sl_err err;
    if (text_expr(s, n, schema, &env, &e, &err) < 0) {
        die_if(err.what[0] == 0 || err.column < 0 || (size_t)err.column > n + 1);
        return;
    }
    struct sl_buf once = SL_BUF_INIT, twice = SL_BUF_INIT;
    sl_expr_print(e, &once);
    if (once.len < 60000 && text_expr(once.data, once.len, schema, &env, &again, &err) >= 0) {
        sl_expr_print(again, &twice);
        die_if(once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0);
        sl_expr_free(again);
    }
    sl_buf_release(&once);
    sl_buf_release(&twice);
    check_values(e);
    sl_expr_free(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    const char *s = (const char *)input;
    struct sl_expr_list l;
    struct sl_agg_list a;
    struct sl_expr_order *o;
    struct sl_err err;
    int n, *index;
    char **names;
    if (!schema)
        make_batches();
    check_expression(s, size);
    text_list(s, size, schema, &env, &l, &err);
    sl_expr_list_release(&l);
    text_set(s, size, schema, &env, &l, &err);
    sl_expr_list_release(&l);
    text_aggregates(s, size, schema, schema, &env, &a, &err);
    sl_agg_list_release(&a);
    text_order(s, size, schema, &env, &o, &n, &err);
    sl_expr_order_free(o, n);
    text_names(s, size, schema, &index, &n, &err);
    free(index);
    text_rename(s, size, schema, &index, &names, &n, &err);
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
    free(index);
    return 0;
}
