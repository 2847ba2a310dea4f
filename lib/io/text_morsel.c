/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * text_morsel: records at the front of the block as morsels, with the mark behind them.
 *
 * A large morsel takes the block itself; what is left over is copied to the next one. A small one takes
 * a copy, so that a row typed by hand costs no megabyte. Of a record that is too long a morsel has the
 * first bytes only, and decode makes it a reject.
 */
#include "base/compat.h"
#include "base/crc32c.h"
#include "file/bytes.h"
#include "io/text_source.h"

struct place { /* behind a morsel */
    int64_t byte, line;
    uint32_t crc; /* of the bytes of the file before it */
    size_t text;  /* bytes of the block before it, at its front; 0: they are gone */
};

static int attach_mark(struct text_source *t, struct sl_morsel *m, const struct place *to,
                       struct sl_err *err)
{
    struct text_mark *k = sl_calloc(1, sizeof(*k));
    if (!k)
        return sl_err_nomem(err, "a morsel");
    m->arg = k;
    k->number = ++t->morsels * SL_TEXTIN_PARTS;
    k->map = sl_text_map_ref(t->map);
    k->crc = t->crc;
    if (sl_text_lacks_year(t->reader))
        k->latest = sl_textin_latest(t);
    k->file = t->taken;
    if (!k->file)
        return 0;
    if (to->byte == k->file->mark.byte) {
        k->mark = k->file->mark; /* it is told of once more */
    } else {
        k->mark = (struct sl_file_mark){.byte = to->byte, .line = to->line, .crc = to->crc};
        sl_taken_mark(k->file, sl_textin_front(t), to->text, &k->mark);
    }
    k->mark.latest = k->latest;
    k->mark.end = k->file->packed && t->at_end && to->text == sl_textin_pending(t);
    return sl_taken_keep(k->file, t->bytes, &k->mark, err);
}

/* The first n bytes of the block as the morsel's text. */
static int take_text(struct text_source *t, struct sl_morsel *m, size_t n, struct sl_err *err)
{
    size_t rest = sl_textin_pending(t) - n;
    if (n >= SL_TEXTIN_SMALL) {
        struct sl_buffer *block = t->block;
        m->data = block;
        m->text = sl_textin_front(t);
        t->block = NULL;
        size_t from = t->start + n;
        t->start = t->fill = 0;
        if (!rest)
            return 0;
        int rc = sl_textin_make_room(t, err);
        if (rc == 0 && t->block->capacity < rest)
            rc = sl_buffer_grow(t->block, rest + SL_TEXTIN_MORSEL) < 0 ? sl_err_nomem(err, "text")
                                                                       : 0;
        if (rc < 0)
            return rc;
        memcpy(t->block->data, block->data + from, rest);
        t->fill = rest;
        return 0;
    }
    m->data = sl_buffer_new(t->base.account, n);
    if (!m->data)
        return sl_err_nomem(err, "a block of text");
    memcpy(m->data->data, sl_textin_front(t), n);
    m->text = (const char *)m->data->data;
    t->start += n;
    return 0;
}

static void say_zeros(struct text_source *t)
{
    if (!t->is_zeros_said)
        sl_input_say(&t->o,
                     "%s:%lld: %lld zero %s skipped before this record: a writer that goes on at "
                     "its old place in a truncated file leaves them",
                     sl_bytes_name(t->bytes), (long long)t->line, (long long)t->zeros,
                     sl_plural(t->zeros, "byte is", "bytes are"));
    t->is_zeros_said = 1;
    t->zeros = 0;
}

/* A morsel at the place where the source stands, up to another place; without its text. */
static int new_morsel(struct text_source *t, const struct place *to, struct sl_morsel **out,
                      struct sl_err *err)
{
    struct sl_morsel *m = sl_morsel_new(&t->base);
    if (!m)
        return sl_err_nomem(err, "a morsel");
    m->place = sl_strdup(sl_bytes_name(t->bytes));
    m->first_line = t->line;
    m->byte = t->byte;
    m->split = t->file;
    m->header = t->header ? sl_buffer_ref(t->header) : NULL;
    int rc = m->place ? attach_mark(t, m, to, err) : sl_err_nomem(err, "a morsel");
    if (rc < 0) {
        sl_morsel_free(m);
        return rc;
    }
    if (t->zeros) {
        ((struct text_mark *)m->arg)->follows_zeros = 1;
        say_zeros(t);
    }
    *out = m;
    return 0;
}

static int give(struct text_source *t, const struct place *to, struct sl_morsel *m,
                struct sl_morsel **out)
{
    t->byte = to->byte;
    t->line = to->line;
    t->crc = to->crc;
    memset(&t->cut, 0, sizeof(t->cut));
    *out = m;
    return SL_NEXT_MORSEL;
}

int sl_textin_morsel(struct text_source *t, size_t n, struct sl_morsel **out, struct sl_err *err)
{
    assert(sl_textin_is_sound(t));
    assert(out && n <= sl_textin_pending(t));
    struct place to = {t->byte + (int64_t)n, t->line + t->cut.lines, 0, n};
    struct sl_morsel *m;
    to.crc = t->taken ? sl_crc32c(t->crc, sl_textin_front(t), n) : 0;
    int rc = new_morsel(t, &to, &m, err);
    if (rc < 0)
        return rc;
    m->len = n;
    rc = take_text(t, m, n, err);
    if (rc < 0) {
        sl_morsel_free(m);
        return rc;
    }
    return give(t, &to, m, out);
}

int sl_textin_long_morsel(struct text_source *t, struct sl_morsel **out, struct sl_err *err)
{
    assert(sl_textin_is_sound(t));
    assert(out);
    struct text_long *l = t->too_long;
    struct place to = {t->byte + l->length, t->line + l->cut.lines, l->crc, 0};
    struct sl_morsel *m;
    assert(l->is_whole && l->byte == t->byte);
    int rc = new_morsel(t, &to, &m, err);
    if (rc < 0)
        return rc;
    struct text_mark *k = m->arg;
    k->length = l->length - l->line_end;
    k->is_measured = l->is_measured;
    k->is_quoted = l->is_quoted;
    m->data = sl_buffer_new(t->base.account, l->kept);
    if (!m->data) {
        sl_morsel_free(m);
        return sl_err_nomem(err, "a block of text");
    }
    memcpy(m->data->data, l->front, l->kept);
    m->text = (const char *)m->data->data;
    m->len = l->kept;
    free(l);
    t->too_long = NULL;
    return give(t, &to, m, out);
}

int sl_textin_reject_long(struct sl_morsel *m, struct sl_err *err)
{
    const struct text_mark *k = m->arg;
    const char *why = k->is_quoted ? "; is a quote opened and never closed?" : "";
    int rc;
    if (k->is_measured)
        rc = sl_text_reject(&m->rejects, 0, m->len, 0, NULL, err,
                            "the record has %lld bytes, and the limit is %d MiB%s",
                            (long long)k->length, SL_TEXT_RECORD_MAX >> 20, why);
    else
        rc = sl_text_reject(&m->rejects, 0, m->len, 0, NULL, err,
                            "the record is longer than %d MiB%s", SL_TEXT_RECORD_MAX >> 20, why);
    if (rc < 0)
        return rc;
    m->rejects.items[0].line = m->first_line;
    m->rejects.records = 1;
    return SL_TEXT_OK;
}
