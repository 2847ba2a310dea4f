/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* ipc_form: which columns of a stream are dictionaries, and how wide their codes are. */
#include "arrow/dictionary.h"
#include "ipc/ipc_int.h"

enum { LEVEL = 1 };

int sl_ipc_form_init(struct sl_ipc_form *f, const struct sl_schema *s, struct sl_err *err)
{
    assert(f && sl_schema_is_sound(s));
    memset(f, 0, sizeof *f);
    f->level = LEVEL;
    f->code = sl_calloc((size_t)s->nfields + 1, 1);
    if (!f->code)
        return sl_err_nomem(err, "a stream's form");
    f->nfields = s->nfields;
    return 0;
}

void sl_ipc_form_release(struct sl_ipc_form *f)
{
    free(f->code);
    memset(f, 0, sizeof *f);
}

/* Values that signed codes of so many bytes can number. */
static size_t code_values(int code)
{
    return (size_t)1 << (8 * code - 1);
}

/* The extension type of jsonb is one of plain text: other readers refuse it over a dictionary. */
static int may_be_dictionary(struct sl_type t)
{
    return sl_type_is_bytes(t) && t.kind != SL_JSONB;
}

int sl_ipc_form_fit(struct sl_ipc_form *f, struct sl_batch *b, struct sl_err *err)
{
    assert(f && sl_batch_is_sound(b));
    assert(f->nfields == b->schema->nfields);
    enum { ROOM = 2 }; /* later batches may have more values than this one */
    for (int i = 0; i < f->nfields; i++) {
        struct sl_column *c = b->columns[i];
        f->code[i] = 0;
        if (!may_be_dictionary(b->schema->fields[i].type) || !c)
            continue;
        int rc = sl_column_load(c, err);
        if (rc < 0)
            return rc;
        if (c->form != SL_DICT || c->dict->rows > b->selected / 2)
            continue;
        int code = 1;
        while (code < 4 && c->dict->rows * ROOM > code_values(code))
            code *= 2;
        f->code[i] = (uint8_t)code;
    }
    return 0;
}

/* 1 if a PLAIN column of bytes has at most limit distinct values. */
static int few_values(const struct sl_batch *b, const struct sl_column *c, size_t limit)
{
    struct sl_dictionary *d = sl_dictionary_new(NULL);
    int few = d != NULL;
    for (size_t k = 0; few && k < b->selected; k++) {
        size_t n, i = sl_batch_row(b, k);
        if (sl_column_null(c, i))
            continue;
        const char *s = sl_column_bytes(c, i, &n);
        few = sl_dictionary_add(d, s, n) >= 0 && d->count <= limit;
    }
    sl_dictionary_free(d);
    return few;
}

void sl_ipc_form_count(struct sl_ipc_form *f, const struct sl_batch *b)
{
    assert(f && sl_batch_is_sound(b));
    assert(f->nfields == b->schema->nfields);
    size_t limit = SL_MIN(b->selected / 2, code_values(2));
    for (int i = 0; i < f->nfields; i++) {
        const struct sl_column *c = b->columns[i];
        if (!f->code[i] && c && c->form == SL_PLAIN && may_be_dictionary(c->type) &&
            few_values(b, c, limit))
            f->code[i] = 2;
    }
}

int sl_ipc_form_holds(const struct sl_ipc_form *f, const struct sl_batch *b)
{
    assert(f && sl_batch_is_sound(b));
    assert(f->nfields == b->schema->nfields);
    for (int i = 0; i < f->nfields; i++) {
        struct sl_column *c = b->columns[i];
        size_t limit = f->code[i] ? code_values(f->code[i]) : 0;
        if (!limit || b->selected <= limit)
            continue;
        if (!c || sl_column_load(c, NULL) < 0)
            return 0;
        if (c->form == SL_DICT && c->dict->rows > limit && !few_values(b, c, limit))
            return 0;
        if (c->form == SL_PLAIN && !few_values(b, c, limit))
            return 0;
    }
    return 1;
}
