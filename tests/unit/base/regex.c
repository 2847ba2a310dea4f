/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* regex: flags, groups, the place of an error, bounds, and bytes that are not UTF-8. */
#include "../test.h"
#include "base/regex.h"

static struct sl_regex *pattern(const char *p, unsigned flags)
{
    struct sl_err err;
    struct sl_regex *x = NULL;
    CHECK_INT(sl_regex_new(p, strlen(p), flags, &x, &err), 0);
    return x;
}

/* "begin-end begin-end ..." of the spans that are set, "none", or the code. */
static const char *match(const char *p, unsigned flags, const char *text, size_t n, size_t from)
{
    static char out[128];
    struct sl_err err;
    struct sl_regex *x = pattern(p, flags);
    struct sl_regex_work *w = sl_regex_work_new(3, &err);
    int rc = x && w ? sl_regex_match(x, w, text, n, 0, &err) : -1;
    if (from)
        rc = sl_regex_match(x, w, text, n, from, &err);
    snprintf(out, sizeof out, rc ? "%d" : "none", rc);
    size_t len = 0;
    for (int i = 0; i < rc; i++) {
        const size_t *at = sl_regex_spans(w);
        len += (size_t)snprintf(out + len, sizeof out - len, "%s%zd-%zd", i ? " " : "",
                                (ssize_t)at[2 * i], (ssize_t)at[2 * i + 1]);
    }
    sl_regex_work_free(w);
    sl_regex_free(x);
    return out;
}

int main(void)
{
    TEST("a match gives the whole and its groups, as many as there is room for")
    {
        CHECK_STR(match("b(c)?(d)", 0, "abd", 3, 0), "1-3 -1--1 2-3");
        CHECK_STR(match("(a)(b)(c)(d)(e)", 0, "abcde", 5, 0), "0-5 0-1 1-2 2-3");
        CHECK_STR(match("a", 0, "abca", 4, 1), "3-4");
        CHECK_STR(match("x", 0, "abca", 4, 0), "none");
        CHECK_STR(match("^$", 0, NULL, 0, 0), "0-0");
    }
    TEST("flags mean what they say")
    {
        CHECK_STR(match("A", SL_REGEX_ICASE, "a", 1, 0), "0-1");
        CHECK_STR(match("a.b", 0, "a\nb", 3, 0), "none");
        CHECK_STR(match("a.b", SL_REGEX_DOTALL, "a\nb", 3, 0), "0-3");
        CHECK_STR(match("a$", 0, "a\n", 2, 0), "0-1");
        CHECK_STR(match("a$", SL_REGEX_END, "a\n", 2, 0), "none");
        CHECK_STR(match("^b", SL_REGEX_MULTILINE, "a\nb", 3, 0), "2-3");
        CHECK_STR(match("a b # c", SL_REGEX_EXTENDED, "ab", 2, 0), "0-2");
    }
    TEST("named groups, by name, with their numbers")
    {
        const char *name = NULL;
        struct sl_regex *x = pattern("(?<z>.)(.)(?<a>.)", 0);
        CHECK_INT(sl_regex_named(x, 0, &name), 3);
        CHECK_STR(name, "a");
        CHECK_INT(sl_regex_named(x, 1, &name), 1);
        CHECK_STR(name, "z");
        CHECK_INT(sl_regex_named(x, 2, &name), 0);
        sl_regex_free(x);
    }
    TEST("a bad pattern says why and at which character")
    {
        struct sl_err err;
        struct sl_regex *x = NULL;
        CHECK_INT(sl_regex_new("\xc3\xbc(", 3, 0, &x, &err), -SL_EUSAGE);
        CHECK_STR(err.what, "missing closing parenthesis");
        CHECK_INT(err.column, 3);
        CHECK_INT(sl_regex_new("a\\Cb", 4, 0, &x, &err), -SL_EUSAGE); /* could split a character */
        CHECK_INT(sl_regex_new("a\xff", 2, 0, &x, &err), -SL_EUSAGE);
        CHECK(x == NULL);
    }
    TEST("a match that explodes ends")
    {
        char text[64], want[8];
        memset(text, 'a', sizeof text);
        text[sizeof text - 1] = 'c';
        text[0] = 'b';
        snprintf(want, sizeof want, "%d", -SL_EROW);
        CHECK_STR(match("^b(a+)+[bd]$", 0, text, sizeof text, 0), want);
    }
    TEST("a class that is negated matches characters beyond ASCII")
    {
        CHECK_STR(match("\\S+", 0,
                        "a\xc3\xbc"
                        "b c",
                        6, 0),
                  "0-4");
        CHECK_STR(match("\\D\\W", 0, "\xe2\x82\xac\xc3\xbc", 5, 0), "0-5");
        CHECK_STR(match("^[^\\d]$", 0, "\xf0\x9f\x98\x80", 4, 0), "0-4");
    }
    TEST("bytes that are not UTF-8 match nothing, not even . or a negated class")
    {
        CHECK_STR(match("b.", SL_REGEX_DOTALL,
                        "b\xff"
                        "bc",
                        4, 0),
                  "2-4");
        CHECK_STR(match("[^x]+", 0,
                        "\xc3"
                        "ab\xe2\x82",
                        5, 0),
                  "1-3");
        CHECK_STR(match("a.", 0, "a\xf0\x9f\x98", 4, 0), "none");
    }
    return test_done();
}
