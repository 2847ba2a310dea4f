/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* Every kernel over every form is held against the text of its rows, one by one. */
#include "../test.h"
#include "arrow/batch.h"
#include "arrow/builder.h"
#include "arrow/dictionary.h"

enum { ROWS = 3000 };

static const char *const type_list[] = {
    "boolean", "bigint", "double precision", "numeric(12,2)",  "numeric(30,5)", "text",
    "bytea",   "date",   "timestamptz",      "timestamptz(9)", "interval",      "jsonb",
};

static struct sl_type type_named(const char *name)
{
    struct sl_type t = {0};
    sl_type_parse(name, strlen(name), &t, NULL);
    return t;
}

/* A value of any type that depends on k. */
static void add_value(struct sl_builder *b, int64_t k)
{
    static const char *const words[] = {"", "a", "bb", "a longer one than sixteen bytes", "ü"};
    char text[64];
    switch (b->type.kind) {
    case SL_BOOL: sl_builder_bool(b, (int)(k & 1)); break;
    case SL_DOUBLE: sl_builder_double(b, (double)k / 4); break;
    case SL_DATE: sl_builder_date(b, (int32_t)k); break;
    case SL_INTERVAL: sl_builder_interval(b, (struct sl_interval){(int32_t)k, 1, k * 1000}); break;
    case SL_TEXT:
    case SL_JSONB:
    case SL_BYTEA:
        snprintf(text, sizeof text, "%s%d", words[k % 5], (int)(k % 7));
        sl_builder_bytes(b, text, strlen(text));
        break;
    case SL_NUMERIC:
        sl_builder_int128(b, b->type.precision > 18 ? (sl_int128)k * 10000000000LL * 10000 : k);
        break;
    default: sl_builder_int(b, k); break;
    }
}

enum shape { PLAIN, DICT, CONST, CONST_NULL, NO_NULLS, SHAPES };

static struct sl_column *make(struct sl_type type, enum shape shape, size_t rows)
{
    struct sl_builder b;
    struct sl_column *c;
    sl_builder_init(&b, type, NULL, shape == DICT);
    if (shape == CONST || shape == CONST_NULL) {
        if (shape == CONST)
            add_value(&b, 17);
        else
            sl_builder_null(&b);
        c = sl_builder_finish(&b, NULL);
        c->form = SL_CONST;
        c->rows = rows;
    } else {
        for (size_t i = 0; i < rows; i++) {
            if (shape != NO_NULLS && i % 11 == 3)
                sl_builder_null(&b);
            else
                add_value(&b, (int64_t)(i * i % 100));
        }
        c = sl_builder_finish(&b, NULL);
    }
    sl_builder_release(&b);
    return c;
}

/* Rows of c as text, a line each. */
static void print_rows(const struct sl_column *c, size_t from, size_t n, struct sl_buf *out)
{
    for (size_t i = from; i < from + n; i++) {
        if (sl_column_null(c, i))
            sl_buf_addstr(out, "NULL");
        else
            sl_column_print(c, i, out);
        sl_buf_addch(out, '\n');
    }
}

static int same(const struct sl_buf *want, const struct sl_column *c)
{
    struct sl_buf got = SL_BUF_INIT;
    int equal;
    print_rows(c, 0, c->rows, &got);
    equal = got.len == want->len && (!got.len || memcmp(got.data, want->data, got.len) == 0);
    sl_buf_release(&got);
    /* valid is there iff a row is null */
    if (c->form == SL_PLAIN && c->valid)
        equal &= sl_bits_count(c->valid, c->rows) < c->rows;
    return equal;
}

static void check_take(struct sl_column *c)
{
    uint32_t sel[ROWS];
    size_t n = 0;
    struct sl_buf want = SL_BUF_INIT;
    for (uint32_t i = 0; i < c->rows; i += 1 + i % 3) {
        sel[n++] = i;
        print_rows(c, i, 1, &want);
    }
    struct sl_column *t = sl_column_take(c, sel, n, NULL, NULL);
    CHECK(t && t->rows == n && same(&want, t));
    CHECK(t && t->form == c->form);
    sl_column_unref(t);
    sl_buf_release(&want);
}

static void check_slices(struct sl_column *c)
{
    static const size_t cuts[][2] = {{0, 0},  {0, 1},   {1, 1},    {3, 1},
                                     {8, 16}, {5, 100}, {13, 987}, {999, 1}};
    for (size_t k = 0; k < SL_COUNT(cuts); k++) {
        struct sl_buf want = SL_BUF_INIT;
        if (cuts[k][0] + cuts[k][1] > c->rows)
            continue;
        print_rows(c, cuts[k][0], cuts[k][1], &want);
        struct sl_column *s = sl_column_slice(c, cuts[k][0], cuts[k][1], NULL);
        CHECK(s && same(&want, s));
        /* a slice of a slice, and a take from one */
        if (s && s->rows > 4) {
            uint32_t one[2] = {1, 3};
            struct sl_column *t = sl_column_take(s, one, 2, NULL, NULL);
            sl_buf_reset(&want);
            print_rows(c, cuts[k][0] + 1, 1, &want);
            print_rows(c, cuts[k][0] + 3, 1, &want);
            CHECK(t && same(&want, t));
            sl_column_unref(t);
        }
        sl_column_unref(s);
        sl_buf_release(&want);
    }
}

static void check_plain(struct sl_column *c)
{
    struct sl_buf want = SL_BUF_INIT;
    print_rows(c, 0, c->rows, &want);
    struct sl_column *p = sl_column_plain(c, NULL, NULL);
    CHECK(p && p->form == SL_PLAIN && same(&want, p));
    sl_column_unref(p);
    sl_buf_release(&want);
}

static void check_concat(struct sl_column *const *parts, size_t n)
{
    struct sl_buf want = SL_BUF_INIT;
    for (size_t i = 0; i < n; i++)
        print_rows(parts[i], 0, parts[i]->rows, &want);
    struct sl_column *c = sl_column_concat(parts, n, NULL, NULL);
    CHECK(c && same(&want, c));
    sl_column_unref(c);
    sl_buf_release(&want);
}

static const char *cell(const struct sl_column *c, size_t i)
{
    static char text[128];
    struct sl_buf b = SL_BUF_INIT;
    sl_column_print(c, i, &b);
    snprintf(text, sizeof text, "%s", b.data ? b.data : "");
    sl_buf_release(&b);
    return text;
}

static struct sl_column *ints(struct sl_type t, const int64_t *v, size_t n)
{
    struct sl_builder b;
    sl_builder_init(&b, t, NULL, 0);
    for (size_t i = 0; i < n; i++) {
        if (t.kind == SL_DATE)
            sl_builder_date(&b, (int32_t)v[i]);
        else
            sl_builder_int(&b, v[i]);
    }
    struct sl_column *c = sl_builder_finish(&b, NULL);
    sl_builder_release(&b);
    return c;
}

/* The one value v of type from, cast to another, as text; the name of the error's code if refused.
 * */
static const char *cast_one(const char *from, int64_t v, const char *to)
{
    static char text[128];
    struct sl_err err;
    sl_err_init(&err);
    struct sl_column *c = ints(type_named(from), &v, 1);
    struct sl_column *d = sl_column_cast(c, type_named(to), &err);
    snprintf(text, sizeof text, "%s", d ? cell(d, 0) : err.code == SL_ETYPE ? "ETYPE" : "error");
    sl_column_unref(c);
    sl_column_unref(d);
    return text;
}

static void test_forms(void)
{
    for (size_t t = 0; t < SL_COUNT(type_list); t++) {
        struct sl_type type = type_named(type_list[t]);
        struct sl_column *all[SHAPES];
        for (int s = 0; s < SHAPES; s++)
            all[s] = make(type, (enum shape)s, ROWS);
        if (test_start(type_list[t])) {
            for (int s = 0; s < SHAPES; s++) {
                check_take(all[s]);
                check_slices(all[s]);
                check_plain(all[s]);
                struct sl_column *again[3] = {all[s], all[(s + 1) % SHAPES], all[s]};
                check_concat(again, 1);
                check_concat(again, 3);
                struct sl_column *twice[2] = {all[s], all[s]};
                check_concat(twice, 2);
            }
            check_concat(all, SHAPES);
        }
        for (int s = 0; s < SHAPES; s++)
            sl_column_unref(all[s]);
    }
}

static void test_order(void)
{
    TEST("nulls come last, NaN after all numbers, text by bytes")
    {
        struct sl_builder b;
        const double v[] = {-1.0, 0.0, 2.5, (double)__builtin_inf(), (double)__builtin_nan("")};
        sl_builder_init(&b, sl_type_of(SL_DOUBLE), NULL, 0);
        for (size_t i = 0; i < 5; i++)
            sl_builder_double(&b, v[i]);
        sl_builder_null(&b);
        struct sl_column *c = sl_builder_finish(&b, NULL);
        for (size_t i = 0; i < 6; i++) {
            for (size_t k = 0; k < 6; k++)
                CHECK_INT(sl_column_compare(c, i, c, k), (i > k) - (i < k));
        }
        sl_column_unref(c);
        sl_builder_release(&b);
    }
    TEST("rows of different forms compare")
    {
        for (size_t t = 0; t < SL_COUNT(type_list); t++) {
            struct sl_column *p = make(type_named(type_list[t]), PLAIN, 50);
            struct sl_column *d = make(type_named(type_list[t]), DICT, 50);
            for (size_t i = 0; i < 50; i++) {
                CHECK_INT(sl_column_compare(p, i, d, i), 0);
                CHECK_INT(sl_column_compare(p, i, d, 49 - i) < 0,
                          sl_column_compare(d, 49 - i, p, i) > 0);
            }
            sl_column_unref(p);
            sl_column_unref(d);
        }
    }
}

/* Numbers behind a point lose the zeros at the end of their lines. */
static void without_zeros(struct sl_buf *b)
{
    size_t to = 0;
    int point = 0;
    for (size_t i = 0; i < b->len; i++) {
        if (b->data[i] == '\n') {
            while (point && b->data[to - 1] == '0')
                to--;
            to -= point && b->data[to - 1] == '.';
        }
        point = b->data[i] != '\n' && (point || b->data[i] == '.');
        b->data[to++] = b->data[i];
    }
    b->len = to;
}

static void test_casts(void)
{
    TEST("numbers widen exactly or not at all")
    {
        CHECK_STR(cast_one("bigint", -12, "numeric(21,2)"), "-12.00");
        CHECK_STR(cast_one("bigint", INT64_MIN, "numeric(19,0)"), "-9223372036854775808");
        CHECK_STR(cast_one("bigint", 1000, "numeric(5,2)"), "ETYPE");
        CHECK_STR(cast_one("numeric(5,2)", -12345, "numeric(30,10)"), "-123.4500000000");
        CHECK_STR(cast_one("numeric(5,2)", 12345, "numeric(5,1)"), "ETYPE");
        CHECK_STR(cast_one("bigint", 1LL << 53, "double"), "9.007199254740992e+15");
        CHECK_STR(cast_one("bigint", (1LL << 53) + 1, "double"), "ETYPE");
        CHECK_STR(cast_one("numeric(5,2)", 125, "double"), "1.25");
        CHECK_STR(cast_one("numeric(18,17)", 123456789012345678, "double"), "ETYPE");
    }
    TEST("times widen")
    {
        CHECK_STR(cast_one("date", 1, "timestamptz"), "1970-01-02 00:00:00+00");
        CHECK_STR(cast_one("date", -1, "timestamptz(9)"), "1969-12-31 00:00:00+00");
        CHECK_STR(cast_one("timestamptz", 1500000, "timestamptz(9)"), "1970-01-01 00:00:01.500+00");
        CHECK_STR(cast_one("timestamptz", INT64_MAX / 999, "timestamptz(9)"), "ETYPE");
        CHECK_STR(cast_one("timestamptz(9)", 1, "timestamptz"), "ETYPE");
    }
    TEST("anything becomes text, as it prints, but for zeros at the end, in every form")
    {
        for (size_t t = 0; t < SL_COUNT(type_list); t++) {
            for (int s = 0; s < SHAPES; s++) {
                struct sl_column *c = make(type_named(type_list[t]), (enum shape)s, 100);
                struct sl_column *d = sl_column_cast(c, sl_type_of(SL_TEXT), NULL);
                struct sl_buf want = SL_BUF_INIT;
                print_rows(c, 0, c->rows, &want);
                if (c->type.kind == SL_NUMERIC)
                    without_zeros(&want);
                CHECK(d && d->type.kind == SL_TEXT && same(&want, d));
                sl_buf_release(&want);
                sl_column_unref(c);
                sl_column_unref(d);
            }
        }
        CHECK_STR(cast_one("numeric(5,2)", 250, "text"), "2.5");
        CHECK_STR(cast_one("numeric(5,2)", -700, "text"), "-7");
        CHECK_STR(cast_one("numeric(5,0)", 700, "text"), "700");
        CHECK_STR(cast_one("bigint", 5, "boolean"), "ETYPE");
    }
}

static void test_print(void)
{
    TEST("values print as PostgreSQL prints them")
    {
        struct sl_builder b;
        struct sl_column *c = make(sl_type_of(SL_BOOL), NO_NULLS, 2);
        CHECK_STR(cell(c, 0), "false");
        CHECK_STR(cell(c, 1), "true");
        sl_column_unref(c);
        sl_builder_init(&b, sl_type_of(SL_BYTEA), NULL, 0);
        sl_builder_bytes(&b, "\0\xff", 2);
        c = sl_builder_finish(&b, NULL);
        CHECK_STR(cell(c, 0), "\\x00ff");
        sl_column_unref(c);
        sl_builder_release(&b);
        const int64_t ts = 1767323045678000;
        c = ints(sl_type_of(SL_TIMESTAMPTZ), &ts, 1);
        CHECK_STR(cell(c, 0), "2026-01-02 03:04:05.678+00");
        sl_column_unref(c);
        static const struct {
            struct sl_interval v;
            const char *text;
        } spans[] = {
            {{0, 0, 0}, "00:00:00"},
            {{14, 3, 14706700000000}, "1 year 2 mons 3 days 04:05:06.7"},
            {{12, 0, 0}, "1 year"},
            {{0, -1, 0}, "-1 days"},
            {{0, 0, -1500000000}, "-00:00:01.5"},
            {{0, 2, 1}, "2 days 00:00:00.000000001"},
        };
        sl_builder_init(&b, sl_type_of(SL_INTERVAL), NULL, 0);
        for (size_t i = 0; i < SL_COUNT(spans); i++)
            sl_builder_interval(&b, spans[i].v);
        c = sl_builder_finish(&b, NULL);
        for (size_t i = 0; i < SL_COUNT(spans); i++)
            CHECK_STR(cell(c, i), spans[i].text);
        sl_column_unref(c);
        sl_builder_release(&b);
    }
}

static void test_builder(void)
{
    TEST("few values stay a dictionary, many turn plain")
    {
        struct sl_builder b;
        char text[16];
        sl_builder_init(&b, sl_type_of(SL_TEXT), NULL, 1);
        for (int round = 0; round < 2; round++) {
            for (int i = 0; i < 20000; i++) {
                snprintf(text, sizeof text, "v%d", i % 100);
                sl_builder_bytes(&b, text, strlen(text));
            }
            struct sl_column *c = sl_builder_finish(&b, NULL);
            CHECK(c && c->form == SL_DICT && c->dict->rows == 100 && c->rows == 20000);
            for (size_t i = 0; c && i < 20000; i += 77) {
                snprintf(text, sizeof text, "v%d", (int)i % 100);
                CHECK_STR(cell(c, i), text);
            }
            sl_column_unref(c);
        }
        for (int i = 0; i < 20000; i++) {
            snprintf(text, sizeof text, "v%d", i);
            if (i % 10 == 7)
                sl_builder_null(&b);
            else
                sl_builder_bytes(&b, text, strlen(text));
        }
        struct sl_column *c = sl_builder_finish(&b, NULL);
        CHECK(c && c->form == SL_PLAIN && c->rows == 20000);
        for (size_t i = 0; i < 20000; i += 333) {
            snprintf(text, sizeof text, "v%d", (int)i);
            CHECK_STR(cell(c, i), i % 10 == 7 ? "" : text);
            CHECK_INT(sl_column_null(c, i), i % 10 == 7);
        }
        sl_column_unref(c);
        sl_builder_release(&b);
    }
    TEST("rows of other columns are copied")
    {
        for (size_t t = 0; t < SL_COUNT(type_list); t++) {
            for (int s = 0; s < SHAPES; s++) {
                struct sl_column *c = make(type_named(type_list[t]), (enum shape)s, 100);
                struct sl_buf want = SL_BUF_INIT;
                struct sl_builder b;
                sl_builder_init(&b, c->type, NULL, s == DICT);
                print_rows(c, 0, 100, &want);
                for (size_t i = 0; i < 100; i++)
                    sl_builder_row(&b, c, i);
                struct sl_column *d = sl_builder_finish(&b, NULL);
                CHECK(d && same(&want, d));
                sl_column_unref(d);
                sl_column_unref(c);
                sl_buf_release(&want);
                sl_builder_release(&b);
            }
        }
    }
    TEST("an empty builder gives an empty column")
    {
        for (size_t t = 0; t < SL_COUNT(type_list); t++) {
            struct sl_builder b;
            sl_builder_init(&b, type_named(type_list[t]), NULL, 1);
            struct sl_column *c = sl_builder_finish(&b, NULL);
            CHECK(c && c->rows == 0);
            sl_column_unref(c);
            sl_builder_release(&b);
        }
    }
    TEST("a failed allocation is an error, whichever it is")
    {
        for (uint64_t n = 1; n < 40; n++) {
            struct sl_builder b;
            struct sl_err err;
            sl_err_init(&err);
            sl_builder_init(&b, sl_type_of(SL_TEXT), NULL, 1);
            sl_mem_fail_at(n, 0);
            for (int64_t i = 0; i < 9000; i++) {
                char text[16];
                snprintf(text, sizeof text, "%d", (int)(i * 7 % 9000));
                i % 5 ? sl_builder_bytes(&b, text, strlen(text)) : sl_builder_null(&b);
            }
            struct sl_column *c = sl_builder_finish(&b, &err);
            sl_mem_fail_at(0, 0);
            CHECK(c ? c->rows == 9000 : err.code == SL_ENOMEM);
            sl_column_unref(c);
            sl_builder_release(&b);
        }
    }
}

static void test_batches(void)
{
    struct sl_schema *s = NULL, *wide = NULL;
    sl_schema_parse("a bigint, t text", 16, &s, NULL);
    sl_schema_parse("t text, x date, a numeric(21,2)", 31, &wide, NULL);
    struct sl_batch *b = sl_batch_new(s, 100);
    b->columns[0] = make(sl_type_of(SL_BIGINT), PLAIN, 100);
    b->columns[1] = make(sl_type_of(SL_TEXT), DICT, 100);
    TEST("selections are compacted, sliced and cast")
    {
        struct sl_buffer *sel = sl_buffer_new(NULL, 50 * sizeof(uint32_t));
        for (uint32_t i = 0; i < 50; i++)
            ((uint32_t *)sel->data)[i] = i * 2;
        struct sl_batch *odd = sl_batch_select(b, sel, 50, NULL);
        CHECK_INT(odd->rows, 100);
        CHECK_INT(odd->selected, 50);
        struct sl_batch *part = sl_batch_slice(odd, 10, 5, NULL);
        struct sl_batch *small = sl_batch_compact(part, NULL, NULL);
        CHECK_INT(small->rows, 5);
        CHECK(!small->selection);
        for (size_t i = 0; i < 5; i++)
            CHECK_INT(sl_column_compare(small->columns[0], i, b->columns[0], 20 + 2 * i), 0);
        struct sl_batch *cast = sl_batch_cast(small, wide, NULL);
        CHECK(cast && cast->schema == wide);
        CHECK_INT(sl_column_compare(cast->columns[0], 3, b->columns[1], 26), 0);
        CHECK(sl_column_null(cast->columns[1], 4));
        CHECK_STR(cell(cast->columns[2], 1), "84.00"); /* 22 * 22 % 100 */
        sl_batch_unref(cast);
        sl_batch_unref(small);
        sl_batch_unref(part);
        sl_batch_unref(odd);
    }
    TEST("a slice begins where it says")
    {
        struct sl_batch *part = sl_batch_slice(b, 7, 20, NULL);
        CHECK_INT(part->rows, 20);
        CHECK_INT(sl_column_compare(part->columns[1], 0, b->columns[1], 7), 0);
        sl_batch_unref(part);
    }
    sl_batch_unref(b);
    sl_schema_unref(s);
    sl_schema_unref(wide);
}

static void test_dictionary(void)
{
    TEST("a dictionary numbers its values as they come, and hashes them anew each time")
    {
        struct sl_dictionary *a = sl_dictionary_new(NULL), *b = sl_dictionary_new(NULL);
        size_t moved = 0;
        for (int i = 0; i < 64; i++) {
            char text[16];
            size_t n = (size_t)snprintf(text, sizeof text, "v%d", i);
            CHECK_INT(sl_dictionary_add(a, text, n), i);
            CHECK_INT(sl_dictionary_add(b, text, n), i);
        }
        for (uint32_t i = 0; i <= a->mask; i++)
            moved += a->slots[i] != b->slots[i];
        CHECK(moved > 32);
        sl_dictionary_free(a);
        sl_dictionary_free(b);
    }
}

int main(void)
{
    test_dictionary();
    test_forms();
    test_order();
    test_casts();
    test_print();
    test_builder();
    test_batches();
    return test_done();
}
