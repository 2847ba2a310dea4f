/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * text_block: bytes gathered for a text source, records at their front, see text_source.h.
 */
#include "base/compat.h"
#include "base/crc32c.h"
#include "file/bytes.h"
#include <sys/stat.h>
#include "io/text_source.h"

/* Line ends in the n bytes at s; in a text without LF they are CRs. */
int64_t sl_textin_count_lines(const char *s, size_t n)
{
    assert(s || !n);
    const char eol = memchr(s, '\n', n) ? '\n' : '\r';
    int64_t lines = 0;
    for (size_t i = 0; i < n;) {
        size_t end = SL_MIN(n, i + 8192);
        uint32_t some = 0;
        for (; i < end; i++)
            some += s[i] == eol;
        lines += some;
    }
    return lines;
}

int sl_textin_make_room(struct text_source *t, struct sl_err *err)
{
    assert(sl_textin_is_sound(t));
    size_t kept = t->fill - t->start;
    if (t->block && t->block->capacity - t->fill >= SL_TEXTIN_SMALL)
        return 0;
    if (t->block && t->start) { /* the same block, from its front */
        memmove(t->block->data, t->block->data + t->start, kept);
        t->fill = kept;
        t->start = 0;
        if (t->block->capacity - t->fill >= SL_TEXTIN_SMALL)
            return 0;
    }
    if (kept > 2 * SL_TEXT_RECORD_MAX + SL_TEXTIN_MORSEL) { /* the second one, and no row yet */
        sl_err_set(err, SL_EFORMAT,
                   "records are longer than %d MiB, and none is there to settle types from",
                   SL_TEXT_RECORD_MAX >> 20);
        return sl_err_at(err, sl_bytes_name(t->bytes), t->line, 0);
    }
    size_t capacity = kept + kept / 2 + SL_TEXTIN_MORSEL;
    struct sl_buffer *b = sl_buffer_new(t->base.account, capacity);
    if (!b)
        return sl_err_nomem(err, "a block of text");
    if (kept)
        memcpy(b->data, t->block->data, kept);
    sl_buffer_unref(t->block);
    t->block = b;
    t->fill = kept;
    t->start = 0;
    return 0;
}

/* Once, when it begins. */
static void say_trouble(struct text_source *t)
{
    const char *why = sl_bytes_trouble(t->bytes);
    if (why && !t->is_troubled)
        sl_input_say(&t->o, "%s: trying again", why);
    t->is_troubled = why != NULL;
}

void sl_textin_pass(struct text_source *t, size_t n)
{
    assert(sl_textin_is_sound(t));
    assert(n <= sl_textin_pending(t));
    if (t->taken)
        t->crc = sl_crc32c(t->crc, sl_textin_front(t), n);
    t->start += n;
    t->byte += (int64_t)n;
}

void sl_textin_pass_zeros(struct text_source *t)
{
    assert(sl_textin_is_sound(t));
    enum { FEW = 4 }; /* with which UTF-16 and UTF-32 may begin */
    const char *s = sl_textin_front(t);
    size_t n = sl_textin_pending(t), k = 0;
    while (k < n && !s[k])
        k++;
    if (!k || t->too_long || (!t->reader && k < FEW))
        return;
    sl_textin_pass(t, k);
    t->zeros += (int64_t)k;
    memset(&t->cut, 0, sizeof(t->cut));
}

size_t sl_textin_before_zeros(struct text_source *t, size_t n)
{
    assert(sl_textin_is_sound(t) && n <= sl_textin_pending(t));
    enum { TRIES = 16 }; /* those inside quotes are data */
    const char *s = sl_textin_front(t), *end = s + n, *p = memchr(s, 0, n);
    for (int i = 0; p && i < TRIES; i++) {
        struct sl_text_cut c = {0};
        size_t before = (size_t)(p - s);
        if (before && (p[-1] == '\n' || p[-1] == '\r') &&
            sl_text_cut(t->reader, &c, s, before, 0) == before) {
            t->cut.lines = c.lines;
            return before;
        }
        while (p < end && !*p)
            p++;
        p = memchr(p, 0, (size_t)(end - p));
    }
    return n;
}

int sl_textin_read_more(struct text_source *t)
{
    assert(sl_textin_is_sound(t) && t->bytes);
    size_t got = 0;
    int rc = sl_textin_shed(t, &t->failure);
    if (rc == 0)
        rc = sl_textin_make_room(t, &t->failure);
    if (rc == 0) {
        /* A block that has grown is not filled at once: what is whole is taken out in between. */
        size_t room = SL_MIN(t->block->capacity - t->fill, (size_t)SL_TEXTIN_MORSEL);
        rc = sl_bytes_read(t->bytes, t->block->data + t->fill, room, &got, &t->failure);
    }
    t->fill += got;
    say_trouble(t);
    sl_textin_shed_more(t);
    sl_textin_pass_zeros(t);
    t->is_truncated = rc == SL_BYTES_TRUNCATED;
    assert(rc > 0 || t->failure.code);
    return rc;
}

void sl_textin_say_unfinished(const struct text_source *t, size_t n)
{
    assert(sl_textin_is_sound(t));
    sl_input_say(&t->o, "%s ends in the middle of a record: %zu %s left for later",
                 sl_bytes_name(t->bytes), n, sl_plural((int64_t)n, "byte is", "bytes are"));
}

int sl_textin_is_broken(const struct text_source *t)
{
    return t->is_truncated || t->failure.code;
}

int sl_textin_go_on(struct text_source *t, struct sl_err *err)
{
    assert(sl_textin_is_sound(t));
    assert(sl_textin_is_broken(t));
    return t->failure.code ? sl_err_copy(err, &t->failure) : sl_textin_truncated(t, err);
}

void sl_textin_clear(struct text_source *t)
{
    t->start = t->fill = 0;
    t->at_end = t->is_truncated = 0;
    t->byte = t->zeros = 0;
    t->line = 1;
    t->crc = 0;
    free(t->too_long);
    t->too_long = NULL;
    memset(&t->cut, 0, sizeof(t->cut));
}

int sl_textin_pass_header(struct text_source *t, size_t n, struct sl_err *err)
{
    assert(sl_textin_is_sound(t));
    assert(n <= sl_textin_pending(t));
    const char *s = sl_textin_front(t), *end = s + n;
    if (n > SL_TEXT_RECORD_MAX)
        return sl_textin_refuse_long(t, "the header", err);
    t->line += sl_textin_count_lines(s, n);
    sl_textin_pass(t, n);
    t->records = t->byte;
    sl_buffer_unref(t->header);
    t->header = NULL;
    if (!sl_text_has_header(t->reader))
        return 0;
    s += sl_text_preamble(s, n);
    while (s < end && (*s == '\n' || *s == '\r'))
        s++;
    while (s < end && (end[-1] == '\n' || end[-1] == '\r'))
        end--;
    if (s == end)
        return 0;
    t->header = sl_buffer_new(t->base.account, (size_t)(end - s));
    if (!t->header)
        return sl_err_nomem(err, "a header");
    memcpy(t->header->data, s, (size_t)(end - s));
    return 0;
}

void sl_textin_close(struct text_source *t)
{
    sl_bytes_free(t->bytes);
    t->bytes = NULL;
}

size_t sl_textin_pending(const struct text_source *t)
{
    return t->fill - t->start;
}

const char *sl_textin_front(const struct text_source *t)
{
    return t->block ? (const char *)t->block->data + t->start : "";
}

int64_t sl_textin_latest(struct text_source *t)
{
    struct stat st;
    if (t->o.latest)
        return t->o.latest;
    if (t->latest && sl_bytes_is_regular(t->bytes) && !sl_bytes_is_followed(t->bytes))
        return t->latest;
    int64_t written = sl_time_now_usec();
    if (fstat(sl_bytes_fd(t->bytes), &st) == 0 && S_ISREG(st.st_mode))
        written = (int64_t)st.st_mtim.tv_sec * SL_USEC_PER_SEC;
    t->latest = sl_time_day_end(sl_time_day_of(written, t->o.zone) + 1, t->o.zone);
    return t->latest;
}
