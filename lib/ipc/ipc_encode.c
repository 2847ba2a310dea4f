/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * ipc_encode: batches to messages.
 *
 * First every column is brought into the form that the stream has for it; then come the
 * dictionaries, whole ones each time, so that a batch with them before it can be read on its own;
 * then the record batch. Readers want a dictionary for every dictionary column before the first
 * batch, so control batches bring theirs too.
 */
#include "arrow/dictionary.h"
#include "ipc/ipc_write.h"

/* ---- columns in the stream's form ---- */

/* A column of bytes, PLAIN or CONST, as a DICT one. */
static struct sl_column *to_dict(struct sl_column *c, struct sl_err *err)
{
    struct sl_dictionary *d = sl_dictionary_new(NULL);
    struct sl_column *out = sl_column_new(c->type, c->rows);
    int32_t *codes = d && out ? sl_column_own_data(out, c->rows * sizeof *codes, NULL, err) : NULL;
    int32_t code = 0;
    for (size_t i = 0; codes && i < c->rows && code >= 0; i++) {
        size_t n;
        if (sl_column_null(c, i)) {
            codes[i] = 0;
            continue;
        }
        if (i == 0 || c->form != SL_CONST) {
            const char *s = sl_column_bytes(c, i, &n);
            code = sl_dictionary_add(d, s, n);
        }
        codes[i] = code;
    }
    if (!codes || code < 0)
        sl_err_nomem(err, "a dictionary");
    else if ((out->dict = sl_dictionary_finish(d, c->type, err)))
        out->form = SL_DICT;
    sl_dictionary_free(d);
    if (!out || out->form != SL_DICT || sl_column_concat_valid(out, &c, 1, NULL, err) < 0) {
        sl_column_unref(out);
        return NULL;
    }
    return out;
}

/* A DICT column whose dictionary holds only values that rows use; the same one if that gains little
 * and its values are not more than most. Its reference passes. */
static struct sl_column *shrink_dict(struct sl_column *c, size_t most, struct sl_err *err)
{
    size_t values = c->dict->rows, used = 0;
    const int32_t *codes = c->data;
    int32_t *map = sl_calloc(values, sizeof *map);
    uint32_t *sel = sl_malloc(values * sizeof *sel);
    struct sl_column *out = NULL;
    if (!map || !sel) {
        sl_err_nomem(err, "a dictionary");
        goto out;
    }
    for (size_t i = 0; i < c->rows; i++) { /* in order of first use; null rows use value 0 */
        if (!map[codes[i]]) {
            sel[used] = (uint32_t)codes[i];
            map[codes[i]] = (int32_t)++used;
        }
    }
    if (values <= most && used > values - values / 4) {
        out = sl_column_ref(c);
        goto out;
    }
    if (!used)
        sel[used++] = 0;
    out = sl_column_share(c, c->rows, err);
    if (!out)
        goto out;
    sl_buffer_unref(out->owner[1]);
    sl_column_unref(out->dict);
    out->owner[1] = NULL;
    int32_t *to = sl_column_own_data(out, c->rows * sizeof *to, NULL, err);
    out->dict = to ? sl_column_take(c->dict, sel, used, NULL, err) : NULL;
    if (!out->dict) {
        sl_column_unref(out);
        out = NULL;
        goto out;
    }
    for (size_t i = 0; i < c->rows; i++)
        to[i] = map[codes[i]] - 1;
out:
    free(map);
    free(sel);
    sl_column_unref(c);
    return out;
}

/* Selected rows of a column in the form that code says. */
static struct sl_column *prepare(const struct sl_batch *b, struct sl_column *c, int code,
                                 struct sl_err *err)
{
    enum { SMALL = 64 }; /* dictionaries that are not worth a look */
    struct sl_column *rows = sl_column_take(c, b->selection, b->selected, NULL, err), *out;
    if (!rows)
        return NULL;
    if (!code) {
        out = sl_column_plain(rows, NULL, err);
    } else if (rows->form == SL_DICT) {
        size_t values = rows->dict->rows, most = (size_t)1 << (8 * code - 1);
        if (values > most || (values > SMALL && (b->selection || values > rows->rows / 4)))
            return shrink_dict(rows, most, err);
        return rows;
    } else {
        out = to_dict(rows, err);
    }
    sl_column_unref(rows);
    return out;
}

/* ---- messages ---- */

static void start(struct sl_ipc_put *p, const struct sl_ipc_form *f, struct sl_buf *out,
                  struct sl_err *err)
{
    memset(p, 0, sizeof *p);
    p->out = out;
    p->form = f;
    p->err = err;
}

/* Ends a message's metadata; refuses what the reader would. */
static int begin_body(struct sl_ipc_put *p)
{
    sl_ipc_frame_body(&p->frame);
    if (p->frame.body - p->frame.start > SL_IPC_META_MAX && !p->out->failed)
        return sl_err_set(p->err, SL_EUNSUPPORTED, "a batch with more than 16 MiB of metadata");
    return sl_buf_check(p->out, p->err);
}

static int put_dictionary(const struct sl_ipc_form *f, int64_t id, struct sl_column *values,
                          struct sl_buf *out, struct sl_err *err)
{
    struct sl_ipc_put p;
    struct sl_fb_slot slots[] = {{.field = FB_DICTBATCH_ID, .width = 8, .value = id},
                                 {.field = FB_DICTBATCH_DATA, .width = 4},
                                 {.field = FB_DICTBATCH_DELTA, .width = 1}};
    start(&p, f, out, err);
    sl_ipc_put_count(&p, values->type, 0);
    sl_ipc_frame_begin(&p.frame, out, HEADER_DICTIONARY, 0);
    sl_fb_point(&p.frame.w, p.frame.header, sl_fb_table(&p.frame.w, slots, 3));
    sl_ipc_put_table(&p, slots[1].hole, values->rows);
    int rc = begin_body(&p);
    if (rc == 0)
        rc = sl_ipc_put_column(&p, values, 0);
    sl_ipc_frame_end(&p.frame);
    sl_buf_release(&p.scratch);
    return rc;
}

static int put_record(const struct sl_schema *s, const struct sl_ipc_form *f,
                      struct sl_column **columns, size_t rows, const struct sl_ipc_meta *meta,
                      int nmeta, struct sl_buf *out, struct sl_ipc_layout *record, uint32_t *crc,
                      struct sl_err *err)
{
    struct sl_ipc_put p;
    start(&p, f, out, err);
    for (int i = 0; i < s->nfields; i++)
        sl_ipc_put_count(&p, s->fields[i].type, f->code[i]);
    sl_ipc_frame_begin(&p.frame, out, HEADER_BATCH, nmeta > 0);
    sl_ipc_put_table(&p, p.frame.header, rows);
    size_t value = sl_ipc_frame_meta(&p.frame, meta, nmeta);
    int rc = begin_body(&p);
    for (int i = 0; i < s->nfields && rc == 0; i++) {
        p.crc = crc ? &crc[i] : NULL;
        if (crc)
            crc[i] = 0;
        rc = sl_ipc_put_column(&p, columns[i], f->code[i]);
    }
    assert(rc < 0 || (p.node == p.count_nodes && p.span == p.count_spans));
    sl_ipc_frame_end(&p.frame);
    sl_buf_release(&p.scratch);
    if (record)
        *record = (struct sl_ipc_layout){
            .start = p.frame.start,
            .meta_value = value,
            .meta_start = p.frame.w.base,
            .meta_len = p.frame.body - p.frame.w.base,
            .body = p.frame.body,
            .body_len = out->len - p.frame.body,
        };
    return rc < 0 ? rc : sl_buf_check(out, err);
}

int sl_ipc_encode_batch(struct sl_batch *b, const struct sl_ipc_form *f,
                        const struct sl_ipc_meta *meta, int nmeta, struct sl_buf *out,
                        struct sl_ipc_layout *record, uint32_t *column_crc, struct sl_err *err)
{
    assert(sl_batch_is_sound(b) && f && out && (meta || !nmeta));
    assert(f->nfields == b->schema->nfields);
    assert(nmeta >= 0);
    const struct sl_schema *s = b->schema;
    size_t start_len = out->len;
    assert(f->nfields == s->nfields);
    struct sl_column **columns = sl_calloc((size_t)s->nfields + 1, sizeof(struct sl_column *));
    int rc = columns ? 0 : sl_err_nomem(err, "a batch");
    for (int i = 0; i < s->nfields && rc == 0; i++) {
        columns[i] = prepare(b, b->columns[i], f->code[i], err);
        if (!columns[i])
            rc = err && err->code ? -(int)err->code : -SL_ENOMEM;
        else if (f->code[i] && columns[i]->dict->rows > (size_t)1 << (8 * f->code[i] - 1))
            rc =
                sl_err_set(err, SL_EOVERFLOW, "column %s has more values than its codes can number",
                           s->fields[i].name);
    }
    for (int i = 0; i < s->nfields && rc == 0; i++) {
        if (f->code[i])
            rc = put_dictionary(f, i, columns[i]->dict, out, err);
    }
    if (rc == 0)
        rc = put_record(s, f, columns, b->selected, meta, nmeta, out, record, column_crc, err);
    for (int i = 0; columns && i < s->nfields; i++)
        sl_column_unref(columns[i]);
    free(columns);
    if (rc < 0 && !out->failed && out->data) {
        out->len = start_len; /* never half a message */
        out->data[out->len] = 0;
    }
    return rc;
}

int sl_ipc_encode_control(const struct sl_schema *s, const struct sl_ipc_form *f,
                          const struct sl_ipc_meta *meta, int nmeta, struct sl_buf *out,
                          struct sl_err *err)
{
    assert(sl_schema_is_sound(s) && f && out && (meta || !nmeta));
    assert(f->nfields == s->nfields);
    assert(nmeta > 0);
    /* The schema's count of references is all that a batch changes in it. */
    struct sl_batch *b = sl_batch_new((struct sl_schema *)s, 0);
    int rc = b ? 0 : sl_err_nomem(err, "a control message");
    for (int i = 0; i < s->nfields && rc == 0; i++) {
        b->columns[i] = sl_column_nulls(s->fields[i].type, 0, err);
        rc = b->columns[i] ? 0 : -SL_ENOMEM;
    }
    if (rc == 0)
        rc = sl_ipc_encode_batch(b, f, meta, nmeta, out, NULL, NULL, err);
    sl_batch_unref(b);
    return rc;
}
