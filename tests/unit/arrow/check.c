/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* check: every promise of column.h and batch.h is broken once, and sl_*_check says which. */
#include "../test.h"
#include "arrow/batch.h"
#include "arrow/builder.h"

enum { ROWS = 9 };

/* A batch of a text column with nulls, the same as a DICT, a CONST null, and a bigint. */
enum { TEXT, DICT, CONST, BIGINT, FIELDS };

static struct sl_column *texts(int dict)
{
    static const char *const words[] = {"alpha", "\xc3\xa9", "gamma"};
    struct sl_builder b;
    sl_builder_init(&b, sl_type_of(SL_TEXT), NULL, dict);
    for (int i = 0; i < ROWS; i++) {
        if (i == 4)
            sl_builder_null(&b);
        else
            sl_builder_bytes(&b, words[i % 3], strlen(words[i % 3]));
    }
    struct sl_column *c = sl_builder_finish(&b, NULL);
    sl_builder_release(&b);
    return c;
}

static struct sl_column *numbers(void)
{
    struct sl_builder b;
    sl_builder_init(&b, sl_type_of(SL_BIGINT), NULL, 0);
    for (int i = 0; i < ROWS; i++)
        sl_builder_int(&b, i);
    struct sl_column *c = sl_builder_finish(&b, NULL);
    sl_builder_release(&b);
    return c;
}

static struct sl_batch *sound(void)
{
    struct sl_schema *s = NULL;
    static const char list[] = "t text, d text, c text, n bigint";
    CHECK(sl_schema_parse(list, strlen(list), &s, NULL) == 0);
    struct sl_batch *b = sl_batch_new(s, ROWS);
    b->columns[TEXT] = texts(0);
    b->columns[DICT] = texts(1);
    b->columns[CONST] = sl_column_nulls(sl_type_of(SL_TEXT), ROWS, NULL);
    b->columns[BIGINT] = numbers();
    sl_schema_unref(s);
    return b;
}

/* ---- ways to break it; what is put aside comes back before the batch is freed ---- */

static const uint8_t all_valid[] = {0xff, 0xff};
static const int64_t stray[ROWS];
static uint32_t twice[] = {1, 1}, beyond[] = {1, ROWS};

static int32_t *codes(struct sl_batch *b)
{
    return (int32_t *)(uintptr_t)b->columns[DICT]->data;
}
static int32_t *offsets(struct sl_batch *b)
{
    return (int32_t *)(uintptr_t)b->columns[TEXT]->offsets;
}
static char *bytes(struct sl_batch *b)
{
    return (char *)(uintptr_t)b->columns[TEXT]->data;
}

#define WAY(name, statement)                                                                       \
    static void name(struct sl_batch *b)                                                           \
    {                                                                                              \
        statement;                                                                                 \
    }
WAY(nothing, (void)b)
WAY(absent, (sl_column_unref(b->columns[BIGINT]), b->columns[BIGINT] = NULL))
WAY(valid_for_nothing, b->columns[TEXT]->valid = all_valid)
WAY(const_valid, b->columns[CONST]->valid = all_valid)
WAY(form_unknown, b->columns[TEXT]->form = SL_LAZY + 1)
WAY(lazy_without, b->columns[TEXT]->form = SL_LAZY)
WAY(dict_missing, b->columns[TEXT]->form = SL_DICT)
WAY(dict_extra, b->columns[DICT]->form = SL_PLAIN)
WAY(dict_dict, b->columns[DICT]->dict->form = SL_CONST)
WAY(dict_empty, b->columns[DICT]->dict->rows = 0)
WAY(dict_null, b->columns[DICT]->dict->valid = all_valid)
WAY(dict_type, b->columns[DICT]->dict->type = sl_type_of(SL_BYTEA))
WAY(code_beyond, codes(b)[0] = 3)
WAY(code_below, codes(b)[0] = -1)
WAY(code_of_null, codes(b)[4] = 1)
WAY(offset_falls, offsets(b)[2] = 0)
WAY(offset_below, offsets(b)[0] = -1)
WAY(offset_far, offsets(b)[ROWS] = 1 << 30)
WAY(not_utf8, bytes(b)[0] = (char)0xff)
WAY(not_owned, b->columns[BIGINT]->data = stray)
WAY(rows_differ, b->columns[BIGINT]->rows--)
WAY(type_differs, b->columns[BIGINT]->type = sl_type_of(SL_DOUBLE))
WAY(type_inner,
    (b->columns[BIGINT]->type = b->schema->fields[BIGINT].type = sl_type_of(SL_DECIMAL)))
WAY(selected_less, b->selected--)
WAY(selection_twice, (b->selection = twice, b->selected = 2))
WAY(selection_beyond, (b->selection = beyond, b->selected = 2))
WAY(refs_gone, atomic_store(&b->refs, 0))
WAY(column_gone, atomic_store(&b->columns[TEXT]->refs, 0))

static const struct {
    void (*way)(struct sl_batch *b);
    const char *says; /* NULL: nothing is wrong */
} ways[] = {
    {nothing, NULL},
    {absent, NULL},
    {valid_for_nothing, "column: validity without a null row"},
    {const_valid, "column: validity without a null row"},
    {form_unknown, "column: no form or no type"},
    {lazy_without, "column: LAZY without a way to load it"},
    {dict_missing, "column: DICT without a dict, or a dict without DICT"},
    {dict_extra, "column: DICT without a dict, or a dict without DICT"},
    {dict_dict, "column: a dict that is not PLAIN, is empty or has a null"},
    {dict_empty, "column: a dict that is not PLAIN, is empty or has a null"},
    {dict_null, "column: a dict that is not PLAIN, is empty or has a null"},
    {dict_type, "column: a dict of another type"},
    {code_beyond, "column: a code beyond the dict"},
    {code_below, "column: a code beyond the dict"},
    {code_of_null, "column: a null row whose code is not 0"},
    {offset_falls, "column: an offset that falls"},
    {offset_below, "column: an offset below 0"},
    {offset_far, "column: bytes without an owner"},
    {not_utf8, "column: a text that is no UTF-8"},
    {not_owned, "column: values without an owner"},
    {rows_differ, "batch: a column of another number of rows"},
    {type_differs, "batch: a column of another type than its field's"},
    {type_inner, "batch: a column of a type that is for expressions only"},
    {selected_less, "batch: selected rows without a selection"},
    {selection_twice, "batch: a selection out of order"},
    {selection_beyond, "batch: a selected row beyond the rows"},
    {refs_gone, "batch: used after its last reference"},
    {column_gone, "column: used after its last reference"},
};

int main(void)
{
    TEST("every broken promise is told")
    {
        for (size_t w = 0; w < SL_COUNT(ways); w++) {
            struct sl_batch *b = sound();
            struct sl_column *dict = b->columns[DICT]->dict;
            uint8_t forms[FIELDS];
            for (int c = 0; c < FIELDS; c++)
                forms[c] = b->columns[c]->form;
            ways[w].way(b);
            const char *says = sl_batch_check(b);
            if ((says != NULL) != (ways[w].says != NULL) || (says && strcmp(says, ways[w].says)))
                printf("# way %zu\n", w);
            CHECK_STR(says ? says : "", ways[w].says ? ways[w].says : "");
            atomic_store(&b->refs, 1);
            for (int c = 0; c < FIELDS; c++) {
                if (!b->columns[c])
                    continue;
                b->columns[c]->form = forms[c];
                atomic_store(&b->columns[c]->refs, 1);
            }
            dict->form = SL_PLAIN;
            sl_batch_unref(b);
        }
    }
    return test_done();
}
