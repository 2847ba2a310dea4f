/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * log_plan: what a log source does, for --explain: partitions and how they meet, the bounds of offset and
 * time, the segments whose rows are cast, and the columns that are read.
 */
#include "base/compat.h"
#include "base/num.h"
#include "base/time.h"
#include "io/log_source.h"

enum { SHOWN_PARTITIONS = 16 }; /* with bounds of their own; more are counted */

static int is_read(const struct log_source *s, int partition)
{
    return s->o.partition < 0 || s->o.partition == partition;
}

static void add_partitions(const struct log_source *s, struct sl_buf *out)
{
    int n = sl_log_partitions(s->log);
    if (s->o.partition >= 0)
        sl_buf_printf(out, ", partition %d of %d", s->o.partition, n);
    else
        sl_buf_printf(out, ", partitions %d", n);
    if (s->merging)
        sl_buf_printf(out, ", merged by %s", s->log_schema->fields[s->time].name);
    if (s->o.group)
        sl_buf_printf(out, ", shared by the group %s", s->o.group);
    if (s->o.follow)
        sl_buf_addstr(out, ", followed");
}

static void add_time(const struct log_source *s, const char *word, int64_t t, struct sl_buf *out)
{
    char text[SL_NUM_MAX];
    size_t n = sl_time_print(text, t, 0, SL_TIME_SQL, s->o.zone);
    sl_buf_printf(out, "%s %.*s", word, (int)n, text);
}

static void add_times(const struct log_source *s, struct sl_buf *out)
{
    if (s->from_time == SL_TIME_MIN && s->to_time == SL_TIME_MAX)
        return;
    sl_buf_printf(out, ", %s", s->log_schema->fields[s->time].name);
    if (s->from_time != SL_TIME_MIN)
        add_time(s, " from", s->from_time, out);
    if (s->to_time != SL_TIME_MAX)
        add_time(s, " before", s->to_time, out);
}

/* Bounds that leave out offsets which the log has. */
static void add_offsets(const struct log_source *s, struct sl_buf *out)
{
    int n = 0;
    for (int p = 0; p < sl_log_partitions(s->log); p++) {
        const struct sl_log_range *r = &s->ranges[p];
        if (!is_read(s, p) ||
            (r->from == sl_log_start(s->log, p) && r->to >= sl_log_end(s->log, p)))
            continue;
        if (++n > SHOWN_PARTITIONS)
            continue;
        sl_buf_printf(out, "%s %d:%lld to ", n > 1 ? "," : ", offsets", p, (long long)r->from);
        if (r->to == INT64_MAX)
            sl_buf_addstr(out, "the end");
        else
            sl_buf_printf(out, "%lld", (long long)r->to);
    }
    if (n > SHOWN_PARTITIONS)
        sl_buf_printf(out, " and of %d partitions more", n - SHOWN_PARTITIONS);
}

/* ---- casts ---- */

struct segments {
    const struct log_source *s;
    int all, cast;
};

static int count_segment(void *arg, const struct sl_log_segment_info *g)
{
    struct segments *n = arg;
    const struct sl_log_range *r = &n->s->ranges[g->partition];
    if (!is_read(n->s, g->partition) || g->end <= r->from || g->base >= r->to)
        return 0;
    n->all++;
    n->cast += !sl_schema_equal(g->schema, sl_log_schema(n->s->log));
    return 0;
}

static void add_casts(const struct log_source *s, struct sl_buf *out)
{
    struct segments n = {.s = s};
    sl_log_segments(s->log, count_segment, &n, NULL);
    if (n.cast)
        sl_buf_printf(out, ", %d of %d segments cast to the newest schema", n.cast, n.all);
}

static void add_columns(const struct log_source *s, struct sl_buf *out)
{
    int n = 0;
    for (int i = 0; s->wanted && i < s->log_schema->nfields; i++)
        if (sl_bit(s->wanted, (size_t)i))
            sl_buf_printf(out, "%s %s", n++ ? "," : ", columns", s->log_schema->fields[i].name);
    if (s->wanted && !n)
        sl_buf_addstr(out, ", no columns");
}

void sl_log_source_plan(const struct sl_source *base, struct sl_buf *out)
{
    const struct log_source *s = (const struct log_source *)base;
    sl_buf_addstr(out, s->path);
    add_partitions(s, out);
    add_times(s, out);
    add_offsets(s, out);
    add_casts(s, out);
    add_columns(s, out);
}
