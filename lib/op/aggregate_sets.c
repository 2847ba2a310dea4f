/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * aggregate_sets: --sets, several groupings of the same rows at once.
 *
 * Each row joins one group of every set. In the key of a set's group the --by columns that are not in the
 * set are null, and one column more, `grouping`, has a bit for each of them, the first column's the highest,
 * as PostgreSQL's grouping() has. So groups of different sets never fall together.
 */
#include "op/aggregate.h"

static int bad_sets(struct sl_err *err, const char *what, size_t n, const char *at)
{
    sl_err_set(err, SL_EUSAGE, "--sets: %s '%.*s'", what, (int)SL_MIN(n, (size_t)100), at);
    return sl_err_hint(err, "write rollup, cube, or '(a, b), (a), ()' of names of --by columns");
}

static int add_set(struct sl_aggregate *a, uint64_t out, struct sl_err *err)
{
    for (int s = 0; s < a->nsets; s++)
        if (a->sets[s] == out)
            return bad_sets(err, "a set is there twice in", strlen(a->sets_text), a->sets_text);
    int rc = SL_GROW_ONE(a->sets, a->nsets, "grouping sets", err);
    if (rc == 0)
        a->sets[a->nsets++] = out;
    return rc;
}

/* The bit of a --by column; *p is moved behind its name, which may stand in double quotes. 0: none. */
static uint64_t read_name(struct sl_aggregate *a, const char **p, struct sl_err *err)
{
    struct sl_buf name = SL_BUF_INIT;
    const char *s = *p, *start = s;
    uint64_t bit = 0;
    if (*s == '"') {
        for (s++; *s && (*s != '"' || s[1] == '"'); s++) {
            s += *s == '"';
            sl_buf_addch(&name, *s);
        }
        s += *s == '"';
    } else {
        size_t n = strcspn(s, ",() \t\n");
        sl_buf_add(&name, s, n);
        s += n;
    }
    if (sl_buf_check(&name, err) == 0) {
        int at = name.len ? sl_schema_find(a->keys, name.data, name.len) - 2 * a->windowed : -1;
        if (at < 0 || at >= a->nby)
            bad_sets(err, "no column of --by is", (size_t)(s - start), start);
        else
            bit = (uint64_t)1 << (a->nby - 1 - at);
    }
    sl_buf_release(&name);
    *p = s;
    return bit;
}

static const char *skip(const char *s)
{
    return s + strspn(s, " \t\n");
}

/* '(a, b), (a), ()' */
static int read_sets(struct sl_aggregate *a, struct sl_err *err)
{
    const uint64_t all = ((uint64_t)1 << a->nby) - 1;
    for (const char *p = skip(a->sets_text);;) {
        uint64_t in = 0;
        if (*p != '(')
            return bad_sets(err, "a parenthesis is missing before", strlen(p), p);
        p = skip(p + 1);
        while (*p != ')') {
            uint64_t bit = read_name(a, &p, err);
            if (!bit)
                return -(int)err->code;
            in |= bit;
            p = skip(p);
            if (*p != ',' && *p != ')')
                return bad_sets(err, "a comma or a parenthesis is missing before", strlen(p), p);
            p = skip(p + (*p == ','));
        }
        int rc = add_set(a, all & ~in, err);
        p = skip(p + 1);
        if (rc < 0 || !*p)
            return rc;
        if (*p != ',')
            return bad_sets(err, "a comma is missing before", strlen(p), p);
        p = skip(p + 1);
    }
}

int sl_aggregate_bind_sets(struct sl_aggregate *a, struct sl_err *err)
{
    enum { CUBE_MOST = 12, MOST = 62 };
    const char *text = a->sets_text;
    int rc = 0, cube = strcmp(text, "cube") == 0, most = cube ? CUBE_MOST : MOST;
    if (!a->nby || a->nby > most)
        return sl_err_set(err, SL_EUSAGE, "--sets: there are %d columns in --by, not 1 to %d",
                          a->nby, most);
    if (strcmp(text, "rollup") != 0 && !cube)
        return read_sets(a, err);
    /* rollup: the last columns go first */
    for (uint64_t out = 0; rc == 0 && out >> a->nby == 0; out = cube ? out + 1 : 2 * out + 1)
        rc = add_set(a, out, err);
    return rc;
}

static struct sl_column *mask_column(uint64_t mask, size_t n, struct sl_err *err)
{
    struct sl_column *c = sl_column_new(sl_type_of(SL_BIGINT), n);
    struct sl_buffer *b = sl_buffer_new(NULL, 8);
    if (!c || !b) {
        sl_column_unref(c);
        sl_buffer_unref(b);
        return sl_err_no_memory(err, "keys");
    }
    memcpy(b->data, &mask, 8);
    c->form = SL_CONST;
    c->owner[1] = b;
    c->data = b->data;
    return c;
}

int sl_aggregate_set_keys(struct sl_aggregate *a, int set, size_t n, struct sl_column **keys,
                          struct sl_err *err)
{
    assert(set < a->nsets);
    uint64_t out = a->sets[set];
    for (int k = 0; k <= a->nby; k++) {
        if (k == a->nby)
            keys[k] = mask_column(out, n, err);
        else if (out >> (a->nby - 1 - k) & 1)
            keys[k] = sl_column_nulls(a->groups.cells[a->windowed + k].type, n, err);
        else
            keys[k] = sl_column_ref(a->by_columns[k]);
        if (keys[k])
            continue;
        while (k-- > 0)
            sl_column_unref(keys[k]);
        return -SL_ENOMEM;
    }
    return 0;
}

int sl_aggregate_total(struct sl_aggregate *a, struct sl_err *err)
{
    struct sl_column *keys[SL_AGG_KEYS_MAX];
    const uint64_t all = ((uint64_t)1 << a->nby) - 1;
    int set = 0;
    uint32_t id;
    while (set < a->nsets && a->sets[set] != all)
        set++;
    if (a->windowed || set == a->nsets || a->groups.live)
        return 0;
    int rc = sl_aggregate_set_keys(a, set, 1, keys, err);
    if (rc < 0)
        return rc;
    rc = sl_group_find(&a->groups, keys, 1, &id, err);
    for (int k = 0; k <= a->nby; k++)
        sl_column_unref(keys[k]);
    return rc < 0 ? rc : sl_aggregate_admit(a, err);
}
