/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* texts: see texts.h. */
#include "state/texts.h"

int sl_texts_copy(struct sl_texts *t, const char *const *items, int n, struct sl_err *err)
{
    t->n = 0;
    t->items = NULL;
    if (n <= 0)
        return 0;
    t->items = sl_calloc((size_t)n, sizeof(*t->items));
    if (!t->items)
        return sl_err_nomem(err, "options");
    for (; t->n < n; t->n++) {
        t->items[t->n] = sl_strdup(items[t->n]);
        if (!t->items[t->n])
            return sl_err_nomem(err, "options");
    }
    return 0;
}

void sl_texts_release(struct sl_texts *t)
{
    for (int i = 0; i < t->n; i++)
        free(t->items[i]);
    free(t->items);
    t->items = NULL;
    t->n = 0;
}

void sl_texts_print(const struct sl_texts *t, const char *name, struct sl_buf *out)
{
    if (!t->n)
        return;
    sl_buf_addch(out, ' ');
    sl_buf_addstr(out, name);
    for (int i = 0; i < t->n; i++) {
        sl_buf_addstr(out, " '");
        for (const char *s = t->items[i]; *s; s++) {
            if (*s == '\'')
                sl_buf_addch(out, '\'');
            sl_buf_addch(out, *s);
        }
        sl_buf_addch(out, '\'');
    }
}
