/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* A fast kernel never reads a value otherwise than the slow parser, and takes the usual ones. */
#include "text_test.h"
#include "text/text_reader.h"

static uint64_t seed = 99;
static unsigned rnd(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed % n);
}

static size_t random_value(char *s, const char *alphabet)
{
    size_t n = rnd(24), k = strlen(alphabet);
    for (size_t i = 0; i < n; i++)
        s[i] = alphabet[rnd((unsigned)k)];
    return n;
}

/* A time, or nearly one. */
static size_t random_time(char *s)
{
    size_t n = (size_t)snprintf(s, 64, "%04u-%02u-%02u%c%02u:%02u:%02u", 1970 + rnd(100), rnd(14),
                                rnd(33), "T x"[rnd(12) ? rnd(2) : 2], rnd(26), rnd(62), rnd(62));
    if (rnd(2)) {
        s[n++] = '.';
        for (unsigned k = rnd(10); k; k--)
            s[n++] = (char)('0' + rnd(10));
    }
    static const char *const zones[] = {"",      "Z",      "+01:00", "-11:30",
                                        "+0100", "+25:00", "z",      " UTC"};
    const char *z = zones[rnd(8)];
    memcpy(s + n, z, strlen(z));
    n += strlen(z);
    if (rnd(20) == 0)
        s[rnd((unsigned)n)] = "0:-. xZ"[rnd(7)];
    return n;
}

/* Kernel and slow parser over one value; 1 if the kernel took it. */
static int compare(const struct sl_text_column *c, const struct sl_zone *zone, const char *s,
                   size_t n, uint32_t flags)
{
    static char bytes[128];
    union {
        int64_t i;
        sl_int128 big;
        double d;
        int b;
        uint64_t bits;
        char raw[16];
    } fast = {.bits = 0}, slow = {.bits = 0};
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, s, n);
    struct sl_span v = {bytes, (uint32_t)n, flags};
    struct sl_text_missing missing = {.zone = zone};
    int took = (int)(sl_text_kernel_of(c)(c, &missing, &v, 1, &fast) & 1);
    if (!took)
        return 0;
    int ok = sl_text_value(c, &missing, &v, &slow);
    size_t width = c->type.kind == SL_BOOL ? 1 : sl_type_width(c->type);
    if (c->type.kind == SL_BOOL)
        slow.bits = slow.b ? 1 : 0;
    if (!ok || memcmp(&fast, &slow, width) != 0) {
        printf("# %.*s: fast %lld, slow %d %lld\n", (int)n, s, (long long)fast.i, ok,
               (long long)slow.i);
        test_bad = 1;
    }
    return 1;
}

static struct sl_text_column column(struct sl_type t)
{
    return (struct sl_text_column){.type = t};
}

int main(void)
{
    char s[128];
    TEST("whole numbers")
    {
        struct sl_text_column c = column(sl_type_of(SL_BIGINT));
        for (int i = 0; i < 200000 && !test_bad; i++)
            compare(&c, NULL, s, random_value(s, i % 2 ? "0123456789" : "0129-+.e "), 0);
        static const char *const usual[] = {"0", "-1", "12345678", "123456789", "1234567890123456"};
        for (size_t i = 0; i < SL_COUNT(usual); i++)
            CHECK(compare(&c, NULL, usual[i], strlen(usual[i]), 0));
        CHECK(!compare(&c, NULL, "1", 1, SL_SPAN_NULL));
        CHECK(!compare(&c, NULL, "1", 1, SL_SPAN_STRING));
    }
    TEST("decimals of several precisions and scales")
    {
        static const int types[][2] = {{18, 2}, {18, 0}, {18, 17}, {5, 2}, {1, 1}, {12, 6}};
        for (size_t k = 0; k < SL_COUNT(types); k++) {
            struct sl_text_column c = column(sl_type_numeric(types[k][0], types[k][1]));
            for (int i = 0; i < 100000 && !test_bad; i++)
                compare(&c, NULL, s, random_value(s, i % 2 ? "0123456789." : "01.9-"), 0);
        }
        struct sl_text_column c = column(sl_type_numeric(18, 2));
        CHECK(compare(&c, NULL, "1.25", 4, 0));
        CHECK(compare(&c, NULL, "-0.5", 4, 0));
        CHECK(compare(&c, NULL, "1234567890.25", 13, 0));
    }
    TEST("booleans and doubles")
    {
        struct sl_text_column c = column(sl_type_of(SL_BOOL)), d = column(sl_type_of(SL_DOUBLE));
        for (int i = 0; i < 20000 && !test_bad; i++) {
            compare(&c, NULL, s, random_value(s, "truefals"), 0);
            compare(&d, NULL, s, random_value(s, "0123456789.-e"), 0);
        }
        CHECK(compare(&c, NULL, "true", 4, 0));
        CHECK(compare(&c, NULL, "false", 5, 0));
        CHECK(compare(&d, NULL, "12.5", 4, 0));
    }
    TEST("dates and times")
    {
        struct sl_text_column d = column(sl_type_of(SL_DATE)),
                              t = column(sl_type_of(SL_TIMESTAMPTZ));
        struct sl_text_column ns = t;
        struct sl_zone *zone = sl_zone_open("+05:30", NULL);
        ns.type.nsec = 1;
        int took = 0;
        for (int i = 0; i < 200000 && !test_bad; i++) {
            size_t n = random_time(s);
            compare(&d, NULL, s, SL_MIN(n, 10u), 0);
            took += compare(&t, NULL, s, n, 0);
            compare(&t, zone, s, n, 0);
            compare(&ns, NULL, s, n, 0);
        }
        CHECK(took > 10000);
        CHECK(compare(&t, NULL, "2024-02-29T23:59:59.999Z", 24, 0));
        CHECK(compare(&t, NULL, "2024-02-29 23:59:59+01:00", 25, 0));
        CHECK(compare(&t, NULL, "1969-12-31 23:59:59.5", 21, 0));
        sl_zone_free(zone);
    }
    return test_done();
}
