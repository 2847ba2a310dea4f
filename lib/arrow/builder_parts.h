/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* builder_parts: rows of FOREIGN columns to be taken and joined when a builder finishes. */
#ifndef SL_ARROW_BUILDER_PARTS_H
#define SL_ARROW_BUILDER_PARTS_H

#include "arrow/column.h"

struct sl_builder_parts;

/* Row i of c (a reference is kept), or a null if c is NULL. Makes *p if it is NULL. 0 or < 0. */
int sl_builder_parts_add(struct sl_builder_parts **p, const struct sl_column *c, size_t i);
struct sl_column *sl_builder_parts_finish(struct sl_builder_parts *p, struct sl_type type,
                                          struct sl_account *account, struct sl_err *err);
void sl_builder_parts_free(struct sl_builder_parts *p); /* NULL is fine */

#endif
