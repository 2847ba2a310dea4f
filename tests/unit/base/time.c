/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* time: the calendar against libc's timegm, every text form, zones at their edges. */
#include "../test.h"
#include "base/buf.h"
#include "base/path.h"
#include "base/time.h"

static uint64_t seed = 88172645463325252u;

static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static char shown[128];

/* The instant as SQL text in UTC with what the parser said, or "-". */
static const char *iso(const char *s, const struct sl_zone *zone)
{
    int64_t usec;
    int rest, flags;
    size_t n = strlen(s);
    char *p = malloc(n ? n : 1);

    memcpy(p, s, n); /* just its bytes: a read outside the slice is seen by the sanitizer */
    if (sl_time_parse_iso(p, n, zone, &usec, &rest, &flags)) {
        n = sl_time_print(shown, usec, 0, SL_TIME_SQL, NULL);
        snprintf(shown + n, sizeof(shown) - n, "%s%s%s", flags & SL_TIME_HAS_ZONE ? " zone" : "",
                 flags & SL_TIME_IS_DATE ? " date" : "", rest ? " rest" : "");
    } else {
        memcpy(shown, "-", 2);
    }
    free(p);
    return shown;
}

/* Times without a year are the last at or before latest. */
static const char *formatted_by(const char *s, const char *format, const struct sl_zone *zone,
                                const char *latest)
{
    int64_t usec, last;
    int rest, flags;

    CHECK(sl_time_parse_iso(latest, strlen(latest), NULL, &last, &rest, &flags));
    if (!sl_time_parse_format(s, strlen(s), format, last, zone, &usec, &rest, &flags))
        return "-";
    shown[sl_time_print(shown, usec, 0, SL_TIME_SQL, NULL)] = 0;
    return shown;
}

static const char *formatted(const char *s, const char *format, const struct sl_zone *zone)
{
    return formatted_by(s, format, zone, "2024-12-31 23:59:59");
}

static const char *clf(const char *s)
{
    int64_t usec;

    if (!sl_time_parse_clf(s, strlen(s), &usec))
        return "-";
    shown[sl_time_print(shown, usec, 0, SL_TIME_SQL, NULL)] = 0;
    return shown;
}

static int64_t duration(const char *s)
{
    int64_t usec;

    return sl_time_parse_duration(s, strlen(s), &usec) ? usec : -1;
}

static const char *printed(int64_t v, int is_nsec, enum sl_time_style style,
                           const struct sl_zone *zone)
{
    shown[sl_time_print(shown, v, is_nsec, style, zone)] = 0;
    return shown;
}

static void test_calendar(void)
{
    TEST("days and dates convert both ways over 800,000 days")
    {
        int64_t y;
        int m, d;
        for (int64_t day = -400000; day < 400000; day++) {
            sl_time_civil_from_days(day, &y, &m, &d);
            if (sl_time_days(y, m, d) != day)
                CHECK_INT(sl_time_days(y, m, d), day);
        }
        CHECK_INT(sl_time_days(1970, 1, 1), 0);
        CHECK_INT(sl_time_days(2000, 2, 29), 11016);
        CHECK_INT(sl_time_days(1600, 3, 1), -135080);
        CHECK_INT(sl_time_days(-1, 12, 31), -719529);
    }
    TEST("random instants break into the fields that libc finds")
    {
        for (int i = 0; i < 100000; i++) {
            int64_t usec = (int64_t)(rnd() % 8000000000000000u) - 4000000000000000;
            time_t sec = usec / 1000000 - (usec % 1000000 < 0);
            struct tm tm;
            struct sl_civil c;
            sl_time_to_civil(usec, &c);
            gmtime_r(&sec, &tm);
            if (c.year != tm.tm_year + 1900 || c.month != tm.tm_mon + 1 || c.day != tm.tm_mday ||
                c.hour != tm.tm_hour || c.minute != tm.tm_min || c.second != tm.tm_sec ||
                c.nsec != (usec - sec * 1000000) * 1000)
                CHECK_INT(usec, 0);
        }
    }
}

static void test_iso(void)
{
    TEST("ISO 8601 in all its forms")
    {
        CHECK_STR(iso("2026-01-02", NULL), "2026-01-02 00:00:00+00 date");
        CHECK_STR(iso("2026-01-02T03:04", NULL), "2026-01-02 03:04:00+00");
        CHECK_STR(iso("2026-01-02T03:04:05", NULL), "2026-01-02 03:04:05+00");
        CHECK_STR(iso("2026-01-02 03:04:05", NULL), "2026-01-02 03:04:05+00");
        CHECK_STR(iso("2026-01-02t03:04:05z", NULL), "2026-01-02 03:04:05+00 zone");
        CHECK_STR(iso("2026-01-02T03:04:05Z", NULL), "2026-01-02 03:04:05+00 zone");
        CHECK_STR(iso("2026-01-02T03:04:05.678Z", NULL), "2026-01-02 03:04:05.678+00 zone");
        CHECK_STR(iso("2026-01-02T03:04:05,678Z", NULL), "2026-01-02 03:04:05.678+00 zone");
        CHECK_STR(iso("2026-01-02 03:04:05.678901", NULL), "2026-01-02 03:04:05.678901+00");
        CHECK_STR(iso("2026-01-02T03:04:05.6Z", NULL), "2026-01-02 03:04:05.600+00 zone");
        CHECK_STR(iso("2026-01-02T03:04:05.678901234Z", NULL),
                  "2026-01-02 03:04:05.678901+00 zone rest");
        CHECK_STR(iso("2026-01-02T03:04:05+02:00", NULL), "2026-01-02 01:04:05+00 zone");
        CHECK_STR(iso("2026-01-02T03:04:05-0330", NULL), "2026-01-02 06:34:05+00 zone");
        CHECK_STR(iso("2026-01-02 03:04:05 +02", NULL), "2026-01-02 01:04:05+00 zone");
        CHECK_STR(iso("2026-01-02 03:04:05 UTC", NULL), "2026-01-02 03:04:05+00 zone");
        CHECK_STR(iso("2026-12-31T24:00:00Z", NULL), "2027-01-01 00:00:00+00 zone");
        CHECK_STR(iso("2016-12-31T23:59:60Z", NULL), "2017-01-01 00:00:00+00 zone");
        CHECK_STR(iso("2024-02-29T12:00:00Z", NULL), "2024-02-29 12:00:00+00 zone");
        CHECK_STR(iso("0001-01-01T00:00:00Z", NULL), "0001-01-01 00:00:00+00 zone");
        CHECK_STR(iso("+12345-06-07", NULL), "+12345-06-07 00:00:00+00 date");
        CHECK_STR(iso("-0043-03-15", NULL), "-0043-03-15 00:00:00+00 date");
    }
    TEST("what is no time is refused")
    {
        static const char *const bad[] = {
            "",
            "2026",
            "2026-1-02",
            "2026-00-02",
            "2026-13-02",
            "2026-01-00",
            "2026-01-32",
            "2023-02-29",
            "1900-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-01-02T",
            "2026-01-02T03",
            "2026-01-02T25:00:00Z",
            "2026-01-02T24:00:01Z",
            "2026-01-02T03:60:00Z",
            "2026-01-02T03:04:61Z",
            "2026-01-02T03:04:05.",
            "2026-01-02T03:04:05.Z",
            "2026-01-02T03:04:05.12xZ",
            "2026-01-02T03:04:05ZZ",
            "2026-01-02T03:04:05+",
            "2026-01-02T03:04:05+2",
            "2026-01-02T03:04:05+24:00",
            "2026-01-02T03:04:05+02:0",
            "2026-01-02 03:04:05 ",
            "2026-01-02x03:04:05Z",
            "2026/01/02T03:04:05Z",
            "2026-01-02T03.04.05Z",
            "2026-01-0:T03:04:05Z",
            "999999-01-01",
            "2026-01-02T03:04:05.678;Z",
        };
        for (size_t i = 0; i < SL_COUNT(bad); i++)
            if (strcmp(iso(bad[i], NULL), "-") != 0) {
                printf("# %s\n", bad[i]);
                CHECK(!"refused");
            }
    }
}

static void test_random(void)
{
    TEST("the fast forms agree with the general reader, also on damaged text")
    {
        static const char *const forms[] = {"%04d-%02d-%02d%c%02d:%02d:%02d",
                                            "%04d-%02d-%02d%c%02d:%02d:%02d.%03d",
                                            "%04d-%02d-%02d%c%02d:%02d:%02d.%06d"};
        for (int i = 0; i < 200000; i++) {
            char z[64], offset[64];
            int64_t a = 0, b = 0;
            int ra = 0, rb = 0, fa = 0, fb = 0, ok_a, ok_b, which = (int)(rnd() % 3);
            int n = snprintf(z, sizeof(z) - 8, forms[which], (int)(rnd() % 3000), (int)(rnd() % 14),
                             (int)(rnd() % 33), rnd() & 1 ? ' ' : 'T', (int)(rnd() % 25),
                             (int)(rnd() % 61), (int)(rnd() % 62),
                             (int)(rnd() % (which == 1 ? 1000 : 1000000)));
            if (rnd() % 4 == 0)
                z[rnd() % n] = (char)rnd();
            memcpy(offset, z, n);
            memcpy(offset + n, "+00:00", 7);
            memcpy(z + n, "Z", 2);
            ok_a = sl_time_parse_iso(z, n + 1, NULL, &a, &ra, &fa);
            ok_b = sl_time_parse_iso(offset, n + 6, NULL, &b, &rb, &fb);
            if (ok_a != ok_b || (ok_a && (a != b || ra != rb || fa != fb)))
                CHECK_STR(z, offset);
        }
    }
    TEST("the first and the last instant of each unit print")
    {
        struct sl_civil c;
        CHECK_STR(printed(INT64_MIN, 1, SL_TIME_RFC3339, NULL), "1677-09-21T00:12:43.145224192Z");
        CHECK_STR(printed(INT64_MIN + 1, 1, SL_TIME_SQL, NULL), "1677-09-21 00:12:43.145224193+00");
        CHECK_STR(printed(INT64_MAX, 1, SL_TIME_RFC3339, NULL), "2262-04-11T23:47:16.854775807Z");
        CHECK_STR(printed(INT64_MIN, 0, SL_TIME_RFC3339, NULL), "-290308-12-21T19:59:05.224192Z");
        CHECK_STR(printed(INT64_MAX, 0, SL_TIME_RFC3339, NULL), "+294247-01-10T04:00:54.775807Z");
        sl_time_to_civil(INT64_MIN, &c);
        CHECK_INT(c.year, -290308);
        CHECK_INT(c.second, 5);
        CHECK_INT(c.nsec, 224192000);
    }
    TEST("instants print and read back, micro- and nanoseconds, in UTC and in a zone")
    {
        struct sl_zone *zone = sl_zone_open("-03:30", NULL);
        CHECK(zone != NULL);
        for (int i = 0; i < 100000; i++) {
            int64_t v = (int64_t)rnd() >> (rnd() % 40), back;
            int nano = i % 2, rest, flags;
            enum sl_time_style style = i % 4 / 2 ? SL_TIME_SQL : SL_TIME_RFC3339;
            char text[64];
            size_t n = sl_time_print(text, v, nano, style, i % 8 < 4 ? zone : NULL);
            int ok = n < sizeof(text) && sl_time_parse_iso(text, n, NULL, &back, &rest, &flags);
            if (!ok || (nano ? back * 1000 + rest : back) != v)
                if (nano || llabs(v) < INT64_MAX - 4 * SL_USEC_PER_DAY)
                    CHECK_INT(v, ok ? back : 0);
        }
        sl_zone_free(zone);
    }
}

static void test_lacking_year(void)
{
    TEST("a year that is lacking is the last one that keeps the time before a point")
    {
        struct sl_zone *berlin = sl_zone_open("+01:00", NULL);
        CHECK_STR(formatted_by("Dec 31 23:59:59", "%b %d %T", NULL, "2026-01-02 00:00:00"),
                  "2025-12-31 23:59:59+00");
        CHECK_STR(formatted_by("Jan  1 00:00:00", "%b %d %T", NULL, "2026-01-02 00:00:00"),
                  "2026-01-01 00:00:00+00");
        CHECK_STR(formatted_by("Jan  2 00:00:00", "%b %d %T", NULL, "2026-01-02 00:00:00"),
                  "2026-01-02 00:00:00+00");
        CHECK_STR(formatted_by("Jan  2 00:00:01", "%b %d %T", NULL, "2026-01-02 00:00:00"),
                  "2025-01-02 00:00:01+00");
        CHECK_STR(formatted_by("Feb 29 12:00:00", "%b %d %T", NULL, "2026-03-01 00:00:00"),
                  "2024-02-29 12:00:00+00");
        CHECK_STR(formatted_by("Feb 29 12:00:00", "%b %d %T", NULL, "2104-02-29 11:00:00"),
                  "2096-02-29 12:00:00+00");
        CHECK_STR(formatted_by("Feb 30 12:00:00", "%b %d %T", NULL, "2026-03-01 00:00:00"), "-");
        CHECK_STR(formatted_by("366 1", "%j %H", NULL, "2026-03-01 00:00:00"),
                  "2024-12-31 01:00:00+00");
        /* The year of the zone may be one ahead of UTC's. */
        CHECK_STR(formatted_by("Jan  1 00:30:00", "%b %d %T", berlin, "2025-12-31 23:45:00"),
                  "2025-12-31 23:30:00+00");
        sl_zone_free(berlin);
    }
}

static void test_forms(void)
{
    TEST("the common log format's time")
    {
        CHECK_STR(clf("17/May/2015:10:05:03 +0000"), "2015-05-17 10:05:03+00");
        CHECK_STR(clf("01/Jan/2020:00:00:00 -0500"), "2020-01-01 05:00:00+00");
        CHECK_STR(clf("01/Xyz/2020:00:00:00 -0500"), "-");
        CHECK_STR(clf("31/Feb/2020:00:00:00 -0500"), "-");
        CHECK_STR(clf("01/Jan/2020:00:00:00"), "-");
    }
    TEST("strptime formats")
    {
        struct sl_zone *berlin = sl_zone_open("+01:00", NULL);
        CHECK_STR(formatted("Jun  9 06:06:20", "%b %e %H:%M:%S", NULL), "2024-06-09 06:06:20+00");
        CHECK_STR(formatted("Jun 19 06:06:20", "%b %d %T", berlin), "2024-06-19 05:06:20+00");
        CHECK_STR(formatted("09/06/17 20:10:40", "%y/%m/%d %H:%M:%S", NULL),
                  "2009-06-17 20:10:40+00");
        CHECK_STR(formatted("081109 203615 148", "%y%m%d %H%M%S %n148", NULL),
                  "2008-11-09 20:36:15+00");
        CHECK_STR(formatted("Sun Dec 04 04:47:44 2005", "%a %b %d %H:%M:%S %Y", NULL),
                  "2005-12-04 04:47:44+00");
        CHECK_STR(formatted("2015-10-18 18:01:47,978", "%Y-%m-%d %H:%M:%S,%f", NULL),
                  "2015-10-18 18:01:47.978+00");
        CHECK_STR(formatted("12/31/99 11:59 pm", "%D %I:%M %p", NULL), "1999-12-31 23:59:00+00");
        CHECK_STR(formatted("12:00 AM", "%I:%M %p", NULL), "2024-01-01 00:00:00+00");
        CHECK_STR(formatted("2024 060", "%Y %j", NULL), "2024-02-29 00:00:00+00");
        CHECK_STR(formatted("2023 366", "%Y %j", NULL), "-");
        CHECK_STR(formatted("1700000000.5", "%s.%f", NULL), "2023-11-14 22:13:20.500+00");
        CHECK_STR(formatted("-0.5", "%s.%f", NULL), "1969-12-31 23:59:59.500+00");
        CHECK_STR(formatted("Wednesday 1 May 2024 CEST", "%A %d %B %Y %Z", NULL),
                  "2024-04-30 22:00:00+00");
        CHECK_STR(formatted("2024-05-01 est", "%F %Z", NULL), "2024-05-01 05:00:00+00");
        CHECK_STR(formatted("2024-05-01 -03", "%F %Z", NULL), "2024-05-01 03:00:00+00");
        CHECK_STR(formatted("2024-05-01 CST", "%F %Z", NULL), "-");
        CHECK_STR(formatted("2024-05-01 CST+0800", "%F %Z%z", NULL), "2024-04-30 16:00:00+00");
        CHECK_STR(formatted("2024-05-01 +0800 (CST)", "%F %z (%Z)", NULL),
                  "2024-04-30 16:00:00+00");
        CHECK_STR(formatted("2024-05-01T10:00+0200%", "%FT%R%z%%", NULL), "2024-05-01 08:00:00+00");
        CHECK_STR(formatted("2024-05-01", "%Y-%m-%d %H", NULL), "-");
        CHECK_STR(formatted("2024-05-01 x", "%Y-%m-%d", NULL), "-");
        CHECK_INT(sl_time_format_parts("%b %d %T"), SL_TIME_PART_MONTH);
        CHECK_INT(sl_time_format_parts("%FT%T%z"), 7);
        CHECK_INT(sl_time_format_parts("%H:%M %%Y%"), 0);
        CHECK_STR(formatted("2024", "%Q", NULL), "-");
        CHECK_STR(formatted("2024", "%Y%", NULL), "-");
        CHECK_STR(formatted("99999999999999", "%s", NULL), "-");
        sl_zone_free(berlin);
    }
    TEST("durations")
    {
        CHECK_INT(duration("5 s"), 5000000);
        CHECK_INT(duration("10 minutes"), 600000000);
        CHECK_INT(duration("1h"), 3600000000);
        CHECK_INT(duration("250ms"), 250000);
        CHECK_INT(duration("1 day"), SL_USEC_PER_DAY);
        CHECK_INT(duration("2 Weeks"), 14 * SL_USEC_PER_DAY);
        CHECK_INT(duration("1.5 hours"), 5400000000);
        CHECK_INT(duration("0.25s"), 250000);
        CHECK_INT(duration("1h30m 5s"), 5405000000);
        CHECK_INT(duration("7us"), 7);
        CHECK_INT(duration("0 s"), 0);
        CHECK_INT(duration(""), -1);
        CHECK_INT(duration("5"), -1);
        CHECK_INT(duration("-5 s"), -1);
        CHECK_INT(duration("1 month"), -1);
        CHECK_INT(duration("1 year"), -1);
        CHECK_INT(duration("minute"), -1);
        CHECK_INT(duration("1. s"), -1);
        CHECK_INT(duration("99999999999999999999 s"), -1);
        CHECK_INT(duration("9999999999999 weeks"), -1);
    }
    TEST("instants print with fraction digits in threes")
    {
        struct sl_zone *india = sl_zone_open("+05:30", NULL);
        CHECK_STR(printed(0, 0, SL_TIME_RFC3339, NULL), "1970-01-01T00:00:00Z");
        CHECK_STR(printed(-1, 0, SL_TIME_SQL, NULL), "1969-12-31 23:59:59.999999+00");
        CHECK_STR(printed(1, 1, SL_TIME_SQL, NULL), "1970-01-01 00:00:00.000000001+00");
        CHECK_STR(printed(1500, 0, SL_TIME_RFC3339, india), "1970-01-01T05:30:00.001500+05:30");
        CHECK_STR(printed(1500000, 0, SL_TIME_SQL, india), "1970-01-01 05:30:01.500+05:30");
        shown[sl_time_print_date(shown, -1)] = 0;
        CHECK_STR(shown, "1969-12-31");
        sl_zone_free(india);
    }
}

/* Zones that libc opens in this process: compared by hand-known facts only, since setting TZ would
 * be hidden state. */
static void test_zones(void)
{
    struct sl_err err;
    struct sl_zone *z;

    TEST("Europe/Berlin, in its table and beyond it")
    {
        z = sl_zone_open("Europe/Berlin", &err);
        if (!z) {
            SKIP("no time zone files on this machine (package tzdata)");
        } else {
            CHECK_INT(sl_zone_offset(z, 1719792000), 7200); /* July 2024 */
            CHECK_INT(sl_zone_offset(z, 1711846800), 7200); /* 2024-03-31T01:00Z */
            CHECK_INT(sl_zone_offset(z, 1711846799), 3600);
            CHECK_INT(sl_zone_offset(z, 1729990800), 3600); /* 2024-10-27T01:00Z */
            CHECK_INT(sl_zone_offset(z, 1729990799), 7200);
            CHECK_INT(sl_zone_offset(z, sl_time_days(2099, 1, 1) * 86400), 3600); /* by the rule */
            CHECK_INT(sl_zone_offset(z, sl_time_days(2099, 7, 1) * 86400), 7200);
            CHECK_INT(sl_zone_offset(z, sl_time_days(1850, 1, 1) * 86400), 3208);
            CHECK_STR(iso("2024-03-31 02:30:00", z), "2024-03-31 01:30:00+00"); /* in the gap */
            CHECK_STR(iso("2024-03-31 01:59:59", z), "2024-03-31 00:59:59+00");
            CHECK_STR(iso("2024-03-31 03:00:00", z), "2024-03-31 01:00:00+00");
            CHECK_STR(iso("2024-10-27 02:30:00", z), "2024-10-27 01:30:00+00"); /* the last */
            CHECK_STR(iso("2024-10-27 03:00:00", z), "2024-10-27 02:00:00+00");
            CHECK_STR(iso("2060-07-01", z), "2060-06-30 22:00:00+00 date");
            CHECK_STR(printed(1719792000000000, 0, SL_TIME_SQL, z), "2024-07-01 02:00:00+02");
            CHECK_STR(printed(-3786825600000000, 0, SL_TIME_SQL, z),
                      "1850-01-01 00:53:28+00:53:28");
            CHECK_STR(printed(-3786825600000000, 0, SL_TIME_RFC3339, z),
                      "1850-01-01T00:53:00+00:53");
            sl_zone_free(z);
        }
    }
    TEST("zones with odd rules: negative DST, the southern half, a skipped day, no DST")
    {
        z = sl_zone_open("Europe/Dublin", &err);
        if (!z) {
            SKIP("no time zone files on this machine (package tzdata)");
        } else {
            CHECK_INT(sl_zone_offset(z, sl_time_days(2090, 1, 15) * 86400), 0);
            CHECK_INT(sl_zone_offset(z, sl_time_days(2090, 7, 15) * 86400), 3600);
            sl_zone_free(z);
            z = sl_zone_open("Australia/Sydney", &err);
            CHECK_INT(sl_zone_offset(z, sl_time_days(2090, 1, 15) * 86400), 39600);
            CHECK_INT(sl_zone_offset(z, sl_time_days(2090, 7, 15) * 86400), 36000);
            sl_zone_free(z);
            z = sl_zone_open("Pacific/Apia", &err);
            CHECK_STR(iso("2011-12-30 12:00:00", z), "2011-12-30 22:00:00+00");
            CHECK_STR(iso("2011-12-29 12:00:00", z), "2011-12-29 22:00:00+00");
            CHECK_STR(iso("2011-12-31 12:00:00", z), "2011-12-30 22:00:00+00");
            sl_zone_free(z);
            z = sl_zone_open("Asia/Kolkata", &err);
            CHECK_INT(sl_zone_offset(z, sl_time_days(2090, 7, 15) * 86400), 19800);
            sl_zone_free(z);
        }
    }
    TEST("fixed zones, and names that are none")
    {
        static const char *const bad[] = {"",
                                          "Nowhere/City",
                                          "../../../etc/passwd",
                                          "/etc/passwd",
                                          "Europe/../Europe/Berlin",
                                          "+25:00",
                                          "+2",
                                          "+02:60",
                                          "Europe",
                                          "tzdata.zi",
                                          "posixrules.",
                                          "+02:00x"};
        z = sl_zone_open("UTC", &err);
        CHECK(z && sl_zone_offset(z, 0) == 0 && sl_zone_to_utc(z, 5, SL_READING_FIRST) == 5);
        sl_zone_free(z);
        z = sl_zone_open("-0930", &err);
        CHECK_INT(z ? sl_zone_offset(z, 0) : 0, -34200);
        sl_zone_free(z);
        for (size_t i = 0; i < SL_COUNT(bad); i++) {
            z = sl_zone_open(bad[i], &err);
            if (z || err.code != SL_EUSAGE)
                CHECK_STR(bad[i], "refused");
            sl_zone_free(z);
        }
    }
    TEST("clocks run")
    {
        int64_t a = sl_time_mono_usec();
        CHECK(sl_time_mono_usec() >= a);
        CHECK(sl_time_now_usec() > 1700000000000000);
    }
}

/* Reads a copy of just these bytes as a zone and asks it for offsets. 1 if it was taken. */
static int reads_as_zone(const char *bytes, size_t n)
{
    char *copy = malloc(n ? n : 1);
    struct sl_zone *z = sl_zone_from_tzif(memcpy(copy, bytes, n), n, "zone", NULL);

    for (int64_t day = -100000; z && day < 100000; day += 997) {
        int32_t offset = sl_zone_offset(z, day * 86400);
        if (offset < -26 * 3600 || offset > 26 * 3600)
            CHECK_INT(offset, 0);
        sl_zone_to_utc(z, day * 86400, SL_READING_FIRST);
    }
    free(copy);
    sl_zone_free(z);
    return z != NULL;
}

static void test_hostile_zone(void)
{
    struct sl_buf file = SL_BUF_INIT;
    int have = sl_path_read_file("/usr/share/zoneinfo/Europe/Berlin", 100000, &file, NULL) == 0;

    TEST("a zone file cut short anywhere is refused")
    {
        if (!have)
            SKIP("no time zone files on this machine (package tzdata)");
        for (size_t n = 0; have && n < file.len; n++)
            if (reads_as_zone(file.data, n))
                CHECK_INT(n, -1);
    }
    TEST("a zone file with wrong bytes is read within its bounds")
    {
        if (!have)
            SKIP("no time zone files on this machine (package tzdata)");
        for (int i = 0; have && i < 20000; i++) {
            /* Counts and the footer are hit more often than the table between them. */
            size_t at = i % 3 == 0   ? rnd() % 44
                        : i % 3 == 1 ? file.len - 1 - rnd() % 40
                                     : rnd() % file.len;
            char was = file.data[at];
            file.data[at] = (char)rnd();
            reads_as_zone(file.data, file.len);
            if (i % 8)
                file.data[at] = was;
            if (i % 64 == 0) {
                sl_buf_reset(&file);
                have = sl_path_read_file("/usr/share/zoneinfo/Europe/Berlin", 100000, &file,
                                         NULL) == 0;
            }
        }
    }
    sl_buf_release(&file);
}

int main(void)
{
    test_calendar();
    test_iso();
    test_random();
    test_forms();
    test_lacking_year();
    test_zones();
    test_hostile_zone();
    return test_done();
}
