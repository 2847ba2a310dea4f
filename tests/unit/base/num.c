/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* num: known values, refusals, and random round trips against libc's strtod and printf. */
#include "../test.h"
#include <float.h>
#include <math.h>
#include "base/num.h"

static uint64_t seed = 88172645463325252u;

static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Parsers must not look outside the slice: each gets a heap copy of just its bytes. */
static char *exact_copy(const char *s, size_t n)
{
    char *p = malloc(n ? n : 1);

    if (!p)
        abort();
    return memcpy(p, s, n);
}

static int int_of(const char *s, int64_t *v)
{
    size_t n = strlen(s);
    char *p = exact_copy(s, n);
    int rc = sl_num_parse_int(p, n, v);

    free(p);
    return rc;
}

static int double_of(const char *s, double *v)
{
    size_t n = strlen(s);
    char *p = exact_copy(s, n);
    int rc = sl_num_parse_double(p, n, v);

    free(p);
    return rc;
}

/* The value as text with the same scale, or "-" where it is refused. */
static const char *decimal_of(const char *s, int scale)
{
    static char out[SL_NUM_MAX + 1];
    size_t n = strlen(s);
    char *p = exact_copy(s, n);
    sl_int128 v;

    if (sl_num_parse_decimal(p, n, scale, &v))
        out[sl_num_print_decimal(out, v, scale)] = 0;
    else
        memcpy(out, "-", 2);
    free(p);
    return out;
}

static const char *text_of(double v)
{
    static char out[SL_NUM_MAX + 1];

    out[sl_num_print_double(out, v)] = 0;
    return out;
}

static const char *int128_of(sl_int128 v)
{
    static char out[SL_NUM_MAX + 1];

    out[sl_num_print_decimal(out, v, 0)] = 0;
    return out;
}

static void test_ints(void)
{
    static const struct {
        const char *text;
        int64_t v;
    } good[] = {
        {"0", 0},
        {"-0", 0},
        {"+7", 7},
        {"007", 7},
        {"1", 1},
        {"12", 12},
        {"123", 123},
        {"1234", 1234},
        {"12345", 12345},
        {"123456", 123456},
        {"1234567", 1234567},
        {"12345678", 12345678},
        {"123456789", 123456789},
        {"1234567890123456", 1234567890123456},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"000000000000000000000000000005", 5},
    };
    static const char *const bad[] = {
        "",
        "-",
        "+",
        "--1",
        "1 ",
        " 1",
        "1.0",
        "1e3",
        "0x10",
        "12a4",
        "a1234",
        "/",
        "1234567:",
        "12345678;",
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "99999999999999999999",
        "\xb1/",
    };
    int64_t v;
    char text[SL_NUM_MAX + 1];

    TEST("integers of every length read as they are")
    {
        for (size_t i = 0; i < SL_COUNT(good); i++) {
            v = -1;
            CHECK(int_of(good[i].text, &v));
            CHECK_INT(v, good[i].v);
        }
    }
    TEST("what is no int64 is refused")
    {
        for (size_t i = 0; i < SL_COUNT(bad); i++)
            if (int_of(bad[i], &v)) {
                printf("# %s\n", bad[i]);
                CHECK(!"refused");
            }
    }
    TEST("a random int64 prints as printf does and reads back")
    {
        for (int i = 0; i < 200000; i++) {
            int64_t want = (int64_t)rnd() >> (rnd() & 63);
            char libc[32];
            snprintf(libc, sizeof(libc), "%lld", (long long)want);
            text[sl_num_print_int(text, want)] = 0;
            if (strcmp(text, libc) != 0 || !int_of(text, &v) || v != want)
                CHECK_STR(text, libc);
        }
    }
    TEST("every byte that is no digit is seen at every place")
    {
        for (int n = 1; n <= 19; n++)
            for (int at = 0; at < n; at++)
                for (int c = 0; c < 256; c++) {
                    memset(text, '1', n);
                    text[at] = (char)c;
                    int digit = c >= '0' && c <= '9',
                        sign = at == 0 && n > 1 && strchr("+-", c) && c;
                    if (sl_num_parse_int(text, n, &v) != (digit || sign))
                        CHECK_INT(c, -1);
                }
    }
}

static void test_decimals(void)
{
    TEST("decimals are exact")
    {
        CHECK_STR(decimal_of("12.34", 2), "12.34");
        CHECK_STR(decimal_of("-12.34", 2), "-12.34");
        CHECK_STR(decimal_of("12.3", 2), "12.30");
        CHECK_STR(decimal_of("12", 2), "12.00");
        CHECK_STR(decimal_of("12.", 2), "12.00");
        CHECK_STR(decimal_of(".5", 2), "0.50");
        CHECK_STR(decimal_of("-.05", 2), "-0.05");
        CHECK_STR(decimal_of("-0.00", 2), "0.00");
        CHECK_STR(decimal_of("1.2300", 2), "1.23");
        CHECK_STR(decimal_of("1.2300000000000000000000000000", 2), "1.23");
        CHECK_STR(decimal_of("123456.789", 3), "123456.789");
        CHECK_STR(decimal_of("0000000000000000000000000000000000000000000000012.5", 1), "12.5");
        CHECK_STR(decimal_of("99999999999999999999999999999999999999", 0),
                  "99999999999999999999999999999999999999");
        CHECK_STR(decimal_of("-9999999999999999999999999999999999999.9", 1),
                  "-9999999999999999999999999999999999999.9");
        CHECK_STR(decimal_of("0.00000000000000000000000000000000000001", 38),
                  "0.00000000000000000000000000000000000001");
        CHECK_STR(decimal_of("1234567", 30), "1234567.000000000000000000000000000000");
    }
    TEST("what does not fit is refused")
    {
        CHECK_STR(decimal_of("12.345", 2), "-");
        CHECK_STR(decimal_of("12.3450001", 3), "-");
        CHECK_STR(decimal_of("", 2), "-");
        CHECK_STR(decimal_of(".", 2), "-");
        CHECK_STR(decimal_of("-", 2), "-");
        CHECK_STR(decimal_of("-.", 2), "-");
        CHECK_STR(decimal_of("1.2.3", 2), "-");
        CHECK_STR(decimal_of("1..2", 2), "-");
        CHECK_STR(decimal_of("1,2", 2), "-");
        CHECK_STR(decimal_of("1e2", 2), "-");
        CHECK_STR(decimal_of(" 1", 2), "-");
        CHECK_STR(decimal_of("12345678901.2x", 2), "-");
        CHECK_STR(decimal_of("999999999999999999999999999999999999999", 0), "-");
        CHECK_STR(decimal_of("1", 38), "-");
        CHECK_STR(decimal_of("1000000000000000000000000000000000000", 2), "-");
    }
    TEST("random decimals print and read back, at every length and scale")
    {
        for (int i = 0; i < 100000; i++) {
            int scale = (int)(rnd() % 39);
            sl_uint128 u = (sl_uint128)rnd() << 64 | rnd();
            sl_int128 want, v = 0;
            char text[SL_NUM_MAX + 1];
            u >>= rnd() % 128;
            want = (sl_int128)(u % (sl_uint128)sl_num_pow10(38));
            if (rnd() & 1)
                want = -want;
            text[sl_num_print_decimal(text, want, scale)] = 0;
            if (!sl_num_parse_decimal(text, strlen(text), scale, &v) || v != want)
                CHECK_STR(text, "as read");
        }
    }
    TEST("128-bit integers print whole")
    {
        sl_int128 min = (sl_int128)((sl_uint128)1 << 127);
        CHECK_STR(int128_of(0), "0");
        CHECK_STR(int128_of(-1), "-1");
        CHECK_STR(int128_of((sl_int128)10000000000000000000u), "10000000000000000000");
        CHECK_STR(int128_of(sl_num_pow10(38)), "100000000000000000000000000000000000000");
        CHECK_STR(int128_of(min), "-170141183460469231731687303715884105728");
    }
}

static void test_double_parse(void)
{
    static const char *const texts[] = {
        "0",
        "0.1",
        "1e23",
        "8.5e22",
        "123456789012345678",
        "9007199254740993",
        "9007199254740993.0000000000000001",
        "1.7976931348623157e308",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "4.9406564584124654e-324",
        "6.9294956446009195e15",
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203124",
        "1.00000000000000011102230246251565404236316680908203126",
        "0.1234567890123456789",
        "3.14159265358979323846264338327950288",
        "1e-27",
        "1234567890123456789e27",
        "5e-1",
        "1E5",
        "1e+05",
        ".5",
        "5.",
        "0000000000000000000000000000000.000000000000000000000001",
    };
    static const char *const bad[] = {
        "",     ".",     "-",      "e5",     "1e",
        "1e+",  "1.2.3", "0x1p3",  "1 ",     " 1",
        "+-1",  "1e5x",  "1_0",    "in",     "infinit",
        "nann", "1e400", "-1e400", "1e-400", "1e99999999999999999999",
    };
    double v;

    TEST("doubles read as strtod reads them")
    {
        for (size_t i = 0; i < SL_COUNT(texts); i++) {
            CHECK(double_of(texts[i], &v));
            if (v != strtod(texts[i], NULL))
                CHECK_STR(texts[i], "read right");
        }
        CHECK(double_of("-0", &v) && v == 0 && signbit(v));
        CHECK(double_of("0e999999999999999999999", &v) && v == 0);
        CHECK(double_of("inf", &v) && v == INFINITY);
        CHECK(double_of("-Infinity", &v) && v == -INFINITY);
        CHECK(double_of("NaN", &v) && isnan(v));
    }
    TEST("what is no double, or out of its range, is refused")
    {
        for (size_t i = 0; i < SL_COUNT(bad); i++)
            if (double_of(bad[i], &v)) {
                printf("# %s\n", bad[i]);
                CHECK(!"refused");
            }
    }
}

static void test_double_random(void)
{
    double v, want;

    TEST("thousands of digits decide the last bit")
    {
        /* The middle between 1 and the next double, and a 1 far behind it. */
        size_t n = 3000;
        char *s = malloc(n + 1);
        const char *middle = "1.00000000000000011102230246251565404236316680908203125";
        memset(s, '0', n);
        memcpy(s, middle, strlen(middle));
        s[n] = 0;
        CHECK(double_of(s, &v) && v == 1);
        s[n - 1] = '1';
        CHECK(double_of(s, &v) && v == 1 + DBL_EPSILON);
        free(s);
    }
    TEST("random digits and exponents agree with strtod")
    {
        for (int i = 0; i < 200000; i++) {
            char text[64];
            int digits = 1 + (int)(rnd() % 20), n = 0, point = (int)(rnd() % 22);
            for (int k = 0; k < digits; k++) {
                if (k == point)
                    text[n++] = '.';
                text[n++] = (char)('0' + rnd() % 10);
            }
            if (rnd() & 1)
                n += snprintf(text + n, sizeof(text) - n, "e%d", (int)(rnd() % 80) - 40);
            text[n] = 0;
            want = strtod(text, NULL);
            if (!sl_num_parse_double(text, n, &v) || v != want)
                CHECK_STR(text, "read right");
        }
    }
}

/* Both texts hold the same digits, zeros at either end apart. */
static void same_digits(const char *a, const char *b)
{
    char digits[2][64];
    const char *text[2] = {a, b};

    for (int k = 0; k < 2; k++) {
        size_t n = 0;
        for (const char *p = text[k]; *p && *p != 'e'; p++)
            if (*p >= (n ? '0' : '1') && *p <= '9' && n < 63)
                digits[k][n++] = *p;
        while (n && digits[k][n - 1] == '0')
            n--;
        digits[k][n] = 0;
    }
    if (strcmp(digits[0], digits[1]) != 0)
        CHECK_STR(a, b);
}

static void test_double_print(void)
{
    static const struct {
        double v;
        const char *text;
    } known[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {0.1, "0.1"},
        {-12.34, "-12.34"},
        {100, "100"},
        {123456, "123456"},
        {0.0001, "0.0001"},
        {0.00001, "1e-05"},
        {1e14, "100000000000000"},
        {1e15, "1e+15"},
        {1e20, "1e+20"},
        {1e100, "1e+100"},
        {999999999999999.9, "999999999999999.9"},
        {123456789012345678.0, "1.2345678901234568e+17"},
        {1.0 / 3, "0.3333333333333333"},
        {0.1 + 0.2, "0.30000000000000004"},
        {5e-324, "5e-324"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {9007199254740992.0, "9.007199254740992e+15"},
        {1.5e-5, "1.5e-05"},
        {0.00123, "0.00123"},
    };

    TEST("doubles print in PostgreSQL's style")
    {
        for (size_t i = 0; i < SL_COUNT(known); i++)
            CHECK_STR(text_of(known[i].v), known[i].text);
        CHECK_STR(text_of(NAN), "NaN");
        CHECK_STR(text_of(INFINITY), "Infinity");
        CHECK_STR(text_of(-INFINITY), "-Infinity");
    }
    TEST("a random double reads back from the shortest text")
    {
        for (int i = 0; i < 50000; i++) {
            uint64_t bits = rnd();
            double v, back;
            char text[SL_NUM_MAX + 1], shorter[64];
            memcpy(&v, &bits, 8);
            if (i % 4 == 1)
                v = (double)(int64_t)(bits >> 24) / 1000;
            else if (i % 4 > 1)
                v = (double)(bits >> 11) / (double)(rnd() >> (rnd() % 63) | 1);
            if (!isfinite(v))
                continue;
            size_t n = sl_num_print_double(text, v);
            text[n] = 0;
            if (n > SL_NUM_MAX || strtod(text, NULL) != v || !sl_num_parse_double(text, n, &back) ||
                back != v)
                CHECK_STR(text, "as read");
            int digits = 0, leading = 1, zeros = 0;
            for (const char *p = text; *p && *p != 'e'; p++)
                if (*p >= '0' && *p <= '9' && (!leading || *p != '0')) {
                    leading = 0;
                    digits++;
                    zeros = *p == '0' ? zeros + 1 : 0;
                }
            digits -= zeros;
            snprintf(shorter, sizeof(shorter), "%.*e", digits > 1 ? digits - 2 : 0, v);
            if (digits > 1 && strtod(shorter, NULL) == v)
                CHECK_STR(text, shorter);
            /* ... and the nearest of that length. */
            int two;
            snprintf(shorter, sizeof(shorter), "%.*e", SL_MAX(digits, 1) - 1, v);
            if (frexp(v, &two) != 0.5 && strtod(shorter, NULL) == v) {
                CHECK(sl_num_parse_double(shorter, strlen(shorter), &back) && back == v);
                same_digits(text, shorter);
            }
        }
    }
    TEST("every power of two prints short and reads back")
    {
        for (int e = -1074; e <= 1023; e++) {
            double v = ldexp(1, e), back;
            const char *s = text_of(v);
            if (!sl_num_parse_double(s, strlen(s), &back) || back != v)
                CHECK_STR(s, "as read");
        }
    }
}

int main(void)
{
    test_ints();
    test_decimals();
    test_double_parse();
    test_double_random();
    test_double_print();
    return test_done();
}
