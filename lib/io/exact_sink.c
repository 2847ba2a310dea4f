/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * exact_sink: rows into a file, exactly once (sluice-log(5), FILES THAT A PIPELINE ENDS IN).
 *
 * It joins two sinks: that of the file's format, which appends in place, and that of a log, which gets no
 * row. The log lies beside the file, under its name and .sluice; its commits record the positions of the
 * inputs, the pipelines with their state, and the mark: up to which byte the file counts.
 *
 * At a commit the rows are written and synced first, then the log commits. So after a kill the file is as the
 * mark says, or longer; the next run cuts it back. The first row of a run comes behind a commit whose
 * mark is open, the end of a run behind one that says how long the file is: only while a mark is open may
 * bytes behind it be a run's. What anybody else did to the file is an error: the mark has its inode, and a
 * checksum of the bytes before it.
 *
 * One run at a time has the file, whatever its pipeline is called: it holds the directory of states as a
 * whole.
 */
#include "base/compat.h"
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/crc32c.h"
#include "base/json.h"
#include "io/connect.h"
#include "io/log_hold.h"

#define MARK "file" /* name of its position */
enum {
    LATEST_USEC = 1000 * 1000, /* between two commits: each syncs the file */
    TAIL = 4096,               /* bytes before the mark that are summed */
};

struct exact_sink {
    struct sl_sink base;
    struct sl_stream_sink *rows; /* the sink of the file, */
    struct sl_sink *log;         /* and the log beside it */
    char *dest, *side;
    enum sl_again again;
    int only_plan;
    struct sl_log_hold hold;       /* of the file, whatever the pipeline is called */
    struct sl_positions positions; /* that the log has of inputs */
    struct sl_buf types;           /* of Arrow: the columns, which stay; */
    struct sl_schema *schema;      /* the same, if the file has some */
    int is_marked;                 /* the log has a mark: */
    int64_t byte, end, total;      /* so far the file counts; it ended there, -1: open; its rows */
    int is_begun;                  /* by this run: the mark is open */
};

/* ---- the mark ---- */

static int changed(const struct exact_sink *s, const char *how, struct sl_err *err)
{
    sl_err_set(err, SL_EEXIST, "%s %s since its last commit", s->dest, how);
    return sl_err_hint(err, "put the file back as it was; or move it and %s away, and begin anew",
                       s->side);
}

/* Inode and size of the file, and the sum of the bytes before byte, as far as it has them. */
static int look(const struct exact_sink *s, int64_t byte, struct stat *st, uint32_t *crc,
                struct sl_err *err)
{
    char tail[TAIL];
    int64_t n = SL_MIN(byte, (int64_t)TAIL);
    assert(byte >= 0);
    int fd = sl_path_open(s->dest, O_RDONLY, 0, err);
    if (fd < 0)
        return fd;
    int64_t got = sl_path_pread(fd, tail, (size_t)n, byte - n, s->dest, err);
    int rc = got < 0 ? (int)got : fstat(fd, st) < 0 ? sl_err_sys(err, "%s", s->dest) : 0;
    close(fd);
    *crc = got > 0 ? sl_crc32c(0, tail, (size_t)got) : 0;
    return rc;
}

static int print_mark(const struct exact_sink *s, struct sl_buf *out, struct sl_err *err)
{
    struct stat st;
    uint32_t crc;
    int rc = look(s, s->byte, &st, &crc, err);
    if (rc < 0)
        return rc;
    sl_buf_printf(out, "{\"byte\":%" PRId64 ",\"inode\":%lld,\"crc\":%" PRIu32 ",\"rows\":%" PRId64,
                  s->byte, (long long)st.st_ino, crc, s->total);
    if (s->end >= 0)
        sl_buf_printf(out, ",\"end\":%" PRId64, s->end);
    if (s->types.len) {
        sl_buf_addstr(out, ",\"types\":");
        sl_buf_add_json(out, s->types.data, s->types.len);
    }
    sl_buf_addch(out, '}');
    return sl_buf_check(out, err);
}

/* Commits with the mark as it is now, and positions if there are some. */
static int commit_mark(struct exact_sink *s, const struct sl_checkpoint *c, struct sl_err *err)
{
    struct sl_buf mark = SL_BUF_INIT;
    struct sl_positions all = {0};
    struct sl_checkpoint with = c ? *c : (struct sl_checkpoint){.again = SL_AGAIN_RESUME};
    int rc = print_mark(s, &mark, err);
    assert(!s->base.held); /* the mark is behind every row */
    if (rc == 0)
        rc = sl_positions_set(&all, MARK, mark.data, mark.len, err);
    for (const struct sl_position *p = NULL;
         rc == 0 && c && (p = sl_positions_next(c->positions, p));)
        rc = sl_positions_set(&all, p->id, p->value, p->len, err);
    with.positions = &all;
    if (rc == 0)
        rc = s->log->class->commit(s->log, &with, err);
    s->is_marked |= rc == 0;
    sl_positions_release(&all);
    sl_buf_release(&mark);
    return rc;
}

/* Whether the file is what the mark says. */
static int check_file(struct exact_sink *s, const struct sl_position *mark, struct sl_err *err)
{
    int64_t inode = 0, crc = 0;
    struct stat st;
    uint32_t now;
    s->end = -1;
    if (sl_json_find_int(mark->value, mark->len, "byte", &s->byte) != 1 || s->byte < 0 ||
        sl_json_find_int(mark->value, mark->len, "inode", &inode) != 1 ||
        sl_json_find_int(mark->value, mark->len, "crc", &crc) != 1 ||
        sl_json_find_int(mark->value, mark->len, "rows", &s->total) != 1 ||
        sl_json_find_int(mark->value, mark->len, "end", &s->end) < 0 ||
        sl_json_find_string(mark->value, mark->len, "types", &s->types) < 0)
        return sl_err_set(err, SL_ECORRUPT, "%s: the mark of %s is not what a run writes: %.200s",
                          s->side, s->dest, mark->value);
    if (access(s->dest, F_OK) < 0 && errno == ENOENT)
        return s->byte ? changed(s, "has gone", err) : 0; /* nothing was in it: made anew */
    s->is_marked = 1;
    int rc = look(s, s->byte, &st, &now, err);
    if (rc < 0)
        return rc;
    if ((uint64_t)inode != (uint64_t)st.st_ino)
        return changed(s, "was replaced", err);
    if (st.st_size < s->byte)
        return changed(s, "was cut", err);
    if (now != (uint32_t)crc)
        return changed(s, "was changed", err);
    if (s->end >= 0 && st.st_size > s->end)
        return changed(s, "was added to", err);
    if (st.st_size < s->end)
        s->end = -1; /* its end did not reach the device */
    return 0;
}

/* ---- before the rows ---- */

static int take_hold(struct exact_sink *s, int wait, const volatile sig_atomic_t *signal,
                     struct sl_err *err)
{
    int rc = sl_log_hold_take(&s->hold, s->side, ".", wait, signal, err);
    if (rc != -SL_ELOCKED)
        return rc;
    sl_err_set(err, SL_ELOCKED, "another run writes to %s", s->dest);
    sl_err_place(err, "%s", s->side);
    return sl_err_hint(err, "--wait waits for its end");
}

static int sink_hold(struct sl_sink *base, const char *name, int wait,
                     const volatile sig_atomic_t *signal, struct sl_err *err)
{
    struct exact_sink *s = (struct exact_sink *)base;
    int rc = take_hold(s, wait, signal, err);
    if (rc == 1)
        rc = s->log->class->hold(s->log, name, wait, signal, err);
    base->state_fd = s->log->state_fd;
    base->state_dir = s->log->state_dir;
    return rc;
}

/* Without a log beside it a file with something in it is somebody else's. */
static int check_new(const struct exact_sink *s, struct sl_err *err)
{
    struct stat st;
    if (s->again == SL_AGAIN_ALL) {
        sl_err_set(err, SL_EUSAGE, "--again: nothing is recorded of %s (there is no %s)", s->dest,
                   s->side);
        return sl_err_hint(err, "--append adds to a file; --resume records what it has");
    }
    if (stat(s->dest, &st) < 0 || (S_ISREG(st.st_mode) && !st.st_size))
        return 0;
    if (!S_ISREG(st.st_mode))
        return sl_err_set(err, SL_EUSAGE, "--resume needs a file or a log, and %s is neither",
                          s->dest);
    sl_err_set(err, SL_EEXIST,
               "%s is there already, and nothing is recorded of it (there is no %s)", s->dest,
               s->side);
    return sl_err_hint(err, "--resume goes on with files that it began: name another one");
}

int sl_exact_positions(const struct sl_positions *all, struct sl_positions *inputs,
                       const struct sl_position **mark, struct sl_err *err)
{
    assert(all && inputs && mark);
    int rc = 0;
    for (const struct sl_position *p = NULL; rc == 0 && (p = sl_positions_next(all, p));)
        if (strcmp(p->id, MARK) != 0)
            rc = sl_positions_set(inputs, p->id, p->value, p->len, err);
        else
            *mark = p;
    return rc;
}

static int sink_load(struct sl_sink *base, const char *name, struct sl_checkpoint *out,
                     struct sl_err *err)
{
    struct exact_sink *s = (struct exact_sink *)base;
    int rc = s->only_plan ? 0 : take_hold(s, 0, NULL, err);
    const struct sl_position *mark = NULL;
    if (rc >= 0)
        rc = s->log->class->load(s->log, name, out, err);
    if (rc == 0)
        rc = sl_exact_positions(out->positions, &s->positions, &mark, err);
    if (rc == 0)
        rc = mark ? check_file(s, mark, err) : check_new(s, err);
    out->positions = &s->positions;
    out->place = s->dest;
    if (rc == 0 && s->types.len)
        rc = sl_schema_parse(s->types.data, s->types.len, &s->schema, err);
    out->schema = s->schema;
    return rc;
}

/* Arrow says its columns once, at the head. */
static int check_types(struct exact_sink *s, struct sl_schema *schema, struct sl_err *err)
{
    struct sl_buf now = SL_BUF_INIT;
    int rc = 0;
    if (s->base.text != SL_TEXT_NONE)
        return 0;
    sl_schema_print(schema, &now);
    if (s->types.len &&
        (now.len != s->types.len || memcmp(now.data, s->types.data, now.len) != 0)) {
        rc = sl_err_set(err, SL_ESCHEMA, "%s has the columns %.*s, and these rows have %.*s",
                        s->dest, (int)SL_MIN(s->types.len, 200), s->types.data,
                        (int)SL_MIN(now.len, 200), now.data);
    } else {
        sl_buf_reset(&s->types);
        sl_buf_add(&s->types, now.data, now.len);
        rc = sl_buf_check(&s->types, err);
    }
    sl_buf_release(&now);
    return rc;
}

/* The log has a schema, and never a row of it. */
static int open_log(struct exact_sink *s, struct sl_err *err)
{
    struct sl_schema *schema = sl_schema_new();
    s->log->workers = s->base.workers;
    int rc = schema ? sl_schema_add(schema, "byte", 4, sl_type_of(SL_BIGINT), err)
                    : sl_err_nomem(err, "a file");
    if (rc >= 0)
        rc = s->log->class->open(s->log, schema, err);
    sl_schema_unref(schema);
    s->base.lost = s->log->lost;
    return SL_MIN(rc, 0);
}

static int sink_open(struct sl_sink *base, struct sl_schema *schema, struct sl_err *err)
{
    struct exact_sink *s = (struct exact_sink *)base;
    struct sl_dest_options o = {
        .dest = s->dest, .in_place = 1, .is_ours = s->is_marked, .stop_fd = -1};
    struct sl_sink *rows = &s->rows->base;
    assert(!s->is_begun && !base->held);
    o.keep = s->byte;
    o.cut_later = s->end >= 0; /* as it is, it is whole */
    rows->workers = base->workers;
    rows->live = base->live;
    rows->out_of_order = base->out_of_order;
    s->rows->before = s->total;
    int rc = check_types(s, schema, err);
    if (rc == 0)
        rc = open_log(s, err);
    if (rc == 0)
        rc = sl_dest_open(&o, &s->rows->dest, err);
    return rc < 0 ? rc : rows->class->open(rows, schema, err);
}

/* ---- rows ---- */

/* Before the first byte of this run: whose bytes they are is committed. */
static int begin(struct exact_sink *s, struct sl_err *err)
{
    int was_open = s->is_marked && s->end < 0;
    if (s->is_begun)
        return 0;
    s->end = -1;
    int rc = take_hold(s, 0, NULL, err); /* of what this run made, nobody has it yet */
    if (rc >= 0)
        rc = was_open ? 0 : commit_mark(s, NULL, err);
    if (rc == 0)
        rc = sl_dest_cut(s->rows->dest, err);
    s->is_begun = rc == 0;
    return rc;
}

static int sink_encode(struct sl_sink *base, struct sl_batch *b, int worker, void **out,
                       struct sl_err *err)
{
    struct sl_sink *rows = &((struct exact_sink *)base)->rows->base;
    *out = NULL;
    return rows->class->encode ? rows->class->encode(rows, b, worker, out, err) : 0;
}

static void sink_drop(struct sl_sink *base, void *encoded)
{
    struct sl_sink *rows = &((struct exact_sink *)base)->rows->base;
    rows->class->drop(rows, encoded);
}

static int sink_write(struct sl_sink *base, struct sl_batch *b, void *encoded, struct sl_err *err)
{
    struct exact_sink *s = (struct exact_sink *)base;
    struct sl_sink *rows = &s->rows->base;
    int rc = begin(s, err);
    if (rc < 0) {
        if (encoded)
            sink_drop(base, encoded);
        return rc;
    }
    if (base->due == INT64_MAX && !base->barriers)
        base->due = sl_time_mono_usec() + LATEST_USEC;
    base->held += (int64_t)b->selected;
    rc = rows->class->write(rows, b, encoded, err);
    base->bytes = rows->bytes;
    return rc;
}

static int sink_watermark(struct sl_sink *base, int64_t watermark, struct sl_err *err)
{
    struct sl_sink *rows = &((struct exact_sink *)base)->rows->base;
    return rows->class->watermark ? rows->class->watermark(rows, watermark, err) : SL_PUSH_OK;
}

/* All rows so far are in the file, and it is on its device; the mark is behind them. */
static int settle(struct exact_sink *s, struct sl_err *err)
{
    struct sl_sink *rows = &s->rows->base;
    assert(s->is_begun); /* its bytes are known to be this run's */
    int rc = rows->class->control(rows, SL_FLUSH, NULL, err);
    int64_t size = rc < 0 ? rc : sl_dest_sync(s->rows->dest, err);
    if (size < 0)
        return (int)size;
    s->byte = size;
    s->total += s->base.held;
    s->base.committed += s->base.held;
    s->base.held = 0;
    return 0;
}

static int sink_commit(struct sl_sink *base, const struct sl_checkpoint *c, struct sl_err *err)
{
    struct exact_sink *s = (struct exact_sink *)base;
    if (c->record && !c->state) /* the rows wait for the checkpoint */
        return s->log->class->commit(s->log, c, err);
    base->due = INT64_MAX;
    if (!base->held && !c->positions->n && !c->record)
        return 0;
    if (!s->is_begun)
        return s->log->class->commit(s->log, c, err);
    int rc = settle(s, err);
    return rc < 0 ? rc : commit_mark(s, c, err);
}

/* The file gets its end, and the mark says where that is. A run without a row leaves it as it was. */
static int finish(struct exact_sink *s, enum sl_directive d, const struct sl_control *c,
                  struct sl_err *err)
{
    struct sl_sink *rows = &s->rows->base;
    struct stat st;
    if (!s->is_begun && s->end >= 0)
        return 0;
    int rc = begin(s, err);
    if (rc == 0)
        rc = settle(s, err);
    if (rc == 0)
        rc = rows->class->control(rows, d, c, err);
    if (rc == 0 && stat(s->dest, &st) < 0)
        rc = sl_err_sys(err, "cannot look at %s", s->dest);
    if (rc < 0)
        return rc;
    s->end = st.st_size;
    s->base.bytes = rows->bytes;
    return commit_mark(s, NULL, err);
}

static int sink_control(struct sl_sink *base, enum sl_directive d, const struct sl_control *c,
                        struct sl_err *err)
{
    struct exact_sink *s = (struct exact_sink *)base;
    struct sl_sink *rows = &s->rows->base;
    int rc = 0;
    if (d == SL_END || d == SL_STOP)
        rc = finish(s, d, c, err);
    else if (s->is_begun)
        rc = rows->class->control(rows, SL_FLUSH, NULL, err);
    if (d == SL_FLUSH && !base->barriers) /* of a position alone, too */
        base->due = SL_MIN(base->due, sl_time_mono_usec() + LATEST_USEC);
    return rc < 0 || d == SL_FLUSH ? rc : s->log->class->control(s->log, d, c, err);
}

static int sink_rescue(struct sl_sink *base, struct sl_err *err)
{
    struct exact_sink *s = (struct exact_sink *)base;
    int rc = s->is_begun ? finish(s, SL_FLUSH, NULL, err) : 0;
    return rc < 0 ? rc : s->log->class->rescue(s->log, err);
}

/* ---- the rest ---- */

static int sink_sweep(struct sl_sink *base, const char *opened, const struct sl_state_ref *keep,
                      int n, int64_t k, struct sl_err *err)
{
    struct exact_sink *s = (struct exact_sink *)base;
    return s->log->class->sweep(s->log, opened, keep, n, k, err);
}

static void sink_identify(const struct sl_sink *base, struct sl_buf *out)
{
    const struct exact_sink *s = (const struct exact_sink *)base;
    s->log->class->identify(s->log, out);
}

static void sink_plan(const struct sl_sink *base, const struct sl_schema *schema,
                      struct sl_buf *out)
{
    const struct exact_sink *s = (const struct exact_sink *)base;
    s->rows->base.class->plan(&s->rows->base, schema, out);
    sl_buf_printf(out, ", recorded in %s", s->side);
}

static void sink_poll(struct sl_sink *base, struct sl_poll_set *p)
{
    sl_poll_until(p, base->due);
}

static void sink_free(struct sl_sink *base)
{
    struct exact_sink *s = (struct exact_sink *)base;
    if (s->rows)
        s->rows->base.class->free(&s->rows->base);
    if (s->log)
        s->log->class->free(s->log);
    sl_log_hold_release(&s->hold);
    sl_positions_release(&s->positions);
    sl_schema_unref(s->schema);
    sl_buf_release(&s->types);
    free(s->dest);
    free(s->side);
    free(s);
}

static const struct sl_sink_class exact_sink_class = {
    .name = "file",
    .plan = sink_plan,
    .promise = SL_PROMISE_EXACT,
    .hold = sink_hold,
    .sweep = sink_sweep,
    .load = sink_load,
    .open = sink_open,
    .identify = sink_identify,
    .encode = sink_encode,
    .drop = sink_drop,
    .write = sink_write,
    .commit = sink_commit,
    .watermark = sink_watermark,
    .control = sink_control,
    .rescue = sink_rescue,
    .poll = sink_poll,
    .free = sink_free,
};

/* The log beside it is durable whenever the file was synced for it. */
static int make_log(struct exact_sink *s, const struct sl_output_options *o, struct sl_err *err)
{
    struct sl_output_options log = {.dest = s->side,
                                    .may_create = 1,
                                    .command = o->command,
                                    .log.sync = SL_SYNC_COMMIT,
                                    .account = o->account};
    return sl_log_sink_new(&log, &s->log, err);
}

int sl_exact_sink_new(const struct sl_output_options *o, enum sl_text_format format,
                      struct sl_sink **out, struct sl_err *err)
{
    assert(o && o->dest && o->again != SL_AGAIN_REFUSE && out);
    struct exact_sink *s = sl_calloc(1, sizeof(*s));
    struct sl_buf side = SL_BUF_INIT;
    struct sl_sink *rows = NULL;
    *out = NULL;
    if (!s)
        return sl_err_nomem(err, "a file");
    sl_exact_beside(o->dest, &side);
    s->base = (struct sl_sink){.class = &exact_sink_class, .account = o->account, .due = INT64_MAX};
    s->side = sl_buf_take(&side);
    s->dest = sl_strdup(o->dest);
    s->again = o->again;
    s->only_plan = o->only_plan;
    s->end = -1;
    int rc = s->side && s->dest ? 0 : sl_err_nomem(err, "a file");
    if (rc == 0 && format == SL_TEXT_TABLE) {
        sl_err_set(err, SL_EUSAGE, "a table has its widths from all its rows: no run adds to it");
        rc = sl_err_hint(err, "write csv, tsv, json or arrow");
    }
    if (rc == 0)
        rc = make_log(s, o, err);
    if (rc == 0)
        rc = format == SL_TEXT_ARROW ? sl_frames_sink_new(o, &rows, err)
                                     : sl_text_sink_new(o, format, &rows, err);
    s->rows = (struct sl_stream_sink *)rows;
    if (rc < 0) {
        sink_free(&s->base);
        return rc;
    }
    s->base.text = rows->text;
    *out = &s->base;
    return 0;
}
