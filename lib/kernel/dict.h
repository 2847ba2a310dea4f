/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* dict: the parts of evaluation that eval.c and eval_filter.c share. Internal to lib/kernel. */
#ifndef SL_KERNEL_DICT_H
#define SL_KERNEL_DICT_H

#include "kernel/kernel.h"

/* Evaluates n once per entry of the only column it reads, if that is DICT or CONST and has fewer
 * entries than rows. 1 and *out; 0: take the slow way; < 0. */
int sl_eval_by_entry(struct sl_frame *f, const struct sl_node *n, struct sl_column **out,
                     struct sl_err *err);
/* The same for a condition over column c: table[code] is 1 where n is true; the last entry, at
 * c->dict->rows, is for null rows. Freed by free(). 1, 0, < 0. */
int sl_truth_by_entry(struct sl_eval *ev, const struct sl_node *n, int ncols, struct sl_column *c,
                      uint8_t **table, struct sl_err *err);
/* eval.c: without a look at dictionaries. */
int sl_node_eval_rows(struct sl_frame *f, const struct sl_node *n, struct sl_column **out,
                      struct sl_err *err);
/* eval.c: around one evaluation. end settles the rows that failed: 0, or -SL_EROW for the first. */
void sl_eval_begin(struct sl_eval *ev, const struct sl_expr_env *env);
int sl_eval_end(struct sl_eval *ev, struct sl_err *err);
/* branch.c */
int sl_eval_and_or(struct sl_frame *f, const struct sl_node *n, struct sl_column **out,
                   struct sl_err *err);
int sl_eval_case(struct sl_frame *f, const struct sl_node *n, struct sl_column **out,
                 struct sl_err *err);
int sl_eval_coalesce(struct sl_frame *f, const struct sl_node *n, struct sl_column **out,
                     struct sl_err *err);
int sl_eval_try(struct sl_frame *f, const struct sl_node *n, struct sl_column **out,
                struct sl_err *err);
/* kernel_regex.c */
void sl_regex_scratch_free(struct sl_regex_scratch *s);

#endif
