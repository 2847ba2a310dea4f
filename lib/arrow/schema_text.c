/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * schema_text: schemas as people write and read them: the list of --types, names as expressions
 * give them, and the nearest name for a hint.
 */
#include "arrow/hidden.h"
#include "arrow/schema.h"
#include "base/mem.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static int same_without_case(const char *a, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!a[i] || lower(a[i]) != lower(s[i]))
            return 0;
    }
    return !a[n];
}

/* ---- nearest name ---- */

enum { NEAREST_MAX = 64 };

/* Levenshtein distance without case, a swap of neighbours counting as one; > limit if larger. */
static int distance(const char *a, int n, const char *b, int m, int limit)
{
    int rows[3][NEAREST_MAX + 1], *two = rows[0], *one = rows[1], *now = rows[2];
    if (abs(n - m) > limit)
        return limit + 1;
    for (int k = 0; k <= m; k++)
        one[k] = k;
    for (int i = 1; i <= n; i++) {
        now[0] = i;
        for (int k = 1; k <= m; k++) {
            int d = one[k - 1] + (lower(a[i - 1]) != lower(b[k - 1]));
            d = SL_MIN(d, SL_MIN(one[k], now[k - 1]) + 1);
            if (i > 1 && k > 1 && lower(a[i - 1]) == lower(b[k - 2]) &&
                lower(a[i - 2]) == lower(b[k - 1]))
                d = SL_MIN(d, two[k - 2] + 1);
            now[k] = d;
        }
        int *t = two;
        two = one;
        one = now;
        now = t;
    }
    return one[m];
}

const char *sl_schema_nearest(const char *name, size_t len, const char *const *names, int n)
{
    assert(n >= 0);
    const char *best = NULL;
    if (!len || len > NEAREST_MAX)
        return NULL;
    int limit = SL_MAX((int)len / 3, len > 1 ? 1 : 0), at = limit + 1;
    for (int i = 0; i < n; i++) {
        size_t m = strlen(names[i]);
        if (!m || m > NEAREST_MAX)
            continue;
        int d = distance(name, (int)len, names[i], (int)m, limit);
        if (d < at) {
            at = d;
            best = names[i];
        }
    }
    return best;
}

/* A hint behind what is to be said of keys that have no column. */
static void hint_columns(const struct sl_schema *s, const char *rest, struct sl_err *err)
{
    struct sl_buf list = SL_BUF_INIT;
    for (int i = 0; i < s->nfields && list.len < 160; i++) {
        if (s->fields[i].name[0] == '_')
            continue;
        if (list.len)
            sl_buf_addstr(&list, ", ");
        sl_buf_addstr(&list, s->fields[i].name);
    }
    if (!list.failed && (list.len || *rest))
        sl_err_hint(err, "%s%s%s%s", rest, *rest && list.len ? "; " : "",
                    list.len ? "columns: " : "", list.len ? list.data : "");
    sl_buf_release(&list);
}

static int no_column(const struct sl_schema *s, const char *name, size_t len, struct sl_err *err)
{
    if (!err)
        return -SL_EUSAGE;
    sl_err_set(err, SL_EUSAGE, "no column is named \"%.*s\"", (int)SL_MIN(len, 128), name);
    const char **names = sl_calloc((size_t)s->nfields + 1, sizeof *names);
    const char *near = NULL;
    char rest[160] = "";
    int r = sl_rest_column(s);
    if (r >= 0 && s->fields[r].type.kind == SL_JSONB && len <= 40)
        snprintf(rest, sizeof rest,
                 "a key that came late lies in _rest (_rest ->> '%.*s'); --types '%.*s text' "
                 "makes it a column",
                 (int)len, name, (int)len, name);
    if (names) {
        for (int i = 0; i < s->nfields; i++)
            names[i] = s->fields[i].name;
        near = sl_schema_nearest(name, len, names, s->nfields);
    }
    if (near)
        sl_err_hint(err, "did you mean %s?%s%s", near, *rest ? " else " : "", rest);
    else
        hint_columns(s, rest, err);
    free(names);
    return -SL_EUSAGE;
}

int sl_schema_lookup(const struct sl_schema *s, const char *name, size_t len, struct sl_err *err)
{
    assert(sl_schema_is_sound(s) && (name || !len));
    char low[256];
    int found = sl_schema_find(s, name, len);
    for (size_t i = 0; i < len && i < sizeof low; i++)
        low[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i]);
    if (found < 0 && len <= sizeof low) /* as SQL has it */
        found = sl_schema_find(s, low, len);
    if (found >= 0)
        return found;
    for (int i = 0; i < s->nfields; i++) {
        if (!same_without_case(s->fields[i].name, name, len))
            continue;
        if (found >= 0) {
            sl_err_set(err, SL_EUSAGE, "\"%.*s\" is ambiguous: %s or %s", (int)SL_MIN(len, 128),
                       name, s->fields[found].name, s->fields[i].name);
            if (err)
                sl_err_hint(err, "write \"%s\" in double quotes", s->fields[found].name);
            return -SL_EUSAGE;
        }
        found = i;
    }
    return found >= 0 ? found : no_column(s, name, len, err);
}

/* ---- the list of --types ---- */

static int is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '@' || c == '$' || c == '-' || (unsigned char)c >= 0x80;
}

void sl_schema_print_name(const char *name, struct sl_buf *out)
{
    assert(name && out);
    size_t n = strlen(name), i = 0;
    while (i < n && is_word(name[i]))
        i++;
    if (n && i == n) {
        sl_buf_add(out, name, n);
        return;
    }
    sl_buf_addch(out, '"');
    for (i = 0; i < n; i++) {
        if (name[i] == '"')
            sl_buf_addch(out, '"');
        sl_buf_addch(out, name[i]);
    }
    sl_buf_addch(out, '"');
}

void sl_schema_print(const struct sl_schema *s, struct sl_buf *out)
{
    assert(sl_schema_is_sound(s) && out);
    for (int i = 0; i < s->nfields; i++) {
        if (i)
            sl_buf_addstr(out, ", ");
        sl_schema_print_name(s->fields[i].name, out);
        sl_buf_addch(out, ' ');
        sl_type_print(s->fields[i].type, out);
    }
}

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Error at byte `at` of the list: column counts characters. */
static int bad_list(const char *s, size_t at, const char *what, struct sl_err *err)
{
    sl_err_set(err, SL_EUSAGE, "%s", what);
    if (err) {
        err->column = 1;
        for (size_t i = 0; i < at; i++)
            err->column += ((unsigned char)s[i] & 0xc0) != 0x80;
        sl_err_hint(err, "a list of types is written: price numeric(12,2), ts timestamptz");
    }
    return -SL_EUSAGE;
}

/* Reads a name at *i into name (reset). 0, or < 0. */
static int read_name(const char *s, size_t n, size_t *i, struct sl_buf *name, struct sl_err *err)
{
    size_t start = *i;
    sl_buf_reset(name);
    if (*i < n && s[*i] == '"') {
        for ((*i)++;; (*i)++) {
            if (*i >= n)
                return bad_list(s, start, "a double quote that is never closed", err);
            if (s[*i] == '"') {
                if (*i + 1 < n && s[*i + 1] == '"')
                    (*i)++;
                else
                    break;
            }
            sl_buf_addch(name, s[*i]);
        }
        (*i)++;
    } else {
        while (*i < n && !is_space(s[*i]) && s[*i] != ',' && s[*i] != '"')
            (*i)++;
        sl_buf_add(name, s + start, *i - start);
    }
    int rc = sl_buf_check(name, err);
    if (rc == 0 && (!name->len || memchr(name->data, 0, name->len)))
        rc = bad_list(s, start, "a column name is missing", err);
    return rc;
}

/* End of the type that starts at i: the next comma outside parentheses. */
static size_t type_end(const char *s, size_t n, size_t i)
{
    for (int depth = 0; i < n; i++) {
        depth += s[i] == '(';
        depth -= s[i] == ')';
        if (s[i] == ',' && depth <= 0)
            break;
    }
    return i;
}

/* What stands as a type at s[i .. stop) is none: is it words of the name, and a type behind them? */
static void hint_blank(const char *s, size_t at, size_t i, size_t stop, struct sl_err *err)
{
    struct sl_type ignored;
    for (; i < stop; i++) {
        size_t k = i;
        while (k < stop && is_space(s[k]))
            k++;
        if (k == i || sl_type_parse(s + k, stop - k, &ignored, NULL) < 0)
            continue;
        sl_err_hint(err, "a name with blanks is written in double quotes: \"%.*s\" %.*s",
                    (int)SL_MIN(i - at, (size_t)100), s + at, (int)SL_MIN(stop - k, (size_t)80),
                    s + k);
        return;
    }
}

int sl_schema_parse(const char *s, size_t n, struct sl_schema **out, struct sl_err *err)
{
    assert((s || !n) && out);
    struct sl_buf name = SL_BUF_INIT;
    struct sl_schema *schema = sl_schema_new();
    int rc = schema ? 0 : sl_err_nomem(err, "a schema");
    for (size_t i = 0; rc == 0;) {
        struct sl_type type;
        while (i < n && is_space(s[i]))
            i++;
        size_t at = i;
        if ((rc = read_name(s, n, &i, &name, err)) < 0)
            break;
        while (i < n && is_space(s[i]))
            i++;
        size_t end = type_end(s, n, i), stop = end;
        while (stop > i && is_space(s[stop - 1]))
            stop--;
        if (stop == i) {
            rc = bad_list(s, at, "a column without a type", err);
            break;
        }
        if ((rc = sl_type_parse(s + i, stop - i, &type, err)) < 0) {
            hint_blank(s, at, i, stop, err);
            if (err) {
                err->column = 1;
                for (size_t k = 0; k < i; k++)
                    err->column += ((unsigned char)s[k] & 0xc0) != 0x80;
            }
            break;
        }
        if ((rc = sl_schema_add(schema, name.data, name.len, type, err)) < 0) {
            if (rc == -SL_ESCHEMA)
                rc = bad_list(s, at, "the same column twice", err);
            break;
        }
        if (end >= n)
            break;
        i = end + 1;
    }
    sl_buf_release(&name);
    if (rc < 0) {
        sl_schema_unref(schema);
        return rc;
    }
    *out = schema;
    return 0;
}
