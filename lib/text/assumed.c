/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* assumed: what a reader took for granted, in words, and the options that would pin it. */
#include <inttypes.h>
#include "text/text_reader.h"

static void add_delimiter(struct sl_buf *out, char c)
{
    sl_buf_addstr(out, ", delimiter ");
    switch (c) {
    case ',': sl_buf_addstr(out, "comma"); break;
    case ';': sl_buf_addstr(out, "semicolon"); break;
    case '\t': sl_buf_addstr(out, "tab"); break;
    case '|': sl_buf_addstr(out, "bar"); break;
    default: sl_buf_printf(out, c > ' ' && c < 0x7f ? "'%c'" : "0x%02x", c & 0xff); break;
    }
}

void sl_text_add_types(struct sl_buf *out, const struct sl_schema *s)
{
    assert(out && sl_schema_is_sound(s));
    struct sl_buf list = SL_BUF_INIT;
    sl_schema_print(s, &list);
    sl_buf_addstr(out, "--types '");
    for (size_t i = 0; i < list.len; i++)
        if (list.data[i] == '\'') /* out of the quotes, one, and in again */
            sl_buf_addstr(out, "'\\''");
        else
            sl_buf_addch(out, list.data[i]);
    sl_buf_addch(out, '\'');
    out->failed |= list.failed;
    sl_buf_release(&list);
}

void sl_text_why(struct sl_buf *out, const struct sl_span *v, const char *place, int64_t line)
{
    enum { SHOWN = 60 };
    const char *mark = v->flags & SL_SPAN_STRING ? "\"" : ""; /* of JSON */
    sl_buf_printf(out, "'%s", mark);
    sl_buf_add_visible(out, v->p, SL_MIN(v->len, (size_t)SHOWN));
    sl_buf_printf(out, "%s%s'", v->len > SHOWN ? "..." : "", mark);
    if (place)
        sl_buf_printf(out, " at %s", place);
    if (line)
        sl_buf_printf(out, place ? ":%" PRId64 : " in line %" PRId64, line);
}

void sl_text_assumed_types(const struct sl_text_reader *r, struct sl_buf *out)
{
    struct sl_schema *guessed = r->fixed ? NULL : sl_schema_new();
    for (int i = 0; guessed && i < r->ncolumns; i++) {
        const char *name = r->schema->fields[i].name;
        if (!r->columns[i].declared && i != (r->keys ? r->keys->rest : -1))
            sl_schema_add(guessed, name, strlen(name), r->columns[i].settled, NULL);
    }
    if (guessed && guessed->nfields)
        sl_text_add_types(out, guessed);
    sl_schema_unref(guessed);
}

/* Columns that would be numbers, or times, without a few values. */
static void add_odd(const struct sl_text_reader *r, struct sl_buf *out)
{
    enum { MOST = 5 };
    int n = 0;
    for (int i = 0; i < r->ncolumns; i++) {
        const struct sl_text_column *c = &r->columns[i];
        const struct sl_field *f = &r->schema->fields[i];
        if (!c->few_odd || !f->why[c->few_odd - 1] || n++ >= MOST)
            continue;
        sl_buf_addstr(out, "\ncolumn ");
        sl_buf_add_visible(out, f->name, strlen(f->name));
        sl_buf_printf(out, " is text: %s is no %s", f->why[c->few_odd - 1],
                      c->few_odd - 1 == SL_WHY_TIME ? "time" : "number");
    }
    if (n > MOST)
        sl_buf_printf(out, "\nand so are %d columns more", n - MOST);
}

/* A header that is one name with other delimiters in it was most likely written with one of them. */
static void add_one_column(const struct sl_text_reader *r, struct sl_buf *out)
{
    static const char others[] = ",;\t|";
    if (r->ncolumns != 1 || r->o.no_header)
        return;
    const char *name = r->schema->fields[0].name, *at = strpbrk(name, others);
    if (!at || *at == r->delim)
        return;
    sl_buf_addstr(out, "\nthe only column is ");
    sl_buf_add_visible(out, name, strlen(name));
    if (*at == '\t')
        sl_buf_addstr(out, "; --delimiter tab makes several of it");
    else
        sl_buf_printf(out, "; --delimiter '%c' makes several of it", *at);
}

void sl_text_assumed(const struct sl_text_reader *r, struct sl_buf *out)
{
    if (!r->schema)
        return;
    sl_buf_printf(out, "format %s", sl_text_format_name(r->o.format));
    if (r->delim_found)
        add_delimiter(out, r->delim);
    if (r->has_sep_line)
        sl_buf_addstr(out, " (its line sep=)");
    if (r->eol == '\r')
        sl_buf_addstr(out, ", lines end in CR");
    if (r->o.format == SL_TEXT_CSV || r->o.format == SL_TEXT_TSV)
        sl_buf_addstr(out, r->o.no_header ? ", no header"
                           : r->is_bare   ? ", no header (the first row is numbers only; --header "
                                            "takes it as one)"
                                          : ", header");
    if (r->header_renamed)
        sl_buf_addstr(out, ", empty or repeated names renamed");
    if (r->zone_assumed)
        sl_buf_addstr(out, ", times without zone are UTC (--tz)");
    if (r->lacks_year && !r->o.latest_said) {
        char day[64];
        int64_t last = sl_time_day_of(r->o.latest, r->o.zone);
        size_t n = sl_time_print_date(day, (int32_t)last);
        sl_buf_printf(out, ", times without year lie in the year until %.*s (--year)", (int)n, day);
    }
    struct sl_buf types = SL_BUF_INIT;
    sl_text_assumed_types(r, &types);
    if (types.len && !types.failed)
        sl_buf_printf(out, "; %s", types.data);
    sl_buf_release(&types);
    add_odd(r, out);
    if (r->o.format == SL_TEXT_CSV || r->o.format == SL_TEXT_TSV)
        add_one_column(r, out);
}
