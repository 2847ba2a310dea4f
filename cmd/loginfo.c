/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* loginfo: `sluice log info` and `schema`. One fact a line, its name first: for eyes and for awk. */
#include "logverb.h"

#include <inttypes.h>
#include "base/num.h"
#include "base/time.h"
#include "file/seen.h"
#include "flow/checkpoint.h"
#include "base/mem.h"
#include "log/log.h"
#include "maintain/maintain.h"

struct totals {
    int64_t rows, bytes, segments, closed, min_time, max_time;
};

/* Of the log, and behind it of each partition. */
struct counting {
    struct totals *all;
    struct totals *parts;
};

static void add_to(struct totals *t, const struct sl_log_segment_info *s)
{
    t->rows += s->end - s->base;
    t->bytes += s->bytes;
    t->segments++;
    t->closed += s->closed != 0;
    t->min_time = SL_MIN(t->min_time, s->min_time);
    t->max_time = SL_MAX(t->max_time, s->max_time);
}

static int add_segment(void *arg, const struct sl_log_segment_info *s)
{
    const struct counting *c = arg;
    add_to(c->all, s);
    add_to(&c->parts[s->partition], s);
    return 0;
}

enum { INPUTS = 10 };

/* The inputs that were taken last, the newest first, and how many more there are. */
static void print_positions(const struct sl_positions *all, struct sl_buf *out)
{
    const struct sl_position *newest[INPUTS];
    int n = 0;
    for (const struct sl_position *p = NULL; (p = sl_positions_next(all, p));)
        if (strcmp(p->id, SL_POSITION_UNPLACED) != 0 && strncmp(p->id, "dir:", 4) != 0)
            newest[n++ % INPUTS] = p;
    for (int i = n - 1; i >= 0 && i >= n - INPUTS; i--) {
        const struct sl_position *p = newest[i % INPUTS];
        int rejects = strncmp(p->id, "rejects", 7) == 0;
        struct sl_taken *f = NULL;
        sl_buf_addstr(out, rejects ? "rejects     " : "input       ");
        const char *id = rejects ? p->id + strcspn(p->id, ": ") + 1 : p->id;
        if (sl_taken_parse(p, all, &f, NULL) == 0 && f && *f->path)
            id = f->path;
        sl_buf_add_visible(out, id, strlen(id));
        sl_buf_addch(out, ' ');
        if (f)
            sl_buf_printf(out, "to byte %" PRId64 ", %" PRId64 " %s%s", f->mark.byte, f->rows,
                          sl_plural(f->rows, "row", "rows"), f->gone ? ", gone" : "");
        else
            sl_buf_add_visible(out, p->value, p->len);
        sl_taken_free(f);
        sl_buf_addch(out, '\n');
    }
    if (n > INPUTS)
        sl_buf_printf(out, "inputs      and %d more\n", n - INPUTS);
}

/* The pipelines that end here, and how far each has come. */
static void print_pipelines(const struct sl_positions *all, struct sl_buf *out)
{
    struct sl_run_record r = {0};
    for (const struct sl_position *p = NULL; (p = sl_positions_next(all, p));) {
        int64_t bytes = 0;
        int rc = sl_record_parse(p->value, &r, NULL);
        for (int i = 0; rc == 0 && i < r.nstate; i++)
            bytes += r.state[i].bytes;
        sl_buf_addstr(out, "pipeline    ");
        sl_buf_add_visible(out, p->id, strlen(p->id));
        if (rc == 0)
            sl_buf_printf(out, ", checkpoint %" PRId64 ", %" PRId64 " bytes of state\n", r.k,
                          bytes);
        else
            sl_buf_addstr(out, ", a record that no run writes\n");
    }
    sl_record_release(&r);
}

static void print_time(int64_t t, struct sl_buf *out)
{
    char text[SL_NUM_MAX];
    size_t n = sl_time_print(text, t, 0, SL_TIME_SQL, NULL);
    sl_buf_add(out, text, n);
}

/* Rows of a span of time, as a rate. */
static void print_rate(int64_t rows, int64_t from, int64_t to, struct sl_buf *out)
{
    double seconds = ((double)to - (double)from) / SL_USEC_PER_SEC;
    double rate = seconds > 0 ? (double)rows / seconds : 0;
    if (rate >= 1)
        sl_buf_printf(out, ", %.1f rows/s", rate);
    else if (rate > 0)
        sl_buf_printf(out, ", %.1f rows/h", rate * 3600);
}

/* The time column, and what its times span. */
static void print_times(const struct sl_schema *s, const struct totals *t, struct sl_buf *out)
{
    const char *column = sl_schema_meta(s, SL_META_TIME);
    if (!column)
        return;
    sl_buf_printf(out, "time        %s", column);
    if (t->min_time <= t->max_time) {
        sl_buf_addstr(out, ", ");
        print_time(t->min_time, out);
        sl_buf_addstr(out, " to ");
        print_time(t->max_time, out);
        print_rate(t->rows, t->min_time, t->max_time, out);
    }
    sl_buf_addch(out, '\n');
}

static void print_meta(const struct sl_schema *s, const char *key, const char *name,
                       struct sl_buf *out)
{
    const char *value = sl_schema_meta(s, key);
    if (!value)
        return;
    sl_buf_printf(out, "%-11s ", name);
    sl_buf_add_visible(out, value, strlen(value));
    sl_buf_addch(out, '\n');
}

/* What writers drop. */
static void print_settings(const struct sl_positions *all, struct sl_buf *out)
{
    const struct sl_position *age = sl_positions_find(all, SL_SETTING_AGE);
    const struct sl_position *size = sl_positions_find(all, SL_SETTING_SIZE);
    if (!age && !size)
        return;
    sl_buf_addstr(out, "retain     ");
    if (age) {
        int64_t seconds = strtoll(age->value, NULL, 10) / SL_USEC_PER_SEC, days = seconds / 86400;
        sl_buf_printf(out, " rows of %" PRId64 " %s", days * 86400 == seconds ? days : seconds,
                      days * 86400 == seconds ? "days" : "s");
    }
    sl_buf_addstr(out, age && size ? "," : "");
    if (size)
        sl_buf_printf(out, " %s bytes", size->value);
    sl_buf_addch(out, '\n');
}

/* A partition's offsets, what they take, and its times. */
static void print_partition(struct sl_log *log, int p, const struct totals *t, struct sl_buf *out)
{
    sl_buf_printf(out, "partition   %d: offsets %" PRId64 " to %" PRId64, p, sl_log_start(log, p),
                  sl_log_end(log, p));
    if (t->segments)
        sl_buf_printf(out, ", %" PRId64 " bytes in %" PRId64 " %s", t->bytes, t->segments,
                      sl_plural(t->segments, "segment", "segments"));
    if (t->min_time <= t->max_time && sl_log_partitions(log) > 1) {
        sl_buf_addstr(out, ", ");
        print_time(t->min_time, out);
        sl_buf_addstr(out, " to ");
        print_time(t->max_time, out);
    }
    sl_buf_addch(out, '\n');
}

/* What each column takes on disk. */
static int print_columns(struct sl_log *log, int64_t rows, struct sl_buf *out, struct sl_err *err)
{
    const struct sl_schema *s = sl_log_schema(log);
    struct sl_column_size *sizes = sl_calloc((size_t)s->nfields + 1, sizeof(*sizes));
    int rc = sizes ? sl_log_column_sizes(log, sizes, err) : sl_err_nomem(err, "a log");
    for (int i = 0; i < s->nfields && rc == 0; i++) {
        const struct sl_column_size *z = &sizes[i];
        sl_buf_addstr(out, "column      ");
        sl_buf_add_visible(out, s->fields[i].name, strlen(s->fields[i].name));
        sl_buf_printf(out, ": %" PRId64 " bytes, %.2f a row", z->stored,
                      rows ? (double)z->stored / (double)rows : 0.0);
        if (z->plain)
            sl_buf_printf(out, ", %.0f %% of plain", 100.0 * (double)z->stored / (double)z->plain);
        if (z->nulls)
            sl_buf_printf(out, ", %" PRId64 " %s", z->nulls, sl_plural(z->nulls, "null", "nulls"));
        sl_buf_addch(out, '\n');
    }
    free(sizes);
    return rc;
}

static void print_info(struct sl_log *log, const struct totals *t, const struct totals *parts,
                       struct sl_buf *out)
{
    const struct sl_schema *s = sl_log_schema(log);
    struct sl_log_id id = sl_log_get_id(log);
    sl_buf_printf(out, "log         ");
    for (size_t i = 0; i < sizeof(id.bytes); i++)
        sl_buf_printf(out, "%02x", id.bytes[i]);
    sl_buf_printf(out, "\nrows        %" PRId64 "\nbytes       %" PRId64, t->rows, t->bytes);
    if (t->rows)
        sl_buf_printf(out, "\nrow         %.2f bytes", (double)t->bytes / (double)t->rows);
    sl_buf_printf(out, "\nsegments    %" PRId64 ", %" PRId64 " closed\n", t->segments, t->closed);
    sl_buf_printf(out, "commit      %" PRId64 ", durable to %" PRId64 "\n",
                  sl_log_commit_number(log), sl_log_durable(log));
    if (sl_log_unsettled(log))
        sl_buf_addstr(out, "lost        later commits, which did not reach the device: the next "
                           "writer goes on without them\n");
    print_times(s, t, out);
    print_meta(s, SL_META_KEY, "key", out);
    print_meta(s, SL_META_HASH, "hash", out);
    print_settings(sl_log_settings(log), out);
    for (int p = 0; p < sl_log_partitions(log); p++)
        print_partition(log, p, &parts[p], out);
    print_positions(sl_log_positions(log), out);
    print_pipelines(sl_log_pipelines(log), out);
    if (sl_positions_are_unplaced(sl_log_positions(log)))
        sl_buf_addstr(out, "repaired    what of an input is here is not known: ingest --resume "
                           "refuses, until one with --again\n");
    sl_buf_addstr(out, "columns     ");
    struct sl_buf types = SL_BUF_INIT;
    sl_schema_print(s, &types);
    sl_buf_add_visible(out, types.data ? types.data : "", types.len);
    sl_buf_addch(out, '\n');
    sl_buf_release(&types);
}

/* Counts the segments of an open log, and prints what it is. */
static int info(struct sl_log *log, int columns, struct sl_buf *out, struct sl_err *err)
{
    int n = sl_log_partitions(log);
    struct totals *t = sl_calloc((size_t)n + 1, sizeof(*t));
    if (!t)
        return sl_err_nomem(err, "a log");
    for (int i = 0; i <= n; i++)
        t[i] = (struct totals){.min_time = SL_TIME_MAX, .max_time = SL_TIME_MIN};
    int rc = sl_log_segments(log, add_segment, &(struct counting){t, t + 1}, err);
    if (rc == 0) {
        print_info(log, t, t + 1, out);
        rc = columns ? print_columns(log, t->rows, out, err) : 0;
    }
    free(t);
    return rc;
}

static int print_schema(struct sl_log *log, int columns SL_UNUSED, struct sl_buf *out,
                        struct sl_err *err SL_UNUSED)
{
    sl_schema_print(sl_log_schema(log), out);
    sl_buf_addch(out, '\n');
    return 0;
}

/* Prints what fn says of the log. */
static int tell(const struct sl_cmd *cmd, const char *path, int columns,
                int (*fn)(struct sl_log *log, int columns, struct sl_buf *out, struct sl_err *err))
{
    struct sl_buf out = SL_BUF_INIT;
    struct sl_log *log = NULL;
    struct sl_err err = SL_ERR_INIT;
    int rc = sl_log_open(path, &log, &err);
    if (rc == 0)
        rc = fn(log, columns, &out, &err);
    if (rc == 0)
        rc = sl_buf_check(&out, &err);
    if (rc == 0)
        fwrite(out.data, 1, out.len, stdout);
    sl_buf_release(&out);
    sl_log_free(log);
    return rc < 0 ? sl_command_fail(cmd, &err) : SL_EXIT_GOOD;
}

int sl_cmd_log_info(const struct sl_cmd *cmd, const struct sl_log_args *a, const char *path)
{
    return tell(cmd, path, a->columns, info);
}

int sl_cmd_log_schema(const struct sl_cmd *cmd, const struct sl_log_args *a SL_UNUSED,
                      const char *path)
{
    return tell(cmd, path, 0, print_schema);
}
