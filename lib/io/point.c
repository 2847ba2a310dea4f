/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* point: what --from and --to say, see open.h. */
#include "base/compat.h"
#include "base/num.h"
#include "io/open.h"

static int bad_point(const char *text, struct sl_err *err)
{
    sl_err_set(err, SL_EUSAGE, "'%s' is no point in a log", text);
    return sl_err_hint(err, "use earliest, latest, an offset (N, or PARTITION:N), a time "
                            "(2026-01-31T12:00:00Z), @EPOCH, -1h, or +1h for --to");
}

static int all_digits(const char *s, size_t n)
{
    if (!n)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (s[i] < '0' || s[i] > '9')
            return 0;
    return 1;
}

/* P:N or N. */
static int parse_offset(const char *text, struct sl_point *out)
{
    const char *colon = strchr(text, ':');
    const char *digits = colon ? colon + 1 : text;
    int64_t partition = -1;

    if (!all_digits(digits, strlen(digits)) ||
        !sl_num_parse_int(digits, strlen(digits), &out->value))
        return 0;
    if (colon &&
        (!all_digits(text, (size_t)(colon - text)) ||
         !sl_num_parse_int(text, (size_t)(colon - text), &partition) || partition > INT32_MAX))
        return 0;
    out->kind = SL_POINT_OFFSET;
    out->partition = (int)partition;
    return 1;
}

static int parse_epoch(const char *text, struct sl_point *out)
{
    sl_int128 v;
    if (!sl_num_parse_decimal(text, strlen(text), 6, &v) || v > INT64_MAX || v < INT64_MIN)
        return 0;
    out->kind = SL_POINT_TIME;
    out->value = (int64_t)v;
    return 1;
}

static int parse_relative(const char *text, int64_t now, struct sl_point *out)
{
    int64_t usec;
    if (!sl_time_parse_duration(text + 1, strlen(text + 1), &usec))
        return 0;
    out->kind = SL_POINT_TIME;
    out->relative = text[0] == '+';
    out->value = text[0] == '+' ? usec : now - usec;
    return 1;
}

int sl_point_parse(const char *text, int64_t now, const struct sl_zone *zone, struct sl_point *out,
                   struct sl_err *err)
{
    int rest, flags, ok;

    memset(out, 0, sizeof(*out));
    out->partition = -1;
    if (strcmp(text, "earliest") == 0) {
        out->kind = SL_POINT_EARLIEST;
        return 0;
    }
    if (strcmp(text, "latest") == 0) {
        out->kind = SL_POINT_LATEST;
        return 0;
    }
    if (text[0] == '@')
        ok = parse_epoch(text + 1, out);
    else if (text[0] == '-' || text[0] == '+')
        ok = parse_relative(text, now, out);
    else if (parse_offset(text, out))
        ok = 1;
    else {
        ok = sl_time_parse_iso(text, strlen(text), zone, &out->value, &rest, &flags);
        out->kind = SL_POINT_TIME;
    }
    return ok ? 0 : bad_point(text, err);
}
