/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* buf: growing, printing, escaping, and what happens when memory runs out; err: its one line. */
#include "../test.h"
#include "base/buf.h"
#include "base/mem.h"

static const char *visible(const char *s, size_t n)
{
    static char out[256];
    struct sl_buf b = SL_BUF_INIT;

    sl_buf_add_visible(&b, s, n);
    snprintf(out, sizeof(out), "%s", b.data ? b.data : "");
    sl_buf_release(&b);
    return out;
}

static const char *json(const char *s, size_t n)
{
    static char out[256];
    struct sl_buf b = SL_BUF_INIT;

    sl_buf_add_json(&b, s, n);
    snprintf(out, sizeof(out), "%s", b.data);
    sl_buf_release(&b);
    return out;
}

static const char *line(const struct sl_err *err)
{
    static char out[1024];
    struct sl_buf b = SL_BUF_INIT;

    sl_err_format(err, &b);
    snprintf(out, sizeof(out), "%s", b.data ? b.data : "");
    sl_buf_release(&b);
    return out;
}

static void test_buf(void)
{
    struct sl_buf b = SL_BUF_INIT;

    TEST("appended pieces stand in order and end with a NUL")
    {
        for (int i = 0; i < 10000; i++)
            sl_buf_printf(&b, "%d,", i);
        CHECK_INT(b.len, 48890);
        CHECK(b.data[b.len] == 0 && strncmp(b.data, "0,1,2,3,", 8) == 0);
        CHECK_STR(b.data + b.len - 10, "9998,9999,");
        sl_buf_consume(&b, b.len - 5);
        CHECK_STR(b.data, "9999,");
        sl_buf_addch(&b, 'x');
        sl_buf_add(&b, "y\0z", 3);
        CHECK(b.len == 9 && memcmp(b.data, "9999,xy\0z", 10) == 0);
        sl_buf_reset(&b);
        CHECK(b.len == 0 && b.cap > 0 && *b.data == 0);
        sl_buf_release(&b);
        CHECK(!b.data);
    }
    TEST("a long printf grows the buffer once and keeps all of it")
    {
        char text[1000];
        memset(text, 'a', 999);
        text[999] = 0;
        sl_buf_printf(&b, "<%s>", text);
        CHECK_INT(b.len, 1001);
        CHECK(b.data[0] == '<' && b.data[1000] == '>' && b.data[1001] == 0);
        sl_buf_release(&b);
    }
    TEST("bytes can be taken out, also none")
    {
        sl_buf_addstr(&b, "abc");
        char *p = sl_buf_take(&b);
        CHECK_STR(p, "abc");
        CHECK(!b.data && !b.len);
        free(p);
        p = sl_buf_take(&b);
        CHECK_STR(p, "");
        free(p);
    }
    TEST("a failed allocation is remembered, later appends do nothing, the check says it")
    {
        struct sl_err err;
        sl_buf_addstr(&b, "kept");
        sl_mem_fail_at(1, 0);
        for (int i = 0; i < 1000; i++)
            sl_buf_addstr(&b, "0123456789");
        sl_mem_fail_at(0, 0);
        CHECK(b.failed && !sl_buf_room(&b, 1));
        CHECK_INT(sl_buf_check(&b, &err), -SL_ENOMEM);
        CHECK(sl_buf_take(&b) == NULL);
        CHECK(!sl_buf_room(&b, SIZE_MAX / 2) && b.failed);
        sl_buf_release(&b);
    }
}

static void test_escapes(void)
{
    TEST("control bytes, bidi overrides and broken UTF-8 are made visible, text stays")
    {
        CHECK_STR(visible("plain", 5), "plain");
        CHECK_STR(visible("\x1b[31m", 5), "\\x1b[31m");
        CHECK_STR(visible("a\nb\tc\r", 6), "a\\nb\\tc\\r");
        CHECK_STR(visible("\0", 1), "\\x00");
        CHECK_STR(visible("\x7f", 1), "\\x7f");
        CHECK_STR(visible("\xc2\x9b", 2), "\\x9b");
        CHECK_STR(visible("\xe2\x80\xae", 3), "\\u{202e}");
        CHECK_STR(visible("\xff", 1), "\\xff");
        CHECK_STR(visible("\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f", 8), "\\u{061c}\\u{200e}\\u{200f}");
        CHECK_STR(visible("na\xc3\xafve \xe2\x82\xac", 10), "na\xc3\xafve \xe2\x82\xac");
    }
    TEST("JSON strings are escaped, invalid UTF-8 becomes U+FFFD")
    {
        CHECK_STR(json("", 0), "\"\"");
        CHECK_STR(json("a\"b\\c", 5), "\"a\\\"b\\\\c\"");
        CHECK_STR(json("\b\f\n\r\t", 5), "\"\\b\\f\\n\\r\\t\"");
        CHECK_STR(json("\x01\x1f\0", 3), "\"\\u0001\\u001f\\u0000\"");
        CHECK_STR(json("\xc3\xa9\xf0\x9f\x98\x80", 6), "\"\xc3\xa9\xf0\x9f\x98\x80\"");
        CHECK_STR(json("a\xff"
                       "b\xed\xa0\x80",
                       6),
                  "\"a\xef\xbf\xbd"
                  "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    }
}

static void test_err(void)
{
    struct sl_err err;

    TEST("an error names the place, the thing and the remedy on one line")
    {
        CHECK_INT(sl_err_set(&err, SL_ETYPE, "\"%s\" is no number", "x"), -SL_ETYPE);
        CHECK_STR(line(&err), "\"x\" is no number");
        sl_err_at(&err, "a.csv", 7, 3);
        CHECK_INT(sl_err_hint(&err, "declare it text"), -SL_ETYPE);
        CHECK_STR(line(&err), "a.csv:7:3: \"x\" is no number; declare it text");
        sl_err_set(&err, SL_ECORRUPT, "bad CRC");
        CHECK(!err.hint[0] && !err.place[0] && err.line == -1);
        sl_err_offset(&err, "seg", 4096);
        CHECK_STR(line(&err), "seg: byte 4096: bad CRC");
    }
    TEST("a system error bears errno, its text and a code that callers can tell apart")
    {
        errno = ENOENT;
        CHECK_INT(sl_err_sys(&err, "cannot open %s", "x"), -SL_ENOENT);
        CHECK_STR(line(&err), "cannot open x: No such file or directory");
        CHECK_INT(err.sys_errno, ENOENT);
        errno = EPIPE;
        CHECK_INT(sl_err_sys(&err, "x"), -SL_EPIPE);
        errno = ENOMEM;
        CHECK_INT(sl_err_sys(&err, "x"), -SL_ENOMEM);
        errno = ENOSPC;
        CHECK_INT(sl_err_sys(&err, "x"), -SL_EIO);
        CHECK(err.hint[0]);
    }
    TEST("messages longer than their field are cut, control bytes in them escaped; NULL is fine")
    {
        char text[2000];
        memset(text, 'm', sizeof(text));
        text[1999] = 0;
        sl_err_set(&err, SL_EFAIL, "%s", text);
        CHECK_INT(strlen(err.what), sizeof(err.what) - 1);
        sl_err_set(&err, SL_EFAIL, "column \x1b[2J");
        CHECK_STR(line(&err), "column \\x1b[2J");
        CHECK_INT(sl_err_set(NULL, SL_EIO, "x"), -SL_EIO);
        CHECK(sl_err_sys(NULL, "x") < 0 && sl_err_hint(NULL, "x") < 0);
    }
}

int main(void)
{
    test_buf();
    test_escapes();
    test_err();
    return test_done();
}
