/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * Damaged streams: single-bit flips and truncations of 64 KiB. Nothing may crash (run this under
 * the sanitizers); whatever still decodes must obey the invariants of columns. Every 5th bit is
 * flipped, every one with SLUICE_LONG=1.
 */
#include "../test.h"
#include "arrow/builder.h"
#include "ipc/ipc.h"

enum { SIZE = 65536, MESSAGES = 512 };

struct stream {
    uint8_t *data;
    size_t len;
    size_t at[MESSAGES]; /* of each message, schema first */
    enum sl_ipc_kind kind[MESSAGES];
    int n;
};

static struct sl_schema *test_schema(void)
{
    static const char text[] =
        "b boolean, i bigint, n numeric(30,5), t text, few text, ts timestamptz, j jsonb";
    struct sl_schema *s = NULL;
    sl_schema_parse(text, strlen(text), &s, NULL);
    return s;
}

static struct sl_batch *test_batch(struct sl_schema *s, size_t rows, unsigned seed)
{
    struct sl_batch *b = sl_batch_new(s, rows);
    for (int i = 0; i < s->nfields; i++) {
        struct sl_builder build;
        char text[32];
        sl_builder_init(&build, s->fields[i].type, NULL, i == 4);
        for (size_t k = 0; k < rows; k++) {
            seed = seed * 1664525 + 1013904223;
            unsigned v = seed >> 8;
            if (v % 7 == 0)
                sl_builder_null(&build);
            else if (i == 0)
                sl_builder_bool(&build, (int)(v & 1));
            else if (sl_type_is_bytes(build.type)) {
                snprintf(text, sizeof text, i == 4 ? "ü%u" : "[\"%u é\"]", i == 4 ? v % 11 : v);
                sl_builder_bytes(&build, text, strlen(text));
            } else if (i == 2)
                sl_builder_int128(&build, v);
            else
                sl_builder_int(&build, v);
        }
        b->columns[i] = sl_builder_finish(&build, NULL);
        sl_builder_release(&build);
    }
    return b;
}

/* Messages until the stream has SIZE bytes. */
static int make_stream(struct stream *st, int zstd)
{
    struct sl_schema *s = test_schema();
    struct sl_buf out = SL_BUF_INIT;
    struct sl_ipc_form f;
    sl_ipc_form_init(&f, s, NULL);
    f.zstd = zstd;
    f.code[4] = 1;
    int rc = sl_ipc_encode_schema(s, &f, &out, NULL);
    for (unsigned k = 1; rc == 0 && out.len < SIZE; k++) {
        struct sl_batch *b = test_batch(s, 20 + k % 5 * 30, k);
        const struct sl_ipc_meta meta = {SL_IPC_KEY, "{\"t\":\"rows\"}", 12};
        rc = sl_ipc_encode_batch(b, &f, &meta, 1, &out, NULL, NULL, NULL);
        sl_batch_unref(b);
    }
    sl_ipc_encode_end(&out);
    sl_ipc_form_release(&f);
    sl_schema_unref(s);
    st->len = out.len;
    st->data = (uint8_t *)sl_buf_take(&out);
    for (size_t at = 0; rc == 0 && at < st->len;) {
        struct sl_ipc_message m;
        int64_t n = sl_ipc_peek(st->data + at, st->len - at, &m, NULL);
        if (n <= 0 || st->n == MESSAGES)
            return -1;
        st->at[st->n] = at;
        st->kind[st->n++] = m.kind;
        at += (size_t)n;
    }
    return rc;
}

/* Reads every value, so that the sanitizers see what invariants promise. */
static uint64_t touch(const struct sl_batch *b)
{
    uint64_t sum = 0;
    for (int i = 0; i < b->schema->nfields; i++) {
        const struct sl_column *c = b->columns[i];
        for (size_t k = 0; k < c->rows; k++) {
            size_t n;
            if (sl_column_null(c, k))
                continue;
            if (sl_type_is_bytes(c->type)) {
                const char *s = sl_column_bytes(c, k, &n);
                for (size_t j = 0; j < n; j++)
                    sum += (unsigned char)s[j];
            } else if (c->type.kind == SL_BOOL) {
                sum += (uint64_t)sl_bit(c->data, k);
            } else {
                sum += ((const uint8_t *)c->data)[k * sl_type_width(c->type)];
            }
        }
    }
    return sum;
}

static int one_message(struct sl_ipc_decoder *d, const struct sl_ipc_message *m, struct sl_err *err)
{
    struct sl_batch *b = NULL;
    int rc = 0;
    switch (m->kind) {
    case SL_IPC_SCHEMA: return sl_ipc_decoder_schema(d, m, err);
    case SL_IPC_DICTIONARY: return sl_ipc_decoder_dictionary(d, m, err);
    case SL_IPC_END: return 0;
    case SL_IPC_BATCH: break;
    }
    rc = sl_ipc_decoder_batch(d, m, &b, err);
    for (int i = 0; rc == 0 && i < b->schema->nfields; i++)
        rc = sl_column_load(b->columns[i], err);
    if (rc == 0)
        touch(b);
    sl_batch_unref(b);
    return rc;
}

/*
 * Decodes the schema, then from the message before the damaged one to the one behind it. An error
 * is expected or not; without its text it is a fault of its own: 1 if something was wrong.
 */
static int decode_around(const struct stream *st, struct sl_buffer *data, size_t len, int damaged)
{
    struct sl_ipc_decoder *d = sl_ipc_decoder_new(NULL);
    struct sl_err err;
    int wrong = 0, rc = 0, first = damaged > 1 ? damaged - 1 : 1;
    for (int k = 0; k < st->n && k <= damaged + 1 && rc == 0; k = k ? k + 1 : first) {
        struct sl_ipc_message m;
        sl_err_init(&err);
        if (st->at[k] >= len)
            break;
        int64_t n = sl_ipc_peek(data->data + st->at[k], len - st->at[k], &m, &err);
        if (n < 0)
            rc = (int)n;
        else if (n == 0 || (size_t)n > len - st->at[k])
            break; /* it waits for more: the stream's end tells */
        m.owner = data;
        if (rc == 0)
            rc = one_message(d, &m, &err);
        wrong |= rc < 0 && (err.code == SL_OK || -rc != (int)err.code || !err.what[0]);
        if (rc < 0 && !wrong && err.code != SL_EFORMAT && err.code != SL_EUNSUPPORTED &&
            err.code != SL_ESCHEMA && err.code != SL_EOVERFLOW)
            wrong = 1;
    }
    sl_ipc_decoder_free(d);
    return wrong;
}

static int message_of(const struct stream *st, size_t at)
{
    int k = 0;
    while (k + 1 < st->n && st->at[k + 1] <= at)
        k++;
    return k;
}

static void flip_all(const struct stream *st, size_t step)
{
    struct sl_buffer *copy = sl_buffer_new(NULL, st->len);
    int wrong = 0;
    memcpy(copy->data, st->data, st->len);
    for (size_t bit = 0; bit < st->len * 8; bit += step) {
        copy->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (decode_around(st, copy, st->len, message_of(st, bit / 8))) {
            printf("# bit %zu\n", bit);
            wrong++;
        }
        copy->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    CHECK_INT(wrong, 0);
    sl_buffer_unref(copy);
}

/* Whole messages of a cut stream are whole; the next one is not; the end is not there. */
static void cut_all(const struct stream *st, size_t step)
{
    int wrong = 0;
    for (size_t len = 0; len < st->len; len += step) {
        int k = message_of(st, len);
        struct sl_buffer *copy = sl_buffer_new(NULL, len - st->at[k]);
        struct sl_ipc_message m;
        memcpy(copy->data, st->data + st->at[k], copy->size);
        int64_t n = sl_ipc_peek(copy->data, copy->size, &m, NULL);
        wrong += n < 0 || (n > 0 && (size_t)n <= copy->size);
        sl_buffer_unref(copy);
    }
    CHECK_INT(wrong, 0);
}

/* Lengths that lie: 64-bit words of the metadata replaced. */
static void lie_all(const struct stream *st)
{
    static const int64_t lies[] = {-1, INT64_MIN, INT64_MAX, 0x7fffffff, 0xffffffff, 1 << 27};
    struct sl_buffer *copy = sl_buffer_new(NULL, st->len);
    memcpy(copy->data, st->data, st->len);
    int wrong = 0;
    for (int k = 0; k < st->n && k < 6; k++) {
        size_t end = SL_MIN(st->at[k] + 2048, st->len - 8);
        for (size_t at = st->at[k]; at < end; at += 4) {
            for (size_t i = 0; i < SL_COUNT(lies); i++) {
                uint8_t was[8];
                memcpy(was, copy->data + at, 8);
                memcpy(copy->data + at, &lies[i], 8);
                wrong += decode_around(st, copy, st->len, k);
                memcpy(copy->data + at, was, 8);
            }
        }
    }
    CHECK_INT(wrong, 0);
    sl_buffer_unref(copy);
}

int main(void)
{
    size_t step = getenv("SLUICE_LONG") ? 1 : 5;
    for (int zstd = 0; zstd < 2; zstd++) {
        struct stream st = {0};
        TEST(zstd ? "a stream, compressed" : "a stream, plain")
        {
            CHECK_INT(make_stream(&st, zstd), 0);
            CHECK(st.len >= SIZE && st.kind[1] == SL_IPC_DICTIONARY);
        }
        TEST("a flipped bit is an error that is told, or harmless") flip_all(&st, step);
        TEST("a cut stream waits for more, and has no end") cut_all(&st, step == 1 ? 1 : 7);
        TEST("lengths that lie exhaust nothing") lie_all(&st);
        free(st.data);
    }
    return test_done();
}
