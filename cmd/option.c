/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* option: see option.h. */
#include "option.h"

#include "arrow/schema.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/time.h"

enum { MAX_OPTIONS = 64 };

static int add_word(struct sl_words *w, const char *word, struct sl_err *err)
{
    int rc = SL_GROW_ONE(w->items, w->n, "reading the command line", err);
    if (rc == 0)
        w->items[w->n++] = word;
    return rc;
}

void sl_words_release(struct sl_words *w)
{
    free(w->items);
    w->items = NULL;
    w->n = 0;
}

void sl_options_release(const struct sl_option_set *sets, void *options)
{
    for (; sets->options; sets++)
        for (const struct sl_option *o = sets->options; o->name; o++)
            if (o->kind == SL_OPTION_LIST)
                sl_words_release((struct sl_words *)((char *)options + o->offset));
}

static const struct sl_option *find_long(const struct sl_option_set *sets, const char *name,
                                         size_t len)
{
    for (; sets->options; sets++)
        for (const struct sl_option *o = sets->options; o->name; o++)
            if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
                return o;
    return NULL;
}

static const struct sl_option *find_short(const struct sl_option_set *sets, char letter)
{
    for (; sets->options; sets++)
        for (const struct sl_option *o = sets->options; o->name; o++)
            if (o->letter && o->letter == letter)
                return o;
    return NULL;
}

static int unknown_long(const struct sl_option_set *sets, const char *name, size_t len,
                        struct sl_err *err)
{
    const char *names[MAX_OPTIONS];
    int n = 0;
    for (; sets->options; sets++)
        for (const struct sl_option *o = sets->options; o->name && n < MAX_OPTIONS; o++)
            names[n++] = o->name;
    const char *near = sl_schema_nearest(name, len, names, n);
    sl_err_set(err, SL_EUSAGE, "no such option: --%.*s", (int)SL_MIN(len, 64u), name);
    return near ? sl_err_hint(err, "did you mean --%s?", near) : -SL_EUSAGE;
}

/* 64, 64K, 1.5M, 2GiB: bytes, in powers of 1024. 1 or 0. */
static int parse_size(const char *s, int64_t *out)
{
    static const char units[] = "KMGT";
    size_t digits = strspn(s, "0123456789.");
    double v;
    if (digits == 0 || !sl_num_parse_double(s, digits, &v))
        return 0;
    s += digits;
    const char *unit = *s ? strchr(units, *s & ~0x20) : NULL;
    if (unit) {
        for (const char *u = units; u <= unit; u++)
            v *= 1024;
        s += s[1] == 'i' ? 2 : 1;
    }
    s += *s == 'B';
    if (*s || v < 1 || v > 9e18)
        return 0;
    *out = (int64_t)v;
    return 1;
}

static int bad_value(const struct sl_option *o, const char *value, const char *form,
                     struct sl_err *err)
{
    sl_err_set(err, SL_EUSAGE, "--%s: '%s' is not %s", o->name, value, form);
    return -SL_EUSAGE;
}

/* Whether the option has a value already that another one would drop. */
static int has_value(const struct sl_option *o, const void *at)
{
    switch ((enum sl_option_kind)o->kind) {
    case SL_OPTION_TEXT:
    case SL_OPTION_OPTIONAL: return *(const char *const *)at != NULL;
    case SL_OPTION_NUMBER:
    case SL_OPTION_SIZE:
    case SL_OPTION_DURATION: return ((const struct sl_option_number *)at)->given;
    case SL_OPTION_REAL: return *(const double *)at > 0;
    case SL_OPTION_FLAG:
    case SL_OPTION_LIST:
    case SL_OPTION_HELP: break;
    }
    return 0;
}

static int store(const struct sl_option *o, const char *value, void *options, struct sl_err *err)
{
    void *at = (char *)options + o->offset;
    struct sl_option_number *number = at;
    size_t len = value ? strlen(value) : 0;
    if (has_value(o, at))
        return sl_err_set(err, SL_EUSAGE, "--%s is given twice: it takes one value", o->name);
    if ((o->kind == SL_OPTION_SIZE || o->kind == SL_OPTION_DURATION) && o->values &&
        strcmp(value, o->values) == 0) {
        number->given = 1;
        return 0;
    }
    switch ((enum sl_option_kind)o->kind) {
    case SL_OPTION_FLAG: *(int *)at = 1; return 0;
    case SL_OPTION_OPTIONAL: *(const char **)at = value ? value : ""; return 0;
    case SL_OPTION_TEXT: *(const char **)at = value; return 0;
    case SL_OPTION_LIST: return add_word(at, value, err);
    case SL_OPTION_NUMBER:
        if (!sl_num_parse_int(value, len, &number->value) || number->value < 0)
            return bad_value(o, value, "a whole number", err);
        number->given = 1;
        return 0;
    case SL_OPTION_SIZE:
        if (!parse_size(value, &number->value))
            return bad_value(o, value, "a size such as 64M or 2G", err);
        number->given = 1;
        return 0;
    case SL_OPTION_DURATION:
        if (strcmp(value, "0") == 0)
            number->value = 0;
        else if (!sl_time_parse_duration(value, len, &number->value) || number->value < 0)
            return bad_value(o, value, "a duration such as 5s or '10 minutes'", err);
        number->given = 1;
        return 0;
    case SL_OPTION_REAL:
        if (!sl_num_parse_double(value, len, at) || !(*(double *)at > 0) || *(double *)at > 1e15)
            return bad_value(o, value, "a number above 0", err);
        return 0;
    case SL_OPTION_HELP: break;
    }
    return 0;
}

static int takes_next(const struct sl_option *o)
{
    return o->kind != SL_OPTION_FLAG && o->kind != SL_OPTION_OPTIONAL && o->kind != SL_OPTION_HELP;
}

struct reader {
    const struct sl_option_set *sets;
    int argc, i; /* i: the word being read */
    char **argv;
    void *options;
};

/* The next word as the value of o, shown as `shown`. A word that is itself an option of this command
 * is a forgotten value, not a value. */
static int store_next(struct reader *r, const struct sl_option *o, const char *shown,
                      struct sl_err *err)
{
    const char *word = r->i + 1 < r->argc ? r->argv[r->i + 1] : NULL;
    if (!word || (strncmp(word, "--", 2) == 0 && word[2] &&
                  find_long(r->sets, word + 2, strcspn(word + 2, "="))))
        return sl_err_set(err, SL_EUSAGE, "%s needs a value: %s", shown, o->argument);
    r->i++;
    return store(o, word, r->options, err);
}

static int parse_long(struct reader *r, const char *word, struct sl_err *err)
{
    const char *name = word + 2, *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct sl_option *o = find_long(r->sets, name, len);
    if (!o)
        return unknown_long(r->sets, name, len, err);
    if (o->kind == SL_OPTION_HELP)
        return SL_OPTIONS_HELP;
    if (equals && o->kind == SL_OPTION_FLAG)
        return sl_err_set(err, SL_EUSAGE, "--%s takes no value", o->name);
    if (equals)
        return store(o, equals + 1, r->options, err);
    return takes_next(o) ? store_next(r, o, word, err) : store(o, NULL, r->options, err);
}

static int parse_short(struct reader *r, const char *word, struct sl_err *err)
{
    for (const char *p = word + 1; *p; p++) {
        const struct sl_option *o = find_short(r->sets, *p);
        if (!o) {
            sl_err_set(err, SL_EUSAGE, "no such option: -%c", *p);
            return p == word + 1 && find_long(r->sets, p, strlen(p))
                       ? sl_err_hint(err, "did you mean --%s?", p)
                       : -SL_EUSAGE;
        }
        if (o->kind == SL_OPTION_HELP)
            return SL_OPTIONS_HELP;
        char shown[] = {'-', *p, 0};
        if (takes_next(o))
            return p[1] ? store(o, p + 1, r->options, err) : store_next(r, o, shown, err);
        int rc = store(o, NULL, r->options, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int sl_options_parse(const struct sl_option_set *sets, int argc, char **argv, void *options,
                     struct sl_words *args, struct sl_err *err)
{
    struct reader r = {.sets = sets, .argc = argc, .argv = argv, .options = options};
    int only_args = 0, rc = 0;
    for (r.i = 0; r.i < argc && rc == 0; r.i++) {
        const char *word = argv[r.i];
        if (only_args || word[0] != '-' || !word[1])
            rc = add_word(args, word, err);
        else if (word[1] != '-')
            rc = parse_short(&r, word, err);
        else if (word[2])
            rc = parse_long(&r, word, err);
        else
            only_args = 1;
    }
    return rc;
}
