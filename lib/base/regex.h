/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * regex: patterns of PCRE2, made machine code where the machine can, their matches bounded.
 *
 * Invariants:
 * 1. No pattern and no text makes a match hang, use memory without bound or read outside the text:
 *    steps, heap and stack have limits, \C is refused, and bytes that are not UTF-8 match nothing
 *    (a match goes up to such a byte or begins behind it).
 * 2. A struct sl_regex does not change once it is made: any number of threads match with it, each
 *    with a struct sl_regex_work of its own, which serves any pattern.
 * Call order: sl_regex_new, sl_regex_work_new, sl_regex_match and sl_regex_spans, the frees.
 */
#ifndef SL_BASE_REGEX_H
#define SL_BASE_REGEX_H

#include "base/err.h"

struct sl_regex;
struct sl_regex_work;

enum sl_regex_flags {
    SL_REGEX_ICASE = 1 << 0,
    SL_REGEX_DOTALL = 1 << 1,    /* . matches a newline */
    SL_REGEX_END = 1 << 2,       /* $ is the very end, not before a last newline */
    SL_REGEX_MULTILINE = 1 << 3, /* ^ and $ at every newline */
    SL_REGEX_EXTENDED = 1 << 4,  /* blanks and comments in the pattern */
};

#define SL_REGEX_UNSET SIZE_MAX /* both offsets of a group that took no part */

/* 0, -SL_ENOMEM, or -SL_EUSAGE: what is PCRE2's reason, column the character where reading
 * stopped (1-based). */
int sl_regex_new(const char *pattern, size_t n, unsigned flags, struct sl_regex **out,
                 struct sl_err *err);
void sl_regex_free(struct sl_regex *x);
/* The i-th named group by name: its number, and its name (the pattern's); 0 behind the last. */
int sl_regex_named(const struct sl_regex *x, int i, const char **name);

/* Room for the whole match and groups 1 .. groups. NULL with err filled. */
struct sl_regex_work *sl_regex_work_new(int groups, struct sl_err *err);
void sl_regex_work_free(struct sl_regex_work *w);

/* Looks for a match at byte `from` (the begin of a character) or behind it; from > 0 goes on in the
 * text of the last call with from 0. The number of spans that are set (at least 1, at
 * most 1 + groups; groups behind them took no part), 0 = there is none, -SL_EROW = it takes too
 * many steps, -SL_ENOMEM. */
int sl_regex_match(const struct sl_regex *x, struct sl_regex_work *w, const char *text, size_t n,
                   size_t from, struct sl_err *err);
/* Of the last match: begin and end of the whole, then of each group. Not always begin <= end, nor
 * begin >= from: \K moves the begin. */
const size_t *sl_regex_spans(const struct sl_regex_work *w);

#endif
