/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * suggest: what to write instead of a function that is none, and of a name that lacks its quotes.
 *
 * A suggestion is something that can stand at that place: no function where an aggregate is wanted,
 * and no aggregate where none may stand.
 */
#include <strings.h>
#include "base/utf8.h"
#include "expr/bind.h"
#include "expr/function.h"

const char *sl_suggest_function(const char *name, int what)
{
    const char *names[160];
    int n = 0;
    if (what & SL_SUGGEST_FUNCTIONS)
        n = sl_function_names(names, (int)SL_COUNT(names));
    if (what & SL_SUGGEST_AGGREGATES)
        n += sl_aggregate_names(names + n, (int)SL_COUNT(names) - n);
    assert(n >= 0 && n <= (int)SL_COUNT(names));
    return sl_schema_nearest(name, strlen(name), names, n);
}

/* PostgreSQL's aggregates that sluice has not got, and what does the same, if anything does. */
static const struct {
    const char *name, *instead;
} absent[] = {
    {"any_value", "min(x) takes one of the values"},
    {"cume_dist", NULL},
    {"dense_rank", NULL},
    {"first_value", "first(x) takes the first value in the order of the input"},
    {"group_concat", "string_agg(x, ',')"},
    {"json_agg", "array_agg(x) gives jsonb"},
    {"json_object_agg", NULL},
    {"jsonb_agg", "array_agg(x) gives jsonb"},
    {"jsonb_object_agg", NULL},
    {"last_value", "last(x) takes the last value in the order of the input"},
    {"listagg", "string_agg(x, ',')"},
    {"percent_rank", NULL},
    {"quantile", "percentile_cont(0.9) within group (order by x), or p90(x)"},
    {"rank", NULL},
    {"stdev", "stddev(x)"},
};

int sl_bind_absent(struct sl_bind *b, const char *name, int at)
{
    size_t i = 0;
    while (i < SL_COUNT(absent) && strcmp(absent[i].name, name) != 0)
        i++;
    if (i == SL_COUNT(absent))
        return 0;
    sl_bind_fail(b, at, "sluice has no aggregate %s yet", absent[i].name);
    if (absent[i].instead)
        sl_bind_hint(b, "%s", absent[i].instead);
    else
        sl_bind_aggregates_hint(b);
    return 1;
}

void *sl_bind_aggregates_hint(struct sl_bind *b)
{
    return sl_bind_hint(b, "`sluice help aggregates` lists those that there are");
}

/* A column as an expression and as --types have it, and the word in the value 'WORD' at PLACE: one that
 * can stand in an expression as it is, else NA. */
static void names_of(const struct sl_node *n, const char *why, struct sl_buf *expr,
                     struct sl_buf *types, struct sl_buf *word)
{
    assert(n->kind == SL_NODE_COLUMN);
    size_t len = why ? strcspn(why + 1, "'") : 0;
    sl_node_print(n, expr);
    sl_schema_print_name(n->name, types);
    if (len && len <= 20 && !memchr(why + 1, '\\', len) && !memchr(why + 1, '"', len) &&
        strncmp(why + 1 + len, "' at ", 5) == 0)
        sl_buf_add(word, why + 1, len);
    else
        sl_buf_addstr(word, "NA");
}

void *sl_bind_text_hint(struct sl_bind *b, const struct sl_schema *schema, const struct sl_node *n,
                        enum sl_why wanted)
{
    const char *to = wanted == SL_WHY_TIME ? "timestamptz" : "numeric";
    const char *thing = wanted == SL_WHY_TIME ? "time" : "number";
    struct sl_buf expr = SL_BUF_INIT, types = SL_BUF_INIT, word = SL_BUF_INIT;
    if (n->kind != SL_NODE_COLUMN)
        return sl_bind_hint(b, "(...)::%s makes a %s of it, or an error that names the row", to,
                            thing);
    const char *why = schema->fields[n->column].why[wanted];
    size_t used = strlen(b->err->what);
    if (why)
        snprintf(b->err->what + used, sizeof(b->err->what) - used, ": %s is no %s", why, thing);
    names_of(n, why, &expr, &types, &word);
    if (expr.failed || types.failed || word.failed)
        ;
    else if (wanted == SL_WHY_TIME && !why)
        sl_bind_hint(b, "%.60s::timestamptz reads ISO 8601, and names what is none", expr.data);
    else if (wanted == SL_WHY_TIME)
        sl_bind_hint(b,
                     "--types '%.60s timestamptz' reads ISO 8601 and rejects other rows; --time "
                     "%.60s --time-format FORM reads another form",
                     types.data, types.data);
    else
        sl_bind_hint(b,
                     "%s%.60s%snullif(%.60s, '%s')::numeric makes the word %s null and names what "
                     "else is no number",
                     why ? "--types '" : "", why ? types.data : "",
                     why ? " numeric' reads numbers and rejects other rows; " : "", expr.data,
                     word.data, word.data);
    sl_buf_release(&expr);
    sl_buf_release(&types);
    sl_buf_release(&word);
    return NULL;
}

/* ---- names that lack their quotes ---- */

static size_t word_length(const char *s)
{
    size_t n = 0;
    while (sl_word_char(s[n]))
        n++;
    return n;
}

/* Words with dots between them can stand without quotes. The parser's own hint is for a keyword. */
static int needs_quotes(const char *name)
{
    if (sl_word_reserved(name, strlen(name)))
        return 0;
    for (;; name++) {
        size_t n = word_length(name);
        if (!n || (name[0] >= '0' && name[0] <= '9') || sl_word_reserved(name, n))
            return 1;
        name += n;
        if (*name != '.')
            return *name != 0;
    }
}

/* Where name stands in text, outside quotes and not within a longer word, so that the byte `at` is
 * in it or next behind it. The byte, or -1. */
static int64_t find_bare(const char *text, size_t at, const char *name)
{
    size_t n = strlen(name);
    char quote = 0;
    for (size_t i = 0; n && text[i] && i <= at; i++) {
        if (quote || text[i] == '"' || text[i] == '\'') {
            quote = !quote ? text[i] : text[i] == quote ? 0 : quote;
            continue;
        }
        if (strncasecmp(text + i, name, n) != 0 || (i && sl_word_char(text[i - 1])) ||
            sl_word_char(text[i + n]))
            continue;
        if (at <= i + n + strspn(text + i + n, " \t\r\n"))
            return (int64_t)i;
    }
    return -1;
}

/* text as one word of the shell. */
static void add_shell_word(struct sl_buf *out, const struct sl_buf *text)
{
    char quote = memchr(text->data, '\'', text->len) ? '"' : '\'';
    sl_buf_addch(out, quote);
    for (size_t i = 0; i < text->len; i++) {
        if (quote == '"' && strchr("\"\\$`", text->data[i]))
            sl_buf_addch(out, '\\');
        sl_buf_addch(out, text->data[i]);
    }
    sl_buf_addch(out, quote);
}

void sl_suggest_quotes(const char *option, const char *text, const struct sl_scope *scope,
                       struct sl_err *err)
{
    const char *name = NULL;
    struct sl_buf quoted = SL_BUF_INIT, whole = SL_BUF_INIT, word = SL_BUF_INIT;
    size_t at = 0, all = strlen(text), front = 0;
    int32_t cp;
    for (int i = 1; i < err->column && at < all; i++)
        at += sl_utf8_decode(text + at, all - at, &cp);
    for (int i = 0; i < scope->n; i++)
        for (int k = 0; k < scope->inputs[i].schema->nfields; k++) {
            const char *f = scope->inputs[i].schema->fields[k].name;
            int64_t from = !needs_quotes(f) || (name && strlen(f) < strlen(name))
                               ? -1
                               : find_bare(text, at, f);
            name = from < 0 ? name : f;
            front = from < 0 ? front : (size_t)from;
        }
    if (!name)
        return;
    sl_print_quoted(name, strlen(name), '"', &quoted);
    sl_buf_add(&whole, text, front);
    sl_print_quoted(name, strlen(name), '"', &whole);
    sl_buf_addstr(&whole, text + front + strlen(name));
    if (!quoted.failed && !whole.failed)
        add_shell_word(&word, &whole);
    if (word.len && !word.failed && word.len < 160)
        sl_err_hint(err, "the name %.60s needs double quotes: %s%s%s", name, option ? option : "",
                    option ? " " : "", word.data);
    else if (quoted.len && quoted.len < 160)
        sl_err_hint(err, "the name %.60s needs double quotes: %s", name, quoted.data);
    sl_buf_release(&quoted);
    sl_buf_release(&whole);
    sl_buf_release(&word);
}
