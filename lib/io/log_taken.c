/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * log_taken: what a sink has of a log that is read, as positions.
 *
 * The position of a partition is {"offset":N,"history":"H"}: N is the first row that the sink has not got,
 * H the history that it was read in. If the log went back behind N since, the rows up to N are not those
 * that the sink has, and --resume is refused. A run that read a part only adds where that part begins:
 * "from" is its first offset, "from_time" and "to_time" (µs) bound its times. A later run is refused if it
 * would read a row of that part again; of parts that do not meet the last one is recorded. The head of a pipe
 * adds "greatest" (µs), the greatest event time of the rows before N: by that rows behind N are late.
 */
#include "base/compat.h"
#include <inttypes.h>
#include "base/json.h"
#include "file/seen.h"
#include "io/log_source.h"
#include "base/hex.h"

static void position_id(const struct log_source *s, int partition, struct sl_buf *out)
{
    struct sl_log_id id = sl_log_get_id(s->log);
    char hex[33];
    sl_hex(id.bytes, sizeof(id.bytes), hex);
    sl_buf_printf(out, "log:%s:%d", hex, partition);
}

/* The history that a position names: 1 and *history, 0 if it names none. */
static int named_history(const struct sl_position *p, uint64_t *history)
{
    const char *text;
    size_t n;
    return sl_json_find(p->value, p->len, "history", &text, &n) == 1 && n == 18 && text[0] == '"' &&
           sl_hex_parse(text + 1, 16, history);
}

/* Whether the rows up to a recorded position are still those of the log. Others may stand at their
 * offsets by now: to go on behind them would leave those out without a word. */
static int check_history(const struct log_source *s, int p, const struct sl_position *had,
                         struct sl_err *err)
{
    uint64_t history;
    int64_t end = sl_log_end(s->log, p), offset = s->parts[p].had.to;
    int named = named_history(had, &history);

    if (named ? sl_log_history_holds(s->log, history, p, offset) : offset <= end)
        return 0;
    if (named)
        end = sl_log_history_end(s->log, history, p);
    sl_err_set(err, SL_EEXPIRED,
               "%s went back to offset %lld of partition %d, and %s has its rows up to %lld: those "
               "in between were lost in a rollback or a recovery, and others may have come",
               s->path, (long long)SL_MAX(end, 0), p, s->from->place, (long long)offset);
    return sl_err_hint(err,
                       "--resume cannot go on from rows that are gone: --again takes all of %s "
                       "once more, best into a new log",
                       s->path);
}

/* Of the partitions that are read. */
static int64_t *greatest_of(const struct log_source *s, int p)
{
    assert(s->base.greatest && p >= 0);
    return &s->base.greatest[s->base.partitions > 1 ? p : 0];
}

/* What the sink has of a partition: 1 it has a position, which is *out; 0, < 0. */
static int look_up(struct log_source *s, int p, const struct sl_position **out, struct sl_err *err)
{
    struct sl_buf id = SL_BUF_INIT;
    struct log_part *part = &s->parts[p];
    position_id(s, p, &id);
    int rc = sl_buf_check(&id, err);
    const struct sl_position *had = rc == 0 ? sl_positions_find(s->from->positions, id.data) : NULL;
    sl_buf_release(&id);
    if (!had || sl_json_find_int(had->value, had->len, "offset", &part->had.to) != 1)
        return rc;
    if (sl_json_find_int(had->value, had->len, "from", &part->had.from) != 1)
        part->had.from = 0;
    if (sl_json_find_int(had->value, had->len, "from_time", &part->from_time) != 1)
        part->from_time = SL_TIME_MIN;
    if (sl_json_find_int(had->value, had->len, "to_time", &part->to_time) != 1)
        part->to_time = SL_TIME_MAX;
    int64_t greatest;
    int is_read = s->o.partition < 0 || s->o.partition == p;
    if (is_read && sl_json_find_int(had->value, had->len, "greatest", &greatest) == 1)
        *greatest_of(s, p) = greatest;
    *out = had;
    return 1;
}

/* How many rows of what is to be read now the sink has. */
static int64_t rows_again(const struct log_source *s, int p)
{
    const struct sl_log_range *r = &s->ranges[p];
    const struct log_part *part = &s->parts[p];
    if (s->from_time >= part->to_time || part->from_time >= s->to_time)
        return 0;
    return SL_MAX(0, SL_MIN(r->to, part->had.to) - SL_MAX(r->from, part->had.from));
}

/* Whether the rows behind a recorded position are still there. Who names where to begin has seen that
 * they are not. */
static int check_pruned(const struct log_source *s, int p, struct sl_err *err)
{
    int64_t had = s->parts[p].had.to, start = sl_log_start(s->log, p);
    if (had >= start || s->o.from.kind != SL_POINT_NONE || s->ranges[p].to <= s->ranges[p].from)
        return 0;
    sl_err_set(
        err, SL_EEXPIRED,
        "%s has the rows of partition %d of %s up to offset %lld, and that log begins at %lld by "
        "now: %lld %s",
        s->from->place, p, s->path, (long long)had, (long long)start, (long long)(start - had),
        sl_plural(start - had, "row was pruned unread", "rows were pruned unread"));
    return sl_err_hint(err,
                       "`sluice replay --resume --from earliest` goes on with what is left; any "
                       "command with --again takes all that is left");
}

int sl_log_source_take_up(struct log_source *s, struct sl_err *err)
{
    assert(s->log && s->ranges);
    int64_t rows = 0;
    int n = sl_log_partitions(s->log), rc = 0;
    s->parts = sl_calloc((size_t)n, sizeof(*s->parts));
    s->base.greatest = sl_malloc((size_t)s->base.partitions * sizeof(*s->base.greatest));
    if (!s->parts || !s->base.greatest)
        return sl_err_nomem(err, "a log source");
    for (int i = 0; i < s->base.partitions; i++)
        s->base.greatest[i] = SL_TIME_MIN;
    for (int p = 0; p < n && rc == 0 && s->from && s->again != SL_AGAIN_ALL; p++) {
        const struct sl_position *had = NULL;
        struct sl_log_range *r = &s->ranges[p];
        rc = look_up(s, p, &had, err);
        if (rc <= 0)
            continue;
        rc = s->again == SL_AGAIN_RESUME ? check_history(s, p, had, err) : 0;
        if (rc >= 0 && s->again == SL_AGAIN_RESUME)
            rc = check_pruned(s, p, err);
        rows += rows_again(s, p);
        if (s->again == SL_AGAIN_RESUME) {
            r->from = SL_MAX(r->from, s->parts[p].had.to);
            r->to = SL_MAX(r->to, r->from);
        }
    }
    if (rc == 0 && rows && s->again == SL_AGAIN_REFUSE)
        return sl_again_refuse(rows, s->path, err);
    return rc;
}

int sl_log_source_resume(struct sl_source *base, const struct sl_checkpoint *from,
                         enum sl_again again, struct sl_err *err SL_UNUSED)
{
    struct log_source *s = (struct log_source *)base;
    assert(from);
    s->from = s->o.group ? NULL : from; /* a group keeps its positions itself */
    s->again = again;
    return 0;
}

int sl_log_source_delivered(struct sl_source *base, struct sl_morsel *m,
                            struct sl_err *err SL_UNUSED)
{
    struct log_source *s = (struct log_source *)base;
    const struct log_mark *mark = m->arg;
    for (size_t i = 0; i < mark->n; i++) {
        const struct log_upto *to = &mark->items[i];
        struct log_part *part = &s->parts[to->partition];
        part->end = m->upto >= 0 ? sl_log_chunk_info(mark->chunk).base + m->upto : to->end;
        part->history = to->history;
        part->is_moved = 1;
    }
    if (s->group)
        sl_log_group_delivered(s);
    return 0;
}

/* What the sink has of a partition with what was delivered now: one part, if they meet. */
static void join(const struct log_source *s, int p)
{
    struct log_part *part = &s->parts[p];
    struct sl_log_range now = {s->ranges[p].from, SL_MIN(part->end, s->ranges[p].to)};
    int meets = now.from <= part->had.to && part->had.from <= now.to &&
                s->from_time <= part->to_time && part->from_time <= s->to_time;
    if (part->had.from == part->had.to || !meets) {
        part->had = now;
        part->from_time = s->from_time;
        part->to_time = s->to_time;
        return;
    }
    part->had.from = SL_MIN(part->had.from, now.from);
    part->had.to = SL_MAX(part->had.to, now.to);
    part->from_time = SL_MIN(part->from_time, s->from_time);
    part->to_time = SL_MAX(part->to_time, s->to_time);
}

static int record(const struct log_source *s, int p, struct sl_positions *out, struct sl_err *err)
{
    const struct log_part *part = &s->parts[p];
    struct sl_buf id = SL_BUF_INIT, text = SL_BUF_INIT;
    position_id(s, p, &id);
    sl_buf_printf(&text, "{\"offset\":%lld,\"history\":\"%016" PRIx64 "\"", (long long)part->had.to,
                  part->history);
    if (part->had.from > 0)
        sl_buf_printf(&text, ",\"from\":%lld", (long long)part->had.from);
    if (part->from_time != SL_TIME_MIN)
        sl_buf_printf(&text, ",\"from_time\":%lld", (long long)part->from_time);
    if (part->to_time != SL_TIME_MAX)
        sl_buf_printf(&text, ",\"to_time\":%lld", (long long)part->to_time);
    if (*greatest_of(s, p) != SL_TIME_MIN)
        sl_buf_printf(&text, ",\"greatest\":%lld", (long long)*greatest_of(s, p));
    sl_buf_addch(&text, '}');
    int rc = sl_buf_check(&id, err);
    if (rc == 0)
        rc = sl_buf_check(&text, err);
    if (rc == 0)
        rc = sl_positions_set(out, id.data, text.data, text.len, err);
    sl_buf_release(&id);
    sl_buf_release(&text);
    return rc;
}

int sl_log_source_positions(struct sl_source *base, struct sl_positions *out, struct sl_err *err)
{
    struct log_source *s = (struct log_source *)base;
    assert(out);
    int rc = 0;
    for (int p = 0; p < sl_log_partitions(s->log) && rc == 0 && !s->o.group; p++) {
        if (!s->parts[p].is_moved)
            continue;
        s->parts[p].is_moved = 0;
        join(s, p);
        rc = record(s, p, out, err);
    }
    return rc;
}
