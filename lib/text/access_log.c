/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * access_log: Apache's common and combined formats, split by hand.
 *
 *   host ident user [time] "method path protocol" status bytes ["referer" "agent"]
 *
 * `-` is null. Quoted parts end at the first quote without a backslash before it and are kept as
 * they were written, escapes and all. A request without a space is a path; the protocol is the last
 * word if it begins with HTTP/. Blanks at the end of the line are nothing; other text there makes
 * the line bad, as a column that nobody named would be lost.
 */
#include "base/utf8.h"
#include "text/text_reader.h"

const char *const sl_text_access_names[SL_ACCESS_COMBINED] = {
    "host",     "ident",  "user",  "time",    "method", "path",
    "protocol", "status", "bytes", "referer", "agent"};

/* A word up to a space; the place behind the space, or NULL. */
static const char *word(const char *p, const char *end, struct sl_span *out)
{
    const char *space = memchr(p, ' ', (size_t)(end - p));
    if (!space || space == p)
        return NULL;
    uint32_t len = (uint32_t)(space - p);
    *out = (struct sl_span){p, len, len == 1 && *p == '-' ? SL_SPAN_NULL : 0};
    return space + 1;
}

/* A quoted part at p; the place behind its closing quote, or NULL. */
static const char *quoted(const char *p, const char *end, struct sl_span *out)
{
    if (p >= end || *p != '"')
        return NULL;
    const char *from = ++p;
    for (;;) {
        p = memchr(p, '"', (size_t)(end - p));
        if (!p)
            return NULL;
        const char *q = p;
        while (q > from && q[-1] == '\\')
            q--;
        if ((p - q) % 2 == 0)
            break;
        p++;
    }
    uint32_t len = (uint32_t)(p - from);
    *out = (struct sl_span){from, len, len == 1 && *from == '-' ? SL_SPAN_NULL : 0};
    return p + 1;
}

/* method, path and protocol at out[0..2]. */
static void request(struct sl_span r, struct sl_span *out)
{
    const char *end = r.p + r.len, *space = memchr(r.p, ' ', r.len);
    out[1] = r;
    if (!space || space == r.p)
        return;
    out[0] = (struct sl_span){r.p, (uint32_t)(space - r.p), 0};
    const char *path = space + 1, *last = memrchr(path, ' ', (size_t)(end - path));
    if (last && end - last > 5 && memcmp(last + 1, "HTTP/", 5) == 0) {
        out[2] = (struct sl_span){last + 1, (uint32_t)(end - last - 1), 0};
        end = last;
    }
    out[1] = (struct sl_span){path, (uint32_t)(end - path), 0};
}

static const char *digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

enum { SHOWN = 60 }; /* cells of the text behind the last field */

/* 1 if nothing but blanks is left of the line. s: NULL makes no words. */
static int ends_here(struct sl_text_scratch *s, const char *p, const char *end, const char *field,
                     const char *remedy, const char **reason)
{
    while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    if (p == end)
        return 1;
    if (!s)
        return 0;
    p += *p == ' ';
    size_t all = (size_t)(end - p), n = sl_utf8_fitting(p, all, SHOWN);
    sl_buf_reset(&s->buf);
    sl_buf_printf(&s->buf, "the line goes on behind the %s: %.*s%s; %s", field, (int)n, p,
                  n < all ? "..." : "", remedy);
    *reason = s->buf.data ? s->buf.data : "the line goes on";
    return 0;
}

/* "referer" "agent" at p, behind the bytes. 1, or 0 with a reason. */
static int combined(struct sl_text_scratch *s, const char *p, const char *end, struct sl_span *out,
                    const char **reason)
{
    static const char *const open[] = {"the quote that opens the referer is never closed",
                                       "the quote that opens the agent is never closed"};
    static const char *const missing[] = {
        "no \"referer\" \"agent\" at the end; -I common reads lines without them",
        "no \"agent\" behind the referer"};
    for (int i = 0; i < 2; i++) {
        *reason = missing[i];
        if (end - p < 2 || p[0] != ' ' || p[1] != '"')
            return 0;
        *reason = open[i];
        p = quoted(p + 1, end, &out[i]);
        if (!p)
            return 0;
    }
    return ends_here(s, p, end, "agent", "-I regex:PATTERN reads further fields", reason);
}

int sl_text_split_access(const struct sl_text_reader *r, struct sl_text_scratch *s, const char *p,
                         size_t n, struct sl_span *out, const char **reason, struct sl_err *err)
{
    SL_CHECK_THAT(out && reason);
    const char *end = p + n, *q;
    struct sl_span whole;
    (void)err;
    *reason = "not a line of host ident user [time] \"request\" status bytes";
    for (int i = 0; i < 3; i++) {
        p = word(p, end, &out[i]);
        if (!p)
            return 0;
    }
    out[0].flags = 0; /* a host is never null */
    if (p >= end || *p != '[')
        return 0;
    q = memchr(p, ']', (size_t)(end - p));
    if (!q)
        return 0;
    out[3] = (struct sl_span){p + 1, (uint32_t)(q - p - 1), 0};
    if (end - q < 2 || q[1] != ' ')
        return 0;
    p = quoted(q + 2, end, &whole);
    if (!p || p >= end || *p != ' ')
        return 0;
    request(whole, out + 4);
    q = digits(++p, end);
    if (q == p || q >= end || *q != ' ')
        return 0;
    out[7] = (struct sl_span){p, (uint32_t)(q - p), 0};
    p = q + 1;
    q = p < end && *p == '-' ? p + 1 : digits(p, end);
    if (q == p)
        return 0;
    out[8] = (struct sl_span){p, (uint32_t)(q - p), *p == '-' ? SL_SPAN_NULL : 0};
    if (r->o.format == SL_TEXT_COMMON)
        return ends_here(s, q, end, "bytes", "-I combined reads \"referer\" \"agent\" there",
                         reason);
    return combined(s, q, end, &out[9], reason);
}
