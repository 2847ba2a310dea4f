/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* Compressed text: round trips, truncation, damage. */
#include "text_test.h"

struct bytes {
    const char *p;
    size_t n, at, step;
};

static int give(void *arg, void *data, size_t n, struct sl_err *err)
{
    struct bytes *b = arg;
    size_t k = SL_MIN(SL_MIN(n, b->step), b->n - b->at);
    (void)err;
    memcpy(data, b->p + b->at, k);
    b->at += k;
    return (int)k;
}

static int refuse(void *arg, void *data, size_t n, struct sl_err *err)
{
    (void)arg;
    (void)data;
    (void)n;
    return sl_err_set(err, SL_EIO, "the disk is gone");
}

/* All plain bytes into out; 0 or < 0. */
static int64_t unpack(const char *p, size_t n, struct sl_buf *out, struct sl_err *err)
{
    struct bytes b = {p, n, 0, 1000};
    struct sl_decompressor *d = sl_decompressor_new(give, &b, "x.gz", err);
    char data[777];
    int64_t k = d ? 1 : -1;
    while (k > 0) {
        k = sl_decompressor_read(d, data, sizeof data, err);
        if (k > 0)
            sl_buf_add(out, data, (size_t)k);
    }
    sl_decompressor_free(d);
    return k;
}

/* Appends a member; extra: with an extra field in its header, as bgzip has. */
static void add_member(struct sl_buf *to, const char *text, int extra)
{
    struct sl_buf one = SL_BUF_INIT;
    struct sl_err err;
    struct sl_compressor *c = sl_compressor_new("gz", &err);
    CHECK_INT(sl_compressor_write(c, text, strlen(text), &one, &err), 0);
    CHECK_INT(sl_compressor_end(c, &one, &err), 0);
    sl_compressor_free(c);
    if (extra)
        one.data[3] |= 4;
    sl_buf_add(to, one.data, 10);
    sl_buf_add(to, "\6\0BC\2\0\33\0", extra ? 8 : 0);
    sl_buf_add(to, one.data + 10, one.len - 10);
    sl_buf_release(&one);
}

static int64_t unpack_all(const struct sl_buf *packed, size_t n, struct sl_buf *out,
                          struct sl_err *err)
{
    sl_buf_reset(out);
    sl_err_init(err);
    return unpack(packed->data, n, out, err);
}

static void test_members(void)
{
    static const char want[] = "one,1\ntwo,2\nthree,3\n";
    struct sl_buf all = SL_BUF_INIT, back = SL_BUF_INIT;
    struct sl_err err;
    add_member(&all, "one,1\n", 0);
    size_t second = all.len;
    add_member(&all, "", 1);
    add_member(&all, "two,2\n", 1);
    size_t fourth = all.len;
    add_member(&all, "three,3\n", 0);
    TEST("members of a gzip file follow each other, empty ones too")
    {
        CHECK_INT(unpack_all(&all, all.len, &back, &err), 0);
        CHECK_STR(text_of(&back), want);
    }
    TEST("a flipped bit in any member is an error that names file and offset, or harmless")
    {
        int harmless = 0;
        for (size_t bit = 0; bit < 8 * all.len; bit++) {
            all.data[bit / 8] ^= (char)(1 << bit % 8);
            int64_t rc = sl_compression_of_bytes((const uint8_t *)all.data, all.len) == SL_GZIP
                             ? unpack_all(&all, all.len, &back, &err)
                             : -SL_EFORMAT;
            if (rc == 0) {
                CHECK_STR(text_of(&back), want);
                harmless++;
            } else if (bit >= 16) {
                CHECK_INT(rc, -SL_EFORMAT);
                CHECK_STR(err.place, "x.gz");
                CHECK(err.offset > (int64_t)(bit / 8) - 100 && err.offset <= (int64_t)all.len);
            }
            all.data[bit / 8] ^= (char)(1 << bit % 8);
        }
        /* Time, system and level of each header, and what is in the extra field. */
        CHECK(harmless >= 4 * 6 * 8 && harmless < 4 * 10 * 8);
    }
    TEST("a file that stops anywhere but between members is an error")
    {
        for (size_t n = 2; n < all.len; n++) {
            int64_t rc = unpack_all(&all, n, &back, &err);
            if (rc == 0)
                CHECK(n == second || n == fourth || (n > second && n < fourth));
            else
                CHECK(strstr(err.what, "stops in its middle") != NULL);
        }
    }
    TEST("zeros may follow the last member, nothing else")
    {
        size_t whole = all.len;
        sl_buf_add(&all, "\0\0\0\0", 4);
        CHECK_INT(unpack_all(&all, all.len, &back, &err), 0);
        CHECK_STR(text_of(&back), want);
        add_member(&all, "four\n", 0);
        CHECK_INT(unpack_all(&all, all.len, &back, &err), -SL_EFORMAT);
        CHECK_INT(err.offset, (int64_t)whole + 4);
        all.len = whole;
        sl_buf_addstr(&all, "x");
        CHECK_INT(unpack_all(&all, all.len, &back, &err), -SL_EFORMAT);
        CHECK_STR(err.what, "what follows the 4 members of gzip here is none");
        CHECK_INT(err.offset, (int64_t)whole);
    }
    sl_buf_release(&all);
    sl_buf_release(&back);
}

int main(void)
{
    struct sl_buf plain = SL_BUF_INIT, packed = SL_BUF_INIT, back = SL_BUF_INIT;
    struct sl_err err;
    for (int i = 0; i < 50000; i++)
        sl_buf_printf(&plain, "%d,%d\n", i, i * 7919 % 1000);
    for (int zst = 0; zst < 2; zst++) {
        TEST("what is compressed comes back")
        {
            sl_err_init(&err);
            sl_buf_reset(&packed);
            sl_buf_reset(&back);
            struct sl_compressor *c = sl_compressor_new(zst ? "zst" : "gz", &err);
            CHECK(c != NULL);
            if (!c)
                return test_done();
            CHECK_INT(sl_compressor_write(c, plain.data, 1000, &packed, &err), 0);
            CHECK_INT(sl_compressor_write(c, plain.data + 1000, plain.len - 1000, &packed, &err),
                      0);
            CHECK_INT(sl_compressor_end(c, &packed, &err), 0);
            sl_compressor_free(c);
            CHECK(packed.len > 0 && packed.len < plain.len);
            CHECK_INT(sl_compression_of_bytes((const uint8_t *)packed.data, packed.len),
                      zst ? SL_ZSTD : SL_GZIP);
            CHECK_INT(unpack(packed.data, packed.len, &back, &err), 0);
            CHECK(back.len == plain.len && memcmp(back.data, plain.data, back.len) == 0);
        }
        TEST("a truncated file is an error that names it")
        {
            for (size_t cut = 1; cut < 200; cut += 33) {
                sl_buf_reset(&back);
                sl_err_init(&err);
                CHECK_INT(unpack(packed.data, packed.len - cut, &back, &err), -SL_EFORMAT);
                CHECK_STR(err.place, "x.gz");
            }
        }
        TEST("damage is found or harmless")
        {
            for (size_t at = 100; at + 16 < packed.len; at += packed.len / 50) {
                packed.data[at] ^= 0x10;
                sl_buf_reset(&back);
                int64_t rc = unpack(packed.data, packed.len, &back, &err);
                /* A frame of zstd need not have a checksum. */
                CHECK(rc == -SL_EFORMAT || (zst && rc == 0));
                packed.data[at] ^= 0x10;
            }
        }
    }
    test_members();
    TEST("no input at all, plain input, an unknown suffix")
    {
        sl_buf_reset(&back);
        CHECK_INT(unpack("", 0, &back, &err), 0);
        CHECK_INT(back.len, 0);
        CHECK_INT(sl_compression_of_bytes((const uint8_t *)"a,b\n", 4), SL_RAW);
        CHECK(sl_compressor_new("rar", &err) == NULL);
        CHECK_INT(err.code, SL_EUSAGE);
    }
    TEST("an error of the source stays that error")
    {
        struct sl_decompressor *d = sl_decompressor_new(refuse, NULL, "x.gz", &err);
        char data[10];
        CHECK_INT(sl_decompressor_read(d, data, sizeof data, &err), -SL_EIO);
        CHECK_STR(err.what, "the disk is gone");
        sl_decompressor_free(d);
    }
    sl_buf_release(&plain);
    sl_buf_release(&packed);
    sl_buf_release(&back);
    return test_done();
}
