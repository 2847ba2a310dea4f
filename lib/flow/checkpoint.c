/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * checkpoint: the records of a pipeline, as JSON that a sink keeps (sluice-log(5), "Pipelines").
 *
 *   {"name":"main","open":true,"run":"RUN","base":{"run":"RUN","k":N},"plan":"..."}
 *   {"name":"main","run":"RUN","k":N,"state":[{"place":0,"k":N,"run":"RUN","bytes":N,"crc":N}]}
 */
#include "flow/checkpoint.h"

#include <inttypes.h>
#include <sys/random.h>
#include "base/json.h"
#include "base/mem.h"

int sl_record_new_run(char run[SL_RUN_ID + 1], struct sl_err *err)
{
    uint8_t bytes[SL_RUN_ID / 2];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return sl_err_sys(err, "no random bytes for the name of a run");
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(run + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

static void begin(const char *name, struct sl_buf *out)
{
    sl_buf_addstr(out, "{\"name\":");
    sl_buf_add_json(out, name, strlen(name));
}

static void print_base(const struct sl_run_record *base, struct sl_buf *out)
{
    assert(!base->k || strlen(base->run) == SL_RUN_ID);
    if (base->k)
        sl_buf_printf(out, ",\"base\":{\"run\":\"%s\",\"k\":%" PRId64 "}", base->run, base->k);
}

static void print_plan(const struct sl_run_record *r, struct sl_buf *out)
{
    sl_buf_addstr(out, ",\"plan\":");
    sl_buf_add_json(out, r->plan.data ? r->plan.data : "", r->plan.len);
    sl_buf_addch(out, '}');
}

void sl_record_print_open(const char *name, const struct sl_run_record *r,
                          const struct sl_run_record *base, struct sl_buf *out)
{
    begin(name, out);
    assert(strlen(r->run) == SL_RUN_ID);
    sl_buf_printf(out, ",\"open\":true,\"run\":\"%s\"", r->run);
    print_base(base, out);
    print_plan(r, out);
}

void sl_record_print_front(const char *name, const struct sl_run_record *r,
                           const struct sl_run_record *base, int64_t place, struct sl_buf *out)
{
    begin(name, out);
    assert(place >= 0 && strlen(r->run) == SL_RUN_ID);
    sl_buf_printf(out, ",\"run\":\"%s\",\"place\":%" PRId64, r->run, place);
    print_base(base, out);
    print_plan(r, out);
}

void sl_record_print_state(const struct sl_state_ref *state, int n, struct sl_buf *out)
{
    assert(n >= 0 && (state || !n));
    sl_buf_addch(out, '[');
    for (int i = 0; i < n; i++)
        sl_buf_printf(out,
                      "%s{\"place\":%" PRId64 ",\"k\":%" PRId64 ",\"run\":\"%s\",\"bytes\":%" PRId64
                      ",\"crc\":%" PRIu32 "}",
                      i ? "," : "", state[i].place, state[i].k, state[i].run, state[i].bytes,
                      state[i].crc);
    sl_buf_addch(out, ']');
}

void sl_record_print(const char *name, const struct sl_run_record *r, struct sl_buf *out)
{
    begin(name, out);
    sl_buf_printf(out, ",\"run\":\"%s\",\"k\":%" PRId64 ",\"state\":", r->run, r->k);
    sl_record_print_state(r->state, r->nstate, out);
    sl_buf_addch(out, '}');
}

void sl_record_release(struct sl_run_record *r)
{
    sl_buf_release(&r->plan);
    free(r->state);
    *r = (struct sl_run_record){0};
}

/* A member that names a run. */
static int get_run(const char *s, size_t n, char run[SL_RUN_ID + 1])
{
    const char *v;
    size_t len;
    if (sl_json_find(s, n, "run", &v, &len) != 1 || len != SL_RUN_ID + 2 || *v != '"' ||
        strspn(v + 1, "0123456789abcdef") != SL_RUN_ID)
        return 0;
    memcpy(run, v + 1, SL_RUN_ID);
    run[SL_RUN_ID] = '\0';
    return 1;
}

int sl_record_find_run(const char *json, size_t n, struct sl_run_record *r)
{
    if (sl_json_find_int(json, n, "k", &r->k) != 1)
        r->k = 0;
    return get_run(json, n, r->run);
}

static int get_state(const char *s, size_t n, struct sl_state_ref *ref)
{
    int64_t crc;
    *ref = (struct sl_state_ref){0};
    if (!get_run(s, n, ref->run) || sl_json_find_int(s, n, "place", &ref->place) != 1 ||
        sl_json_find_int(s, n, "k", &ref->k) != 1 || sl_json_find_int(s, n, "crc", &crc) != 1 ||
        sl_json_find_int(s, n, "bytes", &ref->bytes) != 1 || ref->bytes < 0)
        return 0;
    ref->crc = (uint32_t)crc;
    return 1;
}

/* The files of a checkpoint: 1, 0: it is no list of them, < 0. */
static int get_states(const char *s, size_t n, struct sl_run_record *r, struct sl_err *err)
{
    struct sl_json j;
    const char *text;
    size_t len, cap = 0;
    sl_json_init(&j, s, n);
    if (sl_json_next(&j, NULL) != SL_JSON_ARRAY)
        return 0;
    while (sl_json_next(&j, NULL) == SL_JSON_OBJECT) {
        if (sl_json_skip(&j, &text, &len, NULL) < 0)
            return 0;
        if (SL_GROW(r->state, (size_t)r->nstate + 1, cap, "a checkpoint", err) < 0)
            return -(int)SL_ENOMEM;
        if (!get_state(text, len, &r->state[r->nstate++]))
            return 0;
    }
    return 1;
}

int sl_record_parse_state(const char *json, size_t n, struct sl_run_record *r, struct sl_err *err)
{
    free(r->state);
    r->state = NULL;
    r->nstate = 0;
    int rc = n ? get_states(json, n, r, err) : 1;
    return rc == 0 ? sl_err_set(err, SL_EFORMAT, "a barrier whose state is no list of files")
                   : SL_MIN(rc, 0);
}

int sl_record_parse(const char *json, struct sl_run_record *r, struct sl_err *err)
{
    const char *v;
    size_t n = strlen(json), len;
    sl_record_release(r);
    int rc = get_run(json, n, r->run);
    if (rc == 1 && sl_json_find(json, n, "open", &v, &len) == 1)
        rc = sl_json_find_string(json, n, "plan", &r->plan);
    else if (rc == 1 && sl_json_find_int(json, n, "k", &r->k) == 1 && r->k > 0 &&
             sl_json_find(json, n, "state", &v, &len) == 1)
        rc = get_states(v, len, r, err);
    else
        rc = 0;
    if (rc == 0)
        rc = sl_err_set(err, SL_ECORRUPT,
                        "the record of a pipeline is not what a run writes: %.200s", json);
    return SL_MIN(rc, 0);
}
