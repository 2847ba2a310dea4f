/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* json: what RFC 8259 takes and refuses, the tokens, skipping, unescaping, look-ups. */
#include "../test.h"
#include "base/json.h"

static const char LETTERS[] = "$OoAaKSNtfz"; /* one per token, in the enum's order */

/* The tokens of a text as letters, or "!offset". A heap copy of just its bytes is read. */
static const char *tokens(const char *s, size_t n)
{
    static char out[4096];
    struct sl_err err;
    struct sl_json j;
    char *copy = malloc(n ? n : 1);
    size_t len = 0;
    int rc;

    memcpy(copy, s, n);
    sl_json_init(&j, copy, n);
    do {
        rc = sl_json_next(&j, &err);
        if (rc < 0)
            snprintf(out, sizeof(out), "!%lld", (long long)err.offset);
        else if (len < sizeof(out) - 1)
            out[len++] = LETTERS[rc];
    } while (rc > 0);
    if (rc == 0)
        out[len] = 0;
    free(copy);
    return out;
}

static int accepts(const char *s)
{
    return *tokens(s, strlen(s)) != '!';
}

static const char *unescaped(const char *s)
{
    static char out[256];
    struct sl_buf b = SL_BUF_INIT;
    int rc = sl_json_unescape(s, strlen(s), &b, NULL);

    snprintf(out, sizeof(out), "%s", rc < 0 ? "!" : b.data ? b.data : "");
    sl_buf_release(&b);
    return out;
}

static void test_grammar(void)
{
    TEST("tokens come in order")
    {
        CHECK_STR(tokens("1", 1), "N$");
        CHECK_STR(tokens(" null ", 6), "z$");
        CHECK_STR(tokens("{}", 2), "Oo$");
        CHECK_STR(tokens("[]", 2), "Aa$");
        CHECK_STR(tokens("{\"a\":1,\"b\":[true,false,null,\"x\"],\"c\":{}}", 40),
                  "OKNKAtfzSaKOoo$");
        CHECK_STR(tokens("[[[]],{}]", 9), "AAAaaOoa$");
        CHECK_STR(tokens("\t\r\n [ 1 , 2 ] \n", 15), "ANNa$");
    }
    TEST("what RFC 8259 forbids is refused")
    {
        static const char *const bad[] = {
            "",
            " ",
            "{",
            "[",
            "}",
            "]",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{a:1}",
            "{'a':1}",
            "{1:1}",
            "{\"a\" 1}",
            "{\"a\":1 \"b\":2}",
            "[1}",
            "{\"a\":1]",
            "01",
            "-",
            "-01",
            "+1",
            "1.",
            ".5",
            "1.e5",
            "1e",
            "1e+",
            "0x1",
            "NaN",
            "Infinity",
            "-Infinity",
            "tru",
            "True",
            "nul",
            "nullx",
            "1 2",
            "\"a",
            "\"",
            "\"\\",
            "\"\\\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u12g4\"",
            "\"\t\"",
            "\"a\nb\"",
            "[\"\x1f\"]",
            "// c\n1",
            "1,",
            "[1]]",
            "{}{}",
            "\xef\xbb\xbf[]",
            "{\"a\":1}x",
            "1e5.5",
            "--1",
            "\"0123456789abcdef\x01\"",
        };
        for (size_t i = 0; i < SL_COUNT(bad); i++)
            if (accepts(bad[i]))
                CHECK_STR(bad[i], "refused");
        CHECK_STR(tokens("\"a\0b\"", 5), "!2");
        CHECK_STR(tokens("\"\\\0\"", 4), "!1");
    }
}

static void test_edges(void)
{
    TEST("what it allows is taken")
    {
        static const char *const good[] = {
            "0",
            "-0",
            "-0.0",
            "1e5",
            "1E+5",
            "1.25e-300",
            "123456789012345678901234567890",
            "\"\"",
            "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
            "\"\x7f\"",
            "{\"\":0}",
            "{\"a\":1,\"a\":2}",
        };
        for (size_t i = 0; i < SL_COUNT(good); i++)
            if (!accepts(good[i]))
                CHECK_STR(good[i], "taken");
    }
    TEST("an error names the byte")
    {
        CHECK_STR(tokens("{\"a\":tru}", 9), "!5");
        CHECK_STR(tokens("[1,2", 4), "!4");
        CHECK_STR(tokens("[1 2]", 5), "!3");
    }
    TEST("depth is bounded")
    {
        static char deep[4 * SL_JSON_DEPTH];
        int n = SL_JSON_DEPTH;
        memset(deep, '[', n);
        memset(deep + n, ']', n);
        CHECK(*tokens(deep, 2 * n) == 'A');
        memset(deep, '[', n + 1);
        memset(deep + n + 1, ']', n + 1);
        CHECK_STR(tokens(deep, 2 * n + 2), "!512");
    }
    TEST("every truncation of a document is refused, every byte flip is read within bounds")
    {
        const char *doc =
            "{\"key\\n\":[1,-2.5e10,\"\\ud83d\\ude00 plain text\",{\"x\":null}],\"b\":true}";
        size_t n = strlen(doc);
        char flipped[128];
        CHECK(accepts(doc));
        for (size_t i = 0; i < n; i++)
            CHECK(*tokens(doc, i) == '!');
        for (size_t i = 0; i < n * 8; i++) {
            memcpy(flipped, doc, n);
            flipped[i / 8] = (char)(flipped[i / 8] ^ 1 << i % 8);
            tokens(flipped, n);
        }
    }
}

static void test_use(void)
{
    struct sl_err err;
    struct sl_json j;
    const char *text, *doc = "{\"a\":[1,{\"b\":2}], \"c\" : \"x\\ty\" ,\"d\":{}}";
    size_t len;

    TEST("a value is skipped whole and handed out raw")
    {
        sl_json_init(&j, doc, strlen(doc));
        CHECK_INT(sl_json_next(&j, &err), SL_JSON_OBJECT);
        CHECK_INT(sl_json_next(&j, &err), SL_JSON_KEY);
        CHECK(j.len == 1 && *j.text == 'a');
        CHECK_INT(sl_json_next(&j, &err), SL_JSON_ARRAY);
        CHECK_INT(sl_json_skip(&j, &text, &len, &err), 0);
        CHECK(len == 11 && memcmp(text, "[1,{\"b\":2}]", len) == 0);
        CHECK_INT(sl_json_next(&j, &err), SL_JSON_KEY);
        CHECK_INT(sl_json_next(&j, &err), SL_JSON_STRING);
        CHECK(j.escaped && j.len == 4);
        CHECK_INT(sl_json_skip(&j, &text, &len, &err), 0);
        CHECK(len == 6 && memcmp(text, "\"x\\ty\"", len) == 0);
        CHECK_INT(sl_json_next(&j, &err), SL_JSON_KEY);
        CHECK_INT(sl_json_next(&j, &err), SL_JSON_OBJECT);
        CHECK_INT(sl_json_skip(&j, &text, &len, &err), 0);
        CHECK(len == 2 && memcmp(text, "{}", len) == 0);
        CHECK_INT(sl_json_next(&j, &err), SL_JSON_OBJECT_END);
        CHECK_INT(sl_json_next(&j, &err), SL_JSON_END);
    }
    TEST("escapes become their characters, pairs one character, halves an error")
    {
        CHECK_STR(unescaped("plain"), "plain");
        CHECK_STR(unescaped(""), "");
        CHECK_STR(unescaped("a\\\"b\\\\c\\/d"), "a\"b\\c/d");
        CHECK_STR(unescaped("\\b\\f\\n\\r\\t"), "\b\f\n\r\t");
        CHECK_STR(unescaped("\\u00e9\\u20AC"), "\xc3\xa9\xe2\x82\xac");
        CHECK_STR(unescaped("\\ud83d\\ude00"), "\xf0\x9f\x98\x80");
        CHECK_STR(unescaped("\\ud83d"), "!");
        CHECK_STR(unescaped("\\ude00\\ud83d"), "!");
        CHECK_STR(unescaped("\\ud83dx"), "!");
        CHECK_STR(unescaped("\\ud83d\\u0041"), "!");
    }
    TEST("members of a small document are found, wrong documents are not guessed at")
    {
        const char *small = "{\"n\":-42,\"k\\u0065y\":\"v\\u00e9\",\"sub\":{\"n\":7},\"f\":1.5}";
        struct sl_buf b = SL_BUF_INIT;
        int64_t v = 0;
        size_t n = strlen(small);
        CHECK_INT(sl_json_find_int(small, n, "n", &v), 1);
        CHECK_INT(v, -42);
        CHECK_INT(sl_json_find_int(small, n, "f", &v), -SL_EFORMAT);
        CHECK_INT(sl_json_find_int(small, n, "none", &v), 0);
        CHECK_INT(sl_json_find_string(small, n, "key", &b), 1);
        CHECK_STR(b.data, "v\xc3\xa9");
        CHECK_INT(sl_json_find_string(small, n, "n", &b), -SL_EFORMAT);
        CHECK_INT(sl_json_find(small, n, "sub", &text, &len), 1);
        CHECK(len == 7 && memcmp(text, "{\"n\":7}", 7) == 0);
        CHECK_INT(sl_json_find(small, n - 1, "n", &text, &len), -SL_EFORMAT);
        CHECK_INT(sl_json_find("[1]", 3, "n", &text, &len), -SL_EFORMAT);
        sl_buf_release(&b);
    }
}

int main(void)
{
    test_grammar();
    test_edges();
    test_use();
    return test_done();
}
