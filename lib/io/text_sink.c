/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * text_sink: CSV, TSV, JSON lines or an aligned table, to standard output or a file.
 *
 * CSV, TSV and JSON rows are formatted by the workers and written in order; a table is formatted
 * here, because its widths depend on what came before. Text gathers up to 256 KiB before it is
 * written, or less at a FLUSH. A terminal gets it with control bytes and marks of direction escaped:
 * they would act on the terminal. Files and pipes get every byte as it is.
 */
#include "base/compat.h"
#include <sys/stat.h>
#include "arrow/hidden.h"
#include "base/json.h"
#include "file/dest.h"
#include "file/text_append.h"
#include "io/connect.h"

struct text_sink {
    struct sl_stream_sink stream; /* first */
    struct sl_text_write_options wo;
    struct sl_dest_options oo;
    char *dest;
    int only_plan;
    struct sl_text_writer *writer;
};

static int sink_open(struct sl_sink *base, struct sl_schema *schema, struct sl_err *err)
{
    struct text_sink *s = (struct text_sink *)base;
    int rc = s->stream.dest ? 0 : sl_dest_open(&s->oo, &s->stream.dest, err);
    if (rc < 0)
        return rc;
    if (sl_dest_is_terminal(s->stream.dest))
        s->stream.visible = s->wo.format == SL_TEXT_JSON ? SL_VISIBLE_JSON : SL_VISIBLE_LINES;
    struct sl_schema *visible = sl_hidden_schema(schema, err);
    if (!visible)
        return -(int)(err ? err->code : SL_EFAIL);
    if (!sl_dest_is_empty(s->stream.dest)) {
        int unended = 0;
        rc = sl_append_check(s->dest, &s->wo, visible, s->stream.kept ? NULL : &unended, err);
        if (unended)
            sl_buf_add(&s->stream.bytes, "\n", 1);
        s->wo.no_header = 1;
    }
    if (rc >= 0)
        rc = sl_text_writer_new(&s->wo, visible, &s->writer, err);
    sl_schema_unref(visible);
    return rc;
}

static int sink_encode(struct sl_sink *base, struct sl_batch *b, int worker, void **out,
                       struct sl_err *err)
{
    struct text_sink *s = (struct text_sink *)base;
    (void)worker;
    *out = NULL;
    if (s->wo.format == SL_TEXT_TABLE)
        return 0;
    struct sl_buf *text = sl_calloc(1, sizeof(*text));
    struct sl_batch *v = text ? sl_hidden_strip(b, err) : NULL;
    int rc = v ? sl_text_format_rows(s->writer, v, text, err) : sl_err_nomem(err, "text");
    sl_batch_unref(v);
    if (rc == -SL_ESCHEMA && base->live && err) { /* a log that was followed has gained columns */
        err->retryable = 1;
        sl_err_hint(err, "run again: the columns of the log will be there; or write json");
    }
    if (rc == 0)
        rc = sl_buf_check(text, err);
    if (rc < 0) {
        if (text)
            sl_buf_release(text);
        free(text);
        return rc;
    }
    *out = text;
    return 0;
}

static void sink_drop(struct sl_sink *base, void *encoded)
{
    struct sl_buf *text = encoded;
    (void)base;
    sl_buf_release(text);
    free(text);
}

static int sink_write(struct sl_sink *base, struct sl_batch *b, void *encoded, struct sl_err *err)
{
    struct text_sink *s = (struct text_sink *)base;
    struct sl_buf *text = &s->stream.bytes;
    int rc = 0;

    sl_stream_sink_take(&s->stream, b->selected);
    if (encoded) {
        struct sl_buf *rows = encoded;
        /* The header, once, comes from a write of no rows. */
        rc = sl_text_write(s->writer, NULL, text, err);
        if (rc == 0 && rows->len >= SL_STREAM_GATHER) {
            rc = text->len ? sl_stream_sink_put(&s->stream, text, err) : 0;
            sl_buf_reset(text);
            if (rc == 0)
                rc = sl_stream_sink_put(&s->stream, rows, err);
            if (rc == SL_PUSH_OK)
                rc = sl_stream_sink_flush(&s->stream, err);
        } else {
            sl_buf_add(text, rows->data, rows->len);
        }
        sink_drop(base, encoded);
    } else if (b->selected) {
        struct sl_batch *v = sl_hidden_strip(b, err);
        rc = v ? sl_text_write(s->writer, v, text, err) : -(int)SL_ENOMEM;
        sl_batch_unref(v);
    }
    if (rc == 0 && text->len >= SL_STREAM_GATHER)
        rc = sl_stream_sink_flush(&s->stream, err);
    return rc;
}

static int sink_control(struct sl_sink *base, enum sl_directive d, const struct sl_control *c,
                        struct sl_err *err)
{
    struct text_sink *s = (struct text_sink *)base;
    int rc;
    (void)c;
    if (d == SL_MORE)
        return 0;
    if (d == SL_END || d == SL_STOP || s->stream.kept) /* the header, once, if nothing else */
        rc = sl_text_write_end(s->writer, &s->stream.bytes, err);
    else
        rc = sl_text_write_flush(s->writer, &s->stream.bytes, err);
    if (rc == 0)
        rc = sl_stream_sink_flush(&s->stream, err);
    if (rc == 0 && (d == SL_END || d == SL_STOP))
        rc = sl_dest_close(s->stream.dest, err);
    return rc;
}

static int sink_rescue(struct sl_sink *base, struct sl_err *err)
{
    return sink_control(base, SL_FLUSH, NULL, err);
}

/* ---- rejects beside a log: the file grows in place, and its commits say how far it counts ---- */

static void sink_identify(const struct sl_sink *base, struct sl_buf *out)
{
    const struct text_sink *s = (const struct text_sink *)base;
    char *path = s->oo.in_place ? realpath(s->dest, NULL) : NULL;
    if (path)
        sl_buf_printf(out, "file:%s", path);
    free(path);
}

static int sink_take_back(struct sl_sink *base, const char *mark, struct sl_err *err)
{
    struct text_sink *s = (struct text_sink *)base;
    struct stat st;
    int64_t byte = 0, inode = 0;
    if (!s->oo.in_place || s->only_plan)
        return 0;
    s->oo.is_ours = mark && stat(s->dest, &st) == 0 &&
                    sl_json_find_int(mark, strlen(mark), "byte", &byte) == 1 &&
                    sl_json_find_int(mark, strlen(mark), "inode", &inode) == 1 &&
                    (uint64_t)inode == (uint64_t)st.st_ino;
    s->oo.keep = byte;
    return sl_dest_open(&s->oo, &s->stream.dest, err);
}

static int sink_mark(struct sl_sink *base, struct sl_buf *out, struct sl_err *err)
{
    struct text_sink *s = (struct text_sink *)base;
    struct stat st;
    int rc = sink_control(base, SL_FLUSH, NULL, err);
    int64_t size = rc < 0 ? rc : sl_dest_sync(s->stream.dest, err);
    if (size < 0)
        return (int)size;
    if (stat(s->dest, &st) < 0)
        return sl_err_sys(err, "%s is gone", s->dest);
    sl_buf_printf(out, "{\"byte\":%lld,\"inode\":%lld}", (long long)size, (long long)st.st_ino);
    return 0;
}

static void sink_free(struct sl_sink *base)
{
    struct text_sink *s = (struct text_sink *)base;
    sl_text_writer_free(s->writer);
    sl_stream_sink_release(&s->stream);
    free(s->dest);
    free(s);
}

static void sink_plan(const struct sl_sink *base, const struct sl_schema *schema SL_UNUSED,
                      struct sl_buf *out)
{
    const struct text_sink *s = (const struct text_sink *)base;
    sl_buf_printf(out, "%s, format %s", s->dest ? s->dest : "standard output",
                  sl_text_format_name(s->wo.format));
    if (s->dest && s->oo.append)
        sl_buf_addstr(out, ", appended");
    else if (s->dest && s->oo.force)
        sl_buf_addstr(out, ", replaced");
}

static const struct sl_sink_class text_sink_class = {
    .name = "text",
    .plan = sink_plan,
    .promise = SL_PROMISE_AT_LEAST,
    .identify = sink_identify,
    .take_back = sink_take_back,
    .mark = sink_mark,
    .open = sink_open,
    .encode = sink_encode,
    .drop = sink_drop,
    .write = sink_write,
    .control = sink_control,
    .rescue = sink_rescue,
    .poll = sl_stream_sink_poll,
    .ready = sl_stream_sink_ready,
    .free = sink_free,
};

int sl_text_sink_new(const struct sl_output_options *o, enum sl_text_format format,
                     struct sl_sink **out, struct sl_err *err)
{
    assert(o && out);
    struct text_sink *s = sl_calloc(1, sizeof(*s));
    *out = NULL;
    if (!s)
        return sl_err_nomem(err, "a text sink");
    s->stream.base.class = &text_sink_class;
    s->stream.base.text = format;
    s->stream.base.account = o->account;
    s->wo = (struct sl_text_write_options){
        .format = format,
        .delimiter = o->delimiter,
        .no_header = o->no_header,
        .width = o->width,
        .spreadsheet_safe = o->spreadsheet_safe,
        .zone = o->zone,
    };
    s->oo = (struct sl_dest_options){
        .force = o->force, .append = o->append, .stop_fd = o->reads ? o->reads->stop_fd : -1};
    s->only_plan = o->only_plan;
    s->stream.kept = o->again != SL_AGAIN_REFUSE;
    if (o->dest) {
        s->oo.in_place = o->beside_log && !sl_path_is_packed(o->dest);
        s->oo.dest = s->dest = sl_strdup(o->dest);
        /* A file that may not be written is refused before any work is done. */
        int rc = s->dest ? 0 : sl_err_nomem(err, "a text sink");
        if (rc == 0 && !o->only_plan && !s->oo.in_place && !s->stream.kept)
            rc = sl_dest_open(&s->oo, &s->stream.dest, err);
        if (rc < 0) {
            sink_free(&s->stream.base);
            return rc;
        }
    }
    *out = &s->stream.base;
    return 0;
}
