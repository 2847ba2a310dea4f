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
#include "io/internal.h"

enum { GATHER = 256 << 10, DICTIONARY_ROWS = 1024 };

struct frames_sink {
    struct sl_sink base;
    char *dest, *command;
    struct sl_dest *out;
    struct sl_schema *schema;
    struct sl_ipc_form form;
    int started;
    int64_t sent, gathered;
    struct sl_buf bytes;
};

static const char hint[] =
    "This is an Arrow IPC stream made by sluice, for another command: to read "
    "it, add -O csv, or pipe it into `sluice tail -n all`.";

/* Metadata of the stream on top of what the schema says of itself. */
static int describe(struct frames_sink *f, struct sl_err *err)
{
    struct sl_buf plan = SL_BUF_INIT, d = SL_BUF_INIT;
    const char *before = sl_schema_meta(f->schema, SL_META_PLAN);

    if (before)
        sl_buf_printf(&plan, "%s\n", before);
    sl_buf_addstr(&plan, f->command ? f->command : "sluice");
    sl_buf_printf(&d, "%lld", (long long)f->base.out_of_order);
    const struct {
        const char *key, *value;
    } meta[] = {
        {SL_META_FORMAT, "1"},
        {SL_META_END, "required"},
        {SL_META_HINT, hint},
        {SL_META_PLAN, plan.data},
        {SL_META_LIVE, f->base.live ? "1" : NULL},
        {SL_META_D, f->base.live && f->base.out_of_order >= 0 ? d.data : NULL},
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
    int rc = f->out ? 0 : sl_dest_open(&oo, &f->out, err);
    if (rc < 0)
        return rc;
    f->schema = sl_schema_copy(schema);
    if (!f->schema)
        return sl_err_nomem(err, "a schema");
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
    if (first && first->selected >= DICTIONARY_ROWS) {
        rc = sl_ipc_form_fit(&f->form, first, err);
        for (int i = 0; i < f->form.nfields; i++)
            f->form.code[i] = f->form.code[i] ? 4 : 0;
        f->form.zstd = 0;
    }
    if (rc < 0)
        return rc;
    return sl_ipc_encode_schema(f->schema, &f->form, &f->bytes, err);
}

static int write_out(struct frames_sink *f, struct sl_err *err)
{
    int rc = sl_buf_check(&f->bytes, err);
    if (rc == 0)
        rc = sl_dest_write(f->out, f->bytes.data, f->bytes.len, err);
    if (rc == SL_PUSH_OK) {
        f->base.committed += f->gathered;
        f->base.held -= f->gathered;
        f->base.bytes += (int64_t)f->bytes.len;
        f->gathered = 0;
    }
    f->base.pipe_closed |= rc == SL_PUSH_DONE;
    sl_buf_reset(&f->bytes);
    return rc;
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
        rc = sl_ipc_encode_control(f->schema, &f->form, &meta, 1, &f->bytes, err);
    sl_buf_release(&line);
    return rc;
}

static int sink_write(struct sl_sink *base, struct sl_batch *b, void *encoded, struct sl_err *err)
{
    struct frames_sink *f = (struct frames_sink *)base;
    struct sl_control c = {.kind = SL_CONTROL_ROWS, .watermark = b->watermark};
    (void)encoded;

    if (!b->selected) {
        c.kind = SL_CONTROL_WATERMARK;
        return put_control(f, &c, err);
    }
    struct sl_buf line = SL_BUF_INIT;
    sl_control_print(&c, &line);
    struct sl_ipc_meta meta = {.key = SL_IPC_KEY, .value = line.data, .len = line.len};
    struct sl_ipc_layout layout;
    int rc = start(f, b, err);
    if (rc == 0)
        rc = sl_buf_check(&line, err);
    if (rc == 0)
        rc = sl_ipc_encode_batch(b, &f->form, &meta, 1, &f->bytes, &layout, NULL, err);
    sl_buf_release(&line);
    if (rc < 0)
        return rc;
    base->held += (int64_t)b->selected;
    f->gathered += (int64_t)b->selected;
    f->sent += (int64_t)b->selected;
    return f->bytes.len >= GATHER ? write_out(f, err) : SL_PUSH_OK;
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
    sl_ipc_encode_end(&f->bytes);
    rc = write_out(f, err);
    if (rc < 0)
        return rc;
    int e = sl_dest_close(f->out, err);
    return e < 0 ? e : rc;
}

static int sink_control(struct sl_sink *base, enum sl_directive d, const struct sl_control *c,
                        struct sl_err *err)
{
    struct frames_sink *f = (struct frames_sink *)base;
    int rc = 0;
    if (d == SL_END || d == SL_STOP)
        return finish(f, d, c, err);
    if (d == SL_BARRIER && c)
        rc = put_control(f, c, err);
    else if (d == SL_FLUSH)
        rc = start(f, NULL, err);
    return rc < 0 ? rc : write_out(f, err);
}

static int sink_poll(struct sl_sink *base, struct pollfd *fds, int max, int64_t *deadline)
{
    (void)deadline;
    return sl_dest_poll(((struct frames_sink *)base)->out, fds, max);
}

static int sink_ready(struct sl_sink *base, const struct pollfd *fds, int n, struct sl_err *err)
{
    (void)err;
    if (n > 0 && fds[0].revents & (POLLERR | POLLHUP)) {
        base->pipe_closed = 1;
        return SL_PUSH_DONE;
    }
    return SL_PUSH_OK;
}

static void sink_free(struct sl_sink *base)
{
    struct frames_sink *f = (struct frames_sink *)base;
    sl_dest_free(f->out);
    sl_schema_unref(f->schema);
    sl_ipc_form_release(&f->form);
    sl_buf_release(&f->bytes);
    free(f->dest);
    free(f->command);
    free(f);
}

static const struct sl_sink_class frames_sink_class = {
    .name = "frames",
    .promise = SL_PROMISE_AT_LEAST,
    .open = sink_open,
    .write = sink_write,
    .control = sink_control,
    .poll = sink_poll,
    .ready = sink_ready,
    .free = sink_free,
};

int sl_frames_sink_new(const struct sl_output_options *o, struct sl_sink **out, struct sl_err *err)
{
    struct frames_sink *f = sl_calloc(1, sizeof(*f));
    int rc = 0;
    *out = NULL;
    if (!f)
        return sl_err_nomem(err, "a sink of frames");
    f->base.class = &frames_sink_class;
    f->base.account = o->account;
    f->base.wants_watermark = !o->dest;
    f->command = o->command ? sl_strdup(o->command) : NULL;
    if (o->dest) {
        struct sl_dest_options oo = {.dest = o->dest, .force = o->force};
        f->dest = sl_strdup(o->dest);
        rc = f->dest ? sl_dest_open(&oo, &f->out, err) : sl_err_nomem(err, "a sink of frames");
    }
    if (rc < 0 || (o->command && !f->command)) {
        sink_free(&f->base);
        return rc < 0 ? rc : sl_err_nomem(err, "a sink of frames");
    }
    *out = &f->base;
    return 0;
}
