/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * line_parse: commit lines read back, see line.h and sluice-log(5).
 *
 * The CRC is checked before anything else is looked at. What passes it may still be hostile: every
 * count, number and name is checked here or by log_state.c. Unknown members are skipped.
 */
#include "base/compat.h"
#include "base/crc32c.h"
#include "base/json.h"
#include "base/num.h"
#include "base/utf8.h"
#include "base/hex.h"
#include "log/line.h"
#include "log/stream.h"

struct reader {
    struct sl_json j;
    struct sl_line *l;
    struct sl_err *err;
};

static int bad(struct reader *r, const char *what)
{
    return sl_err_set(r->err, SL_ECORRUPT, "commit line: %s", what);
}

static int next(struct reader *r)
{
    int t = sl_json_next(&r->j, r->err);
    if (t < 0 && r->err)
        r->err->code = SL_ECORRUPT;
    return t < 0 ? -SL_ECORRUPT : t;
}

static int expect(struct reader *r, int token, const char *what)
{
    int t = next(r);
    return t < 0 ? t : t == token ? 0 : bad(r, what);
}

static void *alloc(struct reader *r, size_t n, size_t size)
{
    void *p = n <= SIZE_MAX / size ? sl_arena_alloc(&r->l->arena, n * size + 1) : NULL;
    if (!p)
        sl_err_nomem(r->err, "reading a commit line");
    return p;
}

static void *grown(struct reader *r, void *old, int n, size_t size)
{
    void *p = sl_arena_grow(&r->l->arena, old, (size_t)n, size);
    if (!p)
        sl_err_nomem(r->err, "reading a commit line");
    return p;
}

/* Numbers, offsets and lengths stay far enough from the end of their type to be added to. */
static int get_int(struct reader *r, int64_t low, int64_t *out)
{
    int rc = expect(r, SL_JSON_NUMBER, "a number is missing");
    if (rc < 0)
        return rc;
    if (!sl_num_parse_int(r->j.text, r->j.len, out) || *out < low ||
        (low >= 0 && *out > SL_LINE_NUMBER))
        return bad(r, "a number is out of range");
    return 0;
}

static int get_int32(struct reader *r, int low, int high, int *out)
{
    int64_t v;
    int rc = get_int(r, low, &v);
    if (rc < 0)
        return rc;
    if (v > high)
        return bad(r, "a number is out of range");
    *out = (int)v;
    return 0;
}

static int get_hex(struct reader *r, size_t digits, uint64_t *out)
{
    int rc = expect(r, SL_JSON_STRING, "a string is missing");
    if (rc < 0)
        return rc;
    if (r->j.len != digits || !sl_hex_parse(r->j.text, digits, out))
        return bad(r, "not hexadecimal digits");
    return 0;
}

static int get_crc(struct reader *r, uint32_t *out)
{
    uint64_t v;
    int rc = get_hex(r, 8, &v);
    if (rc == 0)
        *out = (uint32_t)v;
    return rc;
}

/* The string just read, unescaped, NUL-ended, in the arena. */
static char *string(struct reader *r)
{
    struct sl_buf plain = SL_BUF_INIT;
    char *s = NULL;
    if (!r->j.escaped) {
        s = sl_arena_strndup(&r->l->arena, r->j.text, r->j.len);
    } else if (sl_json_unescape(r->j.text, r->j.len, &plain, r->err) < 0) {
        bad(r, "a string with a bad escape");
        goto out;
    } else {
        s = sl_arena_strndup(&r->l->arena, plain.data ? plain.data : "", plain.len);
    }
    if (!s)
        sl_err_nomem(r->err, "reading a commit line");
out:
    sl_buf_release(&plain);
    return s;
}

static int get_string(struct reader *r, char **out)
{
    int rc = expect(r, SL_JSON_STRING, "a string is missing");
    if (rc < 0)
        return rc;
    *out = string(r);
    if (*out && strlen(*out) != r->j.len && !r->j.escaped)
        return bad(r, "a string with a NUL");
    return *out ? 0 : (r->err ? -(int)r->err->code : -SL_ENOMEM);
}

static int get_flag(struct reader *r, int *out)
{
    int rc = expect(r, SL_JSON_TRUE, "a flag is not true");
    *out = rc == 0;
    return rc;
}

static int skip_value(struct reader *r, const char **text, size_t *len)
{
    const char *t;
    size_t n;
    int rc = next(r);
    if (rc < 0)
        return rc;
    rc = sl_json_skip(&r->j, text ? text : &t, len ? len : &n, r->err);
    return rc < 0 ? bad(r, "a value is malformed") : 0;
}

static int key_is(struct reader *r, const char *name)
{
    return !r->j.escaped && r->j.len == strlen(name) && memcmp(r->j.text, name, r->j.len) == 0;
}

/* Calls member() for each key of the object whose value comes next. */
static int object(struct reader *r, int (*member)(struct reader *, void *), void *arg)
{
    int rc = expect(r, SL_JSON_OBJECT, "an object is missing");
    while (rc >= 0 && (rc = next(r)) == SL_JSON_KEY)
        rc = member(r, arg);
    return rc < 0 ? rc : 0;
}

/* Calls item() for each value of the array that comes next. */
static int array(struct reader *r, int (*item)(struct reader *))
{
    int rc = expect(r, SL_JSON_ARRAY, "an array is missing");
    while (rc == 0) {
        struct sl_json at = r->j;
        rc = next(r);
        if (rc == SL_JSON_ARRAY_END)
            return 0;
        r->j = at;
        rc = rc < 0 ? rc : item(r);
    }
    return rc;
}

/* ---- schemas ---- */

struct schema_parts {
    int id;
    char *types, *arrow;
    struct sl_schema *meta; /* only its metadata is of use */
};

static int meta_member(struct reader *r, void *arg)
{
    struct sl_schema *meta = arg;
    char *key = string(r), *value;
    int rc = key ? get_string(r, &value) : -SL_ENOMEM;
    if (rc < 0)
        return rc;
    return sl_schema_set_meta(meta, key, value) < 0 ? sl_err_nomem(r->err, "a schema") : 0;
}

static int schema_member(struct reader *r, void *arg)
{
    struct schema_parts *p = arg;
    if (key_is(r, "id"))
        return get_int32(r, 1, INT32_MAX, &p->id);
    if (key_is(r, "types"))
        return get_string(r, &p->types);
    if (key_is(r, "arrow"))
        return get_string(r, &p->arrow);
    if (key_is(r, "meta"))
        return object(r, meta_member, p->meta);
    return skip_value(r, NULL, NULL);
}

static int schema_from_arrow(struct reader *r, const char *text, struct sl_schema **out)
{
    struct sl_buf raw = SL_BUF_INIT;
    struct sl_stream *stream = NULL;
    int rc = -SL_ECORRUPT;
    if (sl_base64_parse(text, strlen(text), &raw) && raw.len)
        rc = sl_stream_new(raw.data, raw.len, NULL, &stream, r->err);
    else if (raw.failed)
        rc = -SL_ENOMEM;
    *out = stream ? sl_schema_copy(sl_stream_schema(stream)) : NULL;
    sl_stream_unref(stream);
    sl_buf_release(&raw);
    if (*out)
        return 0;
    return rc == 0 || rc == -SL_ENOMEM ? sl_err_nomem(r->err, "a schema")
                                       : bad(r, "a schema that cannot be read");
}

/* Types from the text or the Arrow message, metadata from `meta`. */
static int finish_schema(struct reader *r, const struct schema_parts *p, struct sl_schema **out)
{
    struct sl_schema *s = NULL;
    int rc;
    if (!p->id || !p->types)
        return bad(r, "a schema without id or types");
    if (p->arrow)
        rc = schema_from_arrow(r, p->arrow, &s);
    else
        rc = sl_schema_parse(p->types, strlen(p->types), &s, r->err);
    if (rc < 0)
        return p->arrow || rc == -SL_ENOMEM ? rc : bad(r, "types that cannot be read");
    while (s->nmeta)
        sl_schema_set_meta(s, s->meta[0].key, NULL);
    for (int i = 0; i < p->meta->nmeta && rc == 0; i++)
        rc = sl_schema_set_meta(s, p->meta->meta[i].key, p->meta->meta[i].value);
    if (rc < 0) {
        sl_schema_unref(s);
        return sl_err_nomem(r->err, "a schema");
    }
    *out = s;
    return 0;
}

static int get_schema(struct reader *r)
{
    struct sl_line *l = r->l;
    struct schema_parts p = {.meta = sl_schema_new()};
    struct sl_schema *s = NULL;
    if (!p.meta)
        return sl_err_nomem(r->err, "a schema");
    int rc = object(r, schema_member, &p);
    struct sl_line_schema *list = rc == 0 ? grown(r, l->schemas, l->nschemas, sizeof(*list)) : NULL;
    if (rc == 0)
        rc = list ? finish_schema(r, &p, &s) : -SL_ENOMEM;
    sl_schema_unref(p.meta);
    if (rc == 0) {
        l->schemas = list;
        list[l->nschemas++] = (struct sl_line_schema){.id = p.id, .schema = s};
    }
    return rc;
}

/* ---- segments ---- */

enum {
    SEG_P = 1,
    SEG_BASE = 2,
    SEG_BY = 4,
    SEG_SCHEMA = 8,
    SEG_FORM = 16,
    SEG_HEAD = 32,
    SEG_BYTES = 64,
    SEG_END = 128,
    SEG_ALL = 255
};

struct seg_parts {
    struct sl_seg seg;
    int seen;
};

static int get_head(struct reader *r, struct sl_seg *s)
{
    int rc = expect(r, SL_JSON_ARRAY, "head is no array");
    if (rc == 0)
        rc = get_int(r, 1, &s->head_len);
    if (rc == 0)
        rc = get_crc(r, &s->head_crc);
    return rc == 0 ? expect(r, SL_JSON_ARRAY_END, "head has more than two values") : rc;
}

/* How the columns are stored, see sl_form_parse for what the digits say. */
static int get_form(struct reader *r, char **out)
{
    int rc = get_string(r, out);
    if (rc == 0 && ((*out)[0] == '\0' || strspn(*out, "-z:0124") != strlen(*out)))
        rc = bad(r, "a bad form of a segment");
    return rc;
}

static int seg_member(struct reader *r, void *arg)
{
    struct seg_parts *p = arg;
    struct sl_seg *s = &p->seg;
    if (key_is(r, "p"))
        return p->seen |= SEG_P, get_int32(r, 0, SL_LOG_PARTITIONS - 1, &s->partition);
    if (key_is(r, "base"))
        return p->seen |= SEG_BASE, get_int(r, 0, &s->base);
    if (key_is(r, "by"))
        return p->seen |= SEG_BY, get_int(r, 1, &s->by);
    if (key_is(r, "schema"))
        return p->seen |= SEG_SCHEMA, get_int32(r, 1, INT32_MAX, &s->schema);
    if (key_is(r, "form"))
        return p->seen |= SEG_FORM, get_form(r, &s->form);
    if (key_is(r, "head"))
        return p->seen |= SEG_HEAD, get_head(r, s);
    if (key_is(r, "bytes"))
        return p->seen |= SEG_BYTES, get_int(r, 0, &s->bytes);
    if (key_is(r, "end"))
        return p->seen |= SEG_END, get_int(r, 0, &s->end);
    if (key_is(r, "min"))
        return get_int(r, INT64_MIN, &s->min_time);
    if (key_is(r, "max"))
        return get_int(r, INT64_MIN, &s->max_time);
    if (key_is(r, "at"))
        return get_int(r, 0, &s->at);
    if (key_is(r, "sum")) {
        s->has_sum = 1;
        return get_crc(r, &s->sum);
    }
    if (key_is(r, "closed"))
        return get_flag(r, &s->closed);
    if (key_is(r, "dropped"))
        return get_flag(r, &s->dropped);
    return skip_value(r, NULL, NULL);
}

static int get_seg(struct reader *r)
{
    struct sl_line *l = r->l;
    struct seg_parts p = {.seg = {.min_time = SL_TIME_MAX, .max_time = SL_TIME_MIN}};
    int rc = object(r, seg_member, &p);
    if (rc == 0 && p.seen != SEG_ALL)
        rc = bad(r, "a segment without all of its members");
    if (rc == 0 && (p.seg.end < p.seg.base || p.seg.bytes < p.seg.head_len))
        rc = bad(r, "a segment that ends before it begins");
    if (rc < 0)
        return rc;
    struct sl_seg *list = grown(r, l->segs, l->nsegs, sizeof(*list));
    if (!list)
        return -SL_ENOMEM;
    l->segs = list;
    list[l->nsegs++] = p.seg;
    return 0;
}

/* ---- pairs ---- */

static int pair_member(struct reader *r, struct sl_line_pair **pairs, int *n)
{
    struct sl_line_pair *list = grown(r, *pairs, *n, sizeof(*list));
    char *key = list ? string(r) : NULL;
    if (!key)
        return r->err ? -(int)r->err->code : -SL_ENOMEM;
    *pairs = list;
    struct sl_line_pair *p = &list[*n];
    *p = (struct sl_line_pair){.key = key};
    int rc = skip_value(r, &p->value, &p->len);
    *n += rc == 0;
    return rc;
}

static int position_member(struct reader *r, void *arg)
{
    struct sl_line *l = arg;
    return pair_member(r, &l->positions, &l->npositions);
}

static int setting_member(struct reader *r, void *arg)
{
    struct sl_line *l = arg;
    return pair_member(r, &l->settings, &l->nsettings);
}

int sl_line_pipeline(struct sl_line *l, const char *s, size_t n, struct sl_line_pair *out,
                     struct sl_err *err)
{
    struct sl_buf name = SL_BUF_INIT;
    const char *value;
    size_t len;
    int rc = sl_json_find_string(s, n, "name", &name);
    if (rc == 0 || rc == -SL_EFORMAT) {
        rc = sl_err_set(err, SL_ECORRUPT, "a pipeline record without a name");
    } else {
        *out = (struct sl_line_pair){.value = s, .len = n};
        out->open = sl_json_find(s, n, "open", &value, &len) == 1;
        if (rc > 0)
            out->key = sl_arena_strndup(&l->arena, name.data ? name.data : "", name.len);
        rc = out->key ? 0 : sl_err_nomem(err, "a pipeline record");
    }
    sl_buf_release(&name);
    return rc;
}

static int get_pipeline(struct reader *r)
{
    struct sl_line *l = r->l;
    const char *text;
    size_t n;
    struct sl_line_pair *list = grown(r, l->pipelines, l->npipelines, sizeof(*list));
    if (!list)
        return -SL_ENOMEM;
    l->pipelines = list;
    int rc = skip_value(r, &text, &n);
    if (rc == 0)
        rc = sl_line_pipeline(l, text, n, &list[l->npipelines], r->err);
    l->npipelines += rc == 0;
    return rc;
}

/* ---- snapshot ---- */

/* An array of exactly l->partitions offsets. */
static int get_ends(struct reader *r, int64_t **out)
{
    int64_t *ends;
    if (!r->l->partitions)
        return bad(r, "ends before partitions");
    ends = alloc(r, (size_t)r->l->partitions, sizeof(*ends));
    if (!ends)
        return -SL_ENOMEM;
    int rc = expect(r, SL_JSON_ARRAY, "ends is no array");
    for (int i = 0; i < r->l->partitions && rc == 0; i++)
        rc = get_int(r, 0, &ends[i]);
    if (rc == 0)
        rc = expect(r, SL_JSON_ARRAY_END, "ends has another length than partitions");
    *out = ends;
    return rc;
}

static int history_member(struct reader *r, void *arg)
{
    struct sl_history *h = arg;
    if (key_is(r, "id"))
        return get_hex(r, 16, &h->id);
    if (key_is(r, "from"))
        return get_int(r, 0, &h->from);
    if (key_is(r, "ends"))
        return get_ends(r, &h->ends);
    return skip_value(r, NULL, NULL);
}

static int get_history(struct reader *r)
{
    struct sl_line *l = r->l;
    struct sl_history h = {0};
    int rc = object(r, history_member, &h);
    if (rc == 0 && !h.ends)
        rc = bad(r, "a history without ends");
    if (rc < 0)
        return rc;
    struct sl_history *list = grown(r, l->histories, l->nhistories, sizeof(*list));
    if (!list)
        return -SL_ENOMEM;
    l->histories = list;
    list[l->nhistories++] = h;
    return 0;
}

static int snapshot_member(struct reader *r, void *arg)
{
    struct sl_line *l = arg;
    int format = 0, rc;
    if (key_is(r, "format")) {
        rc = get_int32(r, 1, INT32_MAX, &format);
        if (rc == 0 && format > SL_LOG_FORMAT)
            return sl_err_set(r->err, SL_EUNSUPPORTED,
                              "the log has format %d, this program reads up to %d", format,
                              SL_LOG_FORMAT);
        return rc;
    }
    if (key_is(r, "log")) {
        rc = expect(r, SL_JSON_STRING, "no log id");
        if (rc == 0 && (r->j.len != 32 || !sl_hex_parse_bytes(r->j.text, 16, l->log_id)))
            rc = bad(r, "a bad log id");
        return rc;
    }
    if (key_is(r, "partitions")) /* arrays are as long as it says: it is said once */
        return l->partitions ? bad(r, "partitions twice")
                             : get_int32(r, 1, SL_LOG_PARTITIONS, &l->partitions);
    if (key_is(r, "ends"))
        return get_ends(r, &l->ends);
    if (key_is(r, "histories"))
        return array(r, get_history);
    if (key_is(r, "file")) {
        rc = expect(r, SL_JSON_STRING, "no predecessor");
        if (rc == 0 && r->j.len && (r->j.len != 20 || !sl_digits_parse(r->j.text, 20, &l->file)))
            rc = bad(r, "a bad name of the predecessor");
        return rc;
    }
    if (key_is(r, "bytes"))
        return get_int(r, 0, &l->file_bytes);
    if (key_is(r, "last"))
        return get_int(r, 0, &l->last);
    return skip_value(r, NULL, NULL);
}

/* ---- the line ---- */

static int writer_member(struct reader *r, void *arg)
{
    struct sl_line *l = arg;
    char *host;
    if (key_is(r, "pid"))
        return get_int(r, 0, &l->pid);
    if (key_is(r, "host")) {
        int rc = get_string(r, &host);
        l->host = rc == 0 ? host : "";
        return rc;
    }
    return skip_value(r, NULL, NULL);
}

enum { LINE_N = 1, LINE_PREV = 2, LINE_HISTORY = 4, LINE_CRC = 8, LINE_ALL = 15 };

static int line_member(struct reader *r, void *arg)
{
    int *seen = arg;
    struct sl_line *l = r->l;
    uint32_t crc;
    if (key_is(r, "n"))
        return *seen |= LINE_N, get_int(r, 1, &l->n);
    if (key_is(r, "prev"))
        return *seen |= LINE_PREV, get_crc(r, &l->prev);
    if (key_is(r, "at"))
        return get_int(r, INT64_MIN, &l->at);
    if (key_is(r, "history"))
        return *seen |= LINE_HISTORY, get_hex(r, 16, &l->history);
    if (key_is(r, "durable"))
        return get_int(r, 0, &l->durable);
    if (key_is(r, "snapshot"))
        return l->snapshot = 1, object(r, snapshot_member, l);
    if (key_is(r, "schemas"))
        return array(r, get_schema);
    if (key_is(r, "segments"))
        return array(r, get_seg);
    if (key_is(r, "positions"))
        return object(r, position_member, l);
    if (key_is(r, "settings"))
        return object(r, setting_member, l);
    if (key_is(r, "pipeline"))
        return get_pipeline(r);
    if (key_is(r, "pipelines"))
        return array(r, get_pipeline);
    if (key_is(r, "writer"))
        return object(r, writer_member, l);
    if (key_is(r, "crc"))
        return *seen |= LINE_CRC, get_crc(r, &crc);
    return skip_value(r, NULL, NULL);
}

/* CRC of a line of n bytes as its trailer says; 1, or 0 if there is no such trailer. */
static int trailer(const char *s, size_t n, uint32_t *crc)
{
    uint64_t v;
    if (n < SL_LINE_TRAILER)
        return 0;
    s += n - SL_LINE_TRAILER;
    if (memcmp(s, ",\"crc\":\"", 8) != 0 || memcmp(s + 16, "\"}", 2) != 0 ||
        !sl_hex_parse(s + 8, 8, &v))
        return 0;
    *crc = (uint32_t)v;
    return 1;
}

int sl_line_parse(const char *s, size_t n, struct sl_line *l, struct sl_err *err)
{
    assert(s && l);
    struct reader r = {.l = l, .err = err};
    int seen = 0, rc;
    uint32_t said;

    if (!trailer(s, n, &said) || s[n - 1] != '\n')
        return bad(&r, "it does not end in its checksum");
    l->crc = sl_crc32c(0, s, n - SL_LINE_TRAILER);
    if (l->crc != said)
        return bad(&r, "its checksum is false");
    if (!sl_utf8_valid(s, n))
        return bad(&r, "it is not UTF-8");
    sl_json_init(&r.j, s, n - 1);
    rc = object(&r, line_member, &seen);
    if (rc == 0)
        rc = expect(&r, SL_JSON_END, "there is more after the object");
    if (rc < 0)
        return rc;
    if (seen != LINE_ALL)
        return bad(&r, "a member is missing");
    if (l->snapshot && (!l->partitions || !l->ends || !l->nhistories))
        return bad(&r, "a snapshot without partitions, ends or histories");
    if (!l->snapshot && l->npipelines > 1)
        return bad(&r, "more than one pipeline");
    return 0;
}

int sl_line_is_torn(const char *s, size_t n)
{
    assert(s || !n);
    static const char start[] = "{\"n\":";
    size_t k = SL_MIN(n, sizeof(start) - 1);
    if (memcmp(s, start, k) != 0 || memchr(s, '\0', n))
        return 0;
    /* A whole line whose newline was damaged is not torn: something follows its end. */
    for (const char *p = s; (p = memmem(p, n - (size_t)(p - s), "\"}", 2)) != NULL; p++) {
        size_t whole = (size_t)(p - s) + 3; /* the length of a line that ends here */
        uint32_t said;
        if (whole <= n && trailer(s, whole, &said) &&
            sl_crc32c(0, s, whole - SL_LINE_TRAILER) == said)
            return 0;
    }
    return 1;
}
