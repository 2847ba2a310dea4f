/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* A pile gives all rows that were put on it, in their order, whatever sizes and forms they came in. */
#include "../test.h"
#include "arrow/builder.h"
#include "arrow/pile.h"

/* Rows k, k + 1 ...: a number, and a text that comes as a dictionary now and then. */
static struct sl_batch *rows_from(struct sl_schema *schema, int64_t k, size_t n)
{
    struct sl_builder number, text;
    struct sl_batch *b = sl_batch_new(schema, n);
    char word[16];
    sl_builder_init(&number, schema->fields[0].type, NULL, 0);
    sl_builder_init(&text, schema->fields[1].type, NULL, k % 3 == 0);
    for (size_t i = 0; i < n; i++) {
        sl_builder_int(&number, k + (int64_t)i);
        snprintf(word, sizeof(word), "w%d", (int)((k + (int64_t)i) % 50));
        sl_builder_bytes(&text, word, strlen(word));
    }
    b->columns[0] = sl_builder_finish(&number, NULL);
    b->columns[1] = sl_builder_finish(&text, NULL);
    sl_builder_release(&number);
    sl_builder_release(&text);
    return b;
}

/* 1 if b holds rows 0 to n. */
static int holds(const struct sl_batch *b, int64_t n)
{
    struct sl_buf got = SL_BUF_INIT;
    char want[40];
    int good = b->rows == (size_t)n;
    for (int64_t i = 0; i < n && good; i++) {
        sl_buf_reset(&got);
        sl_column_print(b->columns[0], (size_t)i, &got);
        sl_buf_addstr(&got, " ");
        sl_column_print(b->columns[1], (size_t)i, &got);
        snprintf(want, sizeof(want), "%d w%d", (int)i, (int)(i % 50));
        good = strcmp(got.data, want) == 0;
    }
    sl_buf_release(&got);
    return good;
}

static struct sl_schema *two_columns(void)
{
    struct sl_schema *s = sl_schema_new();
    sl_schema_add(s, "n", 1, sl_type_of(SL_BIGINT), NULL);
    sl_schema_add(s, "t", 1, sl_type_of(SL_TEXT), NULL);
    return s;
}

int main(void)
{
    struct sl_schema *s = two_columns();
    struct sl_pile p = {0};
    struct sl_batch *b = NULL;
    struct sl_err err;

    TEST("an empty pile gives nothing")
    {
        CHECK_INT(sl_pile_take(&p, &b, &err), 0);
    }
    TEST("more batches than parts hold, of one row each")
    {
        int64_t n = (int64_t)SL_PILE_BATCHES * (SL_PILE_BATCHES + 2) + 1;
        for (int64_t k = 0; k < n; k++)
            CHECK_INT(sl_pile_add(&p, rows_from(s, k, 1), &err), 0);
        CHECK_INT(p.rows, n);
        CHECK_INT(sl_pile_take(&p, &b, &err), 1);
        CHECK(holds(b, n));
        CHECK(!p.rows && !p.room);
        sl_batch_unref(b);
    }
    TEST("batches of all sizes, none too, and one after the other")
    {
        for (int turn = 0; turn < 2; turn++) {
            int64_t k = 0;
            for (size_t n = 0; n < 700; k += (int64_t)(n++ % 9))
                CHECK_INT(sl_pile_add(&p, rows_from(s, k, n % 9), &err), 0);
            CHECK_INT(sl_pile_take(&p, &b, &err), 1);
            CHECK(holds(b, k));
            sl_batch_unref(b);
        }
    }
    TEST("rows cut from large columns do not keep those in memory")
    {
        struct sl_batch *large = rows_from(s, 0, 100000);
        for (size_t k = 0; k < 600; k++)
            CHECK_INT(sl_pile_add(&p, sl_batch_slice(large, k, 1, &err), &err), 0);
        CHECK(p.held < (64 << 20));
        CHECK_INT(sl_pile_take(&p, &b, &err), 1);
        CHECK(holds(b, 600));
        sl_batch_unref(b);
        sl_batch_unref(large);
    }
    TEST("where memory ends in the middle, the rows on the pile stay")
    {
        int64_t k = 0;
        for (; k < 600; k++)
            CHECK_INT(sl_pile_add(&p, rows_from(s, k, 1), &err), 0);
        int failed = 0, rc = -1;
        for (uint64_t at = 1; rc < 0; at++, failed++) {
            sl_mem_fail_at(at, 0);
            rc = sl_pile_take(&p, &b, &err);
            sl_mem_fail_at(0, 0);
        }
        CHECK(failed > 3);
        CHECK_INT(rc, 1);
        CHECK(holds(b, k));
        sl_batch_unref(b);
    }
    sl_pile_clear(&p);
    sl_schema_unref(s);
    return test_done();
}
