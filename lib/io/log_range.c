/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * log_range: from where to where a log source reads: points to ranges of offsets and of time.
 *
 * A point that names an offset bounds its partition; a point that names a time bounds all partitions.
 * What may be read in two ways is refused, with both of them shown.
 */
#include "base/compat.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/time.h"
#include "io/log_source.h"

static int name_point(struct sl_err *err, const char *option, const char *why, const char *hint)
{
    sl_err_set(err, SL_EUSAGE, "%s: %s", option, why);
    return sl_err_hint(err, "%s", hint);
}

static int later(void *arg, const struct sl_log_segment_info *s)
{
    int64_t *latest = arg;
    *latest = SL_MAX(*latest, s->max_time);
    return 0;
}

/* 10:01 may be meant as a time of day, or as offset 1 of partition 10. --partition 10 tells. */
static int refuse_clock(const struct log_source *s, const struct sl_point *p, const char *option,
                        struct sl_err *err)
{
    const struct sl_partition_offset *o = &p->offsets[0];
    int64_t latest = SL_TIME_MIN;
    char day[SL_NUM_MAX];
    sl_log_segments(s->log, later, &latest, NULL);
    if (latest == SL_TIME_MIN)
        latest = sl_time_now_usec();
    int n = (int)sl_time_print_date(day, (int32_t)sl_time_day_of(latest, s->o.zone));
    sl_err_set(err, SL_EUSAGE, "%s: %s is a time of day, or offset %lld of partition %d", option,
               p->clock, (long long)o->offset, o->partition);
    return sl_err_hint(err,
                       "for the time say the day too: '%.*s %s'; for the offset: --partition %d "
                       "%s %lld",
                       n, day, p->clock, o->partition, option, (long long)o->offset);
}

static int no_such_partition(const struct log_source *s, const char *option, int partition,
                             struct sl_err *err)
{
    sl_err_set(err, SL_EUSAGE, "%s: there is no partition %d", option, partition);
    return sl_err_hint(err, "%s has partitions 0 to %d", s->path, sl_log_partitions(s->log) - 1);
}

/* Which partition an offset is of. */
static int partition_of(const struct log_source *s, const struct sl_partition_offset *o,
                        const char *option, struct sl_err *err)
{
    int n = sl_log_partitions(s->log), only = s->o.partition;
    if (o->partition >= n)
        return no_such_partition(s, option, o->partition, err);
    if (o->partition >= 0 && only >= 0 && o->partition != only) {
        sl_err_set(err, SL_EUSAGE,
                   "%s is about partition %d, and --partition %d is all that is read", option,
                   o->partition, only);
        return sl_err_hint(err, "leave out one of the two");
    }
    if (o->partition < 0 && only < 0 && n > 1)
        return name_point(err, option, "the log has several partitions",
                          "say PARTITION:OFFSET, or add --partition P");
    return o->partition >= 0 ? o->partition : only >= 0 ? only : 0;
}

/* What the point says of each partition, in out; -1 of those that it does not name. */
static int read_offsets(const struct log_source *s, const struct sl_point *p, const char *option,
                        int64_t *out, struct sl_err *err)
{
    for (int i = 0; i < sl_log_partitions(s->log); i++)
        out[i] = -1;
    if (p->kind != SL_POINT_OFFSET)
        return 0;
    if (p->clock && s->time >= 0 && p->offsets[0].partition != s->o.partition)
        return refuse_clock(s, p, option, err);
    for (int k = 0; k < p->noffsets; k++) {
        int i = partition_of(s, &p->offsets[k], option, err);
        if (i < 0)
            return i;
        if (out[i] >= 0)
            return sl_err_set(err, SL_EUSAGE, "%s names partition %d twice", option, i);
        out[i] = p->offsets[k].offset;
    }
    return 0;
}

/* That a range holds nothing for its ends were swapped should not pass for an empty log. */
static int swapped(struct sl_err *err)
{
    return name_point(err, "--to", "it lies before --from, so there is nothing between them",
                      "swap them");
}

/* Rows from there on may come, to who follows; else there is nothing to read, which may surprise. */
static void say_beyond(const struct log_source *s, int partition, int64_t offset)
{
    int64_t end = sl_log_end(s->log, partition);
    if (offset > end)
        sl_input_say(&s->o, "offset %lld is beyond the end of partition %d, which is %lld%s",
                     (long long)offset, partition, (long long)end,
                     s->o.follow ? ": waiting for it" : "");
}

/* Where partition i begins: offset, or if that is -1 what the point says of all partitions. */
static int begin_partition(struct log_source *s, int i, int64_t offset, struct sl_err *err)
{
    const struct sl_point *p = &s->o.from;
    struct sl_log_range *r = &s->ranges[i];
    int64_t start = sl_log_start(s->log, i);

    *r = (struct sl_log_range){.from = start, .to = INT64_MAX};
    if (p->kind == SL_POINT_LATEST)
        r->from = sl_log_end(s->log, i);
    else if (offset >= 0)
        say_beyond(s, i, r->from = offset);
    if (p->kind == SL_POINT_TIME && s->time >= 0) {
        int rc = sl_log_seek_time(s->log, i, p->value, &r->from, err);
        if (rc < 0)
            return rc;
    }
    if (r->from >= start)
        return 0;
    return sl_log_expired(s->log, i, r->from, err);
}

static int end_partition(struct log_source *s, int i, int64_t from, int64_t to, struct sl_err *err)
{
    const struct sl_point *p = &s->o.to;
    struct sl_log_range *r = &s->ranges[i];

    if (from >= 0 && to >= 0 && to < from)
        return swapped(err);
    if (to >= 0)
        r->to = to;
    else if (p->kind == SL_POINT_LATEST)
        r->to = sl_log_end(s->log, i);
    if (p->kind == SL_POINT_EARLIEST || (s->o.partition >= 0 && s->o.partition != i))
        r->to = r->from;
    r->to = SL_MAX(r->to, r->from);
    return 0;
}

/* A list of offsets bounds the partitions that it names; the others begin with their first row, and
 * end where the log does. */
static int set_ranges(struct log_source *s, struct sl_err *err)
{
    size_t n = (size_t)sl_log_partitions(s->log);
    int64_t *from = sl_calloc(2 * n, sizeof(*from)), *to = from + n;
    int rc =
        from ? read_offsets(s, &s->o.from, "--from", from, err) : sl_err_nomem(err, "a log source");
    if (rc == 0)
        rc = read_offsets(s, &s->o.to, "--to", to, err);
    for (int i = 0; rc == 0 && i < (int)n; i++) {
        rc = begin_partition(s, i, from[i], err);
        if (rc == 0)
            rc = end_partition(s, i, from[i], to[i], err);
    }
    free(from);
    return rc;
}

static int set_times(struct log_source *s, struct sl_err *err)
{
    const struct sl_point *from = &s->o.from, *to = &s->o.to;
    s->from_time = from->kind == SL_POINT_TIME ? from->value : SL_TIME_MIN;
    s->to_time = to->kind == SL_POINT_TIME ? to->value : SL_TIME_MAX;
    if (from->kind == SL_POINT_TIME && from->relative)
        return name_point(err, "--from", "a time after --from has no start",
                          "+1h can only be said of --to");
    if (to->kind == SL_POINT_TIME && to->relative) {
        if (from->kind != SL_POINT_TIME)
            return name_point(err, "--to", "a relative end needs a time in --from",
                              "say --from TIME --to +1h");
        /* An end beyond all times is none. */
        if (__builtin_add_overflow(from->value, to->value, &s->to_time))
            s->to_time = to->value > 0 ? SL_TIME_MAX : SL_TIME_MIN;
    }
    if (s->to_time < s->from_time)
        return swapped(err);
    if ((s->from_time != SL_TIME_MIN || s->to_time != SL_TIME_MAX) && s->time < 0) {
        sl_err_set(err, SL_EUSAGE, "%s has no time column to find a time by", s->path);
        return sl_err_hint(err, "use offsets, or --where with a column that holds times");
    }
    return 0;
}

int sl_log_source_bound(struct log_source *s, struct sl_err *err)
{
    assert(s->log && s->ranges);
    int rc = set_times(s, err);
    return rc < 0 ? rc : set_ranges(s, err);
}

/* An offset that the log has, or the next one. */
static int check_kept(const struct log_source *s, int partition, int64_t offset, struct sl_err *err)
{
    int64_t start = sl_log_start(s->log, partition), end = sl_log_end(s->log, partition);
    if (offset >= start && offset <= end)
        return 0;
    return sl_err_set(err, SL_EUSAGE,
                      "--to: offset %lld is not in partition %d, which has %lld to %lld",
                      (long long)offset, partition, (long long)start, (long long)end);
}

int sl_log_point_offsets(struct sl_log *l, const struct sl_point *to, const struct sl_zone *zone,
                         int64_t *out, struct sl_err *err)
{
    assert(l && to && out && to->kind != SL_POINT_NONE);
    int time = sl_schema_time_index(sl_log_schema(l));
    struct log_source s = {.log = l,
                           .path = (char *)sl_log_path(l),
                           .time = time,
                           .o = {.to = *to, .partition = -1, .zone = zone}};
    int rc = set_times(&s, err);
    if (rc == 0)
        rc = read_offsets(&s, to, "--to", out, err);
    for (int p = 0; rc == 0 && p < sl_log_partitions(l); p++) {
        if (to->kind == SL_POINT_EARLIEST)
            out[p] = sl_log_start(l, p);
        else if (to->kind == SL_POINT_LATEST)
            out[p] = sl_log_end(l, p);
        else if (to->kind == SL_POINT_TIME)
            rc = sl_log_seek_time(l, p, s.to_time, &out[p], err);
        else if (out[p] >= 0)
            rc = check_kept(&s, p, out[p], err);
    }
    return rc;
}
