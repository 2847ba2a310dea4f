/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* schema: life, fields and metadata. Text forms are in schema_text.c. */
#include "arrow/schema.h"

#include "base/hash.h"
#include "base/mem.h"

enum { WIDE = 32 }; /* from so many fields on a name is found by its hash */

struct sl_schema *sl_schema_new(void)
{
    struct sl_schema *s = sl_calloc(1, sizeof *s);
    if (s)
        atomic_init(&s->refs, 1);
    return s;
}

struct sl_schema *sl_schema_ref(struct sl_schema *s)
{
    int held = atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    assert(held > 0);
    return s;
}

void sl_schema_unref(struct sl_schema *s)
{
    assert(!s || s->refs > 0);
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int i = 0; i < s->nfields; i++) {
        free(s->fields[i].name);
        for (int k = 0; k < SL_WHYS; k++)
            free(s->fields[i].why[k]);
        sl_type_unref(s->fields[i].type);
    }
    for (int i = 0; i < s->nmeta; i++) {
        free(s->meta[i].key);
        free(s->meta[i].value);
    }
    free(s->fields);
    free(s->meta);
    free(s->slots);
    free(s);
}

struct sl_schema *sl_schema_copy(const struct sl_schema *s)
{
    assert(sl_schema_is_sound(s));
    struct sl_schema *c = sl_schema_new();
    if (!c)
        return NULL;
    for (int i = 0; i < s->nfields; i++) {
        const struct sl_field *f = &s->fields[i];
        if (sl_schema_add(c, f->name, strlen(f->name), f->type, NULL) < 0)
            goto fail;
        for (int k = 0; k < SL_WHYS; k++)
            if (f->why[k] && sl_schema_set_why(c, i, (enum sl_why)k, f->why[k]) < 0)
                goto fail;
    }
    for (int i = 0; i < s->nmeta; i++) {
        if (sl_schema_set_meta(c, s->meta[i].key, s->meta[i].value) < 0)
            goto fail;
    }
    return c;
fail:
    sl_schema_unref(c);
    return NULL;
}

/* The slot of a name: that of its field, or the empty one where it belongs. */
static uint32_t *slot_of(const struct sl_schema *s, const char *name, size_t len)
{
    uint32_t i = (uint32_t)sl_hash_bytes(name, len, s->seed) & (s->nslots - 1);
    for (; s->slots[i]; i = (i + 1) & (s->nslots - 1)) {
        const char *other = s->fields[s->slots[i] - 1].name;
        if (strncmp(other, name, len) == 0 && !other[len])
            break;
    }
    return &s->slots[i];
}

/* Makes room in the table for one field more: it stays half empty. */
static int reserve_slot(struct sl_schema *s)
{
    if (s->nfields < WIDE || (uint32_t)s->nfields * 2 < s->nslots)
        return 0;
    uint32_t *old = s->slots, n = s->nslots ? s->nslots * 2 : 4 * WIDE;
    uint32_t *slots = sl_calloc(n, sizeof *slots);
    if (!slots)
        return -SL_ENOMEM;
    s->slots = slots;
    s->nslots = n;
    s->seed = sl_hash_seed();
    for (int i = 0; i < s->nfields; i++)
        *slot_of(s, s->fields[i].name, strlen(s->fields[i].name)) = (uint32_t)i + 1;
    free(old);
    return 0;
}

int sl_schema_add(struct sl_schema *s, const char *name, size_t name_len, struct sl_type type,
                  struct sl_err *err)
{
    assert(sl_schema_is_sound(s) && (name || !name_len));
    assert(atomic_load(&s->refs) == 1);
    if (sl_schema_find(s, name, name_len) >= 0)
        return sl_err_set(err, SL_ESCHEMA, "two columns are named \"%.*s\"",
                          (int)SL_MIN(name_len, 128), name);
    if (s->nfields >= SL_COLUMNS_MAX)
        return sl_err_set(err, SL_ESCHEMA, "more than %d columns", SL_COLUMNS_MAX);
    char *copy = sl_strndup(name, name_len);
    if (!copy || SL_GROW_ONE(s->fields, s->nfields, "a schema", NULL) < 0 || reserve_slot(s) < 0) {
        free(copy);
        return sl_err_nomem(err, "a schema");
    }
    if (s->nslots)
        *slot_of(s, copy, name_len) = (uint32_t)s->nfields + 1;
    s->fields[s->nfields++] = (struct sl_field){.name = copy, .type = sl_type_ref(type)};
    return 0;
}

int sl_schema_set_why(struct sl_schema *s, int field, enum sl_why which, const char *why)
{
    assert(atomic_load(&s->refs) == 1);
    assert(field >= 0 && field < s->nfields);
    char *copy = sl_strdup(why);
    if (!copy)
        return -SL_ENOMEM;
    free(s->fields[field].why[which]);
    s->fields[field].why[which] = copy;
    return 0;
}

static int find_meta(const struct sl_schema *s, const char *key)
{
    for (int i = 0; i < s->nmeta; i++) {
        if (strcmp(s->meta[i].key, key) == 0)
            return i;
    }
    return -1;
}

static void remove_meta(struct sl_schema *s, int i)
{
    free(s->meta[i].key);
    free(s->meta[i].value);
    s->nmeta--;
    memmove(&s->meta[i], &s->meta[i + 1], (size_t)(s->nmeta - i) * sizeof *s->meta);
}

int sl_schema_set_meta(struct sl_schema *s, const char *key, const char *value)
{
    assert(sl_schema_is_sound(s) && key);
    assert(atomic_load(&s->refs) == 1);
    int at = find_meta(s, key);
    if (!value) {
        if (at >= 0)
            remove_meta(s, at);
        return 0;
    }
    char *v = sl_strdup(value);
    if (!v)
        return -SL_ENOMEM;
    if (at >= 0) {
        free(s->meta[at].value);
        s->meta[at].value = v;
        return 0;
    }
    char *k = sl_strdup(key);
    if (!k || SL_GROW_ONE(s->meta, s->nmeta, "a schema", NULL) < 0) {
        free(k);
        free(v);
        return -SL_ENOMEM;
    }
    s->meta[s->nmeta++] = (struct sl_meta){.key = k, .value = v};
    return 0;
}

const char *sl_schema_meta(const struct sl_schema *s, const char *key)
{
    assert(sl_schema_is_sound(s) && key);
    int at = find_meta(s, key);
    return at < 0 ? NULL : s->meta[at].value;
}

int sl_schema_find(const struct sl_schema *s, const char *name, size_t len)
{
    assert(sl_schema_is_sound(s) && (name || !len));
    if (s->nslots)
        return (int)*slot_of(s, name, len) - 1;
    for (int i = 0; i < s->nfields; i++) {
        if (strncmp(s->fields[i].name, name, len) == 0 && !s->fields[i].name[len])
            return i;
    }
    return -1;
}

int sl_schema_time_index(const struct sl_schema *s)
{
    assert(sl_schema_is_sound(s));
    const char *name = sl_schema_meta(s, SL_META_TIME);
    return name ? sl_schema_find(s, name, strlen(name)) : -1;
}

int sl_schema_equal(const struct sl_schema *a, const struct sl_schema *b)
{
    assert(sl_schema_is_sound(a) && sl_schema_is_sound(b));
    if (a == b)
        return 1;
    if (a->nfields != b->nfields)
        return 0;
    for (int i = 0; i < a->nfields; i++) {
        if (strcmp(a->fields[i].name, b->fields[i].name) != 0 ||
            !sl_type_equal(a->fields[i].type, b->fields[i].type))
            return 0;
    }
    return 1;
}

static const char *const usual_times[] = {"ts", "time", "timestamp", "@timestamp"};

int sl_schema_usual_time(const struct sl_schema *s)
{
    assert(sl_schema_is_sound(s));
    for (size_t u = 0; u < SL_COUNT(usual_times); u++) {
        int i = sl_schema_find(s, usual_times[u], strlen(usual_times[u]));
        if (i >= 0)
            return i;
    }
    return -1;
}

int sl_schema_guess_time(const struct sl_schema *s)
{
    assert(sl_schema_is_sound(s));
    int only = -1, n = 0;
    for (int i = 0; i < s->nfields; i++) {
        if (s->fields[i].type.kind == SL_TIMESTAMPTZ && s->fields[i].name[0] != '_') {
            only = i;
            n++;
        }
    }
    if (n <= 1)
        return only;
    for (size_t u = 0; u < SL_COUNT(usual_times); u++) {
        int i = sl_schema_find(s, usual_times[u], strlen(usual_times[u]));
        if (i >= 0 && s->fields[i].type.kind == SL_TIMESTAMPTZ)
            return i;
    }
    return -1;
}

/* How likely a column is meant: 0 = not at all. A number or a text is, by its name. */
static int may_be_time(const struct sl_field *f)
{
    static const char *const parts[] = {"time", "date", "day", "when", "epoch", "stamp"};
    size_t n = strlen(f->name);
    if (f->name[0] == '_')
        return 0;
    switch (f->type.kind) {
    case SL_TIMESTAMPTZ: return 5;
    case SL_WALLTIME: return 4;
    case SL_DATE: return 3;
    case SL_BIGINT:
    case SL_NUMERIC:
    case SL_DOUBLE:
    case SL_TEXT: break;
    default: return 0;
    }
    for (size_t i = 0; i < SL_COUNT(parts); i++)
        if (strcasestr(f->name, parts[i]))
            return 2;
    return n >= 2 && (strcasecmp(f->name, "at") == 0 || strcasecmp(f->name + n - 2, "ts") == 0 ||
                      strcmp(f->name + n - 2, "At") == 0 || strcmp(f->name + n - 2, "_at") == 0);
}

int sl_schema_hint_time(const struct sl_schema *s, struct sl_err *err)
{
    assert(sl_schema_is_sound(s));
    const struct sl_field *best = NULL;
    int most = 0, also = 0;
    for (int i = 0; i < s->nfields; i++) {
        int likely = may_be_time(&s->fields[i]);
        also += likely == most && likely > 0;
        if (likely > most) {
            best = &s->fields[i];
            most = likely;
            also = 0;
        }
    }
    if (!best)
        return sl_err_hint(err, "name it with --time, and its form with --time-format");
    const char *n = best->name, *other = also ? " (or another)" : "";
    switch (best->type.kind) {
    case SL_TIMESTAMPTZ: return sl_err_hint(err, "say which: --time '%s'%s", n, other);
    case SL_WALLTIME:
        return sl_err_hint(err,
                           "'%s'%s has no zone: --types '%s timestamptz' where it is read, or "
                           "transform --set '%s = %s at time zone ...'",
                           n, other, n, n, n);
    case SL_DATE:
        return sl_err_hint(err,
                           "--time '%s'%s takes a date of text for its midnight; of a log or a "
                           "pipe, transform --set '%s = %s::timestamptz' does",
                           n, other, n, n);
    case SL_TEXT:
        return sl_err_hint(err,
                           "--time '%s'%s, and --time-format says how it is written: "
                           "'%%d/%%m/%%Y %%H:%%M:%%S', syslog, clf",
                           n, other);
    default:
        return sl_err_hint(err, "--time '%s'%s --time-format epoch:s, or epoch:ms, epoch:us", n,
                           other);
    }
}
