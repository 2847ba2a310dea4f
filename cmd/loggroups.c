/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* loggroups: `sluice log groups`: shows consumer groups, a partition a line, and changes where they are. */
#include "logverb.h"

#include <inttypes.h>
#include "base/mem.h"
#include "base/time.h"
#include "io/open.h"
#include "log/groups.h"

/* ---- showing ---- */

struct times { /* of the rows of a partition; oldest > newest: there are none */
    int partition;
    int64_t oldest, newest;
};

static int add_times(void *arg, const struct sl_log_segment_info *s)
{
    struct times *t = arg;
    if (s->partition == t->partition) {
        t->oldest = SL_MIN(t->oldest, s->min_time);
        t->newest = SL_MAX(t->newest, s->max_time);
    }
    return 0;
}

/* Seconds of event time from the row before the position to the newest one. */
static int print_behind(struct sl_log *l, int p, int64_t offset, int64_t rows, struct sl_buf *out,
                        struct sl_err *err)
{
    struct times t = {p, SL_TIME_MAX, SL_TIME_MIN};
    int64_t at = SL_TIME_MIN;
    int rc = sl_log_segments(l, add_times, &t, err);
    if (rc == 0 && rows)
        rc = sl_log_time_at(l, p, offset - 1, &at, err);
    if (at == SL_TIME_MIN)
        at = t.oldest;
    if (rc < 0)
        return rc;
    if (!rows)
        sl_buf_printf(out, " %10s", "0");
    else if (t.oldest > t.newest)
        sl_buf_printf(out, " %10s", "-");
    else
        sl_buf_printf(out, " %10.3f", (double)SL_MAX(t.newest - at, 0) / SL_USEC_PER_SEC);
    return 0;
}

static int print_partition(struct sl_log *l, const struct sl_consumer *c, const char *name, int p,
                           struct sl_buf *out, struct sl_err *err)
{
    struct sl_group_position at;
    char host[SL_HOLDER_HOST];
    int64_t pid, end = sl_log_end(l, p), start = sl_log_start(l, p);
    int rc = sl_consumer_position(c, p, &at, err);
    if (rc < 0)
        return rc;
    int64_t rows = SL_MAX(end - SL_MAX(at.offset, start), 0);
    sl_buf_printf(out, "%-16s %9d %10" PRId64 " %10" PRId64 " %10" PRId64, name, p, at.offset, end,
                  rows);
    rc = print_behind(l, p, SL_MAX(at.offset, start), rows, out, err);
    if (sl_consumer_holder(c, p, &pid, host))
        sl_buf_printf(out, " %" PRId64 "@%s", pid, host);
    else
        sl_buf_addstr(out, " -");
    if (at.offset < start)
        sl_buf_printf(out, " expired: the log begins at %" PRId64, start);
    else if (!sl_log_history_holds(l, at.history, p, at.offset))
        sl_buf_printf(out, " the log went back to %" PRId64,
                      SL_MAX(sl_log_history_end(l, at.history, p), 0));
    sl_buf_addch(out, '\n');
    return rc;
}

struct show {
    struct sl_log *log;
    struct sl_buf out;
};

static int show_group(void *arg, const char *name, struct sl_err *err)
{
    struct show *s = arg;
    struct sl_consumer *c = NULL;
    if (!s->out.len)
        sl_buf_printf(&s->out, "%-16s %9s %10s %10s %10s %10s %s\n", "group", "partition",
                      "position", "end", "rows", "seconds", "held");
    int rc = sl_consumer_open(s->log, name, &c, err);
    if (rc == -SL_ENOENT) /* deleted meanwhile */
        return 0;
    for (int p = 0; rc == 0 && p < sl_log_partitions(s->log); p++)
        rc = print_partition(s->log, c, name, p, &s->out, err);
    sl_consumer_free(c);
    return rc;
}

static int show(struct sl_log *l, struct sl_err *err)
{
    struct show s = {.log = l, .out = SL_BUF_INIT};
    int rc = sl_group_list(l, show_group, &s, err);
    if (rc == 0)
        rc = sl_buf_check(&s.out, err);
    if (rc == 0 && s.out.len)
        fwrite(s.out.data, 1, s.out.len, stdout);
    sl_buf_release(&s.out);
    return rc;
}

/* ---- changing ---- */

static int set_positions(struct sl_log *l, struct sl_consumer *c, const int64_t *to,
                         struct sl_err *err)
{
    int rc = 0;
    for (int p = 0; rc == 0 && p < sl_log_partitions(l); p++) {
        struct sl_group_position at;
        if (to[p] < 0)
            continue;
        rc = sl_consumer_position(c, p, &at, err);
        if (rc < 0 && rc != -SL_ECORRUPT) /* this mends a damaged one */
            return rc;
        at.offset = to[p];
        at.history = sl_log_history(l);
        rc = sl_consumer_set(c, p, &at, err);
    }
    return rc < 0 ? rc : sl_consumer_sync(c, err);
}

static int set(struct sl_log *l, struct sl_consumer *c, const char *text, const char *tz,
               struct sl_err *err)
{
    struct sl_point point = {0};
    struct sl_zone *zone = NULL;
    int64_t *to = sl_calloc((size_t)sl_log_partitions(l), sizeof(*to));
    int rc = to ? 0 : sl_err_nomem(err, "positions");
    if (rc == 0 && tz && !(zone = sl_zone_open(tz, err)))
        rc = -(int)err->code;
    if (rc == 0)
        rc = sl_point_parse(text, sl_time_now_usec(), zone, &point, err);
    if (rc == 0)
        rc = sl_log_point_offsets(l, &point, zone, to, err);
    if (rc == 0)
        rc = sl_log_make_durable(l, err);
    if (rc == 0)
        rc = set_positions(l, c, to, err);
    sl_point_release(&point);
    sl_zone_free(zone);
    free(to);
    return rc;
}

static int change(struct sl_log *l, const char *verb, const char *name, const char *to,
                  const char *tz, struct sl_err *err)
{
    struct sl_consumer *c = NULL;
    int rc = sl_group_check_name(name, err);
    if (rc == 0)
        rc = sl_consumer_open(l, name, &c, err);
    if (rc == 0)
        rc = sl_consumer_seize(c, err);
    if (rc == 0)
        rc = strcmp(verb, "delete") == 0 ? sl_consumer_remove(c, err)
                                         : set(l, c, *verb == 'r' ? "earliest" : to, tz, err);
    sl_consumer_free(c);
    return rc;
}

static int check(const struct sl_words *words, const char *to, struct sl_err *err)
{
    const char *verb = words->n > 1 ? words->items[1] : "";
    int sets = strcmp(verb, "set") == 0;
    if (words->n > 1 && !sets && strcmp(verb, "reset") != 0 && strcmp(verb, "delete") != 0)
        return sl_err_set(err, SL_EUSAGE, "groups: '%s' is not set, reset or delete", verb);
    if (words->n == 0 || words->n == 2 || words->n > 3)
        return sl_err_set(err, SL_EUSAGE, "groups takes one log%s%s%s", words->n > 1 ? ", " : "",
                          verb, words->n > 1 ? " and the name of a group" : "");
    if (sets != (to != NULL))
        return sl_err_set(err, SL_EUSAGE,
                          sets ? "groups set needs --to" : "--to is for groups set");
    return 0;
}

int sl_cmd_log_groups(const struct sl_cmd *cmd, const struct sl_log_args *a,
                      const struct sl_words *words)
{
    struct sl_err err;
    struct sl_log *log = NULL;
    if (check(words, a->to, &err) < 0)
        return sl_command_usage(cmd, &err);
    int rc = sl_log_open(words->items[0], &log, &err);
    if (rc == 0)
        rc = words->n == 1 ? show(log, &err)
                           : change(log, words->items[1], words->items[2], a->to, a->tz, &err);
    sl_log_free(log);
    return rc < 0 ? sl_command_fail(cmd, &err) : SL_EXIT_GOOD;
}
