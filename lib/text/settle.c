/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * settle: from a sample to the schema.
 *
 * Columns come from (1) a fixed schema, if one is given, in its order, (2) the names of the input
 * that it lacks, in theirs, (3) for JSON, and where more files follow, declared columns that were not
 * seen. A type comes from --types, else the fixed schema, else the format, else the values of the
 * sample.
 */
#include "text/text_reader.h"

/* Names of the input's fields, and types that are known. */
struct fields {
    int n;
    const char *const *names;
    const struct sl_type *types; /* NULL: to be inferred */
    int declared;                /* types come with the format: never widened */
    const char *sample;          /* where the sample begins, with its header */
};

static int add_column(struct sl_text_reader *r, struct sl_schema *s, const char *name,
                      struct sl_type type, int field, struct sl_err *err)
{
    int rc = SL_GROW_ONE(r->columns, r->ncolumns, "settling a schema", err);
    if (rc == 0)
        rc = sl_schema_add(s, name, strlen(name), type, err);
    if (rc < 0)
        return rc;
    r->columns[r->ncolumns++] =
        (struct sl_text_column){.type = type, .settled = type, .first = type, .field = field};
    return 0;
}

/* Without a header, a list of as many names as there are fields names them. */
static int names_by_place(const struct sl_text_reader *r, const struct sl_schema *s,
                          const struct fields *f, const struct sl_schema *table)
{
    if (!r->is_bare || !s || s->nfields != f->n)
        return 0;
    for (int i = 0; i < s->nfields; i++)
        if (sl_schema_find(table, s->fields[i].name, strlen(s->fields[i].name)) >= 0)
            return 0;
    return 1;
}

static int add_columns(struct sl_text_reader *r, struct sl_schema *s, const struct fields *f,
                       struct sl_err *err)
{
    struct sl_schema *table = sl_text_name_table(f->names, f->n, err);
    if (!table)
        return err ? -(int)err->code : -SL_ENOMEM;
    int placed = names_by_place(r, r->fixed, f, table), rc = 0;
    for (int i = 0; r->fixed && i < r->fixed->nfields && rc >= 0; i++) {
        const struct sl_field *x = &r->fixed->fields[i];
        int field = placed ? i : sl_schema_find(table, x->name, strlen(x->name));
        rc = add_column(r, s, x->name, x->type, field, err);
    }
    int declared = !placed && names_by_place(r, r->types, f, table);
    sl_schema_unref(table);
    for (int i = 0; i < f->n && rc >= 0 && !placed; i++) {
        const char *name = declared ? r->types->fields[i].name : f->names[i];
        if (sl_schema_find(s, name, strlen(name)) < 0)
            rc = add_column(r, s, name, f->types ? f->types[i] : (struct sl_type){0}, i, err);
        if (rc >= 0 && f->declared)
            r->columns[sl_schema_find(s, name, strlen(name))].declared = 1;
    }
    return rc;
}

static int unknown_column(const struct sl_schema *s, const char *option, const char *name,
                          struct sl_err *err)
{
    const char **names = sl_calloc((size_t)s->nfields, sizeof *names);
    struct sl_buf b = SL_BUF_INIT;
    for (int i = 0; i < s->nfields; i++) {
        if (names)
            names[i] = s->fields[i].name;
        if (i < 12)
            sl_buf_printf(&b, "%s%s", i ? ", " : "", s->fields[i].name);
    }
    const char *near = names ? sl_schema_nearest(name, strlen(name), names, s->nfields) : NULL;
    sl_err_set(err, SL_EUSAGE, "%s names '%s', which the input has not", option, name);
    if (near)
        sl_err_hint(err, "did you mean '%s'?", near);
    else
        sl_err_hint(err, "it has %s%s", b.data ? b.data : "no column",
                    s->nfields > 12 ? ", ..." : "");
    free(names);
    sl_buf_release(&b);
    return -SL_EUSAGE;
}

/* A column that is there already and a declared type: one must hold what the other does. That text
 * would hold both is no reason to make the column text. */
static int check_declared(const struct sl_text_reader *r, const struct sl_field *x,
                          struct sl_err *err)
{
    int c = r->fixed ? sl_schema_find(r->fixed, x->name, strlen(x->name)) : -1;
    struct sl_type now, both;
    if (c < 0)
        return 0;
    now = r->fixed->fields[c].type;
    if (sl_type_equal(now, x->type) ||
        (sl_type_widen(now, x->type, &both) &&
         (both.kind != SL_TEXT || now.kind == SL_TEXT || x->type.kind == SL_TEXT)))
        return 0;
    char is[SL_TYPE_NAME], said[SL_TYPE_NAME];
    sl_err_set(err, SL_ESCHEMA, "--types: column '%s' is %s in the log, and cannot become %s",
               x->name, sl_type_name(now, is), sl_type_name(x->type, said));
    return sl_err_hint(err, "leave it out; --types '%s text' would take both", x->name);
}

/* The column that --types names: in other letters only if the list does not name that one too. */
static int declared_column(const struct sl_text_reader *r, const struct sl_schema *s,
                           const char *name)
{
    int c = sl_schema_lookup(s, name, strlen(name), NULL);
    const char *found = c < 0 ? name : s->fields[c].name;
    if (strcmp(found, name) != 0 && sl_schema_find(r->types, found, strlen(found)) >= 0)
        return -1;
    return c;
}

/* A key of an object that is declared whole cannot be a column of its own. */
static int check_whole(const struct sl_schema *types, const struct sl_field *x, struct sl_err *err)
{
    size_t n = strlen(x->name);
    for (int i = 0; x->type.kind == SL_JSONB && i < types->nfields; i++) {
        const char *name = types->fields[i].name;
        if (strncmp(name, x->name, n) == 0 && name[n] == '.') {
            sl_err_set(err, SL_EUSAGE, "--types: '%s' is jsonb, and '%s' is a part of it", x->name,
                       name);
            return sl_err_hint(err, "leave one of them out");
        }
    }
    return 0;
}

static int declare_types(struct sl_text_reader *r, struct sl_schema *s, struct sl_err *err)
{
    for (int i = 0; r->types && i < r->types->nfields; i++) {
        const struct sl_field *x = &r->types->fields[i];
        int c = declared_column(r, s, x->name);
        if (c < 0 && (r->o.format == SL_TEXT_JSON || (r->o.several && !r->is_bare))) {
            int rc = add_column(r, s, x->name, x->type, -1, err);
            if (rc < 0)
                return rc;
            c = r->ncolumns - 1;
        }
        if (c < 0)
            return unknown_column(s, "--types", x->name, err);
        if (x->type.kind == SL_FOREIGN)
            return sl_err_set(err, SL_EUSAGE, "--types: column '%s' cannot be of that type",
                              x->name);
        int rc = r->o.format == SL_TEXT_JSON ? check_whole(r->types, x, err) : 0;
        if (rc == 0)
            rc = check_declared(r, x, err);
        if (rc < 0)
            return rc;
        r->columns[c].type = x->type;
        r->columns[c].declared = 1;
    }
    return 0;
}

/* Notes what made column c text: the first value that is no number, and the first that is no time, of
 * the record that begins at `record` of the sample. */
static int note_why(struct sl_text_reader *r, struct sl_schema *s, int c, int k,
                    const struct sl_text_odd *odd, const char *sample, const char *record)
{
    struct sl_buf place = SL_BUF_INIT, why = SL_BUF_INIT;
    int64_t line = 1 + sl_text_lines(r->eol, sample, record);
    if (r->o.place)
        r->o.place(r->o.place_arg, line, &place);
    if (!place.failed)
        sl_text_why(&why, &odd->value, place.data, place.len ? 0 : line);
    int rc =
        place.failed || why.failed ? -SL_ENOMEM : sl_schema_set_why(s, c, (enum sl_why)k, why.data);
    sl_buf_release(&place);
    sl_buf_release(&why);
    return rc;
}

/* Columns that became text say why, from what their guesses noted. at: of a record, from data on, or,
 * with rows, the number of one. */
static int note_column(struct sl_text_reader *r, struct sl_schema *s, int c,
                       const struct sl_text_guess *g, const struct sl_text_rows *rows,
                       const char *sample, const char *data, size_t n)
{
    enum { MANY = 10 };
    struct sl_text_column *x = &r->columns[c];
    int rc = 0;
    for (int k = 0; k < SL_WHYS && rc == 0; k++) {
        const struct sl_text_odd *odd = &g->odd[k];
        if (!odd->at)
            continue;
        size_t byte = (size_t)odd->at - 1, len;
        if (rows)
            sl_text_record(rows, byte, data, n, &byte, &len);
        rc = note_why(r, s, c, k, odd, sample, data + byte);
        if (g->same >= MANY && (!x->few_odd || odd->at > g->odd[x->few_odd - 1].at))
            x->few_odd = (uint8_t)(k + 1);
    }
    return rc;
}

/* Types of the columns that have none yet, from the values of the rows. */
static int infer_types(struct sl_text_reader *r, struct sl_schema *s, const struct fields *f,
                       const struct sl_text_rows *rows, const char *data, size_t n)
{
    for (int c = 0; c < r->ncolumns; c++) {
        if (r->columns[c].type.kind)
            continue;
        struct sl_text_guess g = sl_text_guess_field(r, rows, r->columns[c].field);
        r->columns[c].type =
            r->o.format == SL_TEXT_LINES ? sl_type_of(SL_TEXT) : sl_text_guess_type(&g, 0);
        r->zone_assumed |= g.zoneless && r->columns[c].type.kind == SL_TIMESTAMPTZ && !r->o.zone;
        if (r->columns[c].type.kind == SL_TEXT && r->o.format != SL_TEXT_LINES &&
            note_column(r, s, c, &g, rows, f->sample, data, n) < 0)
            return -SL_ENOMEM;
    }
    return 0;
}

/* The same for the columns of JSON, which have their types by now. */
static int note_keys(struct sl_text_reader *r, const struct fields *f, const char *data,
                     struct sl_err *err)
{
    for (int c = 0; c < r->ncolumns; c++) {
        const char *name = r->schema->fields[c].name;
        uint32_t node = sl_json_keys_find(r->keys, 0, name, strlen(name));
        if (node && !r->columns[c].declared && r->columns[c].type.kind == SL_TEXT &&
            note_column(r, r->schema, c, &r->keys->nodes[node].guess, NULL, f->sample, data, 0) < 0)
            return sl_err_nomem(err, "settling a schema");
    }
    return 0;
}

/* Times in a form of their own: nanoseconds, if some of the sample needs them. */
static void infer_nanoseconds(struct sl_text_reader *r, const struct sl_schema *s,
                              const struct sl_text_rows *rows)
{
    struct sl_text_missing missing = {.zone = r->o.zone};
    for (int c = 0; c < r->ncolumns; c++) {
        struct sl_text_column *x = &r->columns[c];
        const char *name = s->fields[c].name;
        if (x->time != SL_TIME_STRPTIME || x->type.nsec ||
            (r->types && sl_schema_lookup(r->types, name, strlen(name), NULL) >= 0) ||
            (r->fixed && sl_schema_find(r->fixed, name, strlen(name)) >= 0))
            continue;
        struct sl_text_column fine = *x;
        struct sl_text_cursor at = {.rows = rows, .field = x->field};
        struct sl_span v;
        int64_t ignored;
        fine.type.nsec = 1;
        for (size_t row = 0; row < rows->rows && !x->type.nsec; row++) {
            sl_text_gather(&at, &v, 1);
            x->type.nsec = !(v.flags & SL_SPAN_NULL) && !sl_text_value(x, &missing, &v, &ignored) &&
                           sl_text_value(&fine, &missing, &v, &ignored);
        }
    }
}

/* --time-format without --time: the column that is taken for time, by name or as the only time.
 * NULL with err filled if none is. */
static const char *formatted_column(const struct sl_text_reader *r, struct sl_schema *s,
                                    struct sl_err *err)
{
    for (int i = 0; i < r->ncolumns; i++)
        s->fields[i].type = r->columns[i].type;
    int c = sl_schema_usual_time(s);
    if (c < 0 || (r->columns[c].declared && s->fields[c].type.kind != SL_TIMESTAMPTZ))
        c = sl_schema_guess_time(s);
    if (c >= 0)
        return s->fields[c].name;
    sl_err_set(err, SL_EUSAGE,
               "--time-format says how the time is written, and no column is taken for the time");
    sl_schema_hint_time(s, err);
    return NULL;
}

/* r->time_format is how x is written: its type, if it has another. */
static void take_format(struct sl_text_reader *r, struct sl_text_column *x)
{
    if (strncmp(r->time_format, "epoch:", 6) == 0)
        x->time = (uint8_t)(r->time_format[6] == 's'   ? SL_TIME_EPOCH_S
                            : r->time_format[6] == 'm' ? SL_TIME_EPOCH_MS
                            : r->time_format[6] == 'u' ? SL_TIME_EPOCH_US
                                                       : SL_TIME_EPOCH_NS);
    else if (strcmp(r->time_format, "clf") == 0)
        x->time = SL_TIME_CLF;
    else if (strcmp(r->time_format, "iso") != 0)
        x->time = SL_TIME_STRPTIME;
    x->format = r->time_format;
    r->zone_assumed |= x->time == SL_TIME_STRPTIME && !r->o.zone &&
                       !(sl_time_format_parts(x->format) & SL_TIME_PART_ZONE);
    if (!sl_type_is_stamp(x->type)) {
        int micro = x->time == SL_TIME_EPOCH_S ? 6 : x->time == SL_TIME_EPOCH_MS ? 3 : 0;
        int finer = x->type.kind == SL_NUMERIC && x->type.scale > micro;
        x->type = sl_type_of(SL_TIMESTAMPTZ);
        x->type.nsec = x->time == SL_TIME_EPOCH_NS || (finer && x->time != SL_TIME_STRPTIME);
    }
    x->declared = 1;
}

static int no_time(const struct sl_text_column *x, const char *name, struct sl_err *err)
{
    char type[SL_TYPE_NAME];
    sl_err_set(err, SL_EUSAGE, "the time column '%s' is %s, not %s", name,
               sl_type_name(x->type, type),
               x->type.kind == SL_WALLTIME ? "timestamptz: it names no instant" : "a time");
    if (x->type.kind == SL_WALLTIME)
        return sl_err_hint(err, "--types '%s timestamptz', and --tz says whose clock it is", name);
    return sl_err_hint(err, "--time-format epoch:s, epoch:ms, ... or a form like "
                            "'%%d/%%m/%%Y %%H:%%M:%%S'");
}

static int set_event_time(struct sl_text_reader *r, struct sl_schema *s, struct sl_err *err)
{
    const char *name = r->time_column;
    if (!name && (r->o.format == SL_TEXT_COMBINED || r->o.format == SL_TEXT_COMMON) && !r->fixed)
        name = "time";
    if (!name && r->fixed)
        name = sl_schema_meta(r->fixed, SL_META_TIME);
    if (!name && r->time_format && !(name = formatted_column(r, s, err)))
        return -SL_EUSAGE;
    if (!name)
        return 0;
    int c = sl_schema_lookup(s, name, strlen(name), NULL);
    if (c < 0)
        return r->time_column ? unknown_column(s, "--time", name, err) : 0;
    struct sl_text_column *x = &r->columns[c];
    if (r->time_format && x->time != SL_TIME_CLF)
        take_format(r, x);
    if (x->type.kind == SL_DATE)
        x->type = sl_type_of(SL_TIMESTAMPTZ);
    if (x->type.kind != SL_TIMESTAMPTZ)
        return no_time(x, name, err);
    x->event_time = 1;
    return sl_schema_set_meta(s, SL_META_TIME, s->fields[c].name) < 0
               ? sl_err_nomem(err, "settling a schema")
               : 0;
}

static void clear_columns(struct sl_text_reader *r)
{
    free(r->columns);
    free(r->digits);
    r->columns = NULL;
    r->digits = NULL;
    r->ncolumns = 0;
    r->zone_assumed = 0;
    sl_schema_unref(r->schema);
    r->schema = NULL;
}

/* Columns, types and event time; data is the sample behind the header. */
static int settle_columns(struct sl_text_reader *r, const struct fields *f, const char *data,
                          size_t n, struct sl_err *err)
{
    struct sl_reject_list rejects = {0};
    struct sl_text_rows rows = {0};
    struct sl_text_scratch *scratch = NULL;
    struct sl_schema *s = sl_schema_new();
    int rc = s ? 0 : sl_err_nomem(err, "settling a schema");
    if (rc == 0)
        rc = add_columns(r, s, f, err);
    if (rc == 0)
        rc = declare_types(r, s, err);
    if (rc == 0 && r->o.format != SL_TEXT_JSON) {
        struct sl_text_chunk chunk = {.data = data, .n = n, .first_line = 1};
        scratch = sl_text_scratch_new(err);
        rc = scratch ? sl_text_parse_rows(r, scratch, &chunk, &rows, &rejects, NULL, err)
                     : -SL_ENOMEM;
        if (rc == 0 && infer_types(r, s, f, &rows, data, n) < 0)
            rc = sl_err_nomem(err, "settling a schema");
    }
    if (rc == 0)
        rc = set_event_time(r, s, err);
    if (rc == 0)
        infer_nanoseconds(r, s, &rows);
    if (rc == 0) {
        for (int i = 0; i < r->ncolumns; i++) {
            r->columns[i].settled = r->columns[i].first = r->columns[i].type;
            s->fields[i].type = r->columns[i].type;
        }
        r->schema = s;
        s = NULL;
        r->generation++;
        rc = sl_text_count_digits(r, err);
    }
    sl_schema_unref(s);
    sl_reject_list_release(&rejects);
    sl_text_scratch_free(scratch);
    return rc;
}

/* Whether a name that the first record would give to a column is said to be one: by --types or --time, or
 * by the log that the rows go to. */
static int is_expected(const struct sl_text_reader *r, const struct sl_csv_names *names)
{
    for (int i = 0; i < names->n; i++) {
        const char *name = names->names[i];
        size_t len = strlen(name);
        if ((r->fixed && sl_schema_find(r->fixed, name, len) >= 0) ||
            (r->types && sl_schema_find(r->types, name, len) >= 0) ||
            (r->time_column && strcmp(r->time_column, name) == 0))
            return 1;
    }
    return 0;
}

/* The names of the columns. A first row of numbers only is no header. */
static int read_names(struct sl_text_reader *r, const char *data, size_t n,
                      struct sl_csv_names *names, size_t *header_len, struct sl_err *err)
{
    r->is_bare = r->o.no_header != 0;
    int rc = sl_csv_names_read(data, n, r->delim, r->eol, r->is_bare, NULL, names, header_len, err);
    if (rc < 0 || r->is_bare || r->o.header || !names->numbers || names->words ||
        is_expected(r, names))
        return rc;
    sl_csv_names_release(names);
    r->is_bare = 1;
    return sl_csv_names_read(data, n, r->delim, r->eol, 1, NULL, names, header_len, err);
}

static int settle_csv(struct sl_text_reader *r, const char *data, size_t n, size_t *header_len,
                      struct sl_err *err)
{
    struct sl_csv_names names;
    r->eol = sl_csv_sniff_eol(data, n);
    if (!r->delim || r->delim_found) {
        size_t bom = sl_text_bom(data, n);
        r->delim = sl_csv_sniff_delim(data + bom, n - bom, r->eol);
        r->delim_found = 1;
        char ignored;
        r->has_sep_line = sl_csv_sep_line(data, n, &ignored) > 0;
    }
    int rc = read_names(r, data, n, &names, header_len, err);
    if (rc < 0)
        return rc;
    r->nfields = names.n;
    r->header_renamed = names.renamed > 0;
    struct fields f = {names.n, (const char *const *)names.names, NULL, 0, data};
    rc = settle_columns(r, &f, data + *header_len, n - *header_len, err);
    sl_csv_names_release(&names);
    return rc;
}

static int settle_access(struct sl_text_reader *r, const char *data, size_t n, struct sl_err *err)
{
    struct sl_type types[SL_ACCESS_COMBINED];
    int nf = r->o.format == SL_TEXT_COMBINED ? SL_ACCESS_COMBINED : SL_ACCESS_COMMON;
    for (int i = 0; i < nf; i++)
        types[i] = sl_type_of(SL_TEXT);
    types[3] = sl_type_of(SL_TIMESTAMPTZ);
    types[7] = types[8] = sl_type_of(SL_BIGINT);
    struct fields f = {nf, sl_text_access_names, types, 1, data};
    r->nfields = nf;
    int rc = settle_columns(r, &f, data, n, err);
    if (rc < 0)
        return rc;
    int c = sl_schema_find(r->schema, "time", 4);
    if (c >= 0)
        r->columns[c].time = SL_TIME_CLF;
    return 0;
}

static int settle_regex(struct sl_text_reader *r, const char *data, size_t n, struct sl_err *err)
{
    int nf = sl_text_regex_fields(r->regex);
    const char **names = sl_calloc((size_t)nf, sizeof *names);
    if (!names)
        return sl_err_nomem(err, "settling a schema");
    for (int i = 0; i < nf; i++)
        names[i] = sl_text_regex_field_name(r->regex, i);
    struct fields f = {nf, names, NULL, 0, data};
    r->nfields = nf;
    int rc = settle_columns(r, &f, data, n, err);
    free(names);
    return rc;
}

int sl_text_has_header(const struct sl_text_reader *r)
{
    return r->o.format <= SL_TEXT_TSV && !r->is_bare;
}

int sl_text_settle(struct sl_text_reader *r, const char *data, size_t n, size_t *header_len,
                   struct sl_err *err)
{
    assert(r && (data || !n));
    static const char *const line[] = {"line"};
    struct fields lines = {1, line, NULL, 0, data};
    clear_columns(r);
    *header_len = 0;
    switch (r->o.format) {
    case SL_TEXT_CSV:
    case SL_TEXT_TSV: return settle_csv(r, data, n, header_len, err);
    case SL_TEXT_COMBINED:
    case SL_TEXT_COMMON: return settle_access(r, data, n, err);
    case SL_TEXT_REGEX: return settle_regex(r, data, n, err);
    case SL_TEXT_LINES: r->nfields = 1; return settle_columns(r, &lines, data, n, err);
    default: break;
    }
    const char **names = NULL;
    size_t bom = sl_text_bom(data, n);
    int nf = 0, rc;
    struct sl_type *types = NULL;
    *header_len = bom;
    rc = sl_text_json_settle(r, data + bom, n - bom, &names, &types, &nf, err);
    struct fields f = {nf, names, types, 0, data};
    if (rc >= 0)
        rc = settle_columns(r, &f, data, n, err);
    if (rc >= 0)
        rc = note_keys(r, &f, data + bom, err);
    if (rc >= 0)
        rc = sl_text_json_columns(r, err);
    free(names);
    free(types);
    return rc;
}
