/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * evolve: which schema a log gets from what comes in.
 *
 * New columns go to the end; a column may become wider; time and key columns keep their types, since
 * rows before and after must meet in one order and one partition.
 */
#include "base/compat.h"
#include "base/hex.h"
#include "log/log_writer.h"

/* Sets a key if the value is given. */
static int set(struct sl_schema *s, const char *key, const char *value)
{
    return value ? sl_schema_set_meta(s, key, value) : 0;
}

/* The plan so far and this command line, one a line. */
static int set_plan(struct sl_schema *s, const char *command)
{
    struct sl_buf plan = SL_BUF_INIT;
    const char *old = sl_schema_meta(s, SL_META_PLAN);
    if (!command)
        return 0;
    if (old && *old)
        sl_buf_printf(&plan, "%s\n", old);
    sl_buf_addstr(&plan, command);
    int rc = plan.failed ? -SL_ENOMEM : sl_schema_set_meta(s, SL_META_PLAN, plan.data);
    sl_buf_release(&plan);
    return rc;
}

static int check_keys(const struct sl_schema *s, struct sl_err *err)
{
    const char *keys = sl_schema_meta(s, SL_META_KEY), *hash = sl_schema_meta(s, SL_META_HASH);
    if (hash && strcmp(hash, "murmur2") != 0 && strcmp(hash, "crc32") != 0) {
        sl_err_set(err, SL_EUSAGE, "no partitioner is called %s", hash);
        return sl_err_hint(err, "known are murmur2 and crc32");
    }
    for (const char *p = keys; p && *p;) {
        size_t n = strcspn(p, ",");
        if (sl_schema_find(s, p, n) < 0)
            return sl_err_set(err, SL_ESCHEMA, "the key column %.*s is not there", (int)n, p);
        p += n + (p[n] == ',');
    }
    return 0;
}

int sl_log_name_keys(const struct sl_schema *s, const char *keys, struct sl_buf *out,
                     struct sl_err *err)
{
    assert(sl_schema_is_sound(s) && out);
    for (const char *p = keys; p && *p;) {
        size_t n = strcspn(p, ",");
        int at = sl_schema_lookup(s, p, n, err);
        if (at < 0)
            return at;
        sl_buf_printf(out, "%s%s", out->len ? "," : "", s->fields[at].name);
        p += n + (p[n] == ',');
    }
    return sl_buf_check(out, err);
}

int sl_log_make_schema(struct sl_schema *schema, const struct sl_log_options *o,
                       const uint8_t *log_id, struct sl_schema **out, struct sl_err *err)
{
    assert(sl_schema_is_sound(schema) && o && log_id && out);
    char id[33], format[16];
    struct sl_buf keys = SL_BUF_INIT;
    int rc = sl_log_name_keys(schema, o->keys, &keys, err);
    if (rc < 0) {
        sl_buf_release(&keys);
        return rc;
    }
    struct sl_schema *s = sl_schema_copy(schema);
    static const char *const of_pipes[] = {SL_META_END, SL_META_LIVE, SL_META_D, SL_META_HINT};
    rc = s ? 0 : -SL_ENOMEM;
    for (size_t i = 0; i < SL_COUNT(of_pipes) && rc == 0; i++)
        rc = sl_schema_set_meta(s, of_pipes[i], NULL);
    sl_hex(log_id, 16, id);
    snprintf(format, sizeof(format), "%d", SL_LOG_FORMAT);
    if (rc < 0 || set(s, SL_META_FORMAT, format) < 0 || set(s, SL_META_LOG, id) < 0 ||
        set(s, SL_META_TIME, o->time_column) < 0 || set(s, SL_META_KEY, keys.data) < 0 ||
        set(s, SL_META_HASH, o->keys ? (o->hash ? o->hash : "murmur2") : NULL) < 0 ||
        (!sl_schema_meta(s, SL_META_MODE) && set(s, SL_META_MODE, "append") < 0) ||
        set_plan(s, o->command) < 0) {
        sl_buf_release(&keys);
        sl_schema_unref(s);
        return sl_err_nomem(err, "a schema");
    }
    sl_buf_release(&keys);
    const char *time = sl_schema_meta(s, SL_META_TIME);
    if (time && sl_schema_time_index(s) < 0)
        rc = sl_err_set(err, SL_ESCHEMA, "the time column %s is not there", time);
    else if (time && s->fields[sl_schema_time_index(s)].type.kind != SL_TIMESTAMPTZ)
        rc = sl_err_set(err, SL_ESCHEMA, "the time column %s is no timestamptz", time);
    if (rc == 0)
        rc = check_keys(s, err);
    if (rc < 0)
        sl_schema_unref(s);
    else
        *out = s;
    return rc;
}

/* 1 if the column is the time column or one of the keys. */
int sl_log_column_pinned(const struct sl_schema *s, const char *name)
{
    assert(sl_schema_is_sound(s) && name);
    const char *time = sl_schema_meta(s, SL_META_TIME), *keys = sl_schema_meta(s, SL_META_KEY);
    size_t len = strlen(name);
    if (time && strcmp(time, name) == 0)
        return 1;
    for (const char *p = keys; p && *p;) {
        size_t n = strcspn(p, ",");
        if (n == len && memcmp(p, name, n) == 0)
            return 1;
        p += n + (p[n] == ',');
    }
    return 0;
}

static int refuse(const struct sl_schema *have, const struct sl_schema *want, const char *column,
                  const char *why, struct sl_err *err)
{
    struct sl_buf a = SL_BUF_INIT, b = SL_BUF_INIT;
    sl_schema_print(have, &a);
    sl_schema_print(want, &b);
    sl_err_set(err, SL_ESCHEMA, "column %.60s %s: the log has (%.120s), the rows have (%.120s)",
               column, why, a.data ? a.data : "", b.data ? b.data : "");
    sl_buf_release(&a);
    sl_buf_release(&b);
    return -SL_ESCHEMA;
}

/* Whether a column of numbers becomes double precision: the values so far are known to suit. */
static int is_exact_double(struct sl_type have, struct sl_type want, enum sl_merge how)
{
    return how == SL_MERGE_VALUES && want.kind == SL_DOUBLE &&
           (have.kind == SL_BIGINT || have.kind == SL_NUMERIC);
}

int sl_log_merge_schema(struct sl_schema *have, struct sl_schema *want, enum sl_merge how,
                        struct sl_schema **out, struct sl_err *err)
{
    assert(sl_schema_is_sound(have) && sl_schema_is_sound(want) && out);
    struct sl_schema *s = sl_schema_copy(have);
    int changed = 0, rc = 0;

    if (!s)
        return sl_err_nomem(err, "a schema");
    for (int i = 0; i < have->nfields && rc == 0; i++) {
        const char *name = have->fields[i].name;
        if (sl_log_column_pinned(have, name) && sl_schema_find(want, name, strlen(name)) < 0)
            rc = refuse(have, want, name, "is the log's time or a key, and missing", err);
    }
    for (int i = 0; i < want->nfields && rc == 0; i++) {
        const struct sl_field *f = &want->fields[i];
        struct sl_type wide;
        int at = sl_schema_find(s, f->name, strlen(f->name));
        if (at < 0) {
            rc = sl_schema_add(s, f->name, strlen(f->name), f->type, err);
            changed = 1;
        } else if (sl_type_equal(s->fields[at].type, f->type)) {
            continue;
        } else if (!sl_type_widen(s->fields[at].type, f->type, &wide)) {
            rc = refuse(have, want, f->name, "has types that do not meet", err);
        } else if (is_exact_double(s->fields[at].type, f->type, how)) {
            s->fields[at].type = f->type;
            changed = 1;
        } else if (!sl_type_equal(wide, s->fields[at].type)) {
            /* Rows of the log may be beyond what nanoseconds reach. */
            if (sl_type_is_stamp(wide) && wide.nsec)
                wide = sl_type_of(SL_TEXT);
            if (sl_log_column_pinned(have, f->name))
                rc = refuse(have, want, f->name, "is the log's time or a key: its type stays", err);
            s->fields[at].type = wide; /* never FOREIGN: those do not widen */
            changed = 1;
        }
    }
    if (rc < 0 || !changed) {
        sl_schema_unref(s);
        return rc;
    }
    *out = s;
    return 1;
}
