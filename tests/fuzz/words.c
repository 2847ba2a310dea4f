/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * fuzz: the words of a command line and the small files of the system: types, windows, points,
 * formats of time, zones, JSON.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -Ilib tests/fuzz/words.c LAYERS... LIBS
 *
 * The first byte chooses the parser. What must hold: an error has a text; what was parsed prints, and
 * parses again to the same; a window lies around the instant that it was asked for.
 */
#include <stdlib.h>
#include "arrow/schema.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "io/open.h"
#include "op/window.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static const int64_t instants[] = {
    INT64_MIN,        INT64_MIN + 1,      -62135596800000000, -1,       0, 1772359810000000,
    1774746000000000, 253402300799999999, INT64_MAX - 1,      INT64_MAX};

static void die_if(int wrong)
{
    if (wrong)
        abort();
}

static void types(const char *s, size_t n)
{
    struct sl_schema *one, *two;
    struct sl_buf text = SL_BUF_INIT;
    struct sl_err err;
    if (sl_schema_parse(s, n, &one, &err) < 0) {
        die_if(err.what[0] == 0);
        return;
    }
    sl_schema_print(one, &text);
    die_if(sl_schema_parse(text.data ? text.data : "", text.len, &two, &err) < 0);
    die_if(!sl_schema_equal(one, two));
    sl_schema_unref(one);
    sl_schema_unref(two);
    sl_buf_release(&text);
}

static void window(const char *s, const struct sl_zone *zone)
{
    const struct sl_expr_env env = {1772359810000000, zone, NULL};
    struct sl_window w;
    struct sl_err err;
    struct sl_buf text = SL_BUF_INIT;
    if (sl_window_parse(s, &env, &w, &err) < 0) {
        die_if(err.what[0] == 0);
        return;
    }
    sl_window_print(&w, &text);
    for (size_t i = 0; i < SL_COUNT(instants); i++) {
        int64_t start, end;
        if (sl_window_around(&w, instants[i], &start, &end))
            die_if(start > instants[i] || end <= instants[i]);
    }
    sl_buf_release(&text);
}

static void zone(const char *s, size_t n)
{
    struct sl_err err;
    struct sl_zone *z = sl_zone_from_tzif(s, n, "fuzz", &err);
    if (!z) {
        die_if(err.what[0] == 0);
        return;
    }
    for (size_t i = 0; i < SL_COUNT(instants); i++) {
        char text[64];
        int64_t utc = instants[i] / SL_USEC_PER_SEC;
        sl_zone_offset(z, utc);
        sl_zone_to_utc(z, utc, SL_READING_LAST);
        sl_time_print(text, instants[i], 0, SL_TIME_SQL, z);
        sl_time_print(text, instants[i], 1, SL_TIME_RFC3339, z);
        sl_time_day_end(sl_time_day_of(instants[i], z), z);
    }
    window("1 day", z);
    window("3 months", z);
    sl_zone_free(z);
}

/* FORMAT newline TEXT */
static void time_format(const char *s, size_t n)
{
    const char *nl = memchr(s, '\n', n);
    int64_t usec;
    int rest, flags;
    size_t k = nl ? (size_t)(nl - s) : n;
    char *format = sl_strndup(s, k);
    if (nl)
        sl_time_parse_format(nl + 1, n - k - 1, format, 1772359810000000, NULL, &usec, &rest,
                             &flags);
    sl_time_format_parts(format);
    sl_time_parse_iso(s, n, NULL, &usec, &rest, &flags);
    sl_time_parse_clf(s, n, &usec);
    sl_time_parse_duration(s, n, &usec);
    free(format);
}

static void json(const char *s, size_t n)
{
    struct sl_json j;
    struct sl_err err;
    struct sl_buf plain = SL_BUF_INIT;
    const char *value;
    size_t len;
    int rc;
    sl_json_init(&j, s, n);
    while ((rc = sl_json_next(&j, &err)) >= 0 && rc != SL_JSON_END) {
        die_if(j.text < s || j.text + j.len > s + n);
        if (rc == SL_JSON_STRING && sl_json_unescape(j.text, j.len, &plain, &err) < 0)
            die_if(err.what[0] == 0);
        sl_buf_reset(&plain);
    }
    die_if(rc < 0 && err.what[0] == 0);
    sl_json_find(s, n, "name", &value, &len);
    sl_json_find_string(s, n, "name", &plain);
    sl_buf_release(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    struct sl_point point;
    struct sl_err err;
    if (!size)
        return 0;
    const char *s = (const char *)input + 1;
    char *word = sl_strndup(s, size - 1);
    switch (input[0] % 6) {
    case 0: types(s, size - 1); break;
    case 1: window(word, NULL); break;
    case 2:
        if (sl_point_parse(word, 1772359810000000, NULL, &point, &err) < 0)
            die_if(err.what[0] == 0);
        sl_point_release(&point);
        break;
    case 3: time_format(s, size - 1); break;
    case 4: zone(s, size - 1); break;
    default: json(s, size - 1);
    }
    free(word);
    return 0;
}
