/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * text_long: records that are too long to be held.
 *
 * Such a record leaves the block as its bytes come: its first bytes, its length and its place are kept,
 * and it becomes a reject where it stood among the rows. If bad rows end the run, nobody waits for its
 * end. It is always the first record of the block, because whole records before it have been given; but
 * while types settle the header may stand before it.
 */
#include "base/compat.h"
#include "base/crc32c.h"
#include "file/bytes.h"
#include "io/text_source.h"

/* A record of so many bytes, which may have its line's end, is longer than the limit. */
enum { BEYOND = SL_TEXT_RECORD_MAX + 2 };

/* Bytes at the end of a whole record that are its line's end. */
static int line_end(const char *s, size_t n, char before)
{
    if (!n || (s[n - 1] != '\n' && s[n - 1] != '\r'))
        return 0;
    char c = n > 1 ? s[n - 2] : before;
    return s[n - 1] == '\n' && c == '\r' ? 2 : 1;
}

static int expects_header(const struct text_source *t)
{
    return (t->need_header || !t->base.schema) && sl_text_has_header(t->reader);
}

/* The n bytes that begin at `at` of the block's records are of a record that is too long. */
static struct text_long *begin(struct text_source *t, size_t at, size_t n)
{
    const char *s = sl_textin_front(t) + at;
    struct text_long *l = sl_calloc(1, sizeof(*l));
    if (!l)
        return NULL;
    l->byte = t->byte + (int64_t)at;
    l->line = t->line + sl_textin_count_lines(sl_textin_front(t), at);
    l->crc = sl_crc32c(t->crc, sl_textin_front(t), at + n);
    l->length = (int64_t)n;
    l->last = s[n - 1];
    l->kept = SL_MIN(n, sizeof(l->front) - 1);
    while (l->kept > 1 && (s[l->kept] & 0xc0) == 0x80) /* no part of a character */
        l->kept--;
    memcpy(l->front, s, l->kept);
    return l;
}

int sl_textin_refuse_long(const struct text_source *t, const char *what, struct sl_err *err)
{
    assert(sl_textin_is_sound(t));
    assert(what);
    sl_err_set(err, SL_EFORMAT, "%s is longer than %d MiB", what, SL_TEXT_RECORD_MAX >> 20);
    return sl_err_at(err, sl_bytes_name(t->bytes), t->line, 0);
}

int sl_textin_shed(struct text_source *t, struct sl_err *err)
{
    assert(sl_textin_is_sound(t));
    struct sl_text_cut c = {0};
    size_t n = sl_textin_pending(t), at = 0;
    if (n <= BEYOND || t->too_long || !t->reader)
        return 0;
    size_t end = sl_text_record_end(t->reader, &c, sl_textin_front(t), n);
    if (expects_header(t)) {
        if (!end)
            return sl_textin_refuse_long(t, "the header", err);
        at = end;
        memset(&c, 0, sizeof(c));
        end =
            n - at <= BEYOND || sl_text_record_end(t->reader, &c, sl_textin_front(t) + at, n - at);
    }
    if (end)
        return 0; /* a whole one is there */
    if (!t->base.schema && !t->base.keeps_rejects)
        return sl_textin_refuse_long(t, "a record", err);
    struct text_long *l = begin(t, at, n - at);
    if (!l)
        return sl_err_nomem(err, "a record");
    l->cut = c;
    l->is_quoted = sl_text_cut_quoted(&c);
    l->is_whole = !t->base.keeps_rejects;
    t->too_long = l;
    t->fill = t->start + at;
    memset(&t->cut, 0, sizeof(t->cut));
    return 0;
}

void sl_textin_shed_more(struct text_source *t)
{
    assert(sl_textin_is_sound(t));
    struct text_long *l = t->too_long;
    if (!l || l->is_whole)
        return;
    size_t at = (size_t)(l->byte - t->byte), n = sl_textin_pending(t) - at;
    char *s = (char *)t->block->data + t->start + at;
    size_t end = sl_text_record_end(t->reader, &l->cut, s, n), gone = end ? end : n;
    if (!gone)
        return;
    l->crc = sl_crc32c(l->crc, s, gone);
    l->length += (int64_t)gone;
    l->line_end = end ? line_end(s, end, l->last) : 0;
    l->last = s[gone - 1];
    l->is_whole = l->is_measured = end > 0;
    l->is_quoted &= !end;
    memmove(s, s + gone, n - gone);
    t->fill -= gone;
}

int sl_textin_take_long(struct text_source *t, size_t n, struct sl_err *err)
{
    assert(sl_textin_is_sound(t));
    const char *s = sl_textin_front(t);
    struct sl_text_cut c = {0};
    size_t end = sl_text_record_end(t->reader, &c, s, n);
    end = end ? end : n; /* the last one of a file */
    if (end - (size_t)line_end(s, end, 0) <= SL_TEXT_RECORD_MAX)
        return 0;
    struct text_long *l = begin(t, 0, end);
    if (!l)
        return sl_err_nomem(err, "a record");
    l->cut = c;
    l->line_end = line_end(s, end, 0);
    l->is_whole = l->is_measured = 1;
    t->too_long = l;
    t->start += end;
    return 1;
}
