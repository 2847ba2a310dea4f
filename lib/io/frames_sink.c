/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * frames_sink: an Arrow IPC stream for the next stage, or a file.
 *
 * The schema says that the stream ends with an `end` message, so that the next stage can tell an end
 * from a death. The schema is held back until the first batch or flush, because the form (which
 * columns are dictionaries) is part of it; codes are 4 bytes wide, which fits every dictionary.
 * Bodies are not compressed: a pipe is faster than zstd.
 */
#include "base/compat.h"
#include "file/dest.h"
#include <sys/stat.h>
#include "io/connect.h"
#include "io/log_hold.h"
#include "log/log.h"

enum { DICTIONARY_ROWS = 1024 };

struct frames_sink {
    struct sl_stream_sink stream; /* first */
    char *dest, *command;
    char *from; /* the log at the end of the pipe that this one resumes, or NULL: */
    struct sl_log *loaded;
    struct sl_positions positions; /* that it has of inputs */
    struct sl_log_hold hold;
    struct sl_schema *schema;
    struct sl_ipc_form form;
    int started;
    int64_t sent;
    int64_t watermark; /* SL_TIME_MIN: none, */
    int is_untold;     /* and it has grown since rows or a message bore it */
};

static const char hint[] =
    "This is an Arrow IPC stream made by sluice, for another command: to read "
    "it, add -O csv, or pipe it into `sluice tail -n all`.";

/* Metadata of the stream on top of what the schema says of itself. */
static int describe(struct frames_sink *f, struct sl_err *err)
{
    struct sl_buf plan = SL_BUF_INIT, d = SL_BUF_INIT;
    const char *before = sl_schema_meta(f->schema, SL_META_PLAN);

    int goes_on = f->stream.base.live || f->stream.base.run;

    if (before)
        sl_buf_printf(&plan, "%s\n", before);
    sl_buf_addstr(&plan, f->command ? f->command : "sluice");
    sl_buf_printf(&d, "%lld", (long long)f->stream.base.out_of_order);
    const struct {
        const char *key, *value;
    } meta[] = {
        {SL_META_FORMAT, "1"},
        {SL_META_END, "required"},
        {SL_META_HINT, hint},
        {SL_META_PLAN, plan.data},
        {SL_META_RUN, f->stream.base.run},
        {SL_META_BRANCH, f->stream.base.branch},
        {SL_META_LIVE, f->stream.base.live ? "1" : NULL},
        {SL_META_D, goes_on && f->stream.base.out_of_order >= 0 ? d.data : NULL},
    };
    int rc = plan.failed || d.failed ? -(int)SL_ENOMEM : 0;
    for (size_t i = 0; rc == 0 && i < SL_COUNT(meta); i++)
        rc = sl_schema_set_meta(f->schema, meta[i].key, meta[i].value);
    sl_buf_release(&plan);
    sl_buf_release(&d);
    return rc < 0 ? sl_err_nomem(err, "a schema") : 0;
}

static int sink_open(struct sl_sink *base, struct sl_schema *schema, struct sl_err *err)
{
    struct frames_sink *f = (struct frames_sink *)base;
    struct sl_dest_options oo = {.dest = f->dest};
    int rc = f->stream.dest ? 0 : sl_dest_open(&oo, &f->stream.dest, err);
    if (rc < 0)
        return rc;
    f->schema = sl_schema_copy(schema);
    if (!f->schema)
        return sl_err_nomem(err, "a schema");
    f->sent = f->stream.before;
    rc = describe(f, err);
    return rc < 0 ? rc : sl_ipc_form_init(&f->form, f->schema, err);
}

/* The schema message, with dictionaries for the columns that are small in the first batch. */
static int start(struct frames_sink *f, struct sl_batch *first, struct sl_err *err)
{
    int rc = 0;
    if (f->started)
        return 0;
    f->started = 1;
    if (f->stream.kept && !sl_dest_is_empty(f->stream.dest)) /* it has one */
        return 0;
    if (first && !f->stream.kept && first->selected >= DICTIONARY_ROWS) {
        rc = sl_ipc_form_fit(&f->form, first, err);
        for (int i = 0; i < f->form.nfields; i++)
            f->form.code[i] = f->form.code[i] ? 4 : 0;
        f->form.zstd = 0;
    }
    if (rc < 0)
        return rc;
    return sl_ipc_encode_schema(f->schema, &f->form, &f->stream.bytes, err);
}

static int put_control(struct frames_sink *f, const struct sl_control *c, struct sl_err *err)
{
    struct sl_buf line = SL_BUF_INIT;
    sl_control_print(c, &line);
    struct sl_ipc_meta meta = {.key = SL_IPC_KEY, .value = line.data, .len = line.len};
    int rc = start(f, NULL, err);
    if (rc == 0)
        rc = sl_buf_check(&line, err);
    if (rc == 0)
        rc = sl_ipc_encode_control(f->schema, &f->form, &meta, 1, &f->stream.bytes, err);
    sl_buf_release(&line);
    return rc;
}

static int sink_write(struct sl_sink *base, struct sl_batch *b, void *encoded, struct sl_err *err)
{
    struct frames_sink *f = (struct frames_sink *)base;
    struct sl_control c = {.kind = SL_CONTROL_ROWS, .watermark = f->watermark};
    struct sl_buf line = SL_BUF_INIT;
    (void)encoded;

    f->is_untold = 0;
    sl_control_print(&c, &line);
    struct sl_ipc_meta meta = {.key = SL_IPC_KEY, .value = line.data, .len = line.len};
    struct sl_ipc_layout layout;
    int rc = start(f, b, err);
    if (rc == 0)
        rc = sl_buf_check(&line, err);
    if (rc == 0)
        rc = sl_ipc_encode_batch(b, &f->form, &meta, 1, &f->stream.bytes, &layout, NULL, err);
    sl_buf_release(&line);
    if (rc < 0)
        return rc;
    sl_stream_sink_take(&f->stream, b->selected);
    f->sent += (int64_t)b->selected;
    return f->stream.bytes.len >= SL_STREAM_GATHER ? sl_stream_sink_flush(&f->stream, err)
                                                   : SL_PUSH_OK;
}

/* It leaves with the next rows; without them at the next pause, as a message of its own. */
static int sink_watermark(struct sl_sink *base, int64_t watermark, struct sl_err *err SL_UNUSED)
{
    struct frames_sink *f = (struct frames_sink *)base;
    f->watermark = watermark;
    f->is_untold = 1;
    return SL_PUSH_OK;
}

static int tell_watermark(struct frames_sink *f, struct sl_err *err)
{
    struct sl_control c = {.kind = SL_CONTROL_WATERMARK, .watermark = f->watermark};
    if (!f->is_untold)
        return 0;
    f->is_untold = 0;
    return put_control(f, &c, err);
}

/* The barrier goes on down the pipe: the last stage commits it. */
static int sink_commit(struct sl_sink *base, const struct sl_checkpoint *c, struct sl_err *err)
{
    struct frames_sink *f = (struct frames_sink *)base;
    struct sl_buf positions = SL_BUF_INIT, state = SL_BUF_INIT;
    if (!c->k)
        return 0;
    sl_positions_print(c->positions, &positions);
    sl_record_print_state(c->state, c->nstate, &state);
    struct sl_control barrier = {.kind = SL_CONTROL_BARRIER,
                                 .k = c->k,
                                 .full = !c->is_light,
                                 .positions = positions.data,
                                 .positions_len = positions.len,
                                 .state = state.data,
                                 .state_len = state.len};
    int rc = positions.failed || state.failed ? sl_err_nomem(err, "a barrier") : 0;
    if (rc == 0)
        rc = tell_watermark(f, err);
    if (rc == 0)
        rc = put_control(f, &barrier, err);
    sl_buf_release(&positions);
    sl_buf_release(&state);
    if (rc == 0)
        rc = sl_stream_sink_flush(&f->stream, err);
    return SL_MIN(rc, 0);
}

static int sink_hold(struct sl_sink *base, const char *name, int wait SL_UNUSED,
                     const volatile sig_atomic_t *signal SL_UNUSED, struct sl_err *err)
{
    struct frames_sink *f = (struct frames_sink *)base;
    int rc = sl_log_hold_open(&f->hold, f->from, name, err);
    base->state_fd = f->hold.dirfd;
    base->state_dir = f->hold.dir;
    return rc;
}

static int sink_load(struct sl_sink *base, const char *name, struct sl_checkpoint *out,
                     struct sl_err *err)
{
    struct frames_sink *f = (struct frames_sink *)base;
    static const struct sl_positions none;
    *out = (struct sl_checkpoint){.place = f->from, .positions = &none};
    const struct sl_position *mark;
    int rc = sl_path_find_log(f->from, err);
    if (rc == 1)
        rc = sl_log_open(f->from, &f->loaded, err);
    if (f->loaded) {
        sl_log_load(f->loaded, name, out);
        rc = sl_exact_positions(out->positions, &f->positions, &mark, err);
        out->positions = &f->positions;
    }
    out->schema = NULL; /* it is of what comes out of the last stage */
    return rc;
}

static int finish(struct frames_sink *f, enum sl_directive d, const struct sl_control *why,
                  struct sl_err *err)
{
    struct sl_control c = {.kind = SL_CONTROL_END,
                           .rows = f->sent,
                           .watermark = SL_TIME_MIN,
                           .reason = d == SL_END                           ? SL_END_END
                                     : why && why->reason == SL_END_SCHEMA ? SL_END_SCHEMA
                                                                           : SL_END_STOP};
    int rc = put_control(f, &c, err);
    if (rc < 0)
        return rc;
    sl_ipc_encode_end(&f->stream.bytes);
    rc = sl_stream_sink_flush(&f->stream, err);
    if (rc < 0)
        return rc;
    int e = sl_dest_close(f->stream.dest, err);
    return e < 0 ? e : rc;
}

static int sink_control(struct sl_sink *base, enum sl_directive d, const struct sl_control *c,
                        struct sl_err *err)
{
    struct frames_sink *f = (struct frames_sink *)base;
    int rc = 0;
    if (d == SL_END || d == SL_STOP)
        return finish(f, d, c, err);
    rc = tell_watermark(f, err);
    if (rc == 0 && d == SL_BARRIER && c)
        rc = put_control(f, c, err);
    else if (rc == 0 && d == SL_FLUSH)
        rc = start(f, NULL, err);
    return rc < 0 ? rc : sl_stream_sink_flush(&f->stream, err);
}

/* Without an end: who reads sees the rows, and that this stage died. */
static int sink_rescue(struct sl_sink *base, struct sl_err *err)
{
    return sink_control(base, SL_FLUSH, NULL, err);
}

static void sink_plan(const struct sl_sink *base, const struct sl_schema *schema SL_UNUSED,
                      struct sl_buf *out)
{
    const struct frames_sink *f = (const struct frames_sink *)base;
    sl_buf_printf(out, "%s, format arrow", f->dest ? f->dest : "standard output");
}

static void sink_free(struct sl_sink *base)
{
    struct frames_sink *f = (struct frames_sink *)base;
    sl_schema_unref(f->schema);
    sl_ipc_form_release(&f->form);
    sl_stream_sink_release(&f->stream);
    sl_log_free(f->loaded);
    sl_log_hold_release(&f->hold);
    sl_positions_release(&f->positions);
    free(f->from);
    free(f->dest);
    free(f->command);
    free(f);
}

#define STREAM                                                                                     \
    .name = "frames", .plan = sink_plan, .promise = SL_PROMISE_AT_LEAST, .open = sink_open,        \
    .write = sink_write, .watermark = sink_watermark, .commit = sink_commit,                       \
    .control = sink_control, .rescue = sink_rescue, .poll = sl_stream_sink_poll,                   \
    .ready = sl_stream_sink_ready, .free = sink_free
static const struct sl_sink_class frames_sink_class = {STREAM};
/* One that is told where the pipe ends. */
static const struct sl_sink_class resuming_sink_class = {STREAM, .hold = sink_hold,
                                                         .load = sink_load};

/* A file at the end of a pipe has it beside it. */
static char *log_of(const char *dest)
{
    struct sl_buf side = SL_BUF_INIT;
    if (sl_output_is_log(dest))
        return sl_strdup(dest);
    sl_exact_beside(dest, &side);
    return sl_buf_take(&side);
}

int sl_frames_sink_new(const struct sl_output_options *o, struct sl_sink **out, struct sl_err *err)
{
    assert(o && out);
    struct frames_sink *f = sl_calloc(1, sizeof(*f));
    int rc = 0;
    *out = NULL;
    if (!f)
        return sl_err_nomem(err, "a sink of frames");
    f->stream.base.class = o->resume_from ? &resuming_sink_class : &frames_sink_class;
    f->stream.base.due = INT64_MAX;
    f->from = o->resume_from ? log_of(o->resume_from) : NULL;
    f->stream.base.account = o->account;
    f->stream.base.wants_hidden = !o->dest;
    f->stream.kept = o->again != SL_AGAIN_REFUSE;
    f->watermark = SL_TIME_MIN;
    f->command = o->command ? sl_strdup(o->command) : NULL;
    if (o->dest) {
        struct sl_dest_options oo = {
            .dest = o->dest, .force = o->force, .stop_fd = o->reads ? o->reads->stop_fd : -1};
        struct stat st;
        if (o->append && stat(o->dest, &st) == 0 && S_ISREG(st.st_mode)) {
            /* readers of Arrow stop at the end of the first stream */
            sl_err_set(err, SL_EUSAGE, "%s: --append is for text: a stream of frames has its end",
                       o->dest);
            sink_free(&f->stream.base);
            return sl_err_hint(err, "append to a log, which is made of frames too");
        }
        f->dest = sl_strdup(o->dest);
        rc = f->dest ? 0 : sl_err_nomem(err, "a sink of frames");
        if (rc == 0 && !o->only_plan && !f->stream.kept)
            rc = sl_dest_open(&oo, &f->stream.dest, err);
    }
    if (rc < 0 || (o->command && !f->command) || (o->resume_from && !f->from)) {
        sink_free(&f->stream.base);
        return rc < 0 ? rc : sl_err_nomem(err, "a sink of frames");
    }
    *out = &f->stream.base;
    return 0;
}
