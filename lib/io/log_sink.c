/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * log_sink: rows into a log.
 *
 * Workers encode batches for their partitions (log_rows.h); the loop gathers the rows and has them
 * committed together with the source's positions. A commit is due at once when the input blocks and the last one is more
 * than 5 ms ago, else 5 ms after it; under a flood when enough has been gathered, at the latest
 * after a second.
 *
 * What another run recorded of an input meanwhile is noticed: this run goes on from what the log held when
 * it was loaded, and from its own commits since.
 *
 * Rows with something in `_rest` are unpacked by the worker that encodes them; where that takes a
 * column that the log has not, or a wider one, the loop encodes the batch, and evolves the log before.
 *
 * A log that is not there is made when the sink is opened; columns that a log lacks come with the first
 * commit. A run that fails before it leaves neither (log.h).
 */
#include "base/compat.h"
#include "io/log_hold.h"
#include "io/log_rows.h"
#include "arrow/hidden.h"

enum {
    PAUSE_USEC = 5 * 1000, /* between the commits of a trickle */
    LATEST_USEC = 1000 * 1000,
};

struct log_sink {
    struct sl_sink base;
    char *path, *keys, *hash, *time_column, *command;
    char *from, *keep_keys, *keep_time; /* see struct sl_output_options */
    struct sl_log_options lo;
    int may_create;
    struct sl_log_writer *writer;
    const struct sl_zone *zone;
    const struct sl_input_options *reads; /* or NULL */
    struct sl_log_rows rows;              /* since the last commit */
    int64_t last_commit;                  /* monotonic µs; 0: none yet */
    struct sl_log *loaded;        /* as it was before this run; NULL: not there, or not asked for */
    struct sl_positions recorded; /* by this run */
    struct sl_log_hold hold;      /* of a pipeline that resumes */
    char *name;                   /* its name, NULL: it is none */
    int failed;                   /* a commit has, and the rows of it are gone */
};

/* What a stream said of itself is not said of the log. */
static struct sl_schema *plain_schema(struct sl_schema *schema, struct sl_err *err)
{
    static const char *const keys[] = {SL_META_END,    SL_META_LIVE, SL_META_D,     SL_META_HINT,
                                       SL_META_PLAN,   SL_META_LOG,  SL_META_KEY,   SL_META_HASH,
                                       SL_META_FORMAT, SL_META_MODE, SL_META_ORDER, SL_META_RUN,
                                       SL_META_BRANCH};
    struct sl_schema *visible = sl_hidden_schema(schema, err);
    struct sl_schema *s = visible ? sl_schema_copy(visible) : NULL;
    const char *time = sl_schema_meta(schema, SL_META_TIME);
    int rc = s ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < SL_COUNT(keys); i++)
        rc = sl_schema_set_meta(s, keys[i], NULL);
    if (rc == 0 && time)
        rc = sl_schema_set_meta(s, SL_META_TIME, time);
    sl_schema_unref(visible);
    if (rc < 0) {
        sl_schema_unref(s);
        sl_err_nomem(err, "a schema");
        return NULL;
    }
    return s;
}

/* Rows come with this schema from now on. */
static int start_unpacking(struct log_sink *s, struct sl_schema *plain, struct sl_err *err)
{
    sl_unpack_free(s->rows.unpack);
    s->rows.unpack = NULL;
    return sl_unpack_new(plain, sl_log_writer_schema(s->writer), s->zone,
                         s->reads ? s->reads->max_columns : 0, &s->base, &s->rows.unpack, err);
}

/* The operators followed keys and time column of the log that is copied: here is what they are now. */
static int follow(struct log_sink *s, struct sl_schema *schema, struct sl_err *err)
{
    const char *keys = sl_schema_meta(schema, SL_META_KEY);
    if (s->keep_time && !sl_schema_meta(schema, SL_META_TIME)) {
        sl_err_set(err, SL_EUSAGE, "%s is the time column of %s, and it is not kept", s->keep_time,
                   s->from);
        return sl_err_hint(err, "keep it, or name another with --time");
    }
    if (!s->keep_keys)
        return 0;
    if (!keys) {
        sl_err_set(err, SL_EUSAGE, "%s is partitioned by %s, and not all of them are kept", s->from,
                   s->keep_keys);
        return sl_err_hint(err, "say --partitions 1, or --partitions and --key");
    }
    free(s->keys);
    s->keys = sl_strdup(keys);
    s->lo.keys = s->keys;
    return s->keys ? 0 : sl_err_nomem(err, "a log sink");
}

static int sink_load(struct sl_sink *base, const char *name, struct sl_checkpoint *out,
                     struct sl_err *err)
{
    struct log_sink *s = (struct log_sink *)base;
    int rc = sl_path_find_log(s->path, err);
    if (rc == 1)
        rc = sl_log_open(s->path, &s->loaded, err);
    static const struct sl_positions none;
    *out = (struct sl_checkpoint){.place = s->path, .positions = &none};
    if (s->loaded)
        sl_log_load(s->loaded, name, out);
    return rc;
}

static int sink_hold(struct sl_sink *base, const char *name, int wait,
                     const volatile sig_atomic_t *signal, struct sl_err *err)
{
    struct log_sink *s = (struct log_sink *)base;
    int rc = sl_log_hold_take(&s->hold, s->path, name, wait, signal, err);
    base->state_fd = s->hold.dirfd;
    base->state_dir = s->hold.dir;
    if (rc == 1 && !s->name && !(s->name = sl_strdup(name)))
        rc = sl_err_nomem(err, "a log sink");
    return rc;
}

static void sink_identify(const struct sl_sink *base, struct sl_buf *out)
{
    const struct log_sink *s = (const struct log_sink *)base;
    const struct sl_log *log = s->writer ? sl_log_writer_view(s->writer) : s->loaded;
    struct sl_log_id id;
    if (!log)
        return;
    id = sl_log_get_id(log);
    sl_buf_addstr(out, "log:");
    for (size_t i = 0; i < sizeof(id.bytes); i++)
        sl_buf_printf(out, "%02x", id.bytes[i]);
}

static int sink_open(struct sl_sink *base, struct sl_schema *schema, struct sl_err *err)
{
    struct log_sink *s = (struct log_sink *)base;
    if (follow(s, schema, err) < 0)
        return -(int)(err ? err->code : SL_EUSAGE);
    if (!s->may_create && !sl_path_is_log(s->path))
        return sl_err_set(err, SL_ENOENT, "there is no log %s", s->path);
    struct sl_schema *plain = plain_schema(schema, err);
    if (!plain)
        return -(int)(err ? err->code : SL_EFAIL);
    int rc = sl_log_writer_open(s->path, &s->lo, plain, &s->writer, &base->recovered, err);
    s->rows.writer = s->writer;
    if (rc == 0)
        rc = start_unpacking(s, plain, err);
    sl_schema_unref(plain);
    base->lost = rc == 0 ? sl_log_writer_lost(s->writer) : 0;
    return rc;
}

static int sink_encode(struct sl_sink *base, struct sl_batch *b, int worker, void **out,
                       struct sl_err *err)
{
    struct log_sink *s = (struct log_sink *)base;
    return sl_log_rows_encode(&s->rows, b, worker, (struct sl_log_encoded **)out, NULL, err);
}

static int sink_encode_alone(struct sl_sink *base, struct sl_batch *b, void **out,
                             struct sl_err *err)
{
    struct log_sink *s = (struct log_sink *)base;
    struct sl_unpack *u = s->rows.unpack;
    struct sl_schema *wider = NULL;
    int rc = sl_log_rows_finish(&s->rows, err); /* under the columns that there are */
    while (rc == 0 && (rc = sl_log_rows_encode(&s->rows, b, base->workers - 1,
                                               (struct sl_log_encoded **)out, &wider, err)) > 0) {
        rc = sl_unpack_widen(u, wider, err);
        if (rc == 0)
            rc = sl_log_writer_evolve(s->writer, sl_unpack_schema(u), err);
        sl_schema_unref(wider);
        wider = NULL;
    }
    return rc;
}

static void sink_drop(struct sl_sink *base, void *encoded)
{
    (void)base;
    sl_log_encoded_free(encoded);
}

/* ---- commit ---- */

/* What the log must hold of an input until now; NULL: whatever it is, for the input is taken again. */
static const char *held_of(const struct log_sink *s, const char *id, enum sl_again again)
{
    const struct sl_position *p = sl_positions_find(&s->recorded, id);
    if ((!p && again == SL_AGAIN_ALL) ||
        strncmp(id, "dir:", 4) == 0) /* says the same in all runs */
        return NULL;
    if (!p && s->loaded)
        p = sl_positions_find(sl_log_positions(s->loaded), id);
    return p && strcmp(p->value, "null") != 0 ? p->value : ""; /* null: it was removed */
}

/* The positions as a note to the commit, its lists in *lists, to be freed. */
static int note_positions(const struct log_sink *s, const struct sl_checkpoint *c,
                          struct sl_log_note *note, const char ***lists, struct sl_err *err)
{
    size_t most = (size_t)c->positions->n + 1;
    const char **ids = sl_calloc(3 * most, sizeof(*ids));
    int n = 0;
    if (!ids)
        return sl_err_nomem(err, "a commit");
    const char **values = ids + most;
    for (const struct sl_position *p = NULL; (p = sl_positions_next(c->positions, p)); n++) {
        ids[n] = p->id;
        values[n] = p->value;
        values[(size_t)n + most] = held_of(s, p->id, c->again);
    }
    if (n && c->again == SL_AGAIN_ALL && /* as it was asked for */
        sl_positions_are_unplaced(sl_log_positions(sl_log_writer_view(s->writer)))) {
        ids[n] = SL_POSITION_UNPLACED;
        values[n++] = "null";
    }
    assert((size_t)n <= most);
    *note = (struct sl_log_note){
        .position_id = ids, .position = values, .position_was = values + most, .npositions = n};
    *lists = ids;
    return 0;
}

static int keep_recorded(struct log_sink *s, const struct sl_checkpoint *c, struct sl_err *err)
{
    int rc = 0;
    for (const struct sl_position *p = NULL; rc == 0 && (p = sl_positions_next(c->positions, p));)
        rc = sl_positions_set(&s->recorded, p->id, p->value, p->len, err);
    return rc;
}

/* What a record of the pipeline relies on, with the log as it is under its lock. */
struct condition {
    const struct log_sink *sink;
    const struct sl_checkpoint *c;
};

static int check_pipeline(void *arg, const struct sl_log *l, struct sl_err *err)
{
    const struct condition *cond = arg;
    const struct sl_checkpoint *c = cond->c;
    const char *now = NULL;
    size_t n;
    int opens = c->nstate == 0 && !c->state; /* a checkpoint names its files, be it none */
    sl_log_pipeline(l, cond->sink->name, !opens, &now, &n);
    if (strcmp(now ? now : "", c->after) != 0) {
        sl_err_set(
            err, opens ? SL_ELOCKED : SL_EFENCED,
            opens ? "another run of the pipeline %s has committed to %s meanwhile"
                  : "another run has taken over the pipeline %s of %s: nothing more is committed",
            cond->sink->name, cond->sink->path);
        return sl_err_hint(err, "run again: it goes on from there");
    }
    for (int i = 0; i < c->nstate; i++)
        if (!sl_state_is_there(cond->sink->hold.dirfd, &c->state[i]))
            return sl_err_set(err, SL_EFENCED, "state of the pipeline %s is gone from %s",
                              cond->sink->name, cond->sink->hold.dir);
    return 0;
}

/* Who swept, for what a run may remove. */
struct broom {
    const struct log_sink *sink;
    const char *opened;
    const struct sl_state_ref *keep;
    int n;
    int64_t k;
};

static int sweep_locked(void *arg, const struct sl_log *l, struct sl_err *err SL_UNUSED)
{
    const struct broom *b = arg;
    struct sl_run_record own = {0};
    const char *now = NULL;
    size_t n;
    if (sl_log_pipeline(l, b->sink->name, 1, &now, &n) == 1 && strcmp(now, b->opened) == 0 &&
        sl_record_parse(now, &own, NULL) == 0)
        sl_state_sweep(b->sink->hold.dirfd, b->sink->hold.dir, b->keep, b->n, own.run, b->k);
    sl_record_release(&own);
    return 0;
}

static int sink_sweep(struct sl_sink *base, const char *opened, const struct sl_state_ref *keep,
                      int n, int64_t k, struct sl_err *err)
{
    struct log_sink *s = (struct log_sink *)base;
    struct broom b = {.sink = s, .opened = opened, .keep = keep, .n = n, .k = k};
    return sl_log_writer_locked(s->writer, sweep_locked, &b, err);
}

/* The blobs, with positions and record of c, in one line. */
static int commit_line(struct log_sink *s, const struct sl_checkpoint *c, size_t nblobs,
                       struct sl_err *err)
{
    const char **lists = NULL;
    struct sl_log_note note;
    struct condition condition = {.sink = s, .c = c};
    assert(nblobs == 0 || nblobs == s->rows.n);
    int rc = note_positions(s, c, &note, &lists, err);
    if (c->record) {
        note.pipeline = c->record;
        note.check = check_pipeline;
        note.arg = &condition;
    }
    if (rc == 0) {
        rc = sl_log_writer_commit(s->writer, s->rows.blobs, nblobs, &note, err);
        if (nblobs)
            s->rows.n = s->rows.bytes = 0; /* consumed */
        s->failed = rc < 0;
    }
    free(lists);
    return rc == 0 && c->record ? sl_log_writer_sync(s->writer, err) : rc;
}

static int sink_commit(struct sl_sink *base, const struct sl_checkpoint *c, struct sl_err *err)
{
    struct log_sink *s = (struct log_sink *)base;

    if (s->failed) /* what is said of its rows now would be said without them */
        return sl_err_set(err, SL_EFAIL, "%s: a commit has failed", s->path);
    if (c->record && !c->state) /* the rows wait for the checkpoint */
        return commit_line(s, c, 0, err);
    base->due = INT64_MAX;
    int rc = sl_log_rows_finish(&s->rows, err);
    if (rc < 0 || (!s->rows.n && !c->positions->n && !c->record))
        return rc;
    rc = commit_line(s, c, s->rows.n, err);
    if (rc < 0)
        return rc;
    base->committed += base->held;
    base->held = 0;
    s->last_commit = sl_time_mono_usec();
    return keep_recorded(s, c, err);
}

static int sink_write(struct sl_sink *base, struct sl_batch *b, void *encoded, struct sl_err *err)
{
    struct log_sink *s = (struct log_sink *)base;

    if (base->due == INT64_MAX && !base->barriers)
        base->due = sl_time_mono_usec() + LATEST_USEC;
    int rc = sl_log_rows_add(&s->rows, encoded, err);
    if (sl_log_rows_full(&s->rows))
        base->due = 0;
    if (s->rows.unpack && s->reads && sl_unpack_is_full(s->rows.unpack))
        sl_say_full(s->reads);
    base->held += (int64_t)b->selected;
    return rc;
}

static int sink_control(struct sl_sink *base, enum sl_directive d, const struct sl_control *c,
                        struct sl_err *err)
{
    struct log_sink *s = (struct log_sink *)base;
    (void)c;

    if (d == SL_FLUSH) { /* of rows, or of a position alone */
        if (!base->barriers)
            base->due = SL_MIN(base->due, s->last_commit + PAUSE_USEC);
        return 0;
    }
    if (d == SL_BARRIER)
        return sl_log_writer_sync(s->writer, err);
    int rc = sl_log_writer_close(s->writer, err);
    s->writer = NULL;
    return rc;
}

/* Of a run that fails before the first row nothing is left. */
static int sink_rescue(struct sl_sink *base, struct sl_err *err)
{
    struct log_sink *s = (struct log_sink *)base;
    if (!s->last_commit)
        return 0;
    int rc = sl_log_writer_close(s->writer, err);
    s->writer = NULL;
    return rc;
}

static int sink_widen(struct sl_sink *base, struct sl_schema *schema, struct sl_err *err)
{
    struct log_sink *s = (struct log_sink *)base;
    struct sl_schema *plain = plain_schema(schema, err);
    int rc = plain ? sl_log_writer_evolve(s->writer, plain, err) : -(int)SL_ENOMEM;
    if (rc == 0)
        rc = start_unpacking(s, plain, err);
    sl_schema_unref(plain);
    return rc;
}

static enum sl_pin sink_pinned(const struct sl_sink *base, const char *column)
{
    const struct log_sink *s = (const struct log_sink *)base;
    const struct sl_schema *schema = sl_log_schema(sl_log_writer_view(s->writer));
    const char *time = sl_schema_meta(schema, SL_META_TIME);
    if (time && strcmp(time, column) == 0)
        return SL_PIN_TIME;
    return sl_log_column_pinned(schema, column) ? SL_PIN_KEY : SL_PIN_NONE;
}

static void sink_poll(struct sl_sink *base, struct sl_poll_set *p)
{
    struct log_sink *s = (struct log_sink *)base;
    sl_poll_until(p, base->due);
    if (s->writer)
        sl_poll_until(p, sl_log_writer_deadline(s->writer));
}

static int sink_ready(struct sl_sink *base, const struct pollfd *fds SL_UNUSED, size_t n SL_UNUSED,
                      struct sl_err *err)
{
    struct log_sink *s = (struct log_sink *)base;
    int is_late = sl_time_mono_usec() >= sl_log_writer_deadline(s->writer);
    return is_late ? sl_log_writer_sync(s->writer, err) : SL_PUSH_OK;
}

static void sink_free(struct sl_sink *base)
{
    struct log_sink *s = (struct log_sink *)base;
    sl_log_rows_release(&s->rows);
    if (s->writer)
        sl_log_writer_abort(s->writer);
    sl_positions_release(&s->recorded);
    sl_log_free(s->loaded);
    sl_log_hold_release(&s->hold);
    free(s->name);
    free(s->path);
    free(s->keys);
    free(s->hash);
    free(s->time_column);
    free(s->from);
    free(s->keep_keys);
    free(s->keep_time);
    free(s->command);
    free(s);
}

/* Of a log that is there its own settings count, else those that it is made with. */
static void sink_plan(const struct sl_sink *base, const struct sl_schema *schema,
                      struct sl_buf *out)
{
    const struct log_sink *s = (const struct log_sink *)base;
    const struct sl_log *log = s->loaded;
    int there = log != NULL;
    const struct sl_schema *from = there ? sl_log_schema(log) : schema;
    const char *keys = there || s->keep_keys ? sl_schema_meta(from, SL_META_KEY) : s->lo.keys;
    const char *hash = there ? sl_schema_meta(from, SL_META_HASH) : s->lo.hash;
    const char *time = sl_schema_meta(from, SL_META_TIME);
    int partitions = there ? sl_log_partitions(log) : SL_MAX(s->lo.partitions, 1);

    if (!there && s->lo.time_column)
        time = s->lo.time_column;
    sl_buf_printf(out, "%s, %s, partitions %d", s->path, there ? "appended" : "new", partitions);
    if (keys)
        sl_buf_printf(out, ", key %s, hash %s", keys, hash ? hash : "murmur2");
    if (time)
        sl_buf_printf(out, ", time %s", time);
}

static const struct sl_sink_class log_sink_class = {
    .name = "log",
    .plan = sink_plan,
    .promise = SL_PROMISE_EXACT,
    .hold = sink_hold,
    .load = sink_load,
    .sweep = sink_sweep,
    .identify = sink_identify,
    .open = sink_open,
    .widen = sink_widen,
    .pinned = sink_pinned,
    .encode = sink_encode,
    .encode_alone = sink_encode_alone,
    .drop = sink_drop,
    .write = sink_write,
    .commit = sink_commit,
    .control = sink_control,
    .rescue = sink_rescue,
    .poll = sink_poll,
    .ready = sink_ready,
    .free = sink_free,
};

static int copy_text(char **to, const char *from, const char **option)
{
    if (!from)
        return 0;
    *to = sl_strdup(from);
    *option = *to;
    return *to ? 0 : -1;
}

int sl_log_sink_new(const struct sl_output_options *o, struct sl_sink **out, struct sl_err *err)
{
    assert(o && out);
    struct log_sink *s = sl_calloc(1, sizeof(*s));
    const char *path;
    *out = NULL;
    if (!s)
        return sl_err_nomem(err, "a log sink");
    s->base.class = &log_sink_class;
    s->base.account = o->account;
    s->lo = o->log;
    s->lo.account = o->account;
    s->may_create = o->may_create;
    s->zone = o->zone;
    s->reads = o->reads;
    sl_log_rows_init(&s->rows, o->account);
    s->base.due = INT64_MAX;
    const char *command = o->command ? o->command : o->log.command;
    if (copy_text(&s->path, o->dest, &path) || copy_text(&s->keys, o->log.keys, &s->lo.keys) ||
        copy_text(&s->hash, o->log.hash, &s->lo.hash) ||
        copy_text(&s->time_column, o->log.time_column, &s->lo.time_column) ||
        copy_text(&s->command, command, &s->lo.command) ||
        (o->from && !(s->from = sl_strdup(o->from))) ||
        (o->keep_keys && !(s->keep_keys = sl_strdup(o->keep_keys))) ||
        (o->keep_time && !(s->keep_time = sl_strdup(o->keep_time)))) {
        sink_free(&s->base);
        return sl_err_nomem(err, "a log sink");
    }
    *out = &s->base;
    return 0;
}
