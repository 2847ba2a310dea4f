/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * csv_odd: records with quotes, one at a time, by libcsv.
 *
 * libcsv is told that nothing is white space and nothing ends a record: the record comes without
 * its line end, and csv_fini ends it. Its lenient mode differs from our quoting rule only where
 * text follows a closing quote; sl_csv_check refuses those records before.
 */
#include "base/compat.h"
#include <csv.h>
#include "base/mem.h"
#include "text/csv.h"

struct sl_csv_odd {
    struct csv_parser parser;
    struct sl_csv_rows *rows;
    int fields;
    int failed;
};

static int never(unsigned char c)
{
    (void)c;
    return 0;
}

static int odd_open(struct sl_csv_rows *rows, struct sl_err *err)
{
    struct sl_csv_odd *o = sl_calloc(1, sizeof *o);
    if (!o)
        return sl_err_nomem(err, "parsing CSV");
    csv_init(&o->parser, CSV_EMPTY_IS_NULL);
    csv_set_space_func(&o->parser, never);
    csv_set_term_func(&o->parser, never);
    csv_set_realloc_func(&o->parser, sl_realloc);
    o->rows = rows;
    rows->parser = o;
    return 0;
}

void sl_csv_odd_free(struct sl_csv_odd *o)
{
    if (!o)
        return;
    csv_free(&o->parser);
    free(o);
}

enum sl_csv_fault sl_csv_check(const char *s, size_t n, char delim, int *field)
{
    assert((s || !n) && field);
    enum sl_csv_state state = SL_CSV_START;
    *field = 1;
    for (size_t i = 0; i < n; i++) {
        enum sl_csv_state was = state;
        /* The record holds no line end outside quotes, so a line feed never ends a field here. */
        state = sl_csv_step(state, s[i], delim, delim);
        if (state == SL_CSV_START)
            ++*field;
        if (was == SL_CSV_QUOTE_SEEN && state == SL_CSV_PLAIN)
            return SL_CSV_BEHIND_QUOTE;
    }
    return state == SL_CSV_QUOTED ? SL_CSV_OPEN_QUOTE : SL_CSV_FINE;
}

static int grow_fields(struct sl_csv_rows *r)
{
    size_t cap = r->cap_fields;
    int rc = SL_GROW(r->odd_seps, r->odd_fields + 2, cap, "splitting text", NULL);
    return rc < 0 ? rc
                  : SL_GROW(r->odd_null, r->odd_fields + 2, r->cap_fields, "splitting text", NULL);
}

static void on_field(void *text, size_t n, void *arg)
{
    struct sl_csv_odd *o = arg;
    struct sl_csv_rows *r = o->rows;
    if (o->failed || grow_fields(r) < 0) {
        o->failed = 1;
        return;
    }
    if (!r->odd_fields)
        r->odd_seps[0] = 0;
    if (n)
        sl_buf_add(&r->odd, text, n);
    sl_buf_addch(&r->odd, '\n');
    r->odd_null[r->odd_fields] = text == NULL;
    r->odd_seps[++r->odd_fields] = (uint32_t)r->odd.len;
    o->fields++;
}

int sl_csv_odd_record(struct sl_csv_rows *rows, const char *s, size_t n, char delim,
                      struct sl_err *err)
{
    assert(rows && (s || !n));
    if (!rows->parser) {
        int rc = odd_open(rows, err);
        if (rc < 0)
            return rc;
    }
    struct sl_csv_odd *o = rows->parser;
    o->fields = 0;
    o->failed = 0;
    o->rows = rows;
    csv_set_delim(&o->parser, (unsigned char)delim);
    /* Its buffer grows once, if at all. */
    csv_set_blk_size(&o->parser, SL_MAX(n + 2, (size_t)1024));
    if (csv_parse(&o->parser, s, n, on_field, NULL, o) != n ||
        csv_fini(&o->parser, on_field, NULL, o) != 0 || o->failed || rows->odd.failed)
        return sl_err_nomem(err, "parsing CSV");
    return o->fields;
}
