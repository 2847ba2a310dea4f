/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* point: what --from and --to say, see open.h. */
#include "base/compat.h"
#include "base/mem.h"
#include "base/num.h"
#include "io/open.h"

static int bad_point(const char *text, struct sl_err *err)
{
    sl_err_set(err, SL_EUSAGE, "'%s' is no point in a log", text);
    return sl_err_hint(err,
                       "use earliest, latest, an offset (N, or PARTITION:N with a comma before "
                       "the next), a time (2026-01-31T12:00:00Z), @EPOCH, -1h, or +1h for --to");
}

/* N or P:N in front of s: its length, 0 if there is none. */
static size_t read_offset(const char *s, struct sl_partition_offset *out)
{
    size_t n = strspn(s, "0123456789"), m = s[n] == ':' ? strspn(s + n + 1, "0123456789") : 0;
    int64_t partition = -1;

    if (s[n] == ':' && (!sl_num_parse_int(s, n, &partition) || partition > INT32_MAX))
        return 0;
    const char *digits = s[n] == ':' ? s + n + 1 : s;
    size_t len = s[n] == ':' ? m : n;
    if (!len || !sl_num_parse_int(digits, len, &out->offset))
        return 0;
    out->partition = (int)partition;
    return (size_t)(digits - s) + len;
}

/* Hours of one or two digits, minutes of two. */
static int is_time_of_day(const char *text, const struct sl_partition_offset *o)
{
    size_t colon = strcspn(text, ":");
    return colon <= 2 && strlen(text) == colon + 3 && o->partition < 24 && o->offset < 60;
}

static int add_offset(struct sl_point *out, const struct sl_partition_offset *o, struct sl_err *err)
{
    int rc = SL_GROW_ONE(out->offsets, out->noffsets, "a list of offsets", err);
    if (rc < 0)
        return rc;
    out->offsets[out->noffsets++] = *o;
    return 1;
}

/* N, or P:N with commas between: 1, 0 if text is something else, < 0. */
static int parse_offsets(const char *text, struct sl_point *out, struct sl_err *err)
{
    struct sl_partition_offset o;
    const char *s = text;
    int rc = 1;

    for (;;) {
        size_t n = read_offset(s, &o);
        if (!n || (o.partition < 0 && (s != text || s[n])))
            return 0;
        if ((rc = add_offset(out, &o, err)) < 0)
            return rc;
        s += n;
        if (*s != ',')
            break;
        s += 1 + strspn(s + 1, " ");
    }
    if (*s)
        return 0;
    out->kind = SL_POINT_OFFSET;
    out->clock = out->noffsets == 1 && is_time_of_day(text, &o) ? text : NULL;
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

/* Of a clock that is read twice, as one is set back, a range begins with the first reading. */
static int parse_time(const char *text, const struct sl_zone *zone, struct sl_point *out)
{
    int rest, flags;
    if (!sl_time_parse_iso(text, strlen(text), NULL, &out->value, &rest, &flags))
        return 0;
    if (!(flags & SL_TIME_HAS_ZONE)) {
        int64_t wall = sl_floor_div(out->value, SL_USEC_PER_SEC);
        out->value -= (wall - sl_zone_to_utc(zone, wall, SL_READING_FIRST)) * SL_USEC_PER_SEC;
    }
    out->kind = SL_POINT_TIME;
    return 1;
}

int sl_point_parse(const char *text, int64_t now, const struct sl_zone *zone, struct sl_point *out,
                   struct sl_err *err)
{
    assert(text && out);
    int ok;

    memset(out, 0, sizeof(*out));
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
    else if ((ok = parse_offsets(text, out, err)) == 0) {
        ok = parse_time(text, zone, out);
    }
    return ok < 0 ? ok : ok ? 0 : bad_point(text, err);
}

void sl_point_release(struct sl_point *p)
{
    free(p->offsets);
    *p = (struct sl_point){0};
}
