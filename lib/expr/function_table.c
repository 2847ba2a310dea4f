/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * function_table: all functions, with what `sluice help functions` and sluice-expressions(7) say of them.
 *
 * Rows of one name are its overloads and stand together; the first one has the words. An example has that
 * value as text where the zone is UTC. Where types depend on more than letters, a function of its own binds
 * (BOUND); what the grammar has a form for (coalesce) stands here for its words only.
 */
#include "expr/expr.h"
#include "expr/function.h"

#define B SL_CALL_BYTES
#define N SL_CALL_NULLS
#define ROW(name, args, result, fails, flags, run, param, help, example, value)                    \
    {                                                                                              \
        name, args, result, fails, flags, run, NULL, param, help, example, value                   \
    }
#define BOUND(name, args, result, bind, param, help, example, value)                               \
    {                                                                                              \
        name, args, result, 0, 0, NULL, bind, param, help, example, value                          \
    }
/* Another overload of the row before. */
#define ALSO(name, args, result, fails, flags, run, param)                                         \
    ROW(name, args, result, fails, flags, run, param, NULL, NULL, NULL)
#define GROUP(title) ROW("", "", 0, 0, 0, NULL, 0, title, NULL, NULL)

static const struct sl_function functions[] = {
    GROUP("Text"),
    ROW("lower", "t", 't', 0, B, sl_kernel_case_map, 0, "in small letters", "lower('ÄB')", "äb"),
    ROW("upper", "t", 't', 0, B, sl_kernel_case_map, 1, "in capital letters", "upper('äb')", "ÄB"),
    ROW("initcap", "t", 't', 0, B, sl_kernel_case_map, 2, "each word with a capital letter",
        "initcap('new york')", "New York"),
    ROW("length", "t", 'i', 0, B, sl_kernel_length, 0, "number of characters; of bytea, of bytes",
        "length('Zürich')", "6"),
    ALSO("length", "y", 'i', 0, B, sl_kernel_length, 1),
    ROW("char_length", "t", 'i', 0, B, sl_kernel_length, 0, "the same as length",
        "char_length('Zürich')", "6"),
    ROW("character_length", "t", 'i', 0, B, sl_kernel_length, 0, "the same as length",
        "character_length('Zürich')", "6"),
    ROW("octet_length", "t", 'i', 0, B, sl_kernel_length, 1, "number of bytes",
        "octet_length('Zürich')", "7"),
    ALSO("octet_length", "y", 'i', 0, B, sl_kernel_length, 1),
    ROW("substr", "ti", 't', 0, B, sl_kernel_substr, 0,
        "characters from a place on, all or so many", "substr('sluice', 3, 2)", "ui"),
    ALSO("substr", "tii", 't', 1, B, sl_kernel_substr, 0),
    ROW("substring", "ti", 't', 0, B, sl_kernel_substr, 0,
        "as substr; or what a pattern matches, its first group if it has one",
        "substring('a42b' from '[0-9]+')", "42"),
    ALSO("substring", "tii", 't', 1, B, sl_kernel_substr, 0),
    ALSO("substring", "tt", 't', 1, B, sl_kernel_regexp_substr, 0),
    ROW("left", "ti", 't', 0, B, sl_kernel_left_right, 0,
        "the first characters; with a negative number all but the last", "left('sluice', 2)", "sl"),
    ROW("right", "ti", 't', 0, B, sl_kernel_left_right, 1,
        "the last characters; with a negative number all but the first", "right('sluice', 2)",
        "ce"),
    ROW("btrim", "t", 't', 0, B, sl_kernel_trim, 3,
        "without blanks, or the characters given, at both ends", "btrim('xxaxx', 'x')", "a"),
    ALSO("btrim", "tt", 't', 0, B, sl_kernel_trim, 3),
    ROW("ltrim", "t", 't', 0, B, sl_kernel_trim, 1, "the same at the start", "ltrim('xxaxx', 'x')",
        "axx"),
    ALSO("ltrim", "tt", 't', 0, B, sl_kernel_trim, 1),
    ROW("rtrim", "t", 't', 0, B, sl_kernel_trim, 2, "the same at the end", "rtrim('xxaxx', 'x')",
        "xxa"),
    ALSO("rtrim", "tt", 't', 0, B, sl_kernel_trim, 2),
    ROW("lpad", "ti", 't', 1, B, sl_kernel_pad, 0,
        "filled up in front, or cut, to so many characters", "lpad('7', 3, '0')", "007"),
    ALSO("lpad", "tit", 't', 1, B, sl_kernel_pad, 0),
    ROW("rpad", "ti", 't', 1, B, sl_kernel_pad, 1, "the same behind", "rpad('ab', 4, '.')", "ab.."),
    ALSO("rpad", "tit", 't', 1, B, sl_kernel_pad, 1),
    ROW("overlay", "tti", 't', 1, B, sl_kernel_overlay, 0,
        "so many characters from a place on replaced; without a number as many as are new",
        "overlay('Txxxas' placing 'hom' from 2 for 4)", "Thoms"),
    ALSO("overlay", "ttii", 't', 1, B, sl_kernel_overlay, 0),
    ROW("translate", "ttt", 't', 0, B, sl_kernel_translate, 0,
        "each character of a set replaced by that at the same place of another",
        "translate('12345', '143', 'ax')", "a2x5"),
    ROW("replace", "ttt", 't', 0, B, sl_kernel_replace, 0, "each occurrence of a text replaced",
        "replace('a-b-c', '-', '+')", "a+b+c"),
    ROW("split_part", "tti", 't', 1, B, sl_kernel_split_part, 0,
        "the n-th field between separators; from the end if n is negative",
        "split_part('a,b,c', ',', 2)", "b"),
    ROW("concat", "*+", 't', 0, N | B, sl_kernel_concat, 0,
        "all values one after the other; nulls are left out", "concat('a', 1, null, 'b')", "a1b"),
    ROW("concat_ws", "*+", 't', 0, N | B, sl_kernel_concat_ws, 0,
        "the same with a separator, which comes first", "concat_ws('-', 2024, null, 'x')",
        "2024-x"),
    ROW("format", "t*+", 't', 1, N | B, sl_kernel_format, 0,
        "a text with a value for each %s, and a literal of SQL for each %L; %2$s is the second "
        "one, "
        "%-8s has a width",
        "format('%s is %2$s', 'a', 'b')", "a is b"),
    ALSO("format", "t", 't', 1, N | B, sl_kernel_format, 0),
    ROW("quote_literal", "*", 't', 0, B, sl_kernel_quote_literal, 0,
        "the value as a literal of SQL", "quote_literal('it''s')", "'it''s'"),
    ROW("starts_with", "tt", 'b', 0, B, sl_kernel_starts_with, 0, "whether the text begins so",
        "starts_with('sluice', 'slu')", "true"),
    ROW("position", "tt", 'i', 0, B, sl_kernel_position, 0,
        "place of a text in another one, from 1; 0 if it is not there",
        "position('ui' in 'sluice')", "3"),
    ROW("strpos", "tt", 'i', 0, B, sl_kernel_position, 0, "the same with the text first",
        "strpos('sluice', 'ui')", "3"),
    ROW("reverse", "t", 't', 0, B, sl_kernel_reverse, 0, "its characters backwards",
        "reverse('abc')", "cba"),
    ROW("repeat", "ti", 't', 1, B, sl_kernel_repeat, 0, "the text so many times", "repeat('ab', 3)",
        "ababab"),
    ROW("chr", "i", 't', 1, 0, sl_kernel_chr, 0, "the character of a number", "chr(228)", "ä"),
    ROW("ascii", "t", 'i', 0, B, sl_kernel_ascii, 0, "the number of the first character",
        "ascii('ä')", "228"),
    ROW("regexp_like", "tt", 'b', 1, B, sl_kernel_regex, 0, "whether a pattern matches; with flags",
        "regexp_like('ERROR 42', 'error', 'i')", "true"),
    ALSO("regexp_like", "ttt", 'b', 1, B, sl_kernel_regex, 0),
    ROW("regexp_replace", "ttt", 't', 1, B, sl_kernel_regexp_replace, 0,
        "what a pattern matches first, with the flag g each, replaced",
        "regexp_replace('a1b22', '[0-9]+', '#', 'g')", "a#b#"),
    ALSO("regexp_replace", "tttt", 't', 1, B, sl_kernel_regexp_replace, 0),
    ROW("regexp_substr", "tt", 't', 1, B, sl_kernel_regexp_substr, 1,
        "what a pattern matches first", "regexp_substr('a1b22', '[0-9]{2}')", "22"),
    ROW("regexp_count", "tt", 'i', 1, B, sl_kernel_regexp_count, 0, "how often a pattern matches",
        "regexp_count('a1b22', '[0-9]+')", "2"),
    ROW("similar_to_escape", "t", 't', 1, B, sl_kernel_similar, 0,
        "a pattern of similar to as one of ~", "'abc' similar to '%(b|d)%'", "true"),
    ALSO("similar_to_escape", "tt", 't', 1, B, sl_kernel_similar, 0),
    ROW("to_hex", "i", 't', 0, 0, sl_kernel_to_hex, 0, "a number in hexadecimal digits",
        "to_hex(255)", "ff"),
    ROW("encode", "yt", 't', 1, B, sl_kernel_encode, 0, "bytes as text: hex, base64 or escape",
        "encode('abc', 'base64')", "YWJj"),
    ROW("decode", "tt", 'y', 1, B, sl_kernel_decode, 0, "and back", "decode('616263', 'hex')::text",
        "\\x616263"),
    ROW("url_encode", "t", 't', 0, B, sl_kernel_url_encode, 0,
        "what has no place in a URL as % and two digits", "url_encode('a b&c')", "a%20b%26c"),
    ROW("url_decode", "t", 't', 1, B, sl_kernel_url_decode, 0,
        "and back; a + stays, and bytes that are no UTF-8 are an error", "url_decode('a%20b%26c')",
        "a b&c"),
    GROUP("Numbers"),
    BOUND("abs", "n", 'n', sl_bind_number_function, 'a', "without its sign", "abs(-7)", "7"),
    BOUND("sign", "n", 'n', sl_bind_number_function, 's', "-1, 0 or 1", "sign(-7)", "-1"),
    BOUND("round", "n", 'n', sl_bind_number_function, 'r',
          "to a whole number, or so many digits after the point", "round(2.345, 2)", "2.35"),
    ALSO("round", "ni", 'n', 0, 0, NULL, 'r'),
    BOUND("trunc", "n", 'n', sl_bind_number_function, 't', "the same towards zero",
          "trunc(-2.78, 1)", "-2.7"),
    ALSO("trunc", "ni", 'n', 0, 0, NULL, 't'),
    BOUND("ceil", "n", 'n', sl_bind_number_function, 'c', "the next whole number above",
          "ceil(2.1)", "3"),
    BOUND("ceiling", "n", 'n', sl_bind_number_function, 'c', "the same", "ceiling(2.1)", "3"),
    BOUND("floor", "n", 'n', sl_bind_number_function, 'f', "the next whole number below",
          "floor(-2.1)", "-3"),
    BOUND("mod", "nn", 'n', sl_bind_number_function, '%',
          "remainder, with the sign of the first number", "mod(-7, 3)", "-1"),
    BOUND("div", "nn", 'n', sl_bind_number_function, '/', "whole part of the quotient",
          "div(-7, 2)", "-3"),
    ROW("gcd", "ii", 'i', 1, 0, sl_kernel_gcd, 'g', "greatest common divisor", "gcd(1071, 462)",
        "21"),
    ROW("lcm", "ii", 'i', 1, 0, sl_kernel_gcd, 'l', "least common multiple", "lcm(4, 6)", "12"),
    ROW("width_bucket", "dddi", 'i', 1, 0, sl_kernel_width_bucket, 0,
        "which of so many equal spans between two bounds; 0 below, one more above",
        "width_bucket(5.35, 0.024, 10.06, 5)", "3"),
    ROW("&", "ii", 'i', 0, 0, sl_kernel_bits, '&', "bits that both have", "12 & 10", "8"),
    ROW("|", "ii", 'i', 0, 0, sl_kernel_bits, '|', "bits that one or both have", "12 | 10", "14"),
    ROW("#", "ii", 'i', 0, 0, sl_kernel_bits, '#', "bits that one of them has", "12 # 10", "6"),
    ROW("<<", "ii", 'i', 0, 0, sl_kernel_bits, '<', "bits moved up", "1 << 4", "16"),
    ROW(">>", "ii", 'i', 0, 0, sl_kernel_bits, '>', "bits moved down", "-8 >> 1", "-4"),
    ROW("~", "i", 'i', 0, 0, sl_kernel_bits, '~', "each bit the other way", "~ 5", "-6"),
    ROW("sqrt", "d", 'd', 1, 0, sl_kernel_double_math, 'q', "square root", "sqrt(2)",
        "1.4142135623730951"),
    ROW("cbrt", "d", 'd', 0, 0, sl_kernel_double_math, 'c', "cube root", "cbrt(27)", "3"),
    ROW("exp", "d", 'd', 1, 0, sl_kernel_double_math, 'e', "e to that power", "exp(1)",
        "2.718281828459045"),
    ROW("ln", "d", 'd', 1, 0, sl_kernel_double_math, 'n', "natural logarithm", "ln(10)",
        "2.302585092994046"),
    ROW("log", "d", 'd', 1, 0, sl_kernel_double_math, 'l',
        "logarithm to base 10, or to the base that comes first", "log(2, 64)", "6"),
    ALSO("log", "dd", 'd', 1, 0, sl_kernel_log, 0),
    ROW("log10", "d", 'd', 1, 0, sl_kernel_double_math, 'l', "logarithm to base 10", "log10(1000)",
        "3"),
    ROW("power", "dd", 'd', 1, 0, sl_kernel_power, 0, "a to the power of b", "power(2, 10)",
        "1024"),
    ROW("pow", "dd", 'd', 1, 0, sl_kernel_power, 0, "the same", "pow(2, 10)", "1024"),
    ROW("pi", "", 'd', 0, 0, sl_kernel_pi, 0, "the number", "pi()", "3.141592653589793"),
    ROW("degrees", "d", 'd', 1, 0, sl_kernel_angle, SL_ANGLE_DEGREES,
        "an angle in degrees, of radians", "degrees(pi())", "180"),
    ROW("radians", "d", 'd', 1, 0, sl_kernel_angle, SL_ANGLE_RADIANS, "and back", "radians(180)",
        "3.141592653589793"),
    ROW("sin", "d", 'd', 1, 0, sl_kernel_angle, SL_ANGLE_SIN, "sine of an angle in radians",
        "sin(0)", "0"),
    ROW("cos", "d", 'd', 1, 0, sl_kernel_angle, SL_ANGLE_COS, "cosine", "cos(0)", "1"),
    ROW("tan", "d", 'd', 1, 0, sl_kernel_angle, SL_ANGLE_TAN, "tangent", "tan(0)", "0"),
    ROW("cot", "d", 'd', 1, 0, sl_kernel_angle, SL_ANGLE_COT, "cotangent",
        "round(cot(0.5)::numeric, 6)", "1.830488"),
    ROW("asin", "d", 'd', 1, 0, sl_kernel_angle, SL_ANGLE_ASIN, "angle of a sine", "asin(0)", "0"),
    ROW("acos", "d", 'd', 1, 0, sl_kernel_angle, SL_ANGLE_ACOS, "angle of a cosine", "acos(1)",
        "0"),
    ROW("atan", "d", 'd', 1, 0, sl_kernel_angle, SL_ANGLE_ATAN, "angle of a tangent", "atan(0)",
        "0"),
    ROW("atan2", "dd", 'd', 0, 0, sl_kernel_atan2, 0,
        "angle of the tangent y / x, of all four quarters", "degrees(atan2(1, -1))", "135"),
    ROW("sinh", "d", 'd', 1, 0, sl_kernel_angle, SL_ANGLE_SINH, "hyperbolic sine", "sinh(0)", "0"),
    ROW("cosh", "d", 'd', 1, 0, sl_kernel_angle, SL_ANGLE_COSH, "hyperbolic cosine", "cosh(0)",
        "1"),
    ROW("tanh", "d", 'd', 1, 0, sl_kernel_angle, SL_ANGLE_TANH, "hyperbolic tangent", "tanh(0)",
        "0"),
    ROW("asinh", "d", 'd', 1, 0, sl_kernel_angle, SL_ANGLE_ASINH, "and back", "asinh(0)", "0"),
    ROW("acosh", "d", 'd', 1, 0, sl_kernel_angle, SL_ANGLE_ACOSH, "and back", "acosh(1)", "0"),
    ROW("atanh", "d", 'd', 1, 0, sl_kernel_angle, SL_ANGLE_ATANH, "and back", "atanh(0)", "0"),
    GROUP("Time"),
    ROW("now", "", 'z', 0, 0, sl_kernel_now, 0, "the instant at which the run began",
        "now() = now()", "true"),
    ROW("transaction_timestamp", "", 'z', 0, 0, sl_kernel_now, 0, "the same as now",
        "transaction_timestamp() = now()", "true"),
    ROW("current_date", "", 'D', 0, 0, sl_kernel_current_date, 0, "its day, in the zone of the run",
        "current_date = now()::date", "true"),
    BOUND("date_trunc", "tz", 'z', sl_bind_date_trunc, 0,
          "start of the hour, day, week, month or another unit in which a time lies",
          "date_trunc('month', timestamp '2024-02-29 10:20')", "2024-02-01 00:00:00"),
    ALSO("date_trunc", "tzt", 'z', 0, 0, NULL, 0),
    BOUND("extract", "tz", 'n', sl_bind_extract, 0,
          "a part of a time, a date or an interval: year, month, day, hour, minute, second, dow, "
          "doy, "
          "week, quarter, epoch",
          "extract(isodow from date '2024-02-29')", "4"),
    BOUND("date_part", "tz", 'd', sl_bind_extract, 0, "the same as double precision",
          "date_part('hour', timestamp '2024-01-05 10:20')", "10"),
    ROW("date_bin", "vzz", 'z', 1, 0, sl_kernel_date_bin, 0,
        "start of the span of that length, counted from an origin, in which a time lies",
        "date_bin('15 minutes', timestamp '2024-01-05 10:20', timestamp '2024-01-01')",
        "2024-01-05 10:15:00"),
    ALSO("date_bin", "vww", 'w', 1, 0, sl_kernel_date_bin, 0),
    ROW("to_timestamp", "d", 'z', 1, 0, sl_kernel_to_timestamp, 0,
        "the instant so many seconds after 1970", "to_timestamp(1704448800)",
        "2024-01-05 10:00:00+00"),
    ROW("make_date", "iii", 'D', 1, 0, sl_kernel_make_date, 0, "a date of year, month, day",
        "make_date(2024, 2, 29)", "2024-02-29"),
    ROW("make_timestamp", "iiiiid", 'w', 1, 0, sl_kernel_make_time, 0,
        "a timestamp of year, month, day, hour, minute, second",
        "make_timestamp(2024, 2, 29, 10, 20, 30.5)", "2024-02-29 10:20:30.500"),
    ROW("make_timestamptz", "iiiiid", 'z', 1, 0, sl_kernel_make_time, 0,
        "the instant at which the clock shows that, in the zone of the run",
        "make_timestamptz(2024, 2, 29, 10, 20, 0)", "2024-02-29 10:20:00+00"),
    ROW("age", "zz", 'v', 1, 0, sl_kernel_age, 0,
        "years, months, days and the rest between two times, the later one first",
        "age(timestamp '2024-03-01', timestamp '2022-12-31')", "1 year 2 mons 1 day"),
    ALSO("age", "ww", 'v', 1, 0, sl_kernel_age, 0),
    ROW("justify_days", "v", 'v', 1, 0, sl_kernel_justify, 'd', "30 days as a month",
        "justify_days(interval '35 days')", "1 mon 5 days"),
    ROW("justify_hours", "v", 'v', 1, 0, sl_kernel_justify, 'h', "24 hours as a day",
        "justify_hours(interval '27 hours')", "1 day 03:00:00"),
    ROW("justify_interval", "v", 'v', 1, 0, sl_kernel_justify, 'i', "both, with one sign",
        "justify_interval(interval '1 mon -1 hour')", "29 days 23:00:00"),
    {"overlaps", "zzzz", 'b', 0, 0, sl_kernel_overlaps, sl_bind_overlaps, 0,
     "whether two spans have an instant in common",
     "(date '2024-01-01', date '2024-02-01') overlaps (date '2024-01-31', date '2024-03-01')",
     "true"},
    ALSO("overlaps", "wwww", 'b', 0, 0, sl_kernel_overlaps, 0),
    ROW("timezone", "tz", 'w', 1, B, sl_kernel_at_zone, 0,
        "the clock that a zone shows at an instant, or the instant of such a clock: at time zone",
        "timezone('Asia/Tokyo', timestamp '2024-01-05 10:00')", "2024-01-05 01:00:00+00"),
    ALSO("timezone", "tw", 'z', 1, B, sl_kernel_at_zone, 0),
    GROUP("JSON"),
    ROW("->", "jt", 'j', 0, B, sl_kernel_json_get, 0,
        "the member of that name, or the item of that number, from 0",
        "'{\"a\":[1,2]}'::jsonb -> 'a'", "[1,2]"),
    ALSO("->", "ji", 'j', 0, B, sl_kernel_json_get, 0),
    ROW("->>", "jt", 't', 0, B, sl_kernel_json_get, 1, "the same as text",
        "'{\"a\":\"x\"}'::jsonb ->> 'a'", "x"),
    ALSO("->>", "ji", 't', 0, B, sl_kernel_json_get, 1),
    GROUP("Values of any type"),
    ROW("coalesce", "*+", '*', 0, 0, NULL, 0, "the first that is not null", "coalesce(null, 2, 3)",
        "2"),
    ROW("nullif", "**", '*', 0, 0, NULL, 0, "null if both are equal, else the first",
        "nullif(1, 2)", "1"),
    ROW("greatest", "*+", '*', 0, 0, NULL, 0, "the greatest that is not null",
        "greatest(1, null, 3)", "3"),
    ROW("least", "*+", '*', 0, 0, NULL, 0, "the least that is not null", "least(1, null, 3)", "1"),
    BOUND("try", "*", '*', sl_bind_try, 0, "the value, or null where computing it is an error",
          "coalesce(try(1 / 0), -1)", "-1"),
    BOUND("pg_input_is_valid", "tt", 'b', sl_bind_is_valid, 0,
          "whether a cast to the type of that name does it", "pg_input_is_valid('42x', 'bigint')",
          "false"),
};

const struct sl_function *sl_function_find(const char *name, size_t *overloads)
{
    assert(name && overloads);
    size_t i = 0, n = 0;
    while (i < SL_COUNT(functions) && (strcmp(functions[i].name, name) != 0 || !*name))
        i++;
    while (i + n < SL_COUNT(functions) && strcmp(functions[i + n].name, name) == 0)
        n++;
    *overloads = n;
    return n ? &functions[i] : NULL;
}

int sl_function_names(const char **out, int max)
{
    assert(max >= 0);
    int n = 0;
    for (size_t i = 0; i < SL_COUNT(functions) && n < max; i++)
        if (functions[i].example && sl_word_char(functions[i].name[0]))
            out[n++] = functions[i].name;
    return n;
}

void sl_function_signature(const struct sl_function *f, struct sl_buf *out)
{
    assert(f && out);
    int is_word = sl_word_char(f->name[0]);
    if (is_word || !f->args[1])
        sl_buf_printf(out, "%s%s", f->name, is_word ? "(" : " ");
    for (const char *p = f->args; *p; p++) {
        if (p > f->args && !is_word)
            sl_buf_printf(out, " %s ", f->name);
        else
            sl_buf_addstr(out, *p == '+' ? ", ..." : p > f->args ? ", " : "");
        if (*p != '+')
            sl_buf_addstr(out, sl_function_letter(*p));
    }
    sl_buf_addstr(out, is_word ? ")" : "");
}

void sl_functions_print(struct sl_buf *out)
{
    assert(out);
    const struct sl_function *first = NULL, *end = functions + SL_COUNT(functions);
    for (const struct sl_function *f = functions; f < end; f++) {
        if (!*f->name) {
            sl_buf_printf(out, "%s%s\n", first ? "\n" : "", f->help);
            continue;
        }
        first = f->example ? f : first;
        int is_last = f + 1 == end || f[1].example || !*f[1].name;
        sl_buf_addstr(out, f == first ? "  " : "; ");
        sl_function_signature(f, out);
        if (is_last || f[1].result != f->result)
            sl_buf_printf(out, " returns %s", sl_function_letter(f->result));
        if (is_last)
            sl_buf_printf(out, "\n      %s\n      %s = %s\n", first->help, first->example,
                          first->value);
    }
}
