/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* line_print: commit lines as text, see line.h and sluice-log(5). Members come in one fixed order, so
 * that a line can be read by eye and compared. */
#include "base/compat.h"
#include <inttypes.h>
#include "base/crc32c.h"
#include "base/json.h"
#include "ipc/ipc.h"
#include "base/hex.h"
#include "log/line.h"

void sl_line_init(struct sl_line *l)
{
    memset(l, 0, sizeof(*l));
    sl_arena_init(&l->arena);
    l->host = "";
}

void sl_line_release(struct sl_line *l)
{
    for (int i = 0; i < l->nschemas; i++)
        sl_schema_unref(l->schemas[i].schema);
    sl_arena_release(&l->arena);
    sl_line_init(l);
}

static void add_string(struct sl_buf *out, const char *s)
{
    sl_buf_add_json(out, s, strlen(s));
}

/* The Arrow form is written only where the list of types cannot be read back to the same types. */
static int print_arrow(const struct sl_schema *s, const char *types, size_t len, struct sl_buf *out,
                       struct sl_err *err)
{
    struct sl_schema *back = NULL;
    struct sl_buf message = SL_BUF_INIT;
    struct sl_ipc_form plain = {0};
    int rc = 0, valueless = 0;

    for (int i = 0; i < s->nfields; i++)
        valueless |= sl_type_is_valueless(s->fields[i].type);
    if (!valueless && sl_schema_parse(types, len, &back, NULL) == 0 && sl_schema_equal(s, back))
        goto out;
    rc = sl_ipc_form_init(&plain, s, err);
    if (rc == 0)
        rc = sl_ipc_encode_schema(s, &plain, &message, err);
    if (rc == 0) {
        sl_buf_addstr(out, ",\"arrow\":\"");
        sl_base64_add(out, message.data, message.len);
        sl_buf_addch(out, '"');
    }
    sl_ipc_form_release(&plain);
out:
    sl_schema_unref(back);
    sl_buf_release(&message);
    return rc;
}

static int print_schemas(const struct sl_line *l, struct sl_buf *out, struct sl_err *err)
{
    struct sl_buf types = SL_BUF_INIT;
    int rc = 0;

    sl_buf_addstr(out, ",\"schemas\":[");
    for (int i = 0; i < l->nschemas && rc == 0; i++) {
        const struct sl_schema *s = l->schemas[i].schema;
        sl_buf_reset(&types);
        sl_schema_print(s, &types);
        rc = sl_buf_check(&types, err);
        if (rc < 0)
            break;
        sl_buf_printf(out, "%s{\"id\":%d,\"types\":", i ? "," : "", l->schemas[i].id);
        sl_buf_add_json(out, types.data ? types.data : "", types.len);
        sl_buf_addstr(out, ",\"meta\":{");
        for (int k = 0; k < s->nmeta; k++) {
            if (k)
                sl_buf_addch(out, ',');
            add_string(out, s->meta[k].key);
            sl_buf_addch(out, ':');
            add_string(out, s->meta[k].value);
        }
        sl_buf_addch(out, '}');
        rc = print_arrow(s, types.data ? types.data : "", types.len, out, err);
        sl_buf_addch(out, '}');
    }
    sl_buf_addch(out, ']');
    sl_buf_release(&types);
    return rc;
}

static void print_segs(const struct sl_line *l, struct sl_buf *out)
{
    sl_buf_addstr(out, ",\"segments\":[");
    for (int i = 0; i < l->nsegs; i++) {
        const struct sl_seg *s = &l->segs[i];
        sl_buf_printf(out, "%s{\"p\":%d,\"base\":%" PRId64 ",\"by\":%" PRId64 ",\"schema\":%d",
                      i ? "," : "", s->partition, s->base, s->by, s->schema);
        sl_buf_addstr(out, ",\"form\":");
        add_string(out, s->form);
        sl_buf_printf(out,
                      ",\"head\":[%" PRId64 ",\"%08x\"],\"bytes\":%" PRId64 ",\"end\":%" PRId64,
                      s->head_len, s->head_crc, s->bytes, s->end);
        if (s->has_sum && !l->snapshot)
            sl_buf_printf(out, ",\"sum\":\"%08x\"", s->sum);
        if (s->min_time <= s->max_time)
            sl_buf_printf(out, ",\"min\":%" PRId64 ",\"max\":%" PRId64, s->min_time, s->max_time);
        if (s->at)
            sl_buf_printf(out, ",\"at\":%" PRId64, s->at);
        if (s->closed)
            sl_buf_addstr(out, ",\"closed\":true");
        if (s->dropped)
            sl_buf_addstr(out, ",\"dropped\":true");
        sl_buf_addch(out, '}');
    }
    sl_buf_addch(out, ']');
}

static void print_ends(const int64_t *ends, int n, struct sl_buf *out)
{
    sl_buf_addstr(out, "\"ends\":[");
    for (int i = 0; i < n; i++)
        sl_buf_printf(out, "%s%" PRId64, i ? "," : "", ends[i]);
    sl_buf_addch(out, ']');
}

static void print_snapshot(const struct sl_line *l, struct sl_buf *out)
{
    char id[33];
    sl_hex(l->log_id, 16, id);
    sl_buf_printf(out, ",\"snapshot\":{\"format\":%d,\"log\":\"%s\",\"partitions\":%d,",
                  SL_LOG_FORMAT, id, l->partitions);
    print_ends(l->ends, l->partitions, out);
    sl_buf_addstr(out, ",\"histories\":[");
    for (int i = 0; i < l->nhistories; i++) {
        const struct sl_history *h = &l->histories[i];
        sl_buf_printf(out, "%s{\"id\":\"%016" PRIx64 "\",\"from\":%" PRId64 ",", i ? "," : "",
                      h->id, h->from);
        print_ends(h->ends, l->partitions, out);
        sl_buf_addch(out, '}');
    }
    if (l->file)
        sl_buf_printf(out, "],\"file\":\"%020" PRId64 "\"", l->file);
    else
        sl_buf_addstr(out, "],\"file\":\"\"");
    sl_buf_printf(out, ",\"bytes\":%" PRId64 ",\"last\":%" PRId64 "}", l->file_bytes, l->last);
}

/* 1 if the slice is one JSON value without line breaks. */
static int is_value(const char *s, size_t n)
{
    struct sl_json j;
    int t;
    if (n == 0 || memchr(s, '\n', n))
        return 0;
    sl_json_init(&j, s, n);
    do {
        t = sl_json_next(&j, NULL);
    } while (t > 0);
    return t == SL_JSON_END;
}

/* An object of pairs, if there are any. */
static int print_object(const char *name, const struct sl_line_pair *pairs, int n,
                        struct sl_buf *out, struct sl_err *err)
{
    for (int i = 0; i < n; i++) {
        const struct sl_line_pair *p = &pairs[i];
        if (!is_value(p->value, p->len))
            return sl_err_set(err, SL_EBUG, "%s of %s is no JSON value", name, p->key);
        if (i)
            sl_buf_addch(out, ',');
        else
            sl_buf_printf(out, ",\"%s\":{", name);
        add_string(out, p->key);
        sl_buf_addch(out, ':');
        sl_buf_add(out, p->value, p->len);
    }
    if (n)
        sl_buf_addch(out, '}');
    return 0;
}

static int print_pairs(const struct sl_line *l, struct sl_buf *out, struct sl_err *err)
{
    int rc = print_object("positions", l->positions, l->npositions, out, err);
    if (rc == 0)
        rc = print_object("settings", l->settings, l->nsettings, out, err);
    if (rc < 0)
        return rc;
    for (int i = 0; i < l->npipelines; i++) {
        const struct sl_line_pair *p = &l->pipelines[i];
        if (!is_value(p->value, p->len) || *p->value != '{')
            return sl_err_set(err, SL_EBUG, "a pipeline record is no JSON object");
        if (l->snapshot)
            sl_buf_addstr(out, i ? "," : ",\"pipelines\":[");
        else
            sl_buf_addstr(out, ",\"pipeline\":");
        sl_buf_add(out, p->value, p->len);
    }
    if (l->snapshot && l->npipelines)
        sl_buf_addch(out, ']');
    return 0;
}

int sl_line_print(struct sl_line *l, struct sl_buf *out, struct sl_err *err)
{
    assert(l->n > 0 && out);
    size_t start = out->len;
    int rc = 0;

    sl_buf_printf(out,
                  "{\"n\":%" PRId64 ",\"prev\":\"%08x\",\"at\":%" PRId64
                  ",\"history\":\"%016" PRIx64 "\",\"durable\":%" PRId64,
                  l->n, l->prev, l->at, l->history, l->durable);
    if (l->snapshot)
        print_snapshot(l, out);
    if (l->nschemas)
        rc = print_schemas(l, out, err);
    if (rc == 0 && l->nsegs)
        print_segs(l, out);
    if (rc == 0)
        rc = print_pairs(l, out, err);
    sl_buf_printf(out, ",\"writer\":{\"pid\":%" PRId64 ",\"host\":", l->pid);
    add_string(out, l->host);
    sl_buf_addch(out, '}');
    if (rc == 0)
        rc = sl_buf_check(out, err);
    if (rc < 0)
        return rc;
    l->crc = sl_crc32c(0, out->data + start, out->len - start);
    sl_buf_printf(out, ",\"crc\":\"%08x\"}\n", l->crc);
    return sl_buf_check(out, err);
}
