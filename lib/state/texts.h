/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* texts: a list of option texts, copied: what an operator was told, kept for split and plans. */
#ifndef SL_STATE_TEXTS_H
#define SL_STATE_TEXTS_H

#include "base/buf.h"
#include "base/mem.h"

struct sl_texts {
    int n;
    char **items;
};

int sl_texts_copy(struct sl_texts *t, const char *const *items, int n, struct sl_err *err);
void sl_texts_release(struct sl_texts *t);
/* Appends " name 'a' 'b'", or nothing for an empty list; quotes within are doubled. */
void sl_texts_print(const struct sl_texts *t, const char *name, struct sl_buf *out);

#endif
