/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* Small messages that describe something huge: each must be refused, quickly and in little memory.
 * */
#include "../test.h"
#include "ipc/codec.h"
#include "ipc/ipc_write.h"

/* A struct field whose two children are one and the same field, and so on, depth times. */
static size_t shared_field(struct sl_fb_writer *w, int depth)
{
    struct sl_fb_slot slots[] = {
        {.field = FB_FIELD_NAME, .width = 4},
        {.field = FB_FIELD_TYPE, .width = 4},
        {.field = FB_FIELD_CHILDREN, .width = 4},
        {.field = FB_FIELD_TYPE_TYPE, .width = 1, .value = SL_ARROW_STRUCT}};
    size_t at = sl_fb_table(w, slots, 4);
    sl_fb_put_string(w, slots[0].hole, "a", 1);
    sl_fb_point(w, slots[1].hole, sl_fb_table(w, NULL, 0));
    size_t kids = sl_fb_put_vector(w, slots[2].hole, depth ? 2 : 0, 4, 4);
    if (depth) {
        size_t child = shared_field(w, depth - 1);
        sl_fb_point(w, kids, child);
        sl_fb_point(w, kids + 4, child);
    }
    return at;
}

static int decode_schema(const struct sl_buf *b, struct sl_err *err)
{
    struct sl_ipc_message m;
    struct sl_ipc_decoder *d = sl_ipc_decoder_new(NULL);
    int rc = sl_ipc_peek((const uint8_t *)b->data, b->len, &m, err) == (int64_t)b->len ? 0 : -1;
    if (rc == 0)
        rc = sl_ipc_decoder_schema(d, &m, err);
    sl_ipc_decoder_free(d);
    return rc;
}

/* A schema of n fields that are all the same table. */
static void many_fields(struct sl_buf *out, size_t n, int depth, int endian)
{
    struct sl_ipc_frame f;
    struct sl_fb_slot slots[] = {{.field = FB_SCHEMA_FIELDS, .width = 4},
                                 {.field = FB_SCHEMA_ENDIAN, .width = 2, .value = endian}};
    sl_ipc_frame_begin(&f, out, HEADER_SCHEMA, 0);
    sl_fb_point(&f.w, f.header, sl_fb_table(&f.w, slots, 2));
    size_t fields = sl_fb_put_vector(&f.w, slots[0].hole, n, 4, 4);
    size_t field = shared_field(&f.w, depth);
    for (size_t i = 0; i < n; i++)
        sl_fb_point(&f.w, fields + 4 * i, field);
    sl_ipc_frame_body(&f);
    sl_ipc_frame_end(&f);
}

/* Metadata with n keys that are all one long string. */
static void many_keys(struct sl_buf *out, size_t n, size_t len)
{
    struct sl_ipc_frame f;
    struct sl_fb_slot slots[] = {{.field = FB_SCHEMA_FIELDS, .width = 4},
                                 {.field = FB_SCHEMA_META, .width = 4}};
    sl_ipc_frame_begin(&f, out, HEADER_SCHEMA, 0);
    sl_fb_point(&f.w, f.header, sl_fb_table(&f.w, slots, 2));
    sl_fb_put_vector(&f.w, slots[0].hole, 0, 4, 4);
    size_t keys = sl_fb_put_vector(&f.w, slots[1].hole, n, 4, 4);
    struct sl_fb_slot kv[] = {{.field = FB_KV_KEY, .width = 4}, {.field = FB_KV_VALUE, .width = 4}};
    size_t table = sl_fb_table(&f.w, kv, 2);
    char *text = sl_calloc(len + 1, 1);
    memset(text, 'k', len);
    sl_fb_put_string(&f.w, kv[0].hole, text, len);
    sl_fb_put_string(&f.w, kv[1].hole, text, len);
    free(text);
    for (size_t i = 0; i < n; i++)
        sl_fb_point(&f.w, keys + 4 * i, table);
    sl_ipc_frame_body(&f);
    sl_ipc_frame_end(&f);
}

/* A batch of one bigint column whose compressed buffer claims `claims` bytes and unfolds to `real`.
 * */
static int inflate(size_t rows, int64_t claims, size_t real, struct sl_account *a,
                   struct sl_err *err)
{
    struct sl_schema *s = NULL;
    struct sl_ipc_form form;
    struct sl_ipc_put p = {0};
    struct sl_buf out = SL_BUF_INIT, zeros = SL_BUF_INIT;
    struct sl_ipc_message m;
    struct sl_batch *b = NULL;
    struct sl_ipc_decoder *d = sl_ipc_decoder_new(a);
    sl_schema_parse("a bigint", 8, &s, NULL);
    sl_ipc_form_init(&form, s, NULL);
    form.zstd = 1;
    CHECK_INT(sl_ipc_encode_schema(s, &form, &out, err), 0);
    CHECK(sl_ipc_peek((uint8_t *)out.data, out.len, &m, err) > 0);
    CHECK_INT(sl_ipc_decoder_schema(d, &m, err), 0);
    sl_buf_reset(&out);
    memset(sl_buf_room(&zeros, real), 0, real);
    p.out = &out;
    p.form = &form;
    p.err = err;
    sl_ipc_put_count(&p, s->fields[0].type, 0);
    sl_ipc_frame_begin(&p.frame, &out, HEADER_BATCH, 0);
    sl_ipc_put_table(&p, p.frame.header, rows);
    sl_ipc_frame_body(&p.frame);
    sl_ipc_put_node(&p, rows, 0);
    sl_ipc_put_buffer(&p, NULL, 0);
    size_t at = out.len;
    sl_buf_add(&out, &claims, 8);
    CHECK_INT(sl_codec_compress(&out, zeros.data, real, 1, SL_CODEC_BYTES, err), 1);
    sl_fb_set_i64(&p.frame.w, p.spans + 16, 0);
    sl_fb_set_i64(&p.frame.w, p.spans + 24, (int64_t)(out.len - at));
    sl_ipc_frame_end(&p.frame);
    CHECK(sl_ipc_peek((uint8_t *)out.data, out.len, &m, err) == (int64_t)out.len);
    int rc = sl_ipc_decoder_batch(d, &m, &b, err);
    if (rc == 0)
        rc = sl_column_load(b->columns[0], err);
    sl_batch_unref(b);
    sl_ipc_decoder_free(d);
    sl_ipc_form_release(&form);
    sl_buf_release(&out);
    sl_buf_release(&zeros);
    sl_schema_unref(s);
    return rc;
}

int main(void)
{
    struct sl_err err;
    struct sl_buf b = SL_BUF_INIT;
    sl_err_init(&err);
    TEST("a field that is its own sibling sixty times over")
    {
        many_fields(&b, 1, 60, 0);
        CHECK_INT(decode_schema(&b, &err), -SL_EFORMAT);
        CHECK(strstr(err.what, "too many columns") != NULL);
    }
    TEST("nesting without end")
    {
        sl_buf_reset(&b);
        many_fields(&b, 1, 100, 0);
        CHECK_INT(decode_schema(&b, &err), -SL_EFORMAT);
    }
    TEST("a million columns")
    {
        sl_buf_reset(&b);
        many_fields(&b, 1000000, 0, 0);
        CHECK_INT(decode_schema(&b, &err), -SL_EFORMAT);
    }
    TEST("one column twice")
    {
        sl_buf_reset(&b);
        many_fields(&b, 2, 0, 0);
        CHECK_INT(decode_schema(&b, &err), -SL_ESCHEMA);
    }
    TEST("big-endian is refused by name")
    {
        sl_buf_reset(&b);
        many_fields(&b, 1, 0, 1);
        CHECK_INT(decode_schema(&b, &err), -SL_EUNSUPPORTED);
        CHECK(strstr(err.what, "big-endian") != NULL);
    }
    TEST("keys that unfold")
    {
        sl_buf_reset(&b);
        many_keys(&b, 4000, 1 << 20);
        CHECK_INT(decode_schema(&b, &err), -SL_EFORMAT);
        sl_buf_reset(&b);
        many_keys(&b, 100000, 8);
        CHECK_INT(decode_schema(&b, &err), -SL_EFORMAT);
        sl_buf_reset(&b);
        many_keys(&b, 3, 8);
        CHECK_INT(decode_schema(&b, &err), 0);
    }
    TEST("compressed buffers take no more memory than their rows need")
    {
        struct sl_account a;
        sl_account_init(&a, "test", 1 << 20, NULL);
        CHECK_INT(inflate(1000, 8000, 8000, &a, &err), 0);
        CHECK_INT(inflate(1000, 64 << 20, 64 << 20, &a, &err), 0); /* only the first 8,000 bytes */
        CHECK_INT(inflate(1000, 8001, 100, &a, &err), -SL_EFORMAT);
        CHECK_INT(inflate(1000, 8000, 64 << 20, &a, &err), -SL_EFORMAT);
        CHECK_INT(inflate(1000, 7999, 8000, &a, &err), -SL_EFORMAT);
        CHECK_INT(inflate(1000, INT64_MAX, 8000, &a, &err), -SL_EFORMAT);
        CHECK_INT(inflate(1000, -2, 8000, &a, &err), -SL_EFORMAT);
        CHECK_INT(inflate(1 << 20, 8 << 20, 8 << 20, &a, &err),
                  -SL_ENOMEM); /* the account says no */
        CHECK_INT(atomic_load(&a.used), 0);
    }
    sl_buf_release(&b);
    return test_done();
}
