/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* window: bounds of tumbling windows, of fixed width and by the calendar. */
#include "../test.h"
#include "op/window.h"

static struct sl_expr_env env;
static struct sl_err err;

static int64_t at(const char *s)
{
    int64_t t;
    int rest, flags;
    CHECK(sl_time_parse_iso(s, strlen(s), NULL, &t, &rest, &flags));
    return t;
}

static void check(const char *window, const char *t, const char *start, const char *end)
{
    struct sl_window w;
    int64_t s = 0, e = 0;
    CHECK(sl_window_parse(window, &env, &w, &err) == 0);
    CHECK(sl_window_around(&w, at(t), &s, &e));
    CHECK_INT(s, at(start));
    CHECK_INT(e, at(end));
}

static void bad(const char *window)
{
    struct sl_window w;
    CHECK_INT(sl_window_parse(window, &env, &w, &err), -SL_EUSAGE);
    CHECK(err.hint[0] != '\0');
}

/* Windows follow each other without gap over a time with changes of the clock. */
static void tiles(const char *window, int64_t from, int64_t to)
{
    struct sl_window w;
    int64_t s, e, before = 0;
    CHECK(sl_window_parse(window, &env, &w, &err) == 0);
    for (int64_t t = from; t < to; t = e) {
        CHECK(sl_window_around(&w, t, &s, &e));
        CHECK(s <= t && t < e);
        CHECK(t == from || s == before);
        before = e;
        int64_t s2, e2;
        CHECK(sl_window_around(&w, e - 1, &s2, &e2) && s2 == s && e2 == e);
        if (e <= t)
            break;
    }
}

int main(void)
{
    sl_err_init(&err);
    TEST("fixed widths count from the epoch")
    {
        check("1 minute", "2026-03-08T10:20:30Z", "2026-03-08T10:20:00Z", "2026-03-08T10:21:00Z");
        check("90 s", "1970-01-01T00:01:29.999999Z", "1970-01-01T00:00:00Z",
              "1970-01-01T00:01:30Z");
        check("1 hour", "1969-12-31T23:59:59.999999Z", "1969-12-31T23:00:00Z",
              "1970-01-01T00:00:00Z");
        check("24 hours", "2026-03-08T10:20:30Z", "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z");
    }
    TEST("days, weeks, months and years of the calendar, in UTC")
    {
        check("1 day", "2026-03-08T10:20:30Z", "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z");
        check("week", "2026-03-08T10:20:30Z", "2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z");
        check("1 month", "2024-02-29T23:59:59Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z");
        check("3 months", "2024-02-29T23:59:59Z", "2024-01-01T00:00:00Z", "2024-04-01T00:00:00Z");
        check("1 year", "1969-06-01T00:00:00Z", "1969-01-01T00:00:00Z", "1970-01-01T00:00:00Z");
        check("2 Days", "1970-01-02T10:00:00Z", "1970-01-01T00:00:00Z", "1970-01-03T00:00:00Z");
    }
    TEST("a day is as long as the clocks make it")
    {
        env.zone = sl_zone_open("Europe/Berlin", &err);
        if (!env.zone) {
            SKIP("no zone files here");
        } else {
            check("1 day", "2026-03-29T10:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
            check("1 day", "2026-10-25T10:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
            check("1 month", "2026-03-01T00:00:00Z", "2026-02-28T23:00:00Z",
                  "2026-03-31T22:00:00Z");
            tiles("1 day", at("2020-01-01T00:00:00Z"), at("2022-01-01T00:00:00Z"));
            tiles("week", at("2020-01-01T00:00:00Z"), at("2022-01-01T00:00:00Z"));
            sl_zone_free((struct sl_zone *)env.zone);
        }
        /* Clocks go back across midnight here. */
        env.zone = sl_zone_open("America/Havana", &err);
        if (env.zone)
            tiles("1 day", at("2020-01-01T00:00:00Z"), at("2022-01-01T00:00:00Z"));
        sl_zone_free((struct sl_zone *)env.zone);
        env.zone = NULL;
    }
    TEST("the ends of time are refused, not wrapped")
    {
        struct sl_window w;
        int64_t s, e;
        CHECK(sl_window_parse("1 minute", &env, &w, &err) == 0);
        CHECK(!sl_window_around(&w, INT64_MAX, &s, &e));
        CHECK(!sl_window_around(&w, INT64_MIN, &s, &e));
        CHECK(sl_window_parse("1 month", &env, &w, &err) == 0);
        CHECK(!sl_window_around(&w, INT64_MAX, &s, &e));
        CHECK(!sl_window_around(&w, INT64_MIN, &s, &e));
    }
    TEST("what is no window is said")
    {
        bad("");
        bad("0 minutes");
        bad("0 days");
        bad("1 fortnight");
        bad("99999999999999999999 days");
        bad("-1 minute");
    }
    return test_done();
}
