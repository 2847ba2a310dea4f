/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * zone: UTC offsets of a time zone at any instant.
 *
 * A zone is a fixed offset, or a TZif file (RFC 8536): a table of transitions, and behind its last
 * one a rule in the manner of POSIX TZ. The file is untrusted: every count is checked against the
 * bytes that are there before it is used, every index against its table. Leap seconds ("right/"
 * files) are refused, since instants here count none.
 */
#include "base/time.h"
#include "base/mem.h"
#include "base/path.h"

#define ZONE_DIR "/usr/share/zoneinfo"

enum {
    FILE_LIMIT = 1 << 20,
    HEADER = 44,
    MAX_TYPES = 256,
    MAX_NAME = 100,
    MAX_OFFSET = 26 * 3600, /* RFC 8536 3.2: -25 h to 26 h */
    DAY = 86400,
};

struct rule_day { /* when in a year the clocks change */
    char kind;    /* 'M' month.week.weekday, 'J' day 1..365 without the leap day, '0' day 0..365 */
    int month, week, day;
    int32_t time; /* wall-clock seconds of the day, -167 h to 167 h */
};

struct rule {
    int present, has_dst;
    int32_t std, dst; /* seconds east of UTC */
    struct rule_day start, end;
};

struct sl_zone {
    int32_t first; /* offset before the first transition, or the fixed one */
    size_t count;
    int64_t *at;     /* instants of the transitions, ascending */
    int32_t *offset; /* offset from at[i] on */
    struct rule rule;
};

/* ---- the rule for times beyond the table ---- */

static int take_number(const char **p, int max, int *out)
{
    int v = 0, n = 0;

    for (; **p >= '0' && **p <= '9' && n < 4; ++*p, n++)
        v = v * 10 + (**p - '0');
    *out = v;
    return n > 0 && v <= max;
}

/* [+-]hh[:mm[:ss]] */
static int take_hms(const char **p, int max_hours, int32_t *out)
{
    int sign = 1, h, m = 0, s = 0;

    if (**p == '-' || **p == '+')
        sign = *(*p)++ == '-' ? -1 : 1;
    if (!take_number(p, max_hours, &h))
        return 0;
    if (**p == ':') {
        ++*p;
        if (!take_number(p, 59, &m))
            return 0;
        if (**p == ':') {
            ++*p;
            if (!take_number(p, 59, &s))
                return 0;
        }
    }
    *out = sign * (h * 3600 + m * 60 + s);
    return 1;
}

/* A zone's abbreviation: three letters or more, or anything in <>. */
static int skip_name(const char **p)
{
    const char *from = *p;

    if (**p == '<') {
        while (**p && **p != '>')
            ++*p;
        return *(*p) == '>' ? (++*p, 1) : 0;
    }
    while ((**p | 0x20) >= 'a' && (**p | 0x20) <= 'z')
        ++*p;
    return *p - from >= 3;
}

/* ,M3.2.0/2 and the like */
static int take_rule_day(const char **p, struct rule_day *d)
{
    if (*(*p)++ != ',')
        return 0;
    d->time = 7200;
    if (**p == 'M') {
        d->kind = *(*p)++;
        if (!take_number(p, 12, &d->month) || d->month < 1 || *(*p)++ != '.' ||
            !take_number(p, 5, &d->week) || d->week < 1 || *(*p)++ != '.' ||
            !take_number(p, 6, &d->day))
            return 0;
    } else if (**p == 'J') {
        d->kind = *(*p)++;
        if (!take_number(p, 365, &d->day) || d->day < 1)
            return 0;
    } else {
        d->kind = '0';
        if (!take_number(p, 365, &d->day))
            return 0;
    }
    if (**p == '/') {
        ++*p;
        return take_hms(p, 167, &d->time);
    }
    return 1;
}

/* s is NUL-ended. POSIX counts offsets west of Greenwich. */
static int parse_rule(const char *s, struct rule *r)
{
    int32_t west;

    memset(r, 0, sizeof(*r));
    if (!*s)
        return 1;
    if (!skip_name(&s) || !take_hms(&s, 24, &west))
        return 0;
    r->present = 1;
    r->std = -west;
    if (!*s)
        return 1;
    r->has_dst = 1;
    r->dst = r->std + 3600;
    if (!skip_name(&s))
        return 0;
    if (*s && *s != ',') {
        if (!take_hms(&s, 24, &west))
            return 0;
        r->dst = -west;
    }
    return take_rule_day(&s, &r->start) && take_rule_day(&s, &r->end) && !*s;
}

static int is_leap(int64_t y)
{
    return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

/* Wall-clock second (as if UTC) at which d falls in a year. */
static int64_t rule_second(const struct rule_day *d, int64_t year)
{
    int64_t day;

    if (d->kind == 'M') {
        int64_t first = sl_time_days(year, d->month, 1);
        int64_t next =
            d->month == 12 ? sl_time_days(year + 1, 1, 1) : sl_time_days(year, d->month + 1, 1);
        int weekday = (int)(((first + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
        day = first + (d->day - weekday + 7) % 7 + (d->week - 1) * 7;
        while (day >= next)
            day -= 7;
    } else {
        day = sl_time_days(year, 1, 1) + d->day;
        if (d->kind == 'J')
            day -= !(is_leap(year) && d->day >= 60);
    }
    return day * DAY + d->time;
}

static int32_t rule_offset(const struct rule *r, int64_t utc)
{
    int64_t local = utc + r->std, days = local / DAY - (local % DAY < 0), year, start, end;
    int month, day;

    if (!r->has_dst)
        return r->std;
    sl_time_civil_from_days(days, &year, &month, &day);
    start = rule_second(&r->start, year) - r->std;
    end = rule_second(&r->end, year) - r->dst;
    if (start < end)
        return utc >= start && utc < end ? r->dst : r->std;
    return utc >= start || utc < end ? r->dst : r->std;
}

/* ---- TZif ---- */

static int64_t be(const uint8_t *p, int n)
{
    uint64_t v = 0;

    for (int i = 0; i < n; i++)
        v = v << 8 | p[i];
    return n == 4 ? (int32_t)v : (int64_t)v;
}

struct header {
    int version, word; /* word: bytes of an instant */
    size_t isut, isstd, leap, times, types, chars;
    size_t body; /* bytes behind the header */
};

static int read_header(const uint8_t *p, size_t n, int word, struct header *h)
{
    if (n < HEADER || memcmp(p, "TZif", 4) != 0)
        return 0;
    h->version = p[4] ? p[4] - '0' : 1;
    h->word = word;
    h->isut = (uint32_t)be(p + 20, 4);
    h->isstd = (uint32_t)be(p + 24, 4);
    h->leap = (uint32_t)be(p + 28, 4);
    h->times = (uint32_t)be(p + 32, 4);
    h->types = (uint32_t)be(p + 36, 4);
    h->chars = (uint32_t)be(p + 40, 4);
    /* Each count is below 2^32: the sum cannot overflow 64 bits. */
    h->body =
        h->times * (word + 1) + h->types * 6 + h->chars + h->leap * (word + 4) + h->isstd + h->isut;
    return h->types >= 1 && h->types <= MAX_TYPES && h->body <= n - HEADER;
}

/* The body at p, as h describes it, into z. Returns 0, or what is wrong. */
static const char *read_body(const uint8_t *p, const struct header *h, struct sl_zone *z)
{
    const uint8_t *index = p + h->times * h->word, *types = index + h->times;
    int32_t offsets[MAX_TYPES];

    if (h->leap)
        return "it counts leap seconds";
    for (size_t i = 0; i < h->types; i++) {
        offsets[i] = (int32_t)be(types + i * 6, 4);
        if (offsets[i] < -MAX_OFFSET || offsets[i] > MAX_OFFSET)
            return "an offset is out of range";
    }
    z->first = offsets[0];
    if (!h->times)
        return NULL;
    z->at = sl_malloc(h->times * sizeof(*z->at));
    z->offset = sl_malloc(h->times * sizeof(*z->offset));
    if (!z->at || !z->offset)
        return "out of memory";
    for (size_t i = 0; i < h->times; i++) {
        z->at[i] = be(p + i * h->word, h->word);
        if (index[i] >= h->types)
            return "a transition has no type";
        if (i && z->at[i] <= z->at[i - 1])
            return "its transitions are not in order";
        z->offset[i] = offsets[index[i]];
    }
    z->count = h->times;
    return NULL;
}

/* The footer: a newline, the rule, a newline. */
static const char *read_footer(const uint8_t *p, size_t n, struct sl_zone *z)
{
    char text[256];
    const uint8_t *end;

    if (!n || *p != '\n')
        return "its footer is missing";
    p++;
    n--;
    end = memchr(p, '\n', n);
    if (!end || (size_t)(end - p) >= sizeof(text) || memchr(p, 0, end - p))
        return "its footer is not a line";
    memcpy(text, p, end - p);
    text[end - p] = 0;
    return parse_rule(text, &z->rule) ? NULL : "its footer is not a POSIX rule";
}

static const char *read_tzif(const uint8_t *p, size_t n, struct sl_zone *z)
{
    struct header h;
    const char *wrong;

    if (!read_header(p, n, 4, &h))
        return "its header is wrong";
    if (h.version < 2)
        return read_body(p + HEADER, &h, z);
    p += HEADER + h.body;
    n -= HEADER + h.body;
    if (!read_header(p, n, 8, &h))
        return "its second header is wrong";
    wrong = read_body(p + HEADER, &h, z);
    return wrong ? wrong : read_footer(p + HEADER + h.body, n - HEADER - h.body, z);
}

/* ---- opening ---- */

/* UTC, Z, +HH, +HHMM, +HH:MM: 1 and the offset, or 0. */
static int parse_fixed(const char *s, int32_t *offset)
{
    int negative = *s == '-', n, h = 0, m = 0;

    *offset = 0;
    if (strcasecmp(s, "utc") == 0 || strcasecmp(s, "z") == 0 || strcasecmp(s, "gmt") == 0)
        return 1;
    if (*s != '+' && *s != '-')
        return 0;
    for (s++, n = 0; *s >= '0' && *s <= '9' && n < 2; s++, n++)
        h = h * 10 + (*s - '0');
    if (n != 2)
        return 0;
    if (*s) {
        s += *s == ':';
        for (n = 0; *s >= '0' && *s <= '9' && n < 2; s++, n++)
            m = m * 10 + (*s - '0');
        if (n != 2 || *s)
            return 0;
    }
    if (h > 23 || m > 59)
        return 0;
    *offset = (h * 3600 + m * 60) * (negative ? -1 : 1);
    return 1;
}

/* A name may not leave the folder: parts of letters, digits, _, + and -. */
static int is_safe_name(const char *s)
{
    size_t n = strlen(s);

    if (!n || n > MAX_NAME || *s == '/' || s[n - 1] == '/' || strstr(s, "//"))
        return 0;
    for (; *s; s++)
        if (!((*s | 0x20) >= 'a' && (*s | 0x20) <= 'z') && !(*s >= '0' && *s <= '9') &&
            !strchr("_+-/", *s))
            return 0;
    return 1;
}

static struct sl_zone *new_zone(struct sl_err *err)
{
    struct sl_zone *z = sl_calloc(1, sizeof(*z));

    if (!z)
        sl_err_nomem(err, "opening a time zone");
    return z;
}

struct sl_zone *sl_zone_from_tzif(const void *data, size_t n, const char *name, struct sl_err *err)
{
    assert((data || !n) && name);
    struct sl_zone *z = new_zone(err);
    const char *wrong;

    if (!z)
        return NULL;
    wrong = read_tzif(data, n, z);
    if (!wrong)
        return z;
    sl_err_set(err, SL_EFORMAT, "%s: not a usable time zone file: %s", name, wrong);
    sl_zone_free(z);
    return NULL;
}

static struct sl_zone *load(const char *name, struct sl_err *err)
{
    struct sl_buf path = SL_BUF_INIT, bytes = SL_BUF_INIT;
    struct sl_zone *z = NULL;
    int rc = -SL_ENOENT;

    if (is_safe_name(name)) {
        sl_path_join(&path, ZONE_DIR, name);
        rc = sl_buf_check(&path, err);
        if (rc == 0)
            rc = sl_path_read_file(path.data, FILE_LIMIT, &bytes, err);
    }
    if (rc == 0) {
        z = sl_zone_from_tzif(bytes.data, bytes.len, path.data, err);
    } else if (rc != -SL_ENOMEM) {
        sl_err_set(err, SL_EUSAGE, "unknown time zone: \"%s\"", name);
        sl_err_hint(err, "use UTC, +02:00, or a name like Europe/Berlin (package tzdata)");
    }
    sl_buf_release(&path);
    sl_buf_release(&bytes);
    return z;
}

static struct sl_zone *fixed_zone(int32_t offset, struct sl_err *err)
{
    struct sl_zone *z = new_zone(err);

    if (z)
        z->first = offset;
    return z;
}

struct sl_zone *sl_zone_open(const char *name, struct sl_err *err)
{
    assert(name);
    int32_t offset;

    return parse_fixed(name, &offset) ? fixed_zone(offset, err) : load(name, err);
}

struct sl_zone *sl_zone_open_word(const char *name, struct sl_err *err)
{
    assert(name);
    int32_t offset;

    return sl_zone_word(name, strlen(name), &offset) ? fixed_zone(offset, err)
                                                     : sl_zone_open(name, err);
}

void sl_zone_free(struct sl_zone *z)
{
    if (!z)
        return;
    free(z->at);
    free(z->offset);
    free(z);
}

/* ---- looking up ---- */

int32_t sl_zone_offset(const struct sl_zone *z, int64_t utc_sec)
{
    size_t low = 0, high;

    if (!z)
        return 0;
    if (!z->count || utc_sec < z->at[0])
        return z->count || !z->rule.present ? z->first : rule_offset(&z->rule, utc_sec);
    if (utc_sec >= z->at[z->count - 1])
        return z->rule.present ? rule_offset(&z->rule, utc_sec) : z->offset[z->count - 1];
    for (high = z->count - 1; high - low > 1;) {
        size_t mid = low + (high - low) / 2;
        if (z->at[mid] <= utc_sec)
            low = mid;
        else
            high = mid;
    }
    return z->offset[low];
}

int64_t sl_zone_to_utc(const struct sl_zone *z, int64_t local_sec, enum sl_reading which)
{
    int32_t before, after;
    int before_holds, after_holds;

    if (!z)
        return local_sec;
    /* An offset is less than a day: what holds at the instant is one of these two. */
    before = sl_zone_offset(z, local_sec - DAY);
    after = sl_zone_offset(z, local_sec + DAY);
    if (before == after)
        return local_sec - before;
    before_holds = sl_zone_offset(z, local_sec - before) == before;
    after_holds = sl_zone_offset(z, local_sec - after) == after;
    if (before_holds && after_holds)
        return local_sec -
               (which == SL_READING_FIRST ? SL_MAX(before, after) : SL_MIN(before, after));
    /* In a gap neither holds: read by the old offset, the time shows up later by the gap. */
    return local_sec - (after_holds ? after : before);
}

int64_t sl_time_day_of(int64_t usec, const struct sl_zone *zone)
{
    int64_t sec = usec / SL_USEC_PER_SEC - (usec % SL_USEC_PER_SEC < 0);
    sec += sl_zone_offset(zone, sec);
    return sec / 86400 - (sec % 86400 < 0);
}

int64_t sl_time_day_end(int64_t day, const struct sl_zone *zone)
{
    return sl_zone_to_utc(zone, (day + 1) * 86400, SL_READING_FIRST) * SL_USEC_PER_SEC - 1;
}
