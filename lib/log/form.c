/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* form: see form.h. */
#include "log/form.h"

#include "base/crc32c.h"
#include "base/mem.h"

static int print_text(struct sl_form_plan *p)
{
    p->text = sl_malloc((size_t)p->f.nfields + 3);
    if (!p->text)
        return 0;
    p->text[0] = p->f.zstd ? 'z' : '-';
    p->text[1] = ':';
    for (int i = 0; i < p->f.nfields; i++) {
        p->text[2 + i] = (char)('0' + p->f.code[i]);
        p->ndicts += p->f.code[i] != 0;
    }
    p->text[2 + p->f.nfields] = '\0';
    return 1;
}

/* Takes f over (also on failure). */
static int make(struct sl_schema *schema, int schema_id, struct sl_ipc_form *f,
                struct sl_form_plan **out, struct sl_err *err)
{
    struct sl_form_plan *p = sl_calloc(1, sizeof(*p));
    if (!p) {
        sl_ipc_form_release(f);
        return sl_err_nomem(err, "a segment's form");
    }
    atomic_init(&p->refs, 1);
    p->schema_id = schema_id;
    p->schema = sl_schema_ref(schema);
    p->f = *f;
    memset(f, 0, sizeof(*f));
    assert(p->f.nfields == schema->nfields);
    int rc = print_text(p) ? 0 : sl_err_nomem(err, "a segment's form");
    if (rc == 0)
        rc = sl_ipc_encode_schema(schema, &p->f, &p->head, err);
    if (rc == 0)
        rc = sl_buf_check(&p->head, err);
    if (rc < 0) {
        sl_form_unref(p);
        return rc;
    }
    p->head_crc = sl_crc32c(0, p->head.data, p->head.len);
    *out = p;
    return 0;
}

struct sl_form_plan *sl_form_ref(struct sl_form_plan *f)
{
    int held = atomic_fetch_add(&f->refs, 1);
    assert(held > 0);
    return f;
}

void sl_form_unref(struct sl_form_plan *f)
{
    if (!f || atomic_fetch_sub(&f->refs, 1) != 1)
        return;
    sl_schema_unref(f->schema);
    sl_ipc_form_release(&f->f);
    sl_buf_release(&f->head);
    free(f->text);
    free(f);
}

struct sl_seg sl_form_seg(const struct sl_form_plan *f, int partition, int64_t base, int64_t by)
{
    assert(partition >= 0 && base >= 0 && by >= 0);
    return (struct sl_seg){.partition = partition,
                           .schema = f->schema_id,
                           .base = base,
                           .by = by,
                           .form = f->text,
                           .head_len = (int64_t)f->head.len,
                           .head_crc = f->head_crc,
                           .bytes = (int64_t)f->head.len,
                           .end = base,
                           .min_time = SL_TIME_MAX,
                           .max_time = SL_TIME_MIN};
}

int sl_form_parse(struct sl_schema *schema, int schema_id, const char *text,
                  struct sl_form_plan **out, struct sl_err *err)
{
    assert(sl_schema_is_sound(schema) && text && out);
    struct sl_ipc_form f;
    int rc = sl_ipc_form_init(&f, schema, err);
    if (rc < 0)
        return rc;
    f.zstd = text[0] == 'z';
    f.level = 1;
    int bad = strlen(text) != (size_t)schema->nfields + 2 || text[1] != ':' ||
              (text[0] != 'z' && text[0] != '-');
    for (int i = 0; i < schema->nfields && !bad; i++) {
        f.code[i] = (uint8_t)(text[2 + i] - '0');
        bad = f.code[i] != 0 && f.code[i] != 1 && f.code[i] != 2 && f.code[i] != 4;
        bad |= f.code[i] && !sl_type_is_bytes(schema->fields[i].type);
    }
    if (bad) {
        sl_ipc_form_release(&f);
        return sl_err_set(err, SL_ECORRUPT, "a segment's form \"%.40s\" is none", text);
    }
    return make(schema, schema_id, &f, out, err);
}

/* Codes of a stream stay for all its batches: room for later ones to have twice as many values. */
static void leave_room(struct sl_ipc_form *f, const struct sl_batch *b)
{
    for (int i = 0; i < f->nfields; i++) {
        const struct sl_column *c = b->columns[i];
        if (!f->code[i] || c->form != SL_DICT)
            continue;
        if (f->code[i] == 1 && c->dict->rows > 64)
            f->code[i] = 2;
        if (f->code[i] == 2 && c->dict->rows > 16384)
            f->code[i] = 4;
    }
}

static int best(struct sl_schema *schema, struct sl_batch *b, int big, struct sl_ipc_form *f,
                struct sl_err *err)
{
    int rc = sl_ipc_form_init(f, schema, err);
    if (rc < 0)
        return rc;
    if (big) {
        rc = sl_ipc_form_fit(f, b, err);
        if (rc < 0) {
            sl_ipc_form_release(f);
            return rc;
        }
        /* Whether a reader gave its dictionary up hangs on the size of the batch, which is chance:
         * the same rows shall take the same room in every run. */
        sl_ipc_form_count(f, b);
        leave_room(f, b);
    }
    f->zstd = 1;
    f->level = 1;
    return 0;
}

int sl_form_first(struct sl_schema *schema, int schema_id, struct sl_batch *b, int big,
                  struct sl_form_plan **out, struct sl_err *err)
{
    assert(sl_schema_is_sound(schema) && out);
    struct sl_ipc_form f;
    int rc = best(schema, b, big, &f, err);
    return rc < 0 ? rc : make(schema, schema_id, &f, out, err);
}

int sl_form_grow(struct sl_form_plan *old, struct sl_batch *b, struct sl_form_plan **out,
                 struct sl_err *err)
{
    assert(old && sl_batch_is_sound(b) && out);
    struct sl_ipc_form f;
    int rc = best(old->schema, b, 1, &f, err);
    if (rc < 0)
        return rc;
    for (int i = 0; i < f.nfields; i++) {
        /* What is plain stays plain, codes only widen: streams of batches of both kinds must not
         * begin a segment at every turn. */
        if (!old->f.code[i] || !f.code[i])
            f.code[i] = 0;
        else
            f.code[i] = SL_MAX(f.code[i], old->f.code[i]);
    }
    return make(old->schema, old->schema_id, &f, out, err);
}
