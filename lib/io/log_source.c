/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * log_source: committed rows of a log, from point to point or followed.
 *
 * Points become ranges in log_range.c. Offsets bound what the reader gives; a time range is a filter
 * on rows, the index only narrows it. A bounded read pins its end when it is opened. Chunks are
 * verified and decompressed by decode(), on any thread. A log that is awaited is looked for in its
 * parent's directory.
 */
#include "base/compat.h"
#include "arrow/hidden.h"
#include "file/bytes.h"
#include "io/connect.h"
#include "io/log_source.h"

enum {
    LOOK_USEC = 200 * 1000,
    HOME_USEC = 2000 * 1000, /* between looks at whether the log is still the one of its path */
};

/* The log ends before commits that are lost: their rows are passed over. Said once. */
static void say_unsettled(struct log_source *s)
{
    int unsettled = sl_log_unsettled(s->log);
    if (unsettled && !s->said_unsettled)
        sl_input_say(
            &s->o,
            "%s: commits after number %lld did not reach the device: their rows are passed over, "
            "%s",
            s->path, (long long)sl_log_commit_number(s->log),
            s->o.follow ? "waiting for the next writer, which goes on from there"
                        : "the next writer goes on without them");
    s->said_unsettled = unsettled;
}

/* ---- opening ---- */

/* Is there a log that stays? One without a commit may be removed again by the run that made it. */
static int is_there(const char *path)
{
    struct sl_log *l;
    if (!sl_path_is_log(path))
        return 0;
    if (sl_log_open(path, &l, NULL) < 0)
        return 1; /* who opens it is told why that fails */
    int there = !sl_log_is_new(l);
    sl_log_free(l);
    return there;
}

static int open_reader(struct log_source *s, struct sl_err *err)
{
    struct sl_log_read_options ro = {
        .ranges = s->ranges,
        .follow = s->o.follow,
        .from_time = s->from_time,
        .to_time = s->to_time,
        .schema = s->log_schema,
        .account = s->base.account,
    };
    if (s->o.follow) {
        s->home = sl_watch_new(err);
        int rc = s->home ? sl_watch_add_names(s->home, s->path, err) : -(int)SL_ENOMEM;
        if (rc < 0)
            return rc;
        s->look_at = sl_time_mono_usec() + HOME_USEC;
    }
    return sl_log_reader_open(s->log, &ro, &s->reader, err);
}

/* Columns that the log gains while it is followed need a place. */
static int add_rest(struct log_source *s, struct sl_err *err)
{
    if (!s->o.follow || sl_rest_column(s->log_schema) >= 0)
        return 0;
    struct sl_schema *wider = sl_schema_copy(s->log_schema);
    if (!wider)
        return sl_err_nomem(err, "a schema");
    sl_schema_unref(s->log_schema);
    s->log_schema = wider;
    return sl_schema_add(wider, SL_REST, strlen(SL_REST), sl_type_of(SL_JSONB), err);
}

/* Where the rows of several partitions arrive is chance: they have columns to tell their order by,
 * hidden ones but for --meta, where names of the log's own are not in the way. */
static int add_order(struct log_source *s, struct sl_err *err)
{
    static const char *const names[2] = {SL_HIDDEN_PARTITION, SL_HIDDEN_OFFSET};
    const struct sl_schema *log = s->log_schema;
    int several = s->o.numbered || (s->o.partition < 0 && sl_log_partitions(s->log) > 1);
    for (int i = 0; i < 2; i++)
        several &= sl_schema_find(log, names[i], strlen(names[i])) < 0;
    s->order = -1;
    if (!several && !s->o.meta)
        return 0;
    struct sl_schema *wider = sl_schema_copy(log);
    if (!wider)
        return sl_err_nomem(err, "a schema");
    sl_schema_unref(s->base.schema);
    s->base.schema = wider;
    s->order = log->nfields;
    int rc = 0;
    for (int i = 0; rc == 0 && i < 2; i++) {
        s->gives[i] = s->o.meta;
        rc = sl_schema_add(wider, names[i], strlen(names[i]), sl_type_of(SL_BIGINT), err);
    }
    return rc < 0 ? rc
           : sl_schema_set_meta(wider, SL_META_ORDER, s->o.meta ? "shown" : "hidden") < 0
               ? sl_err_nomem(err, "a schema")
               : 0;
}

/* The log's schema with its time column settled, and what is added to it. */
static int make_schema(struct log_source *s, struct sl_err *err)
{
    s->log_schema = sl_source_time(sl_log_schema(s->log), s->o.time_column, err);
    if (!s->log_schema)
        return -(int)(err ? err->code : SL_EFAIL);
    int rc = add_rest(s, err);
    if (rc < 0)
        return rc;
    s->time = sl_schema_time_index(s->log_schema);
    s->base.schema = sl_schema_ref(s->log_schema);
    return add_order(s, err);
}

static int source_open(struct sl_source *base, struct sl_err *err)
{
    struct log_source *s = (struct log_source *)base;
    int rc = 0;

    if (s->o.wait_for_log && !is_there(s->path)) { /* tail -f */
        sl_input_say(&s->o, "%s is not there yet: waiting for it", s->path);
        rc = sl_bytes_await(s->path, s->o.stop_fd, is_there, err);
    }
    if (rc == 0)
        rc = sl_log_open(s->path, &s->log, err);
    if (rc == 0)
        rc = make_schema(s, err);
    if (rc < 0)
        return rc;
    int n = sl_log_partitions(s->log);
    if (s->o.partition >= n) {
        sl_err_set(err, SL_EUSAGE, "there is no partition %d in %s", s->o.partition, s->path);
        return sl_err_hint(err, "it has partitions 0 to %d", n - 1);
    }
    base->live = s->o.follow;
    base->partitions = s->o.partition >= 0 ? 1 : n;
    s->ranges = sl_calloc((size_t)n, sizeof(*s->ranges));
    if (!s->ranges)
        return sl_err_nomem(err, "a log source");
    rc = sl_log_source_bound(s, err);
    if (rc < 0)
        return rc;
    s->merging =
        s->o.in_time_order && !s->o.follow && !s->o.group && base->partitions > 1 && s->time >= 0;
    base->gives_batches = s->merging;
    rc = sl_log_source_take_up(s, err);
    if (rc == 0 && s->o.group)
        rc = sl_log_group_open(s, err);
    if (rc < 0)
        return rc;
    if (!s->o.follow)
        say_unsettled(s);
    return s->merging ? sl_log_merge_open(s, err) : open_reader(s, err);
}

/* ---- next and decode ---- */

/* Whether rows are taken by their time. */
static int is_by_time(const struct log_source *s)
{
    return s->from_time != SL_TIME_MIN || s->to_time != SL_TIME_MAX;
}

/* What a follower waits for besides rows, and how: each said when it begins. */
static void say_waiting(struct log_source *s)
{
    int polled = sl_log_reader_fd(s->reader) < 0;
    say_unsettled(s);
    if (polled && !s->said_polled)
        sl_input_say(&s->o, "%s cannot be watched: looking every %d ms", s->path, LOOK_USEC / 1000);
    s->said_polled |= polled;
}

/*
 * There is nothing more now. A log that was moved away, or replaced, gets nothing more ever: the watch
 * of its directory says so at once, a look now and then what no watch sees (a link on the way to it).
 * Only the second time in a row: then what was read before is out.
 */
static int wait_here(struct log_source *s, struct sl_err *err)
{
    int64_t now = sl_time_mono_usec();
    say_waiting(s);
    if (sl_watch_fd(s->home) >= 0 && sl_watch_drain(s->home))
        s->look_at = 0;
    if (now >= s->look_at && s->waiting) {
        int rc = sl_log_is_there(s->log, err);
        if (rc < 0)
            return rc;
        s->look_at = now + HOME_USEC;
    }
    s->waiting = 1;
    return SL_NEXT_WAIT;
}

/* What the source itself looks at is read too: the time of a row, where rows are merged by time or
 * bounded by it. */
static int source_want(struct sl_source *base, const uint8_t *columns, struct sl_err *err)
{
    struct log_source *s = (struct log_source *)base;
    int n = s->log_schema->nfields;
    assert(!s->wanted);
    s->wanted = sl_calloc((size_t)n / 8 + 1, 1);
    if (!s->wanted)
        return sl_err_nomem(err, "a log source");
    for (int i = 0; i < n; i++)
        if (sl_bit(columns, (size_t)i) || (i == s->time && (s->merging || is_by_time(s))))
            sl_bit_set(s->wanted, (size_t)i);
    for (int i = 0; s->order >= 0 && i < 2; i++)
        s->gives[i] = sl_bit(columns, (size_t)(s->order + i));
    return s->merging ? sl_log_merge_want(s, s->wanted, err)
                      : sl_log_reader_want(s->reader, s->wanted, err);
}

static int source_next(struct sl_source *base, struct sl_morsel **out, struct sl_err *err)
{
    struct log_source *s = (struct log_source *)base;
    struct sl_log_chunk *c;

    if (s->merging)
        return sl_log_merge_next(s, out, err);
    int rc = s->group ? sl_log_group_look(s, err) : 0;
    if (rc < 0)
        return rc;
    rc = sl_log_reader_next(s->reader, &c, err);
    if (rc < 0)
        return sl_log_is_there(s->log, err) < 0 ? -(int)SL_EEXPIRED : rc;
    if (rc == SL_LOG_WAIT || (rc == SL_LOG_END && s->group && s->o.follow))
        return wait_here(s, err);
    s->waiting = 0;
    if (rc == SL_LOG_END)
        return s->group ? sl_log_group_end(s, err) : SL_NEXT_END;
    if (rc == SL_LOG_SCHEMA) {
        base->end_reason = SL_END_SCHEMA;
        return SL_NEXT_STOP;
    }
    struct sl_morsel *m = sl_morsel_new(base);
    struct log_mark *mark = sl_malloc(sizeof(*mark) + sizeof(mark->items[0]));
    if (m)
        m->place = sl_strdup(s->path);
    if (!m || !m->place || !mark) {
        free(mark);
        sl_morsel_free(m);
        sl_log_chunk_free(c);
        return sl_err_nomem(err, "a morsel");
    }
    *mark = (struct log_mark){.chunk = c, .n = 1};
    struct sl_log_chunk_info i = sl_log_chunk_info(c);
    mark->items[0] = (struct log_upto){i.partition, i.base + i.rows, i.history};
    m->arg = mark;
    m->split = i.partition;
    m->base = i.base;
    m->len = (size_t)i.bytes;
    *out = m;
    return SL_NEXT_MORSEL;
}

/* `_partition` or `_offset` of a batch of rows that begins at an offset. */
static struct sl_column *order_column(const struct sl_log_chunk *c, int is_offset, size_t rows,
                                      struct sl_err *err)
{
    size_t n = is_offset ? rows : 1;
    struct sl_column *column = sl_column_new(sl_type_of(SL_BIGINT), rows);
    struct sl_buffer *data = column ? sl_buffer_new(NULL, n * sizeof(int64_t)) : NULL;
    if (!data) {
        sl_column_unref(column);
        sl_err_nomem(err, "a column");
        return NULL;
    }
    int64_t *v = (int64_t *)data->data, first = sl_log_chunk_info(c).base;
    for (size_t i = 0; i < n; i++)
        v[i] = is_offset ? first + (int64_t)i : sl_log_chunk_info(c).partition;
    column->form = is_offset ? SL_PLAIN : SL_CONST;
    column->data = v;
    column->owner[1] = data;
    return column;
}

/* The same rows under the source's schema, with the columns of their order that are wanted. */
static int dress(struct log_source *s, const struct sl_log_chunk *c, struct sl_batch **b,
                 struct sl_err *err)
{
    struct sl_batch *old = *b, *b2 = sl_batch_new(s->base.schema, old->rows);
    if (!b2)
        return sl_err_nomem(err, "a batch");
    int n = s->log_schema->nfields, rc = 0;
    for (int i = 0; i < n; i++)
        b2->columns[i] = sl_column_ref(old->columns[i]);
    for (int i = 0; s->order >= 0 && i < 2; i++)
        if (s->gives[i] && !(b2->columns[n + i] = order_column(c, i, old->rows, err)))
            rc = -(int)SL_ENOMEM;
    sl_batch_unref(old);
    *b = b2;
    return rc;
}

/* Narrows a batch to the rows within the source's offsets and times. */
static int narrow(const struct log_source *s, const struct sl_log_chunk *c, struct sl_batch **b,
                  struct sl_err *err)
{
    struct sl_batch *old = *b;
    struct sl_log_range r = s->ranges[sl_log_chunk_info(c).partition];
    int by_time = is_by_time(s);
    int64_t base = sl_log_chunk_info(c).base;

    if (!by_time && base >= r.from && base + (int64_t)old->rows <= r.to)
        return 0;
    struct sl_column *t = by_time ? old->columns[s->time] : NULL;
    int rc = t ? sl_column_load(t, err) : 0;
    if (rc < 0)
        return rc;
    struct sl_buffer *sel = sl_buffer_new(NULL, old->rows * sizeof(uint32_t));
    if (!sel)
        return sl_err_nomem(err, "a selection");
    uint32_t *rows = (uint32_t *)sel->data;
    size_t n = 0;
    for (size_t i = 0; i < old->rows; i++) {
        int64_t offset = base + (int64_t)i;
        if (offset < r.from || offset >= r.to)
            continue;
        if (t) {
            const struct sl_column *h;
            if (sl_column_null(t, i))
                continue;
            size_t k = sl_column_slot(t, i, &h);
            int64_t v = sl_time_usec(((const int64_t *)h->data)[k], t->type.nsec);
            if (v < s->from_time || v >= s->to_time)
                continue;
        }
        rows[n++] = (uint32_t)i;
    }
    *b = sl_batch_select(old, sel, n, err);
    sl_batch_unref(old);
    return *b ? 0 : -(int)(err ? err->code : SL_EFAIL);
}

int sl_log_source_decode(struct log_source *s, struct sl_log_chunk *c, struct sl_batch **out,
                         struct sl_err *err)
{
    assert(s && c && out);
    int rc = sl_log_chunk_decode(c, out, err);
    if (rc == 0)
        rc = dress(s, c, out, err);
    if (rc == 0)
        rc = narrow(s, c, out, err);
    return rc;
}

static int source_decode(struct sl_source *base, struct sl_morsel *m, int worker SL_UNUSED,
                         struct sl_err *err)
{
    const struct log_mark *mark = m->arg;
    int rc = sl_log_source_decode((struct log_source *)base, mark->chunk, &m->batch, err);
    if (rc == 0)
        m->records = (int64_t)m->batch->selected;
    return rc;
}

/* Any offset is a position. */
static int source_shorten(struct sl_source *base SL_UNUSED, struct sl_morsel *m SL_UNUSED,
                          const struct sl_reject *before SL_UNUSED, struct sl_err *err SL_UNUSED)
{
    return 1;
}

static int source_durable(struct sl_source *base, int is_checkpoint SL_UNUSED, struct sl_err *err)
{
    return sl_log_make_durable(((struct log_source *)base)->log, err);
}

static void discard(struct sl_morsel *m)
{
    struct log_mark *mark = m->arg;
    sl_log_chunk_free(mark->chunk);
    free(mark);
}

static void source_poll(struct sl_source *base, struct sl_poll_set *p)
{
    struct log_source *s = (struct log_source *)base;
    int fd = s->reader ? sl_log_reader_fd(s->reader) : -1;
    if (s->group) {
        sl_log_group_poll(s, p);
        fd = sl_log_group_holds(s) ? fd : -1; /* nobody empties its watch otherwise */
    }
    if (s->home) {
        sl_poll_until(p, s->look_at);
        sl_poll_add(p, sl_watch_fd(s->home), POLLIN);
    }
    if (fd < 0)
        sl_poll_until(p, sl_time_mono_usec() + LOOK_USEC);
    sl_poll_add(p, fd, POLLIN);
}

static void source_free(struct sl_source *base)
{
    struct log_source *s = (struct log_source *)base;
    sl_log_group_free(s);
    free(s->parts);
    free(base->greatest);
    sl_log_merge_close(s);
    sl_log_reader_free(s->reader);
    sl_watch_free(s->home);
    sl_log_free(s->log);
    sl_schema_unref(s->log_schema);
    sl_schema_unref(base->schema);
    free(s->ranges);
    free(s->wanted);
    free(s->path);
    free(s);
}

static const struct sl_source_class log_source_class = {
    .name = "log",
    .plan = sl_log_source_plan,
    .resume = sl_log_source_resume,
    .open = source_open,
    .next = source_next,
    .decode = source_decode,
    .want = source_want,
    .poll = source_poll,
    .delivered = sl_log_source_delivered,
    .positions = sl_log_source_positions,
    .durable = source_durable,
    .committed = sl_log_group_committed,
    .shorten = source_shorten,
    .discard = discard,
    .free = source_free,
};

int sl_log_source_new(const struct sl_input_options *o, struct sl_source **out, struct sl_err *err)
{
    assert(o && out);
    struct log_source *s = sl_calloc(1, sizeof(*s));
    *out = NULL;
    if (!s)
        return sl_err_nomem(err, "a log source");
    s->base.class = &log_source_class;
    s->base.account = o->account;
    sl_source_out_of_order(&s->base, o);
    s->base.partitions = 1;
    s->o = *o;
    s->path = sl_strdup(o->paths[0]);
    if (!s->path) {
        source_free(&s->base);
        return sl_err_nomem(err, "a log source");
    }
    *out = &s->base;
    return 0;
}
