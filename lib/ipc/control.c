/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* control: the one-line JSON of control messages, written and read. */
#include "ipc/control.h"

#include "base/json.h"

static const char *const kind_names[] = {
    [SL_CONTROL_ROWS] = "rows",
    [SL_CONTROL_BARRIER] = "barrier",
    [SL_CONTROL_WATERMARK] = "watermark",
    [SL_CONTROL_END] = "end",
};

static const char *const reason_names[] = {
    [SL_END_END] = "end",
    [SL_END_STOP] = "stop",
    [SL_END_SCHEMA] = "schema",
    [SL_END_ERROR] = "error",
};

void sl_control_print(const struct sl_control *c, struct sl_buf *out)
{
    assert(c && out);
    sl_buf_printf(out, "{\"t\":\"%s\"", kind_names[c->kind]);
    switch (c->kind) {
    case SL_CONTROL_BARRIER:
        sl_buf_printf(out, ",\"k\":%lld,\"full\":%s", (long long)c->k, c->full ? "true" : "false");
        if (c->positions)
            sl_buf_printf(out, ",\"positions\":%.*s", (int)c->positions_len, c->positions);
        if (c->state)
            sl_buf_printf(out, ",\"state\":%.*s", (int)c->state_len, c->state);
        break;
    case SL_CONTROL_WATERMARK: sl_buf_printf(out, ",\"wm\":%lld", (long long)c->watermark); break;
    case SL_CONTROL_END:
        sl_buf_printf(out, ",\"rows\":%lld,\"reason\":\"%s\"", (long long)c->rows,
                      reason_names[c->reason]);
        break;
    case SL_CONTROL_ROWS:
        if (c->watermark != INT64_MIN)
            sl_buf_printf(out, ",\"wm\":%lld", (long long)c->watermark);
        break;
    }
    if (c->run) {
        sl_buf_addstr(out, ",\"run\":");
        sl_buf_add_json(out, c->run, c->run_len);
    }
    sl_buf_addch(out, '}');
}

/* Raw string value: 1 and the bytes between the quotes, 0 absent or not a plain string, < 0. */
static int find_plain_string(const char *s, size_t n, const char *key, const char **v, size_t *len)
{
    int rc = sl_json_find(s, n, key, v, len);
    if (rc <= 0)
        return rc;
    if (*len < 2 || **v != '"' || memchr(*v, '\\', *len))
        return 0;
    *v += 1;
    *len -= 2;
    return 1;
}

static int name_index(const char *const *names, size_t n, const char *s, size_t len)
{
    for (size_t i = 0; i < n; i++) {
        if (names[i] && strlen(names[i]) == len && memcmp(names[i], s, len) == 0)
            return (int)i;
    }
    return -1;
}

static int malformed(struct sl_err *err, const char *what)
{
    return sl_err_set(err, SL_EFORMAT, "control message: %s", what);
}

int sl_control_parse(const char *s, size_t n, struct sl_control *out, struct sl_err *err)
{
    assert((s || !n) && out);
    const char *v;
    size_t len;
    memset(out, 0, sizeof *out);
    if (find_plain_string(s, n, "t", &v, &len) <= 0)
        return malformed(err, "no member \"t\"");
    int kind = name_index(kind_names, SL_COUNT(kind_names), v, len);
    if (kind < 0)
        return malformed(err, "a kind that this version does not know");
    out->kind = (enum sl_control_kind)kind;
    if (kind == SL_CONTROL_BARRIER) {
        if (sl_json_find_int(s, n, "k", &out->k) <= 0)
            return malformed(err, "a barrier without its number");
        out->full =
            sl_json_find(s, n, "full", &v, &len) > 0 && len == 4 && memcmp(v, "true", 4) == 0;
        if (sl_json_find(s, n, "positions", &out->positions, &out->positions_len) <= 0)
            out->positions = NULL;
        if (sl_json_find(s, n, "state", &out->state, &out->state_len) <= 0)
            out->state = NULL;
    } else if (kind == SL_CONTROL_WATERMARK) {
        if (sl_json_find_int(s, n, "wm", &out->watermark) <= 0)
            return malformed(err, "a watermark without its time");
    } else if (kind == SL_CONTROL_ROWS) {
        if (sl_json_find_int(s, n, "wm", &out->watermark) <= 0)
            out->watermark = INT64_MIN;
    } else if (kind == SL_CONTROL_END) {
        if (sl_json_find_int(s, n, "rows", &out->rows) <= 0 || out->rows < 0)
            return malformed(err, "an end without its count of rows");
        if (find_plain_string(s, n, "reason", &v, &len) <= 0)
            return malformed(err, "an end without its reason");
        int reason = name_index(reason_names, SL_COUNT(reason_names), v, len);
        if (reason < 0)
            return malformed(err, "an end for a reason that this version does not know");
        out->reason = (enum sl_end_reason)reason;
    }
    if (find_plain_string(s, n, "run", &v, &len) > 0) {
        out->run = v;
        out->run_len = len;
    }
    return 0;
}
