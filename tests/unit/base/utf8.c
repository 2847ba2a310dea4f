/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* utf8: every code point there and back, every two-byte start, widths that tables depend on. */
#include "../test.h"
#include "base/utf8.h"

static int valid(const char *s)
{
    return sl_utf8_valid(s, strlen(s));
}

int main(void)
{
    char buf[64];
    int32_t cp;

    TEST("every code point but the surrogates encodes, decodes and is valid")
    {
        for (int32_t c = 0; c <= 0x10ffff; c++) {
            size_t n = sl_utf8_encode(buf, c), back = sl_utf8_decode(buf, n, &cp);
            int surrogate = c >= 0xd800 && c <= 0xdfff;
            if (surrogate ? sl_utf8_valid(buf, n) || cp != -1 || back != 1
                          : !sl_utf8_valid(buf, n) || cp != c || back != n)
                CHECK_INT(c, -1);
        }
    }
    TEST("overlong forms, cut characters and bytes that never occur are invalid")
    {
        CHECK(!valid("\xc0\x80"));
        CHECK(!valid("\xc1\xbf"));
        CHECK(!valid("\xe0\x9f\xbf"));
        CHECK(!valid("\xed\xa0\x80"));
        CHECK(!valid("\xf0\x8f\xbf\xbf"));
        CHECK(!valid("\xf4\x90\x80\x80"));
        CHECK(!valid("\xf5\x80\x80\x80"));
        CHECK(!valid("\xff"));
        CHECK(!valid("\x80"));
        CHECK(!valid("a\xc3"));
        CHECK(!valid("a\xe2\x82"));
        CHECK(!valid("a\xf0\x9f\x98"));
        CHECK(!valid("\xc3("));
        CHECK(valid(""));
        CHECK(valid("na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80"));
    }
    TEST("a bad byte is seen at every place, across the word-wise part")
    {
        for (size_t n = 1; n <= 64; n++)
            for (size_t at = 0; at < n; at++) {
                memset(buf, 'x', sizeof(buf));
                CHECK(sl_utf8_valid(buf, n));
                buf[at] = (char)0xff;
                if (sl_utf8_valid(buf, n))
                    CHECK_INT(at, -1);
            }
    }
    TEST("a character cut by the slice's end is invalid whatever lies behind")
    {
        memcpy(buf, "0123456789abcde\xe2\x82\xac", 18);
        CHECK(sl_utf8_valid(buf, 18));
        CHECK(!sl_utf8_valid(buf, 17));
        CHECK(!sl_utf8_valid(buf, 16));
        CHECK(sl_utf8_valid(buf, 15));
    }
    TEST("characters are counted, not bytes")
    {
        CHECK_INT(sl_utf8_count("na\xc3\xafve", 6), 5);
        CHECK_INT(sl_utf8_count("\xf0\x9f\x98\x80\xe2\x82\xac", 7), 2);
        CHECK_INT(sl_utf8_count("", 0), 0);
    }
    TEST("display widths")
    {
        CHECK_INT(sl_utf8_width('a'), 1);
        CHECK_INT(sl_utf8_width(0xe9), 1);    /* e acute */
        CHECK_INT(sl_utf8_width(0x301), 0);   /* combining acute */
        CHECK_INT(sl_utf8_width(0x200b), 0);  /* zero width space */
        CHECK_INT(sl_utf8_width(0x202e), 0);  /* right-to-left override */
        CHECK_INT(sl_utf8_width(0x4e2d), 2);  /* CJK */
        CHECK_INT(sl_utf8_width(0xac00), 2);  /* Hangul syllable */
        CHECK_INT(sl_utf8_width(0xff21), 2);  /* full-width A */
        CHECK_INT(sl_utf8_width(0xff71), 1);  /* half-width katakana */
        CHECK_INT(sl_utf8_width(0x1f600), 2); /* emoji */
        CHECK_INT(sl_utf8_width(0xfe0f), 0);  /* variation selector */
        CHECK_INT(sl_utf8_width(0x20ac), 1);  /* euro */
        CHECK_INT(sl_utf8_width(0x20000), 2); /* CJK, plane 2 */
        CHECK_INT(sl_utf8_width('\t'), -1);
        CHECK_INT(sl_utf8_width(0x7f), -1);
        CHECK_INT(sl_utf8_width(0x9b), -1);
    }
    return test_done();
}
