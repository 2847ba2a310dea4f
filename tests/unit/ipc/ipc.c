/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
#include "../test.h"
#include "arrow/builder.h"
#include "ipc/control.h"
#include "arrow/foreign.h"
#include "ipc/ipc.h"
#include "base/crc32c.h"

enum { ROWS = 3000 };

static const char schema_text[] =
    "b boolean, i bigint, d double precision, n numeric(12,2), w numeric(30,5), t text, y bytea, "
    "ts timestamptz, tn timestamptz(9), day date, span interval, j jsonb, few text";

static struct sl_schema *test_schema(void)
{
    struct sl_schema *s = NULL;
    sl_schema_parse(schema_text, strlen(schema_text), &s, NULL);
    sl_schema_set_meta(s, SL_META_TIME, "ts");
    return s;
}

static void add(struct sl_builder *b, int64_t k, int few)
{
    char text[64];
    switch (b->type.kind) {
    case SL_BOOL: sl_builder_bool(b, (int)(k % 3 == 0)); return;
    case SL_DOUBLE: sl_builder_double(b, (double)k / 7); return;
    case SL_DATE: sl_builder_date(b, (int32_t)k); return;
    case SL_INTERVAL: sl_builder_interval(b, (struct sl_interval){(int32_t)k, -1, k}); return;
    case SL_NUMERIC: sl_builder_int128(b, k * 3); return;
    case SL_TEXT:
    case SL_BYTEA:
        snprintf(text, sizeof text, "value %d", (int)(few ? k % 9 : k * 31 % 997));
        break;
    case SL_JSONB: snprintf(text, sizeof text, "{\"k\":%d}", (int)k); break;
    default: sl_builder_int(b, k * 1000003); return;
    }
    sl_builder_bytes(b, text, strlen(text));
}

static struct sl_batch *test_batch(struct sl_schema *s, size_t rows, int nulls)
{
    struct sl_batch *b = sl_batch_new(s, rows);
    for (int i = 0; i < s->nfields; i++) {
        struct sl_builder build;
        int few = strcmp(s->fields[i].name, "few") == 0;
        sl_builder_init(&build, s->fields[i].type, NULL, few);
        for (size_t k = 0; k < rows; k++) {
            if (nulls && (k + (size_t)i) % 5 == 2)
                sl_builder_null(&build);
            else
                add(&build, (int64_t)k, few);
        }
        b->columns[i] = sl_builder_finish(&build, NULL);
        sl_builder_release(&build);
    }
    return b;
}

/* Decodes all of a stream; batches go to out (at most max). Number of batches, or < 0. */
static int decode(const struct sl_buf *in, struct sl_ipc_decoder *d, struct sl_batch **out, int max,
                  struct sl_err *err)
{
    struct sl_buffer *owner = sl_buffer_new(NULL, in->len);
    int n = 0, rc = 0;
    if (in->len)
        memcpy(owner->data, in->data, in->len);
    for (size_t at = 0; at < in->len && rc == 0;) {
        struct sl_ipc_message m;
        int64_t size = sl_ipc_peek(owner->data + at, in->len - at, &m, err);
        if (size <= 0 || (size_t)size > in->len - at) {
            rc = size < 0 ? (int)size : -SL_EUPSTREAM;
            break;
        }
        m.owner = owner;
        if (m.kind == SL_IPC_SCHEMA)
            rc = sl_ipc_decoder_schema(d, &m, err);
        else if (m.kind == SL_IPC_DICTIONARY)
            rc = sl_ipc_decoder_dictionary(d, &m, err);
        else if (m.kind == SL_IPC_BATCH && n < max)
            rc = sl_ipc_decoder_batch(d, &m, &out[n], err);
        n += m.kind == SL_IPC_BATCH && rc == 0;
        at += (size_t)size;
    }
    sl_buffer_unref(owner);
    return rc < 0 ? rc : n;
}

static int same_rows(struct sl_batch *want, struct sl_batch *got)
{
    if (got->rows != want->selected || !sl_schema_equal(want->schema, got->schema))
        return 0;
    for (int i = 0; i < want->schema->nfields; i++) {
        if (sl_column_load(got->columns[i], NULL) < 0)
            return 0;
        for (size_t k = 0; k < got->rows; k++) {
            if (sl_column_compare(got->columns[i], k, want->columns[i], sl_batch_row(want, k)) != 0)
                return 0;
        }
    }
    return 1;
}

/* Writes b in a form, reads it back. */
static int round_trip(struct sl_batch *b, const struct sl_ipc_form *f)
{
    struct sl_buf out = SL_BUF_INIT;
    struct sl_batch *got = NULL;
    struct sl_err err;
    sl_err_init(&err);
    struct sl_ipc_decoder *d = sl_ipc_decoder_new(NULL);
    int rc = sl_ipc_encode_schema(b->schema, f, &out, &err);
    if (rc == 0)
        rc = sl_ipc_encode_batch(b, f, NULL, 0, &out, NULL, NULL, &err);
    sl_ipc_encode_end(&out);
    int ok = rc == 0 && decode(&out, d, &got, 1, &err) == 1 && same_rows(b, got);
    if (err.code)
        printf("# %s: %s\n", err.place, err.what);
    sl_batch_unref(got);
    sl_ipc_decoder_free(d);
    sl_buf_release(&out);
    return ok;
}

static struct sl_batch *every(struct sl_batch *b, size_t step)
{
    size_t n = 0;
    struct sl_buffer *sel = sl_buffer_new(NULL, (b->rows / step + 1) * sizeof(uint32_t));
    for (size_t k = step - 1; k < b->rows; k += step)
        ((uint32_t *)sel->data)[n++] = (uint32_t)k;
    return sl_batch_select(b, sel, n, NULL);
}

static void test_round_trips(struct sl_schema *s)
{
    for (int form = 0; form < 6; form++) {
        static const char *const names[] = {
            "plain",        "plain, zstd",        "fitted",
            "fitted, zstd", "text as codes of 4", "wide codes, zstd"};
        if (!test_start(names[form]))
            continue;
        for (int nulls = 0; nulls < 2; nulls++) {
            for (size_t rows = 0; rows <= ROWS; rows = rows * 7 + 1) {
                struct sl_ipc_form f;
                struct sl_batch *b = test_batch(s, rows, nulls), *part = every(b, 3);
                sl_ipc_form_init(&f, s, NULL);
                f.zstd = form & 1;
                if (form == 2 || form == 3)
                    CHECK_INT(sl_ipc_form_fit(&f, b, NULL), 0);
                for (int i = 0; form >= 4 && i < s->nfields; i++)
                    f.code[i] = sl_type_is_bytes(s->fields[i].type) ? 4 : 0;
                CHECK(sl_ipc_form_holds(&f, b));
                CHECK(round_trip(b, &f));
                CHECK(round_trip(part, &f));
                sl_ipc_form_release(&f);
                sl_batch_unref(part);
                sl_batch_unref(b);
            }
        }
    }
    TEST("constant columns are written as what they stand for")
    {
        struct sl_batch *b = sl_batch_new(s, 100);
        struct sl_ipc_form f;
        for (int i = 0; i < s->nfields; i++)
            b->columns[i] = sl_column_nulls(s->fields[i].type, 100, NULL);
        sl_ipc_form_init(&f, s, NULL);
        CHECK(round_trip(b, &f));
        f.code[5] = 1;
        CHECK(round_trip(b, &f));
        sl_ipc_form_release(&f);
        sl_batch_unref(b);
    }
}

static void test_forms(struct sl_schema *s)
{
    struct sl_batch *b = test_batch(s, ROWS, 1);
    struct sl_ipc_form f;
    sl_ipc_form_init(&f, s, NULL);
    TEST("the form fits what the first batch holds")
    {
        sl_ipc_form_fit(&f, b, NULL);
        CHECK_INT(f.code[12], 1); /* few */
        CHECK_INT(f.code[5], 0);
        CHECK_INT(f.code[1], 0);
    }
    TEST("a form says what it cannot hold, and writing it fails whole")
    {
        struct sl_buf out = SL_BUF_INIT;
        struct sl_err err;
        sl_err_init(&err);
        f.code[5] = 1; /* 997 values do not fit 128 codes */
        CHECK(!sl_ipc_form_holds(&f, b));
        sl_buf_addstr(&out, "before");
        CHECK_INT(sl_ipc_encode_batch(b, &f, NULL, 0, &out, NULL, NULL, &err), -SL_EOVERFLOW);
        CHECK_STR(out.data, "before");
        f.code[5] = 2;
        CHECK(sl_ipc_form_holds(&f, b));
        CHECK(round_trip(b, &f));
        sl_buf_release(&out);
    }
    TEST("a few rows of a large dictionary bring a small one")
    {
        struct sl_schema *text = NULL;
        sl_schema_parse("t text", 6, &text, NULL);
        struct sl_batch *large = sl_batch_new(text, ROWS);
        struct sl_ipc_form codes;
        struct sl_builder build;
        sl_builder_init(&build, sl_type_of(SL_TEXT), NULL, 1);
        for (int64_t k = 0; k < ROWS; k++)
            k % 9 ? add(&build, k, 0) : sl_builder_null(&build);
        large->columns[0] = sl_builder_finish(&build, NULL);
        CHECK(large->columns[0]->form == SL_DICT && large->columns[0]->dict->rows > 900);
        sl_builder_release(&build);
        sl_ipc_form_init(&codes, text, NULL);
        static const uint8_t widths[] = {1, 2, 4};
        static const size_t steps[] = {7, 100, 1000, 30};
        for (size_t w = 0; w < SL_COUNT(widths); w++) {
            for (size_t k = 0; k < SL_COUNT(steps); k++) {
                struct sl_buf whole = SL_BUF_INIT, few = SL_BUF_INIT;
                struct sl_batch *part = every(large, steps[k]);
                codes.code[0] = 4;
                sl_ipc_encode_batch(large, &codes, NULL, 0, &whole, NULL, NULL, NULL);
                codes.code[0] = widths[w];
                if (sl_ipc_form_holds(&codes, part)) {
                    CHECK(round_trip(part, &codes));
                    sl_ipc_encode_batch(part, &codes, NULL, 0, &few, NULL, NULL, NULL);
                    CHECK(few.len < whole.len / 2);
                } else {
                    CHECK(widths[w] == 1 && part->selected > 128);
                }
                sl_batch_unref(part);
                sl_buf_release(&whole);
                sl_buf_release(&few);
            }
        }
        sl_ipc_form_release(&codes);
        sl_batch_unref(large);
        sl_schema_unref(text);
    }
    sl_ipc_form_release(&f);
    sl_batch_unref(b);
}

static void test_intervals(void)
{
    TEST("intervals of months, and of days and milliseconds, are widened")
    {
        for (uint8_t unit = 0; unit < 2; unit++) {
            static const int32_t values[] = {14, -3, -1, 1500};
            struct sl_foreign *f = sl_foreign_new();
            f->arrow = SL_ARROW_INTERVAL;
            f->shape = SL_SHAPE_FIXED;
            f->unit = unit;
            f->width = unit ? 8 : 4;
            struct sl_type type = {.kind = SL_FOREIGN, .foreign = f};
            struct sl_schema *s = sl_schema_new();
            struct sl_ipc_form form;
            struct sl_buf out = SL_BUF_INIT, text = SL_BUF_INIT;
            struct sl_batch *got = NULL;
            struct sl_err err;
            sl_err_init(&err);
            sl_schema_add(s, "x", 1, type, NULL);
            struct sl_batch *b = sl_batch_new(s, 2);
            b->columns[0] = sl_column_new(type, 2);
            b->columns[0]->data = values;
            sl_ipc_form_init(&form, s, NULL);
            struct sl_ipc_decoder *d = sl_ipc_decoder_new(NULL);
            CHECK_INT(sl_ipc_encode_schema(s, &form, &out, &err), 0);
            CHECK_INT(sl_ipc_encode_batch(b, &form, NULL, 0, &out, NULL, NULL, &err), 0);
            CHECK_INT(decode(&out, d, &got, 1, &err), 1);
            CHECK(got->schema->fields[0].type.kind == SL_INTERVAL);
            CHECK_INT(sl_column_load(got->columns[0], &err), 0);
            sl_column_print(got->columns[0], 0, &text);
            sl_buf_addch(&text, ',');
            sl_column_print(got->columns[0], 1, &text);
            CHECK_STR(text.data,
                      unit ? "14 days -00:00:00.003,-1 days +00:00:01.5" : "1 year 2 mons,-3 mons");
            sl_batch_unref(got);
            sl_ipc_decoder_free(d);
            sl_batch_unref(b);
            sl_ipc_form_release(&form);
            sl_schema_unref(s);
            sl_foreign_unref(f);
            sl_buf_release(&out);
            sl_buf_release(&text);
        }
    }
}

static void test_layout(struct sl_schema *s)
{
    struct sl_batch *b = test_batch(s, 500, 1);
    struct sl_ipc_form f;
    struct sl_buf out = SL_BUF_INIT;
    struct sl_ipc_layout at;
    uint32_t crc[32];
    char identity[80];
    struct sl_err err;
    sl_err_init(&err);
    sl_ipc_form_init(&f, s, NULL);
    f.zstd = 1;
    memset(identity, '.', sizeof identity);
    const struct sl_ipc_meta meta[] = {{SL_IPC_IDENTITY, identity, sizeof identity},
                                       {SL_IPC_KEY, "{\"t\":\"rows\"}", 12}};
    TEST("metadata can be patched in place; checksums are those of the stored bytes")
    {
        struct sl_ipc_message m;
        const char *value;
        size_t len, start;
        uint32_t again[32];
        struct sl_ipc_decoder *d = sl_ipc_decoder_new(NULL);
        CHECK_INT(sl_ipc_encode_schema(s, &f, &out, &err), 0);
        start = out.len;
        CHECK_INT(start % 8, 0);
        CHECK_INT(sl_ipc_encode_batch(b, &f, meta, 2, &out, &at, crc, &err), 0);
        CHECK_INT(at.start, start);
        CHECK_INT(at.body, at.meta_start + at.meta_len);
        CHECK_INT(at.body + at.body_len, out.len);
        CHECK_INT(at.body % 8, 0);
        memset(out.data + at.meta_value, 'x', sizeof identity);
        CHECK_INT(sl_ipc_peek((uint8_t *)out.data, out.len, &m, &err), (int64_t)start);
        CHECK_INT(sl_ipc_decoder_schema(d, &m, &err), 0);
        CHECK_STR(sl_schema_meta(sl_ipc_decoder_get_schema(d), SL_META_TIME), "ts");
        CHECK_INT(sl_ipc_peek((uint8_t *)out.data + start, out.len - start, &m, &err),
                  (int64_t)(out.len - start));
        CHECK_INT(m.rows, 500);
        CHECK_INT(sl_ipc_message_meta(&m, SL_IPC_IDENTITY, &value, &len), 1);
        CHECK(len == sizeof identity && value[0] == 'x' && value[len - 1] == 'x');
        CHECK_INT(sl_ipc_message_meta(&m, SL_IPC_KEY, &value, &len), 1);
        CHECK(len == 12 && memcmp(value, "{\"t\":\"rows\"}", 12) == 0);
        CHECK_INT(sl_ipc_message_meta(&m, "none", &value, &len), 0);
        CHECK_INT(sl_ipc_column_crcs(d, &m, NULL, again, &err), 0);
        CHECK(memcmp(crc, again, (size_t)s->nfields * sizeof *crc) == 0);
        for (int i = 0; i < s->nfields; i++) {
            uint8_t bits[8] = {0};
            sl_bit_set(bits, (size_t)i);
            CHECK_INT(sl_ipc_column_crcs(d, &m, bits, again, &err), 0);
            for (int k = 0; k < s->nfields; k++)
                CHECK_INT(again[k], k == i ? crc[i] : 0);
        }
        sl_ipc_decoder_free(d);
    }
    TEST("peek asks for more until the message is whole")
    {
        struct sl_ipc_message m;
        for (size_t n = 0; n < out.len - at.start; n += 1 + n / 3) {
            int64_t need = sl_ipc_peek((uint8_t *)out.data + at.start, n, &m, &err);
            CHECK(need == (n < 8 + at.meta_len ? 0 : (int64_t)(out.len - at.start)));
        }
    }
    TEST("equal rows give equal bytes")
    {
        struct sl_buf twice = SL_BUF_INIT;
        struct sl_batch *parts[2] = {sl_batch_slice(b, 100, 300, NULL), NULL};
        struct sl_batch *shifted = sl_batch_slice(b, 95, 310, NULL);
        parts[1] = sl_batch_slice(shifted, 5, 300, NULL);
        size_t len[2] = {0};
        for (int i = 0; i < 2; i++) {
            sl_ipc_encode_batch(parts[i], &f, NULL, 0, &twice, NULL, NULL, NULL);
            len[i] = twice.len;
        }
        CHECK_INT(len[1], 2 * len[0]);
        CHECK(len[1] == 2 * len[0] && memcmp(twice.data, twice.data + len[0], len[0]) == 0);
        sl_buf_release(&twice);
        sl_batch_unref(parts[0]);
        sl_batch_unref(parts[1]);
        sl_batch_unref(shifted);
    }
    sl_buf_release(&out);
    sl_ipc_form_release(&f);
    sl_batch_unref(b);
}

static void test_control(struct sl_schema *s)
{
    TEST("control is a batch of no rows, in any form, even as the first message")
    {
        struct sl_ipc_form f;
        struct sl_buf out = SL_BUF_INIT;
        struct sl_batch *got[3] = {NULL};
        struct sl_err err;
        sl_err_init(&err);
        sl_ipc_form_init(&f, s, NULL);
        f.code[5] = 2;
        f.zstd = 1;
        const struct sl_ipc_meta meta = {SL_IPC_KEY, "{\"t\":\"rows\"}", 12};
        struct sl_batch *b = test_batch(s, 50, 1);
        struct sl_ipc_decoder *d = sl_ipc_decoder_new(NULL);
        CHECK_INT(sl_ipc_encode_schema(s, &f, &out, &err), 0);
        CHECK_INT(sl_ipc_encode_control(s, &f, &meta, 1, &out, &err), 0);
        CHECK_INT(sl_ipc_encode_batch(b, &f, &meta, 1, &out, NULL, NULL, &err), 0);
        CHECK_INT(sl_ipc_encode_control(s, &f, &meta, 1, &out, &err), 0);
        sl_ipc_encode_end(&out);
        CHECK_INT(decode(&out, d, got, 3, &err), 3);
        CHECK(got[0] && got[0]->rows == 0 && got[2] && got[2]->rows == 0);
        /* the dictionary was replaced since; the batch keeps its own; and it outlives the decoder
         * */
        sl_ipc_decoder_free(d);
        CHECK(got[1] && same_rows(b, got[1]));
        for (int i = 0; i < 3; i++)
            sl_batch_unref(got[i]);
        sl_batch_unref(b);
        sl_buf_release(&out);
        sl_ipc_form_release(&f);
    }
}

static void test_nomem(struct sl_schema *s)
{
    TEST("a failed allocation in reading or writing is an error, whichever it is")
    {
        struct sl_batch *b = test_batch(s, 300, 1);
        for (uint64_t n = 1; n < 400; n += 1 + n / 8) {
            struct sl_ipc_form f;
            struct sl_buf out = SL_BUF_INIT;
            struct sl_batch *got = NULL;
            struct sl_err err;
            sl_err_init(&err);
            sl_ipc_form_init(&f, s, NULL);
            sl_ipc_form_fit(&f, b, NULL);
            f.zstd = 1;
            struct sl_ipc_decoder *d = sl_ipc_decoder_new(NULL);
            sl_mem_fail_at(n, 0);
            int rc = sl_ipc_encode_schema(s, &f, &out, &err);
            if (rc == 0)
                rc = sl_ipc_encode_batch(b, &f, NULL, 0, &out, NULL, NULL, &err);
            sl_mem_fail_at(0, 0);
            CHECK(rc == 0 || rc == -SL_ENOMEM);
            sl_buf_release(&out);
            out = (struct sl_buf)SL_BUF_INIT;
            sl_ipc_encode_schema(s, &f, &out, NULL);
            sl_ipc_encode_batch(b, &f, NULL, 0, &out, NULL, NULL, NULL);
            sl_mem_fail_at(n + 2, 0); /* the first two are the buffer of decode itself */
            rc = decode(&out, d, &got, 1, &err);
            for (int i = 0; rc == 1 && i < s->nfields; i++) {
                if (sl_column_load(got->columns[i], &err) < 0)
                    rc = -(int)err.code;
            }
            sl_mem_fail_at(0, 0);
            CHECK(rc == 1 || rc == -SL_ENOMEM);
            sl_batch_unref(got);
            sl_ipc_decoder_free(d);
            sl_buf_release(&out);
            sl_ipc_form_release(&f);
        }
        sl_batch_unref(b);
    }
}

int main(void)
{
    struct sl_schema *s = test_schema();
    test_round_trips(s);
    test_forms(s);
    test_intervals();
    test_layout(s);
    test_control(s);
    test_nomem(s);
    sl_schema_unref(s);
    return test_done();
}
