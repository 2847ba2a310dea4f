/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* loginfo: see logverb.h. One fact a line, its name first: for eyes and for awk. */
#include "logverb.h"

#include <inttypes.h>
#include "base/num.h"
#include "base/time.h"
#include "file/seen.h"
#include "log/log.h"

struct totals {
    int64_t rows, bytes, segments, closed, min_time, max_time;
};

static int add_segment(void *arg, const struct sl_log_segment_info *s)
{
    struct totals *t = arg;
    t->rows += s->end - s->base;
    t->bytes += s->bytes;
    t->segments++;
    t->closed += s->closed != 0;
    t->min_time = SL_MIN(t->min_time, s->min_time);
    t->max_time = SL_MAX(t->max_time, s->max_time);
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

/* The time column, and what its times span. */
static void print_times(const struct sl_schema *s, const struct totals *t, struct sl_buf *out)
{
    char text[SL_NUM_MAX];
    const char *column = sl_schema_meta(s, SL_META_TIME);
    if (!column)
        return;
    sl_buf_printf(out, "time        %s", column);
    if (t->min_time <= t->max_time) {
        size_t n = sl_time_print(text, t->min_time, 0, SL_TIME_SQL, NULL);
        sl_buf_printf(out, ", %.*s", (int)n, text);
        n = sl_time_print(text, t->max_time, 0, SL_TIME_SQL, NULL);
        sl_buf_printf(out, " to %.*s", (int)n, text);
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

static void print_info(struct sl_log *log, const struct totals *t, struct sl_buf *out)
{
    const struct sl_schema *s = sl_log_schema(log);
    struct sl_log_id id = sl_log_get_id(log);
    sl_buf_printf(out, "log         ");
    for (size_t i = 0; i < sizeof(id.bytes); i++)
        sl_buf_printf(out, "%02x", id.bytes[i]);
    sl_buf_printf(out, "\nrows        %" PRId64 "\nbytes       %" PRId64 "\n", t->rows, t->bytes);
    sl_buf_printf(out, "segments    %" PRId64 ", %" PRId64 " closed\n", t->segments, t->closed);
    sl_buf_printf(out, "commit      %" PRId64 ", durable to %" PRId64 "\n",
                  sl_log_commit_number(log), sl_log_durable(log));
    if (sl_log_unsettled(log))
        sl_buf_addstr(out, "lost        later commits, which did not reach the device: the next "
                           "writer goes on without them\n");
    print_times(s, t, out);
    print_meta(s, SL_META_KEY, "key", out);
    print_meta(s, SL_META_HASH, "hash", out);
    for (int p = 0; p < sl_log_partitions(log); p++)
        sl_buf_printf(out, "partition   %d: offsets %" PRId64 " to %" PRId64 "\n", p,
                      sl_log_start(log, p), sl_log_end(log, p));
    print_positions(sl_log_positions(log), out);
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

int sl_cmd_log_info(const struct sl_cmd *cmd, const struct sl_log_args *a SL_UNUSED,
                    const char *path)
{
    struct totals t = {.min_time = SL_TIME_MAX, .max_time = SL_TIME_MIN};
    struct sl_buf out = SL_BUF_INIT;
    struct sl_log *log = NULL;
    struct sl_err err;
    int rc = sl_log_open(path, &log, &err);
    if (rc >= 0)
        rc = sl_log_segments(log, add_segment, &t, &err);
    if (rc >= 0) {
        print_info(log, &t, &out);
        rc = sl_buf_check(&out, &err);
    }
    if (rc >= 0)
        fwrite(out.data, 1, out.len, stdout);
    sl_buf_release(&out);
    sl_log_free(log);
    return rc < 0 ? sl_command_fail(cmd, &err) : SL_EXIT_GOOD;
}
