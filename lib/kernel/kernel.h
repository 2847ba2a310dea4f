/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * kernel: what a vector kernel is given and what it may use. For lib/kernel and lib/expr.
 *
 * The evaluator calls a kernel with arguments of `rows` rows in the PLAIN or CONST form (or DICT,
 * if the node says SL_CALL_BYTES), never all CONST unless rows is 1, and, for strict nodes, with
 * out->valid already the conjunction of the arguments' (NULL = no null). The kernel fills
 * out->data (and offsets); rows that are null may hold anything. A row that fails is told by
 * sl_call_fail: the row is null from then on, and the kernel goes on if that returns 0.
 */
#ifndef SL_KERNEL_KERNEL_H
#define SL_KERNEL_KERNEL_H

#include "base/num.h"
#include "kernel/decimal.h"
#include "kernel/node.h"

struct sl_eval;
struct sl_frame;

struct sl_call {
    struct sl_frame *frame;
    struct sl_eval *ev;
    const struct sl_node *node;
    size_t rows;
    struct sl_column *const *args;
    struct sl_column *out;
    struct sl_err *err;
};

/* Rows of a batch under evaluation: a chain of ever smaller selections. */
struct sl_frame {
    struct sl_eval *ev;
    struct sl_batch *batch;  /* NULL for constants and dictionaries */
    size_t n;                /* rows */
    const uint32_t *sel;     /* physical row of each; NULL = 0..n-1 */
    const uint32_t *pos;     /* place of each among the root's rows; NULL = 0..n-1 */
    struct sl_column **cols; /* ncols of them, dense (n rows), filled on demand */
    int ncols;
    struct sl_frame *up; /* without a batch: where the columns come from, by keep */
    const uint32_t *keep;
    uint32_t *owned[2]; /* sel and pos if they are the frame's own */
    int by_dict;        /* rows are entries of a dictionary: errors only say "take the slow way" */
};
/* For asserts: a frame has rows of a batch, or of the frame above, or none to look at; a call has at least n
 * arguments. */
static inline int sl_frame_is_sound(const struct sl_frame *f)
{
    return f && f->ev && f->ncols >= 0 && (f->cols || !f->ncols);
}
static inline int sl_call_has(const struct sl_call *c, int n)
{
    return c && c->ev && c->node && c->args && c->node->nargs >= n;
}

struct sl_failure {
    size_t row, nth; /* nth: in the order of evaluation */
    int column;
    char *what;
};

struct sl_regex_scratch;

struct sl_eval {
    struct sl_account *account;
    const struct sl_expr_env *env; /* of the expression being evaluated */
    size_t text_max;               /* bytes of one text */
    size_t nfailed, cap_failed;
    struct sl_failure *failed;
    struct sl_regex_scratch *regex;
    struct sl_buf buf[2]; /* scratch of text kernels, one row at a time */
};

/* ---- eval.c ---- */

/* Value of a node for the rows of a frame: one reference, any loaded form, f->n rows. */
int sl_node_eval(struct sl_frame *f, const struct sl_node *n, struct sl_column **out,
                 struct sl_err *err);
/* A loaded, dense column of the frame (borrowed). */
int sl_frame_column(struct sl_frame *f, int index, struct sl_column **out, struct sl_err *err);
/* The rows keep[0..n) of f as a frame of their own. release frees what init took. */
int sl_frame_sub(struct sl_frame *sub, struct sl_frame *f, const uint32_t *keep, size_t n,
                 struct sl_err *err);
int sl_frame_init(struct sl_frame *f, struct sl_eval *ev, int ncols, struct sl_err *err);
void sl_frame_release(struct sl_frame *f);
/* Rows of a boolean column that are true, as row numbers, into keep (room for c->rows). */
size_t sl_bool_select(const struct sl_column *c, size_t n, uint32_t *keep);
/* Row `row` of the frame failed: 0 = it is noted, < 0 = stop. */
int sl_frame_fail(struct sl_frame *f, const struct sl_node *n, size_t row, struct sl_err *err,
                  const char *fmt, ...) SL_PRINTF(5, 6);
/* Value of a node without columns, in one row: for folding. NULL with err filled. */
struct sl_column *sl_node_constant(const struct sl_node *n, const struct sl_expr_env *env,
                                   struct sl_err *err);
/* A CONST column of n rows with the value of one (a CONST or one-row column). */
struct sl_column *sl_column_repeat(struct sl_column *one, size_t n, struct sl_err *err);

/* ---- for kernels (call.c) ---- */

/* Marks a row of out null. 0 or -SL_ENOMEM. */
int sl_call_null(struct sl_call *c, size_t row);
/* The row fails with this message. 0: it is noted, go on; < 0: stop. */
int sl_call_fail(struct sl_call *c, size_t row, const char *fmt, ...) SL_PRINTF(3, 4);
/* The row fails, for its value does not fit out's type. */
int sl_call_range(struct sl_call *c, size_t row);
/* out->data for rows values of out's width (bits for BOOL, zeroed). NULL with err filled. */
void *sl_call_data(struct sl_call *c);
static inline int sl_call_valid(const struct sl_call *c, size_t row)
{
    return !c->out->valid || sl_bit(c->out->valid, row);
}

/* Text results: begin, put each row in order (a null row with length 0), end. */
struct sl_text_result {
    struct sl_call *call;
    int32_t *offsets;
    struct sl_buffer *bytes;
    size_t used, row;
    int failed;
    int too_long; /* the current row: it fails when it ends */
};
/* Bytes of one text that an expression makes. */
enum { SL_TEXT_MAX = 1 << 28, SL_TEXT_FOLDED_MAX = 1 << 20 };
/* guess: bytes that the results may take. 0 or -SL_ENOMEM; end says the same of what came between. */
int sl_text_begin(struct sl_text_result *t, struct sl_call *c, size_t guess);
/* Room for n bytes at the end of the current row, or NULL: failed is set, or too_long. Kernels that
 * know how long their result is ask for all of it first. */
char *sl_text_room(struct sl_text_result *t, size_t n);
static inline void sl_text_add(struct sl_text_result *t, const void *s, size_t n)
{
    char *p = sl_text_room(t, n);
    if (p && n) {
        memcpy(p, s, n);
        t->used += n;
    }
}
/* The row that was too long is left empty, and fails. */
void sl_text_drop(struct sl_text_result *t);
static inline void sl_text_next(struct sl_text_result *t)
{
    if (SL_UNLIKELY(t->too_long))
        sl_text_drop(t);
    t->offsets[++t->row] = (int32_t)t->used;
}
int sl_text_end(struct sl_text_result *t);

/* Kernels that go row by row: what stands behind such a head is the function's body for one row, which is
 * not null. It answers 0, or < 0 to stop.
 *   SL_ROWS    the row's value goes to *to, which holds 0
 *   SL_NUMBERS the same of a BIGINT or NUMERIC, unscaled
 *   SL_BITS    the answer itself is the row's value: 1 or 0, or < 0
 *   SL_TEXTS   the row's text is added to t; guess: bytes that all of them may take */
#define SL_ROWS(name, ctype)                                                                       \
    int name(struct sl_call *c);                                                                   \
    static inline int row_##name(struct sl_call *c, size_t i, ctype *to);                          \
    int name(struct sl_call *c)                                                                    \
    {                                                                                              \
        ctype *to = sl_call_data(c);                                                               \
        int rc = to ? 0 : -SL_ENOMEM;                                                              \
        for (size_t i = 0; rc >= 0 && i < c->rows; i++) {                                          \
            memset(&to[i], 0, sizeof(to[i]));                                                      \
            if (sl_call_valid(c, i))                                                               \
                rc = row_##name(c, i, &to[i]);                                                     \
        }                                                                                          \
        return rc;                                                                                 \
    }                                                                                              \
    static inline int row_##name(struct sl_call *c, size_t i SL_UNUSED, ctype *to)

#define SL_NUMBERS(name)                                                                           \
    int name(struct sl_call *c);                                                                   \
    static inline int row_##name(struct sl_call *c, size_t i, sl_int128 *to);                      \
    int name(struct sl_call *c)                                                                    \
    {                                                                                              \
        void *all = sl_call_data(c);                                                               \
        int rc = all ? 0 : -SL_ENOMEM;                                                             \
        for (size_t i = 0; rc >= 0 && i < c->rows; i++) {                                          \
            sl_int128 v = 0;                                                                       \
            if (sl_call_valid(c, i))                                                               \
                rc = row_##name(c, i, &v);                                                         \
            sl_call_put(c, all, i, v);                                                             \
        }                                                                                          \
        return rc;                                                                                 \
    }                                                                                              \
    static inline int row_##name(struct sl_call *c, size_t i, sl_int128 *to)

#define SL_BITS(name)                                                                              \
    int name(struct sl_call *c);                                                                   \
    static inline int row_##name(struct sl_call *c, size_t i);                                     \
    int name(struct sl_call *c)                                                                    \
    {                                                                                              \
        uint8_t *to = sl_call_data(c);                                                             \
        int rc = to ? 0 : -SL_ENOMEM;                                                              \
        for (size_t i = 0; rc >= 0 && i < c->rows; i++)                                            \
            if (sl_call_valid(c, i) && (rc = row_##name(c, i)) > 0)                                \
                sl_bit_set(to, i);                                                                 \
        return SL_MIN(rc, 0);                                                                      \
    }                                                                                              \
    static inline int row_##name(struct sl_call *c, size_t i)

#define SL_TEXTS(name, guess)                                                                      \
    int name(struct sl_call *c);                                                                   \
    static inline int row_##name(struct sl_call *c, size_t i, struct sl_text_result *t);           \
    int name(struct sl_call *c)                                                                    \
    {                                                                                              \
        struct sl_text_result t;                                                                   \
        int rc = sl_text_begin(&t, c, guess);                                                      \
        for (size_t i = 0; rc >= 0 && i < c->rows; i++) {                                          \
            if (sl_call_valid(c, i))                                                               \
                rc = row_##name(c, i, &t);                                                         \
            sl_text_next(&t);                                                                      \
        }                                                                                          \
        return rc < 0 ? rc : sl_text_end(&t);                                                      \
    }                                                                                              \
    static inline int row_##name(struct sl_call *c, size_t i, struct sl_text_result *t)

/* Values of a PLAIN or CONST argument: the one of row i is at [i * step]. */
static inline size_t sl_arg_step(const struct sl_call *c, int k)
{
    return c->args[k]->form != SL_CONST;
}
static inline int64_t sl_arg_int(const struct sl_call *c, int k, size_t row)
{
    return ((const int64_t *)c->args[k]->data)[row * sl_arg_step(c, k)];
}
static inline double sl_arg_double(const struct sl_call *c, int k, size_t row)
{
    return ((const double *)c->args[k]->data)[row * sl_arg_step(c, k)];
}
static inline int32_t sl_arg_date(const struct sl_call *c, int k, size_t row)
{
    return ((const int32_t *)c->args[k]->data)[row * sl_arg_step(c, k)];
}
static inline struct sl_interval sl_arg_interval(const struct sl_call *c, int k, size_t row)
{
    return ((const struct sl_interval *)c->args[k]->data)[row * sl_arg_step(c, k)];
}
static inline int sl_arg_bool(const struct sl_call *c, int k, size_t row)
{
    return sl_bit(c->args[k]->data, row * sl_arg_step(c, k));
}
static inline const char *sl_arg_bytes(const struct sl_call *c, int k, size_t row, size_t *len)
{
    return sl_column_bytes(c->args[k], row, len);
}
/* Bytes of an argument's texts: a guess of what the result takes. */
static inline size_t sl_arg_guess(const struct sl_call *c, int k)
{
    const struct sl_column *a = c->args[k];
    if (a->form != SL_PLAIN || c->rows == 0)
        return c->rows * 16;
    return (size_t)(a->offsets[c->rows] - a->offsets[0]);
}
/* sl_int128 columns need not be 16-byte aligned. */
static inline sl_int128 sl_load128(const void *data, size_t i)
{
    sl_int128 v;
    memcpy(&v, (const char *)data + 16 * i, sizeof(v));
    return v;
}
static inline void sl_store128(void *data, size_t i, sl_int128 v)
{
    memcpy((char *)data + 16 * i, &v, sizeof(v));
}
static inline int sl_numeric_is64(struct sl_type t)
{
    return t.kind == SL_BIGINT || (t.kind == SL_NUMERIC && t.precision <= SL_NUMERIC64_MAX);
}
/* A BIGINT or NUMERIC value, unscaled. */
static inline sl_int128 sl_column_number(const struct sl_column *c, size_t slot)
{
    return sl_numeric_is64(c->type) ? ((const int64_t *)c->data)[slot] : sl_load128(c->data, slot);
}
static inline sl_int128 sl_arg_number(const struct sl_call *c, int k, size_t row)
{
    return sl_column_number(c->args[k], row * sl_arg_step(c, k));
}
/* Stores row i of a BIGINT or NUMERIC result. */
static inline void sl_call_put(const struct sl_call *c, void *to, size_t i, sl_int128 v)
{
    if (sl_numeric_is64(c->out->type))
        ((int64_t *)to)[i] = (int64_t)v;
    else
        sl_store128(to, i, v);
}
/* 1 if a BIGINT or NUMERIC of the type holds v. */
static inline int sl_number_fits(struct sl_type t, sl_int128 v)
{
    sl_int128 limit = t.kind == SL_BIGINT ? (sl_int128)1 << 63 : sl_num_pow10(t.precision);
    return v < limit && (v > -limit || (t.kind == SL_BIGINT && v == -limit));
}
static inline int sl_type_scale(struct sl_type t)
{
    return t.kind == SL_NUMERIC ? t.scale : 0;
}
static inline int sl_type_is_number(struct sl_type t)
{
    return t.kind == SL_BIGINT || t.kind == SL_NUMERIC || t.kind == SL_DECIMAL ||
           t.kind == SL_DOUBLE;
}
/* A BIGINT, NUMERIC or DECIMAL value with its scale. */
static inline struct sl_decimal sl_column_decimal(const struct sl_column *c, size_t slot)
{
    if (c->type.kind == SL_DECIMAL)
        return sl_decimal_unpack(sl_load128(c->data, slot));
    return (struct sl_decimal){sl_column_number(c, slot), sl_type_scale(c->type)};
}
static inline struct sl_decimal sl_arg_decimal(const struct sl_call *c, int k, size_t row)
{
    return sl_column_decimal(c->args[k], row * sl_arg_step(c, k));
}

/* The zone that the calendar of a type is in: a timestamp is a wall clock already. */
static inline const struct sl_zone *sl_call_zone(const struct sl_call *c, struct sl_type t)
{
    return t.kind == SL_WALLTIME ? NULL : c->ev->env->zone;
}

/* fold.c: other case of a character beyond ASCII, itself if it has none */
int32_t sl_fold_char(int32_t cp, int upper);

/* ---- kernels by file ---- */

/* kernel_arith.c: param[0] is the operator's character */
sl_kernel sl_kernel_int_arith, sl_kernel_numeric_arith, sl_kernel_double_arith;
sl_kernel sl_kernel_negate;
/* kernel_decimal.c: the same over DECIMAL and what goes with it; unary: param[0] is the function's
 * letter, param[1] the digits of a rounding */
sl_kernel sl_kernel_decimal_arith, sl_kernel_decimal_unary;
/* From and to DECIMAL, as sl_kernel_cast; settle: to the numeric(p,s) that a column has, exactly. */
sl_kernel sl_kernel_decimal_cast, sl_kernel_decimal_settle;
/* kernel_math.c */
sl_kernel sl_kernel_abs, sl_kernel_sign, sl_kernel_round, sl_kernel_double_math, sl_kernel_power;
sl_kernel sl_kernel_log, sl_kernel_angle, sl_kernel_atan2, sl_kernel_pi, sl_kernel_bits;
sl_kernel sl_kernel_gcd, sl_kernel_width_bucket;
enum sl_angle {
    SL_ANGLE_DEGREES,
    SL_ANGLE_RADIANS,
    SL_ANGLE_SIN,
    SL_ANGLE_COS,
    SL_ANGLE_TAN,
    SL_ANGLE_COT,
    SL_ANGLE_ASIN,
    SL_ANGLE_ACOS,
    SL_ANGLE_ATAN,
    SL_ANGLE_SINH,
    SL_ANGLE_COSH,
    SL_ANGLE_TANH,
    SL_ANGLE_ASINH,
    SL_ANGLE_ACOSH,
    SL_ANGLE_ATANH,
};
/* kernel_compare.c: param[0] is enum sl_compare_op, arguments of one type */
sl_kernel sl_kernel_compare, sl_kernel_distinct, sl_kernel_greatest;
/* kernel_set.c: param[0] = 1 for NOT IN; extra is the set */
sl_kernel sl_kernel_in;
/* Makes the set of the constants behind IN when the node is bound. */
int sl_in_set_new(struct sl_node *in, struct sl_err *err);
/* kernel_compare.c */
/* Order of two values (slots of PLAIN or CONST columns) of one type, or of any two of BIGINT and
 * NUMERIC: NaN last and equal to itself. */
int sl_value_order(const struct sl_column *a, size_t i, const struct sl_column *b, size_t k);
/* kernel_logic.c */
sl_kernel sl_kernel_not, sl_kernel_is_null, sl_kernel_is_bool;
/* kernel_cast.c; narrow: param[0] is the bits that a bigint must fit */
sl_kernel sl_kernel_cast, sl_kernel_narrow;
/* kernel_text.c */
sl_kernel sl_kernel_concat_op, sl_kernel_case_map, sl_kernel_length, sl_kernel_substr;
sl_kernel sl_kernel_left_right, sl_kernel_trim, sl_kernel_pad, sl_kernel_replace;
sl_kernel sl_kernel_split_part, sl_kernel_concat, sl_kernel_concat_ws, sl_kernel_starts_with;
sl_kernel sl_kernel_position, sl_kernel_reverse, sl_kernel_repeat, sl_kernel_chr;
sl_kernel sl_kernel_ascii, sl_kernel_overlay, sl_kernel_translate;
/* kernel_code.c */
sl_kernel sl_kernel_to_hex, sl_kernel_encode, sl_kernel_decode, sl_kernel_url_encode;
sl_kernel sl_kernel_url_decode, sl_kernel_quote_literal, sl_kernel_format, sl_kernel_similar;
/* Bytes of hexadecimal digits; blanks between them are nothing. 1, or 0 if it is none. */
int sl_read_hex(const char *s, size_t n, struct sl_buf *out);
/* kernel_like.c, kernel_regex.c */
sl_kernel sl_kernel_like, sl_kernel_regex, sl_kernel_regexp_replace, sl_kernel_regexp_substr;
sl_kernel sl_kernel_regexp_count;
/* Compile a constant pattern when the node is bound. 0 or < 0. */
int sl_like_bind(struct sl_node *n, struct sl_err *err);
int sl_regex_bind(struct sl_node *n, int pattern_arg, int flags_arg, struct sl_err *err);
/* kernel_time.c */
sl_kernel sl_kernel_time_shift, sl_kernel_time_diff, sl_kernel_date_shift, sl_kernel_date_diff;
sl_kernel sl_kernel_interval_add, sl_kernel_interval_scale, sl_kernel_interval_negate;
sl_kernel sl_kernel_date_trunc, sl_kernel_extract, sl_kernel_date_bin, sl_kernel_to_timestamp;
sl_kernel sl_kernel_now, sl_kernel_current_date, sl_kernel_make_date, sl_kernel_at_zone;
sl_kernel sl_kernel_make_time, sl_kernel_age, sl_kernel_justify, sl_kernel_overlaps;
/* kernel_field.c: zones named by an argument, the last one kept open. 1, 0 (row failed), < 0 */
struct sl_zone_cache {
    char *name;
    struct sl_zone *zone;
};
int sl_zone_cached(struct sl_call *c, struct sl_zone_cache *z, int k, size_t row,
                   const struct sl_zone **out);
void sl_zone_cache_release(struct sl_zone_cache *z);
/* kernel_json.c */
sl_kernel sl_kernel_json_get;

#endif
