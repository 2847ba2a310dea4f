/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* text_reader: making a reader, and changing its columns between decodes. */
#include "text/text_reader.h"

/* ---- life ---- */

static int copy_string(char **to, const char *from)
{
    *to = from ? sl_strdup(from) : NULL;
    return from && !*to ? -1 : 0;
}

static int copy_schema(struct sl_schema **to, const struct sl_schema *from)
{
    *to = from ? sl_schema_copy(from) : NULL;
    return from && !*to ? -1 : 0;
}

/* A name for a strptime format, or the format itself. */
static const char *format_of(const char *format)
{
    return format && strcmp(format, "syslog") == 0 ? "%b %d %H:%M:%S" : format;
}

/* One of enum sl_text_time, or -SL_EUSAGE. */
static int time_form(const char *format, struct sl_err *err)
{
    static const char *const units[] = {"s", "ms", "us", "ns"};
    if (!format)
        return SL_TIME_ISO;
    if (strncmp(format, "epoch", 5) == 0) {
        for (size_t i = 0; i < SL_COUNT(units); i++)
            if (format[5] == ':' && strcmp(format + 6, units[i]) == 0)
                return SL_TIME_EPOCH_S + (int)i;
        sl_err_set(err, SL_EUSAGE, "unknown time format '%s'", format);
        return sl_err_hint(err, "epoch:s, epoch:ms, epoch:us, epoch:ns");
    }
    if (strcmp(format, "iso") == 0)
        return SL_TIME_ISO;
    if (strcmp(format, "clf") == 0)
        return SL_TIME_CLF;
    if (!strchr(format, '%')) {
        sl_err_set(err, SL_EUSAGE, "unknown time format '%s'", format);
        return sl_err_hint(err,
                           "a form like '%%Y-%%m-%%d %%H:%%M:%%S', syslog or epoch:s|ms|us|ns");
    }
    if (!(sl_time_format_parts(format) & (SL_TIME_PART_YEAR | SL_TIME_PART_MONTH))) {
        sl_err_set(err, SL_EUSAGE, "time format '%s' has no date", format);
        return sl_err_hint(err, "put the date and the time of day together: transform --set");
    }
    return SL_TIME_STRPTIME;
}

int sl_text_reader_new(const struct sl_text_options *o, struct sl_text_reader **out,
                       struct sl_err *err)
{
    assert(o && out);
    int rc;
    struct sl_text_reader *r = sl_calloc(1, sizeof *r);
    if (!r)
        return sl_err_nomem(err, "opening a text reader");
    r->o = *o;
    r->is_bare = o->no_header != 0;
    r->o.raw = NULL; /* by sl_text_set_raw after settling */
    if (!o->max_columns)
        r->o.max_columns = SL_TEXT_MAX_COLUMNS;
    if (copy_string(&r->pattern, o->pattern) < 0 ||
        copy_string(&r->time_column, o->time_column) < 0 ||
        copy_string(&r->time_format, format_of(o->time_format)) < 0 ||
        copy_schema(&r->types, o->types) < 0 || copy_schema(&r->fixed, o->fixed) < 0) {
        rc = sl_err_nomem(err, "opening a text reader");
        goto fail;
    }
    if (o->format == SL_TEXT_TSV)
        r->delim = '\t';
    else if (o->format == SL_TEXT_CSV)
        r->delim = o->delimiter;
    if (r->delim == '"' || r->delim == '\n' || r->delim == '\r') {
        rc = sl_err_set(err, SL_EUSAGE, "a quote or line end cannot be the delimiter");
        goto fail;
    }
    rc = time_form(r->time_format, err);
    if (rc < 0)
        goto fail;
    r->lacks_year =
        rc == SL_TIME_STRPTIME && !(sl_time_format_parts(r->time_format) & SL_TIME_PART_YEAR);
    if (o->format == SL_TEXT_REGEX) {
        rc = sl_text_regex_new(r->pattern ? r->pattern : "", &r->regex, err);
        if (rc < 0)
            goto fail;
    }
    if (o->format == SL_TEXT_NONE || o->format == SL_TEXT_TABLE || o->format == SL_TEXT_ARROW) {
        sl_err_set(err, SL_EUSAGE, "format %s cannot be read as text",
                   sl_text_format_name(o->format));
        rc = sl_err_hint(err, "read " SL_TEXT_READABLE);
        goto fail;
    }
    *out = r;
    return 0;
fail:
    sl_text_reader_free(r);
    return rc;
}

void sl_text_reader_free(struct sl_text_reader *r)
{
    if (!r)
        return;
    free(r->pattern);
    free(r->time_column);
    free(r->time_format);
    sl_schema_unref(r->types);
    sl_schema_unref(r->fixed);
    sl_schema_unref(r->schema);
    free(r->columns);
    free(r->digits);
    sl_text_regex_free(r->regex);
    sl_text_json_free(r->keys);
    free(r);
}

struct sl_schema *sl_text_schema(struct sl_text_reader *r)
{
    return r->schema;
}

enum sl_text_format sl_text_reader_format(const struct sl_text_reader *r)
{
    return r->o.format;
}

int sl_text_lacks_year(const struct sl_text_reader *r)
{
    return r->lacks_year;
}

int sl_text_is_full(struct sl_text_reader *r)
{
    if (!r->keys || r->is_full_said || !atomic_load(&r->keys->left))
        return 0;
    r->is_full_said = 1;
    return 1;
}

/* ---- columns ---- */

/* The present types as a new schema. */
static int remake_schema(struct sl_text_reader *r, struct sl_err *err)
{
    struct sl_schema *s = sl_schema_copy(r->schema);
    if (!s)
        return sl_err_nomem(err, "changing a schema");
    for (int i = 0; i < r->ncolumns; i++)
        s->fields[i].type = r->columns[i].type;
    sl_schema_unref(r->schema);
    r->schema = s;
    r->generation++;
    return r->o.format == SL_TEXT_JSON ? sl_text_json_columns(r, err) : 0;
}

void sl_text_pin(struct sl_text_reader *r, int column, enum sl_pin why)
{
    assert(r->schema && column < r->ncolumns);
    r->columns[column].pinned = (uint8_t)why;
    r->columns[column].event_time |= why == SL_PIN_TIME;
}

/* What holds a field as it was, for text in another format or the same: 0 = nothing. */
static int raw_kind(enum sl_text_format from, enum sl_text_format to)
{
    if (from == SL_TEXT_JSON)
        return to == SL_TEXT_JSON ? SL_JSONB : 0;
    int fields = from == SL_TEXT_CSV || from == SL_TEXT_TSV;
    return fields && (to == SL_TEXT_CSV || to == SL_TEXT_TSV) ? SL_TEXT : 0;
}

int sl_text_set_raw(struct sl_text_reader *r, enum sl_text_format to, const uint8_t *columns,
                    struct sl_err *err)
{
    int kind = raw_kind(r->o.format, to);
    assert(r->schema);
    for (int i = 0; i < r->ncolumns; i++) {
        struct sl_text_column *c = &r->columns[i];
        c->raw = kind && sl_bit(columns, (size_t)i) && !c->declared && !c->event_time;
        c->type = c->raw ? sl_type_of((enum sl_kind)kind) : c->settled;
    }
    return remake_schema(r, err);
}

/* Columns that a log has already may hold numbers of more digits than were seen here. */
int sl_text_count_digits(struct sl_text_reader *r, struct sl_err *err)
{
    struct sl_text_digits *digits = sl_calloc((size_t)r->ncolumns + 1, sizeof *digits);
    if (!digits)
        return sl_err_nomem(err, "settling a schema");
    for (int i = 0; i < r->ncolumns; i++) {
        const struct sl_type t = r->columns[i].type;
        const char *name = r->schema->fields[i].name;
        int few = t.kind == SL_NUMERIC && t.precision <= SL_TEXT_DOUBLE_DIGITS;
        int old = r->fixed && !few && sl_schema_find(r->fixed, name, strlen(name)) >= 0;
        atomic_init(&digits[i].many, old ? 0 : INT64_MAX);
        atomic_init(&digits[i].asks, INT64_MAX);
    }
    free(r->digits);
    r->digits = digits;
    return 0;
}

/* What was noted of the columns, in the places of the new ones. Where a chunk wants double precision and
 * one before it had too many digits for that, the column becomes text: chunks are decoded in any order,
 * but those before the first one that asks have all been decoded by now. */
static int carry_digits(struct sl_text_reader *r, struct sl_schema **wider, struct sl_err *err)
{
    struct sl_text_digits *digits = sl_calloc((size_t)(*wider)->nfields + 1, sizeof *digits);
    struct sl_schema *s = digits ? sl_schema_copy(*wider) : NULL;
    if (!s) {
        free(digits);
        return sl_err_nomem(err, "a schema");
    }
    for (int i = 0; i < s->nfields; i++) {
        struct sl_field *f = &s->fields[i];
        int old = sl_schema_find(r->schema, f->name, strlen(f->name));
        int64_t many = old < 0 ? INT64_MAX : atomic_load(&r->digits[old].many);
        if (old >= 0 && f->type.kind == SL_DOUBLE &&
            r->schema->fields[old].type.kind != SL_DOUBLE &&
            many < atomic_load(&r->digits[old].asks))
            f->type = sl_type_of(SL_TEXT);
        atomic_init(&digits[i].many, many);
        atomic_init(&digits[i].asks, INT64_MAX);
    }
    free(r->digits);
    r->digits = digits;
    *wider = s;
    return 0;
}

static int replace_columns(struct sl_text_reader *r, struct sl_schema *wider, struct sl_err *err)
{
    struct sl_text_column *columns = sl_calloc((size_t)wider->nfields, sizeof *columns);
    if (!columns)
        return sl_err_nomem(err, "a schema");
    int kept = 0;
    for (int i = 0; i < wider->nfields; i++) {
        const struct sl_field *f = &wider->fields[i];
        int old = sl_schema_find(r->schema, f->name, strlen(f->name));
        columns[i].field = -1;
        columns[i].first = f->type;
        if (old >= 0) {
            columns[i] = r->columns[old];
            kept++;
            if (old != i && r->o.format != SL_TEXT_JSON)
                kept = -1;
        }
        columns[i].type = columns[i].settled = f->type;
        if (f->type.kind == SL_DOUBLE) /* later values become text from there, not as they stand */
            columns[i].first = f->type;
        if (kept < 0)
            break;
    }
    if (kept != r->ncolumns) {
        free(columns);
        return sl_err_set(err, SL_EBUG, "a wider schema moved or lost columns");
    }
    free(r->columns);
    r->columns = columns;
    r->ncolumns = wider->nfields;
    sl_schema_unref(r->schema);
    r->schema = sl_schema_ref(wider);
    r->generation++;
    return r->o.format == SL_TEXT_JSON ? sl_text_json_columns(r, err) : 0;
}

/* Says of each column of r, which has just taken a wider schema, what it is now and was not before. */
static void say_wider(struct sl_text_reader *r, const struct sl_schema *before, struct sl_buf *out)
{
    for (int i = 0; i < r->ncolumns; i++) {
        const struct sl_field *f = &r->schema->fields[i];
        struct sl_text_column *c = &r->columns[i];
        int old = sl_schema_find(before, f->name, strlen(f->name));
        uint8_t what = f->type.kind == SL_TEXT ? SL_SAID_TEXT : SL_SAID_WIDER;
        if (old < 0 || sl_type_equal(before->fields[old].type, f->type) || c->said >= what)
            continue;
        c->said = what;
        sl_buf_addstr(out, "column ");
        sl_buf_add_visible(out, f->name, strlen(f->name));
        sl_buf_addstr(out, " is now ");
        sl_type_print(f->type, out);
        sl_buf_printf(out, "%s%s\n", f->why[SL_WHY_NUMBER] ? ": " : "",
                      f->why[SL_WHY_NUMBER] ? f->why[SL_WHY_NUMBER] : "");
    }
}

int sl_text_widen(struct sl_text_reader *r, struct sl_schema *wider, struct sl_buf *said,
                  struct sl_err *err)
{
    assert(r && sl_schema_is_sound(wider));
    struct sl_schema *before = sl_schema_ref(r->schema);
    int rc = carry_digits(r, &wider, err);
    if (rc < 0) {
        sl_schema_unref(before);
        return rc;
    }
    rc = replace_columns(r, wider, err);
    if (rc == 0 && said)
        say_wider(r, before, said);
    sl_schema_unref(before);
    sl_schema_unref(wider);
    return rc;
}
