/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * gen: events of one day as CSV or NDJSON, for the benchmarks, the demo and tests.
 *
 * The same options give the same bytes on every machine: one xoshiro256** stream, no floating point
 * but divisions whose result IEEE 754 fixes. Columns: ts (ISO 8601, ms, up to 5 s out of order),
 * user_id (1 of 1,000,000), event (8 names, a few frequent), content_id (1 of 50,000, Zipf),
 * country (40), device (5), duration (seconds, 0 to 3 decimals), price (2 decimals, or empty).
 */
#include "base/compat.h"
#include <unistd.h>

enum {
    BLOCK = 1 << 20,
    ROW_MAX = 512,
    CONTENTS = 50000,
    COLUMNS = 8,
    DAY_MS = 86400000,
    JITTER_MS = 5000,
};

struct options {
    uint64_t rows, seed, quoted_every;
    int shuffle, nulls, crlf, json, header;
    const char *date;
};

static uint64_t state[4];

static inline uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

static inline uint64_t rnd(void)
{
    uint64_t result = rotl(state[1] * 5, 7) * 9, t = state[1] << 17;

    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= t;
    state[3] = rotl(state[3], 45);
    return result;
}

static void seed_with(uint64_t seed)
{
    for (int i = 0; i < 4; i++) { /* splitmix64 */
        uint64_t z = seed += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        state[i] = z ^ z >> 31;
    }
}

/* n from 0 to below, from 32 random bits. */
static inline uint32_t below(uint32_t bits, uint32_t n)
{
    return (uint32_t)((uint64_t)bits * n >> 32);
}

/* ---- choice by weight in constant time (Walker's alias method) ---- */

struct choice {
    uint32_t n;
    uint32_t *limit;
    uint32_t *other;
};

/* Weights 1/(k + shift): Zipf with the head flattened by shift. */
static int choice_init(struct choice *c, uint32_t n, double shift)
{
    double *p = calloc(n, sizeof(*p)), sum = 0;
    uint32_t *small = calloc(n, sizeof(*small)), *large = calloc(n, sizeof(*large));
    uint32_t smalls = 0, larges = 0;

    c->n = n;
    c->limit = calloc(n, sizeof(*c->limit));
    c->other = calloc(n, sizeof(*c->other));
    if (!p || !small || !large || !c->limit || !c->other)
        return -1;
    for (uint32_t k = 0; k < n; k++)
        sum += p[k] = 1 / (k + shift);
    for (uint32_t k = 0; k < n; k++) {
        p[k] = p[k] / sum * n;
        if (p[k] < 1)
            small[smalls++] = k;
        else
            large[larges++] = k;
    }
    while (smalls && larges) {
        uint32_t s = small[--smalls], l = large[larges - 1];
        c->limit[s] = (uint32_t)(p[s] * 4294967295.0);
        c->other[s] = l;
        p[l] -= 1 - p[s];
        if (p[l] < 1) {
            small[smalls++] = l;
            larges--;
        }
    }
    while (larges) {
        c->limit[large[--larges]] = UINT32_MAX;
        c->other[large[larges]] = large[larges];
    }
    while (smalls) {
        c->limit[small[--smalls]] = UINT32_MAX;
        c->other[small[smalls]] = small[smalls];
    }
    free(p);
    free(small);
    free(large);
    return 0;
}

static inline uint32_t choose(const struct choice *c, uint64_t bits)
{
    uint32_t k = below((uint32_t)bits, c->n);

    return (uint32_t)(bits >> 32) <= c->limit[k] ? k : c->other[k];
}

/* ---- fields ---- */

static const char *const NAMES[COLUMNS] = {"ts",      "user_id", "event",    "content_id",
                                           "country", "device",  "duration", "price"};
static const char *const EVENTS[8] = {"view",   "click", "search",   "play",
                                      "scroll", "share", "purchase", "signup"};
static const char *const COUNTRIES[40] = {
    "US", "IN", "BR", "DE", "GB", "FR", "JP", "MX", "ID", "TR", "ES", "IT", "CA", "PL",
    "NL", "AU", "KR", "AR", "VN", "PH", "TH", "CO", "SE", "UA", "ZA", "EG", "NG", "CL",
    "BE", "AT", "CH", "PT", "CZ", "RO", "GR", "DK", "FI", "NO", "IE", "NZ"};
static const char *const DEVICES[5] = {"mobile", "desktop", "tablet", "tv", "console"};

static char pairs[100][2];
static struct choice contents, events, countries, devices;
static uint16_t content_price[CONTENTS]; /* in steps of 10 cents */

static inline char *put(char *o, const char *s)
{
    size_t n = strlen(s);

    memcpy(o, s, n);
    return o + n;
}

static inline char *put2(char *o, uint32_t v)
{
    memcpy(o, pairs[v], 2);
    return o + 2;
}

static inline char *put_int(char *o, uint32_t v)
{
    char buf[12], *p = buf + sizeof(buf);

    while (v >= 100) {
        p -= 2;
        memcpy(p, pairs[v % 100], 2);
        v /= 100;
    }
    if (v >= 10) {
        p -= 2;
        memcpy(p, pairs[v], 2);
    } else {
        *--p = (char)('0' + v);
    }
    memcpy(o, p, buf + sizeof(buf) - p);
    return o + (buf + sizeof(buf) - p);
}

static inline char *put_time(char *o, const struct options *opt, uint32_t ms)
{
    uint32_t s = ms / 1000, rest = ms % 1000;

    memcpy(o, opt->date, 10);
    o[10] = 'T';
    put2(o + 11, s / 3600);
    o[13] = ':';
    put2(o + 14, s / 60 % 60);
    o[16] = ':';
    put2(o + 17, s % 60);
    o[19] = '.';
    o[20] = (char)('0' + rest / 100);
    put2(o + 21, rest % 100);
    o[23] = 'Z';
    return o + 24;
}

/* Most durations are short; their decimals depend on the device that reports them. */
static inline char *put_duration(char *o, uint64_t bits)
{
    uint32_t scale = (uint32_t)bits & 7, a = below((uint32_t)(bits >> 8), 180);
    uint32_t v = below((uint32_t)(bits >> 24), a + 1);

    o = put_int(o, v);
    if (scale >= 6)
        return o; /* a quarter are whole seconds */
    *o++ = '.';
    *o++ = (char)('0' + (bits >> 56) % 10);
    if (scale == 5)
        return put2(o, (uint32_t)(bits >> 44) % 100);
    if (scale == 4)
        *o++ = (char)('0' + (bits >> 44) % 10);
    return o;
}

static inline char *put_price(char *o, uint32_t content, uint64_t bits)
{
    uint32_t cents = content_price[content] * 10u;

    if ((bits & 15) < 3)
        cents = cents * 9 / 10; /* reduced */
    o = put_int(o, cents / 100);
    *o++ = '.';
    return put2(o, cents % 100);
}

static char *put_text(char *o, const struct options *opt, const char *s, int quoted)
{
    if (opt->json || quoted)
        *o++ = '"';
    o = put(o, s);
    if (quoted)
        o = put(o, opt->json ? ", \\\"large\\\"" : ", \"\"large\"\"");
    if (opt->json || quoted)
        *o++ = '"';
    return o;
}

static char *put_content(char *o, const struct options *opt, uint32_t content)
{
    if (opt->json)
        *o++ = '"';
    *o++ = 'c';
    o = put2(o, content / 10000);
    o = put2(o, content / 100 % 100);
    o = put2(o, content % 100);
    if (opt->json)
        *o++ = '"';
    return o;
}

/* ---- rows ---- */

struct row {
    uint32_t ms, user, content, event, country, device;
    uint64_t duration, price;
    uint32_t nulls; /* a bit per column */
    int quoted;
};

static void draw(struct row *r, const struct options *opt, uint64_t i)
{
    uint64_t bits = rnd();

    /* Late arrivals are mostly a little late. */
    uint32_t late = below((uint32_t)bits, below((uint32_t)(bits >> 32), JITTER_MS) + 1);
    r->ms = (uint32_t)((sl_uint128)i * (DAY_MS - JITTER_MS) / opt->rows) + JITTER_MS - late;
    bits = rnd();
    r->user = 1 + below((uint32_t)bits, 1000000);
    r->content = choose(&contents, rnd());
    r->event = choose(&events, rnd());
    r->country = choose(&countries, rnd());
    r->device = choose(&devices, rnd());
    r->duration = rnd();
    r->price = bits >> 32;
    r->nulls = (r->price >> 8 & 15) == 0 ? 1u << 7 : 0; /* no price: one in 16 */
    r->quoted = opt->quoted_every && i % opt->quoted_every == opt->quoted_every - 1;
    if (opt->nulls) {
        /* Never ts: a row without its event time is refused, not null. */
        uint64_t more = rnd();
        for (int c = 1; c < COLUMNS; c++)
            if ((more >> (c * 8) & 15) == 0)
                r->nulls |= 1u << c;
    }
}

static inline char *put_field(char *o, const struct options *opt, const struct row *r, int column)
{
    if (r->nulls >> column & 1)
        return opt->json ? put(o, "null") : o;
    switch (column) {
    case 0:
        if (opt->json)
            *o++ = '"';
        o = put_time(o, opt, r->ms);
        if (opt->json)
            *o++ = '"';
        return o;
    case 1: return put_int(o, r->user);
    case 2: return put_text(o, opt, EVENTS[r->event], 0);
    case 3: return put_content(o, opt, r->content);
    case 4: return put_text(o, opt, COUNTRIES[r->country], 0);
    case 5: return put_text(o, opt, DEVICES[r->device], r->quoted);
    case 6: return put_duration(o, r->duration);
    default: return put_price(o, r->content, r->price);
    }
}

static char *put_row(char *o, const struct options *opt, const struct row *r, const int *order)
{
    for (int k = 0; k < COLUMNS; k++) {
        if (opt->json) {
            *o++ = k ? ',' : '{';
            *o++ = '"';
            o = put(o, NAMES[order[k]]);
            *o++ = '"';
            *o++ = ':';
        } else if (k) {
            *o++ = ',';
        }
        o = put_field(o, opt, r, order[k]);
    }
    if (opt->json)
        *o++ = '}';
    else if (opt->crlf)
        *o++ = '\r';
    *o++ = '\n';
    return o;
}

static int write_all(const char *data, size_t n)
{
    while (n) {
        ssize_t k = write(STDOUT_FILENO, data, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -1;
        data += k;
        n -= (size_t)k;
    }
    return 0;
}

static int generate(const struct options *opt, const int *order)
{
    char *block = malloc(BLOCK + ROW_MAX), *o = block;
    int rc = 0;

    if (!block)
        return -1;
    if (opt->header && !opt->json) {
        for (int k = 0; k < COLUMNS; k++) {
            if (k)
                *o++ = ',';
            o = put(o, NAMES[order[k]]);
        }
        o = put(o, opt->crlf ? "\r\n" : "\n");
    }
    for (uint64_t i = 0; i < opt->rows && rc == 0; i++) {
        struct row r;
        draw(&r, opt, i);
        o = put_row(o, opt, &r, order);
        if (o - block >= BLOCK) {
            rc = write_all(block, o - block);
            o = block;
        }
    }
    if (rc == 0)
        rc = write_all(block, o - block);
    free(block);
    return rc;
}

/* ---- the command line ---- */

static int usage(void)
{
    fputs("usage: gen [--rows N] [--seed N] [--date YYYY-MM-DD] [--shuffle-columns] [--nulls]\n"
          "           [--quoted-every N] [--crlf] [--json] [--no-header]\n",
          stderr);
    return 2;
}

static int take_number(const char *s, uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(s, &end, 10);
    return *s >= '0' && *s <= '9' && !*end && !errno;
}

static int parse(int argc, char **argv, struct options *opt)
{
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        uint64_t *number = strcmp(a, "--rows") == 0           ? &opt->rows
                           : strcmp(a, "--seed") == 0         ? &opt->seed
                           : strcmp(a, "--quoted-every") == 0 ? &opt->quoted_every
                                                              : NULL;
        if (number) {
            if (!take_number(value, number))
                return -1;
            i++;
        } else if (strcmp(a, "--date") == 0) {
            if (strlen(value) != 10)
                return -1;
            opt->date = value;
            i++;
        } else if (strcmp(a, "--shuffle-columns") == 0) {
            opt->shuffle = 1;
        } else if (strcmp(a, "--nulls") == 0) {
            opt->nulls = 1;
        } else if (strcmp(a, "--crlf") == 0) {
            opt->crlf = 1;
        } else if (strcmp(a, "--json") == 0) {
            opt->json = 1;
        } else if (strcmp(a, "--no-header") == 0) {
            opt->header = 0;
        } else {
            return -1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct options opt = {.rows = 10000000, .seed = 1, .header = 1, .date = "2026-03-01"};
    int order[COLUMNS] = {0, 1, 2, 3, 4, 5, 6, 7};

    if (parse(argc, argv, &opt) < 0)
        return usage();
    seed_with(opt.seed);
    for (int i = 0; i < 100; i++) {
        pairs[i][0] = (char)('0' + i / 10);
        pairs[i][1] = (char)('0' + i % 10);
    }
    if (choice_init(&contents, CONTENTS, 1) < 0 || choice_init(&events, 8, 0.4) < 0 ||
        choice_init(&countries, 40, 2) < 0 || choice_init(&devices, 5, 0.7) < 0) {
        fputs("gen: out of memory\n", stderr);
        return 1;
    }
    for (int i = 0; i < CONTENTS; i++)
        content_price[i] = (uint16_t)(5 + below((uint32_t)rnd(), 1995));
    if (opt.shuffle)
        for (int i = COLUMNS - 1; i > 0; i--) {
            int k = (int)below((uint32_t)rnd(), (uint32_t)i + 1), t = order[i];
            order[i] = order[k];
            order[k] = t;
        }
    if (generate(&opt, order) < 0) {
        if (errno == EPIPE)
            return 0;
        fprintf(stderr, "gen: cannot write: %m\n");
        return 1;
    }
    return 0;
}
