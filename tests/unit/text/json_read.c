/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* NDJSON: nested, missing and new keys, escapes, numbers of any size, bad lines. */
#include "text_test.h"

#include "text/text_reader.h"

static struct reading json(enum sl_text_format to)
{
    return (struct reading){.o.format = SL_TEXT_JSON, .to = to};
}

static void test_values(void)
{
    TEST("scalars, nested objects, arrays, missing keys")
    {
        struct reading t = json(SL_TEXT_JSON);
        CHECK_READ(
            t,
            "{\"a\": 1, \"b\": {\"c\": \"x\", \"d\": {\"e\": true}}, \"f\": [1, {\"g\": 2}]}\n"
            "{\"f\": null, \"b\": {\"d\": {\"e\": false}}, \"a\": 2}\n",
            "{\"a\":1,\"b.c\":\"x\",\"b.d.e\":true,\"f\":[1, {\"g\": 2}]}\n"
            "{\"a\":2,\"b.c\":null,\"b.d.e\":false,\"f\":null}\n",
            "a bigint, b.c text, b.d.e boolean, f jsonb, _rest jsonb");
        reading_free(&t);
    }
    TEST("escapes and surrogate pairs")
    {
        struct reading t = json(SL_TEXT_JSON);
        CHECK_READ(t, "{\"k\\u0065y\": \"a\\n\\\"\\\\ \\u00e9 \\ud83d\\ude00 \\/\"}\n",
                   "{\"key\":\"a\\n\\\"\\\\ \xc3\xa9 \xf0\x9f\x98\x80 /\"}\n",
                   "key text, _rest jsonb");
        reading_free(&t);
    }
    TEST("numbers: big, decimal, with exponents; strings of digits are text")
    {
        struct reading t = json(SL_TEXT_JSON);
        CHECK_READ(t,
                   "{\"a\":9223372036854775807,\"b\":12345678901234567890,\"c\":1.50,\"d\":1e3,"
                   "\"e\":\"12\"}\n",
                   "{\"a\":9223372036854775807,\"b\":12345678901234567890,\"c\":1.50,\"d\":1000,"
                   "\"e\":\"12\"}\n",
                   "a bigint, b numeric(38,0), c numeric(18,2), d double precision, e text, "
                   "_rest jsonb");
        reading_free(&t);
    }
    TEST("times in strings")
    {
        struct reading t = json(SL_TEXT_JSON);
        CHECK_READ(t, "{\"t\":\"2024-01-01T00:00:00+01:00\",\"d\":\"2024-01-01\"}\n",
                   "{\"t\":\"2023-12-31T23:00:00Z\",\"d\":\"2024-01-01\"}\n",
                   "t timestamptz, d date, _rest jsonb");
        reading_free(&t);
    }
    TEST("epoch milliseconds as event time, from numbers and strings")
    {
        struct reading t = json(SL_TEXT_CSV);
        t.o.time_column = "t";
        t.o.time_format = "epoch:ms";
        CHECK_READ(t, "{\"t\":1700000000000}\n{\"t\":\"1700000000001\"}\n{\"t\":null}\n",
                   "2023-11-14 22:13:20+00\n2023-11-14 22:13:20.001+00\n", NULL);
        CHECK_INT(t.rejects.n, 1);
        reading_free(&t);
    }
    TEST("mixed kinds are text; an empty object is a value")
    {
        struct reading t = json(SL_TEXT_JSON);
        CHECK_READ(t,
                   "{\"a\":1,\"b\":{},\"c\":2}\n{\"a\":\"x\",\"b\":[],\"c\":3}\n"
                   "{\"a\":true}\n",
                   "{\"a\":\"1\",\"b\":{},\"c\":2}\n{\"a\":\"x\",\"b\":[],\"c\":3}\n"
                   "{\"a\":\"true\",\"b\":null,\"c\":null}\n",
                   "a text, b jsonb, c bigint, _rest jsonb");
        reading_free(&t);
    }
    TEST("a key that comes twice, also as a path and null, is a reject")
    {
        struct reading t = json(SL_TEXT_JSON);
        CHECK_READ(t,
                   "{\"a\":1,\"b\":{\"c\":2}}\n{\"a\":1,\"a\":2}\n{\"a\":3,\"a\":null}\n"
                   "{\"b\":{\"c\":4},\"b.c\":4}\n{\"b\":{\"c\":5},\"a\":6}\n",
                   "{\"a\":1,\"b.c\":2}\n{\"a\":6,\"b.c\":5}\n", NULL);
        CHECK_INT(t.rejects.n, 3);
        CHECK_STR(t.rejects.items[2].reason, "the key 'b.c' comes twice");
        reading_free(&t);
    }
    TEST("a.b as a key and b inside a are one column")
    {
        struct reading t = json(SL_TEXT_JSON);
        CHECK_READ(t, "{\"a\":{\"b\":1}}\n{\"a.b\":2}\n", "{\"a.b\":1}\n{\"a.b\":2}\n",
                   "a.b bigint, _rest jsonb");
        reading_free(&t);
    }
}

static void test_new_keys(void)
{
    const char *in = "{\"a\":1}\n{\"a\":2,\"n\":{\"x\":\"new\"},\"m\":[1]}\n{\"a\":3,\"n\":7}\n";
    TEST("new keys become columns where the schema can widen")
    {
        struct reading t = json(SL_TEXT_JSON);
        t.sample = 8;
        t.o.may_grow = 1;
        CHECK_READ(t, in,
                   "{\"a\":1,\"n\":null,\"n.x\":null,\"m\":null}\n"
                   "{\"a\":2,\"n\":null,\"n.x\":\"new\",\"m\":[1]}\n"
                   "{\"a\":3,\"n\":7,\"n.x\":null,\"m\":null}\n",
                   "a bigint, n bigint, n.x text, m jsonb, _rest jsonb");
        CHECK_INT(t.widened, 1);
        reading_free(&t);
    }
    TEST("elsewhere they travel in _rest, and come out as members")
    {
        struct reading t = json(SL_TEXT_JSON);
        t.sample = 8;
        CHECK_READ(t, in,
                   "{\"a\":1}\n{\"a\":2,\"n\":{\"x\":\"new\"},\"m\":[1]}\n{\"a\":3,\"n\":7}\n",
                   "a bigint, _rest jsonb");
        reading_free(&t);
    }
    TEST("a new value that is no new kind of key widens the type")
    {
        struct reading t = json(SL_TEXT_JSON);
        t.sample = 8;
        CHECK_READ(t, "{\"a\":1}\n{\"a\":\"x\"}\n{\"a\":[1]}\n",
                   "{\"a\":\"1\"}\n{\"a\":\"x\"}\n{\"a\":\"[1]\"}\n", "a text, _rest jsonb");
        reading_free(&t);
    }
}

static void test_bad_lines(void)
{
    TEST("malformed lines and lines that are no object are rejects")
    {
        struct reading t = json(SL_TEXT_JSON);
        CHECK_READ(t,
                   "{\"a\":1}\n{\"a\":\n[1]\n\n17\n{\"a\":\"\\ud800\"}\n{\"a\":2} "
                   "x\n{\"a\":\xff}\n{\"a\":3}\n",
                   "{\"a\":1}\n{\"a\":3}\n", NULL);
        CHECK_INT(t.rejects.n, 6);
        CHECK_INT(t.rejects.skipped, 1);
        CHECK_INT(t.rejects.records, 9);
        if (t.rejects.n == 6) {
            CHECK_INT(t.rejects.items[0].line, 2);
            CHECK_STR(t.rejects.items[1].reason,
                      "an array, not an object; jq -c '.[]' makes its items lines");
            CHECK_INT(t.rejects.items[1].line, 3);
            CHECK_STR(t.rejects.items[2].reason, "not a JSON object");
            CHECK_STR(t.rejects.items[5].reason,
                      "byte 0xFF is not UTF-8; iconv -f latin1 -t UTF-8 converts Latin-1");
        }
        reading_free(&t);
    }
    TEST("deep nesting is a value, deeper than the parser goes a reject")
    {
        struct sl_buf in = SL_BUF_INIT;
        for (int i = 0; i < 100; i++)
            sl_buf_addstr(&in, "{\"k\":");
        sl_buf_addch(&in, '1');
        for (int i = 0; i < 100; i++)
            sl_buf_addch(&in, '}');
        sl_buf_addch(&in, '\n');
        for (int i = 0; i < 5000; i++)
            sl_buf_addstr(&in, "{\"k\":");
        sl_buf_addstr(&in, "\n");
        struct reading t = json(SL_TEXT_JSON);
        CHECK_INT(reading_run(&t, in.data, in.len), 0);
        CHECK_INT(t.rows, 1);
        CHECK_INT(t.rejects.n, 1);
        CHECK_INT(sl_text_schema(t.r)->nfields, 2);
        reading_free(&t);
        sl_buf_release(&in);
    }
    TEST("declared columns that are not there are null")
    {
        struct sl_schema *types = NULL;
        CHECK_INT(sl_schema_parse("z bigint, a text", 16, &types, NULL), 0);
        struct reading t = json(SL_TEXT_JSON);
        t.o.types = types;
        CHECK_READ(t, "{\"a\":1}\n", "{\"a\":\"1\",\"z\":null}\n", NULL);
        reading_free(&t);
        sl_schema_unref(types);
    }
    TEST("any cut gives the same rows")
    {
        const char *in = "{\"a\":1,\"b\":\"x\"}\r\n{\"a\":2}\n\n{\"a\":3,\"b\":\"\\u0041\"}";
        for (size_t piece = 1; piece < strlen(in); piece++) {
            struct reading t = json(SL_TEXT_CSV);
            t.piece = piece;
            CHECK_READ(t, in, "1,x\n2,\n3,A\n", NULL);
            reading_free(&t);
        }
    }
}

/* 1,024 keys that have one hash by FNV-1a, which tables of keys commonly use. */
static void test_collisions(void)
{
    static const char *const pairs[10][2] = {
        {"gwfac", "16wuc"}, {"mm2a0", "x6khz"}, {"d2y93", "vg12s"}, {"90abj", "kjqyk"},
        {"nbuea", "ss2t7"}, {"ozuy4", "1x3qb"}, {"er8ef", "6alwj"}, {"7c67i", "2nzn0"},
        {"2dq0i", "yjf9x"}, {"c8bn7", "48qhy"},
    };
    enum { KEYS = 1 << 10 };
    TEST("keys that were chosen to collide do not, and each run hashes anew")
    {
        struct sl_json_keys *k = sl_json_keys_new(), *other = sl_json_keys_new();
        char key[64];
        for (int i = 0; i < KEYS; i++) {
            size_t n = 0;
            for (int bit = 0; bit < 10; bit++)
                n += (size_t)snprintf(key + n, sizeof key - n, "%s", pairs[bit][i >> bit & 1]);
            uint32_t node = sl_json_keys_get(k, 0, key, n);
            CHECK_INT(node, i + 1);
            CHECK_INT(sl_json_keys_find(k, 0, key, n), node);
            sl_json_keys_get(other, 0, key, n);
        }
        size_t away = 0, moved = 0; /* from the slot that its hash names */
        for (uint32_t i = 0; i <= k->mask; i++) {
            uint32_t node = k->table[i];
            away += node && ((uint32_t)k->nodes[node - 1].hash & k->mask) != i;
            moved += node != other->table[i];
        }
        CHECK(away < KEYS / 2 && moved > KEYS / 2);
        sl_text_json_free(k);
        sl_text_json_free(other);
    }
}

int main(void)
{
    test_collisions();
    test_values();
    test_new_keys();
    test_bad_lines();
    return test_done();
}
