/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* scope: names of columns to their numbers, see scope.h. */
#include "expr/scope.h"
#include <strings.h>
#include "base/buf.h"

/* The name in each input, quietly: how many have it, and the number in the last that does. exactly: not
 * in letters of another case. */
static int count_matches(const struct sl_scope *s, const char *name, size_t len, int exactly,
                         int *column)
{
    int found = 0, first = 0;
    for (int i = 0; i < s->n; i++) {
        struct sl_err ignored;
        int k = exactly ? sl_schema_find(s->inputs[i].schema, name, len)
                        : sl_schema_lookup(s->inputs[i].schema, name, len, &ignored);
        if (k >= 0) {
            found++;
            *column = first + k;
        }
        first += s->inputs[i].schema->nfields;
    }
    return found;
}

static int ambiguous(const struct sl_scope *s, const char *name, size_t len, struct sl_err *err)
{
    struct sl_buf ways = SL_BUF_INIT;
    sl_err_set(err, SL_EUSAGE, "column %.*s is in more than one input", (int)len, name);
    for (int i = 0; i < s->n; i++) {
        struct sl_err ignored;
        if (s->inputs[i].alias && sl_schema_lookup(s->inputs[i].schema, name, len, &ignored) >= 0)
            sl_buf_printf(&ways, "%s%s.%.*s", ways.len ? " or " : "write ", s->inputs[i].alias,
                          (int)len, name);
    }
    if (ways.len && !ways.failed)
        sl_err_hint(err, "%s", ways.data);
    sl_buf_release(&ways);
    return -SL_EUSAGE;
}

int sl_scope_find(const struct sl_scope *s, const char *name, size_t len, struct sl_err *err)
{
    assert(s && (name || !len));
    int column = -1, first = 0;
    assert(s->n > 0);
    if (s->n == 1 && !s->inputs[0].alias)
        return sl_schema_lookup(s->inputs[0].schema, name, len, err);
    int found = count_matches(s, name, len, 1, &column);
    if (!found)
        found = count_matches(s, name, len, 0, &column);
    if (found)
        return found == 1 ? column : ambiguous(s, name, len, err);
    for (int i = 0; i < s->n; i++) {
        const char *alias = s->inputs[i].alias;
        size_t n = alias ? strlen(alias) : 0;
        if (n && len > n + 1 && name[n] == '.' && strncasecmp(name, alias, n) == 0) {
            int k = sl_schema_lookup(s->inputs[i].schema, name + n + 1, len - n - 1, err);
            return k < 0 ? k : first + k;
        }
        first += s->inputs[i].schema->nfields;
    }
    for (int i = 0; i < s->n; i++) { /* the first that has a name like it says so */
        sl_schema_lookup(s->inputs[i].schema, name, len, err);
        if (err && err->hint[0])
            break;
    }
    return -SL_EUSAGE;
}

const struct sl_field *sl_scope_field(const struct sl_scope *s, int column)
{
    int i = 0;
    assert(column >= 0);
    for (; column >= s->inputs[i].schema->nfields; i++) {
        column -= s->inputs[i].schema->nfields;
        assert(i + 1 < s->n);
    }
    return &s->inputs[i].schema->fields[column];
}

struct sl_schema *sl_scope_schema(const struct sl_scope *s, struct sl_err *err)
{
    if (s->n == 1)
        return sl_schema_ref(s->inputs[0].schema);
    struct sl_schema *all = sl_schema_new();
    struct sl_buf name = SL_BUF_INIT;
    int rc = all ? 0 : sl_err_nomem(err, "a schema");
    for (int i = 0; rc >= 0 && i < s->n; i++) {
        for (int k = 0; rc >= 0 && k < s->inputs[i].schema->nfields; k++) {
            const struct sl_field *f = &s->inputs[i].schema->fields[k];
            sl_buf_reset(&name);
            sl_buf_addstr(&name, f->name);
            if (sl_schema_find(all, f->name, strlen(f->name)) >= 0) {
                sl_buf_reset(&name);
                sl_buf_printf(&name, "%s.%s", s->inputs[i].alias ? s->inputs[i].alias : "",
                              f->name);
            }
            rc = sl_buf_check(&name, err);
            if (rc >= 0)
                rc = sl_schema_add(all, name.data, name.len, f->type, err);
        }
    }
    sl_buf_release(&name);
    if (rc < 0) {
        sl_schema_unref(all);
        return NULL;
    }
    return all;
}
