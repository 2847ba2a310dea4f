/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * csv_map: files after the first, whose columns are matched by name.
 *
 * A header is read by the loop's thread while others decode, so a map is made once and stays; what
 * changes when the schema gains columns is worked out by each decode for itself (sl_text_place), once
 * a map and schema. A column that the schema lacks is asked for by the first chunk that has a value in
 * it, so that it gets the type of its values; until then nothing of it would be lost.
 */
#include "text/text_reader.h"

struct sl_text_map *sl_text_map_ref(struct sl_text_map *m)
{
    if (m) {
        int held = atomic_fetch_add(&m->refs, 1);
        assert(held > 0);
    }
    return m;
}

void sl_text_map_unref(struct sl_text_map *m)
{
    if (!m || atomic_fetch_sub(&m->refs, 1) != 1)
        return;
    for (int i = 0; i < m->nunknown; i++)
        free(m->names[i]);
    free(m->names);
    free(m->unknown);
    free(m->field);
    free(m);
}

static struct sl_text_map *map_new(struct sl_text_reader *r, int nfields)
{
    struct sl_text_map *m = sl_calloc(1, sizeof *m);
    if (!m)
        return NULL;
    atomic_init(&m->refs, 1);
    m->serial = ++r->maps;
    m->nfields = nfields;
    m->ncolumns = r->ncolumns;
    m->field = sl_calloc((size_t)r->ncolumns + 1, sizeof *m->field);
    m->unknown = sl_calloc((size_t)nfields + 1, sizeof *m->unknown);
    m->names = sl_calloc((size_t)nfields + 1, sizeof *m->names);
    if (m->field && m->unknown && m->names)
        return m;
    sl_text_map_unref(m);
    return NULL;
}

/* Without names the columns are those of the first file. */
static int map_by_place(const struct sl_text_reader *r, struct sl_text_map *m, struct sl_err *err)
{
    for (int i = 0; i < r->ncolumns; i++)
        m->field[i] = r->columns[i].field < m->nfields ? r->columns[i].field : -1;
    if (m->nfields == r->nfields)
        return 0;
    return sl_err_set(err, SL_ESCHEMA, "%d %s, the first file has %d", m->nfields,
                      sl_plural(m->nfields, "column", "columns"), r->nfields);
}

/* How many of the names are columns; the others pass from names to the map. */
static int map_by_name(struct sl_text_reader *r, struct sl_text_map *m, struct sl_csv_names *names,
                       struct sl_err *err)
{
    int known = 0;
    struct sl_schema *table = sl_text_name_table((const char *const *)names->names, names->n, err);
    if (!table)
        return err ? -(int)err->code : -SL_ENOMEM;
    for (int i = 0; i < r->ncolumns; i++) {
        const char *name = r->schema->fields[i].name;
        m->field[i] = sl_schema_find(table, name, strlen(name));
        known += m->field[i] >= 0;
        if (m->field[i] >= 0)
            r->columns[i].seen = 1;
    }
    sl_schema_unref(table);
    for (int i = 0; i < names->n; i++) {
        if (sl_schema_find(r->schema, names->names[i], strlen(names->names[i])) >= 0)
            continue;
        m->unknown[m->nunknown] = i;
        m->names[m->nunknown++] = names->names[i];
        names->names[i] = NULL;
    }
    return known;
}

/* The header has nothing to do with the columns: not a header, or not of these files. */
static int refuse_strange(const struct sl_text_reader *r, const char *data, size_t n,
                          const struct sl_text_map *m, struct sl_err *err)
{
    char other = sl_csv_sniff_delim(data, n, r->eol);
    sl_err_set(err, SL_ESCHEMA, "no column is one of the first file's: '%.60s' is the first",
               m->names[0]);
    if (other != r->delim && r->delim_found && memchr(data, other, n))
        return sl_err_hint(err, "the files are separated by different characters: ingest each on "
                                "its own");
    return sl_err_hint(err, "if no file has a header say --no-header, else ingest it on its own");
}

/* A stream's schema never changes: the column must be known from the start. */
static int refuse_unknown(const struct sl_text_reader *r, struct sl_text_map *m, const char *data,
                          size_t n, struct sl_err *err)
{
    struct sl_reject_list rejects = {0};
    struct sl_text_rows rows = {0};
    struct sl_schema *list = sl_schema_new();
    struct sl_buf text = SL_BUF_INIT;
    struct sl_text_scratch *s = sl_text_scratch_new(NULL);
    struct sl_text_chunk chunk = {.data = data, .n = n, .first_line = 1, .map = m};
    int parsed = s && list && sl_text_parse_rows(r, s, &chunk, &rows, &rejects, NULL, NULL) == 0;

    sl_err_set(err, SL_ESCHEMA, "column '%.60s' is not in the first file", m->names[0]);
    for (int i = 0; parsed && i < m->nunknown; i++) {
        struct sl_text_guess g = sl_text_guess_field(r, &rows, m->unknown[i]);
        sl_schema_add(list, m->names[i], strlen(m->names[i]), sl_text_guess_type(&g, 0), NULL);
    }
    if (list)
        sl_text_add_types(&text, list);
    if (text.len && !text.failed)
        sl_err_hint(err, "%.200s would take it", text.data);
    sl_buf_release(&text);
    sl_schema_unref(list);
    sl_text_scratch_free(s);
    sl_reject_list_release(&rejects);
    return -SL_ESCHEMA;
}

/* All files of a run are separated by the same character; one that says another is not of them. */
static int check_sep_line(const struct sl_text_reader *r, const char *data, size_t n,
                          struct sl_err *err)
{
    char delim = r->delim;
    if (!sl_csv_sep_line(data, n, &delim) || delim == r->delim || !r->delim_found)
        return 0;
    sl_err_set(err, SL_ESCHEMA, "the line sep= says '%c', and the first file is separated by '%c'",
               delim, r->delim);
    return sl_err_hint(err, "ingest each on its own, into the same log");
}

int sl_text_header(struct sl_text_reader *r, const char *data, size_t n, const char *place,
                   struct sl_text_map **map, size_t *header_len, struct sl_err *err)
{
    assert(r && (data || !n) && map && header_len);
    struct sl_csv_names names;
    *map = NULL;
    *header_len = 0;
    if (r->o.format == SL_TEXT_JSON && sl_text_bom(data, n))
        *header_len = 3;
    if ((r->o.format != SL_TEXT_CSV && r->o.format != SL_TEXT_TSV) || !n)
        return 0;
    *header_len = sl_text_preamble(data, n);
    if (*header_len == n)
        return 0; /* there is no record */
    int rc = check_sep_line(r, data, n, err);
    if (rc < 0)
        return place ? sl_err_at(err, place, 1, 0) : rc;
    rc = sl_csv_names_read(data, n, r->delim, r->eol, r->is_bare, place, &names, header_len, err);
    if (rc < 0)
        return rc;
    struct sl_text_map *m = map_new(r, names.n);
    int known = 0;
    if (!m)
        rc = sl_err_nomem(err, "reading the header");
    else if (r->is_bare)
        rc = map_by_place(r, m, err);
    else
        known = map_by_name(r, m, &names, err);
    rc = known < 0 ? known : rc;
    if (rc == 0 && m->nunknown && !known && r->ncolumns)
        rc = refuse_strange(r, data, *header_len, m, err);
    else if (rc == 0 && m->nunknown && !r->o.may_grow)
        rc = refuse_unknown(r, m, data + *header_len, n - *header_len, err);
    sl_csv_names_release(&names);
    if (rc < 0) {
        if (place)
            sl_err_at(err, place, 1, 0);
        sl_text_map_unref(m);
        return rc;
    }
    *map = m;
    return 0;
}

const char *sl_text_unseen(const struct sl_text_reader *r)
{
    int is_json = r->o.format == SL_TEXT_JSON, given = r->o.several || is_json;
    for (int i = 0; given && r->types && r->schema && i < r->types->nfields; i++) {
        const char *name = r->types->fields[i].name;
        int c = sl_schema_lookup(r->schema, name, strlen(name), NULL);
        if (c >= 0 && (is_json || r->columns[c].field < 0) && !r->columns[c].seen)
            return name;
    }
    return NULL;
}

/* ---- decoding ---- */

int sl_text_field_of(const struct sl_text_reader *r, const struct sl_text_map *map, int column)
{
    if (!map)
        return r->columns[column].field;
    return column < map->ncolumns ? map->field[column] : -1;
}

int sl_text_place(const struct sl_text_reader *r, struct sl_text_scratch *s,
                  const struct sl_text_map *map, struct sl_err *err)
{
    int serial = map ? map->serial : 0, nnew = 0;
    if (s->map == serial)
        return 0;
    int rc = SL_GROW(s->field, r->ncolumns, s->cap_field, "reading text", err);
    if (rc == 0 && map)
        rc = SL_GROW(s->fresh, map->nunknown, s->cap_fresh, "reading text", err);
    if (rc < 0)
        return rc;
    int *field = s->field, *fresh = s->fresh;
    for (int c = 0; c < r->ncolumns; c++)
        field[c] = r->o.format == SL_TEXT_JSON ? c : sl_text_field_of(r, map, c);
    for (int i = 0; map && i < map->nunknown; i++) {
        int c = sl_schema_find(r->schema, map->names[i], strlen(map->names[i]));
        if (c < 0)
            fresh[nnew++] = i;
        else
            field[c] = map->unknown[i];
    }
    s->nnew = nnew;
    s->map = serial;
    return 0;
}

int sl_text_add_fresh(const struct sl_text_reader *r, const struct sl_text_scratch *s,
                      const struct sl_text_map *map, const struct sl_text_rows *rows,
                      struct sl_schema **wider, struct sl_err *err)
{
    assert(map || !s->nnew);
    for (int i = 0; i < s->nnew; i++) {
        int k = s->fresh[i];
        struct sl_text_guess g = sl_text_guess_field(r, rows, map->unknown[k]);
        if (!g.seen)
            continue;
        if (!*wider && !(*wider = sl_schema_copy(r->schema)))
            return sl_err_nomem(err, "a schema");
        int rc = sl_schema_add(*wider, map->names[k], strlen(map->names[k]),
                               sl_text_guess_type(&g, 0), err);
        if (rc < 0)
            return rc;
    }
    return 0;
}
