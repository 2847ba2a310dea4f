/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* report: see report.h. */
#include "base/compat.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/num.h"
#include "base/time.h"
#include "base/utf8.h"
#include "machine.h"
#include "report.h"

enum rows_go { ROWS_ASIDE, ROWS_TO_TERMINAL, ROWS_TO_STAGE };

static enum rows_go rows_go(const struct sl_args *args)
{
    struct stat st;
    int to_stdout = !args->output || strcmp(args->output, "-") == 0;
    if ((to_stdout ? fstat(STDOUT_FILENO, &st) : stat(args->output, &st)) < 0)
        return ROWS_ASIDE; /* a file or a log that is not there yet */
    if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
        return ROWS_TO_STAGE;
    /* /dev/null is no terminal; what -o names is not opened here to ask. */
    return (to_stdout ? isatty(STDOUT_FILENO)
                      : S_ISCHR(st.st_mode) && strcmp(args->output, "/dev/null") != 0)
               ? ROWS_TO_TERMINAL
               : ROWS_ASIDE;
}

/* A shell without job control, which a script has, has jobs in the background ignore INT. */
static int in_background_of_script(void)
{
    struct sigaction act;
    return sigaction(SIGINT, NULL, &act) == 0 && act.sa_handler == SIG_IGN;
}

/* A shell with job control gives each job a group, and the terminal to the one in front. */
static int is_in_front(void)
{
    pid_t front = tcgetpgrp(STDERR_FILENO);
    return front < 0 || front == getpgrp(); /* < 0: not our controlling terminal */
}

void sl_report_init(struct sl_report *r, const struct sl_cmd *cmd, const struct sl_args *args)
{
    const char *term = getenv("TERM"), *plain = getenv("NO_COLOR");
    *r = (struct sl_report){.cmd = cmd, .args = args, .started = sl_time_mono_usec()};
    /* A line that is written over needs a terminal that can clear one. */
    int able = isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
    enum rows_go go = rows_go(args);
    r->live = able && !args->quiet && go == ROWS_ASIDE && !in_background_of_script();
    r->upstream = able && go == ROWS_TO_STAGE;
    r->colour = r->live && !(plain && *plain);
}

/* What takes the progress line away; in front of what is written next, so that no progress of another
 * stage comes between. */
static const char *clearing(struct sl_report *r)
{
    int clear = (r->shown || r->upstream) && is_in_front();
    r->shown = 0;
    return clear ? "\r\033[K" : "";
}

void sl_report_clear(struct sl_report *r)
{
    fputs(clearing(r), stderr);
}

/* One line, of width terminal columns at most; 0: whole. */
static void add_line(const struct sl_report *r, const char *text, size_t len, int width,
                     struct sl_buf *out)
{
    struct sl_buf line = SL_BUF_INIT;
    sl_buf_printf(&line, "sluice %s: ", r->cmd->name);
    sl_buf_add_visible(&line, text, len);
    out->failed |= line.failed;
    size_t fits = width && line.data ? sl_utf8_fitting(line.data, line.len, width) : line.len;
    int cut = fits < line.len;
    sl_buf_add(out, line.data, cut ? sl_utf8_fitting(line.data, line.len, width - 1) : fits);
    sl_buf_addstr(out, cut ? "…\n" : "\n");
    sl_buf_release(&line);
}

static void say(struct sl_report *r, const char *text, size_t len, int width)
{
    if (r->args->quiet)
        return;
    struct sl_buf out = SL_BUF_INIT;
    sl_buf_addstr(&out, clearing(r));
    for (const char *end = text + len; text < end;) {
        const char *nl = memchr(text, '\n', (size_t)(end - text));
        const char *stop = nl ? nl : end;
        if (stop > text)
            add_line(r, text, (size_t)(stop - text), width, &out);
        text = stop + 1;
    }
    if (out.len)
        fwrite(out.data, 1, out.len, stderr);
    sl_buf_release(&out);
}

void sl_report_note(struct sl_report *r, const char *text, size_t len)
{
    say(r, text, len, 0);
}

void sl_report_assumed(struct sl_report *r, const char *text, size_t len)
{
    say(r, text, len, sl_machine_width(STDERR_FILENO));
}

static void add_count(struct sl_buf *out, int64_t v)
{
    char digits[SL_NUM_MAX];
    sl_buf_add(out, digits, sl_num_print_grouped(digits, v));
}

/* 670 MB, 1.2 GB */
static void add_bytes(struct sl_buf *out, double v)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
    size_t unit = 0;
    while (v >= 999.5 && unit + 1 < SL_COUNT(units)) {
        v /= 1000;
        unit++;
    }
    sl_buf_printf(out, "%.*f %s", unit && v < 9.95 ? 1 : 0, v,
                  v == 1 && !unit ? "byte" : units[unit]);
}

static void add_seconds(struct sl_buf *out, double s)
{
    if (s < 0.0995)
        sl_buf_printf(out, "%.*f ms", s < 0.00995 ? 1 : 0, s * 1000);
    else if (s < 120)
        sl_buf_printf(out, "%.1f s", s);
    else if (s < 7200)
        sl_buf_printf(out, "%.0f min", s / 60);
    else
        sl_buf_printf(out, "%.1f h", s / 3600);
}

static double elapsed(const struct sl_report *r)
{
    double s = (double)(sl_time_mono_usec() - r->started) / SL_USEC_PER_SEC;
    return s > 1e-6 ? s : 1e-6;
}

void sl_report_progress(struct sl_report *r, int64_t rows, int64_t bytes, int64_t total)
{
    double s = elapsed(r);
    if (!r->live || s < 0.5 || !is_in_front()) /* a run that ends at once needs no progress */
        return;
    struct sl_buf out = SL_BUF_INIT;
    sl_buf_printf(&out, "%s: ", r->cmd->name);
    add_count(&out, rows);
    sl_buf_addstr(&out, sl_plural(rows, " row", " rows"));
    if (bytes > 0) {
        sl_buf_addstr(&out, ", ");
        add_bytes(&out, (double)bytes);
        sl_buf_printf(&out, ", %.0f MB/s", (double)bytes / s / 1e6);
    }
    if (bytes > 0 && total >= bytes && total > 0) {
        sl_buf_printf(&out, ", %.0f %%, ", 100.0 * (double)bytes / (double)total);
        add_seconds(&out, s * (double)(total - bytes) / (double)bytes);
        sl_buf_addstr(&out, " left");
    }
    /* A line that wrapped could not be taken away again. */
    int width = sl_machine_width(STDERR_FILENO) - 1;
    if (!out.failed && width > 0)
        fprintf(stderr, r->colour ? "\r\033[K\033[2m%.*s\033[0m" : "\r\033[K%.*s", width, out.data);
    fflush(stderr);
    r->shown = 1;
    sl_buf_release(&out);
}

#define ENDED        "ended by a signal"
#define ENDED_HIDING ENDED " (without it: status 3)"

/* Whether the status would be 3 but for the signal that ended the run. */
static int hides_rejects(const struct sl_pipeline_result *res, int status)
{
    return status > SL_EXIT_SIGNAL && (res->rejected || res->late || res->recovered || res->lost);
}

static void add_bad(const struct sl_pipeline_result *res, struct sl_buf *out)
{
    add_count(out, res->rejected);
    sl_buf_addstr(out, " rejected");
    if (res->late) {
        sl_buf_addstr(out, ", ");
        add_count(out, res->late);
        sl_buf_addstr(out, " late");
    }
}

/* between: what stands before it, if it has something to say. */
static void add_recovered(const struct sl_pipeline_result *res, const char *between,
                          struct sl_buf *out)
{
    if (res->lost)
        sl_buf_printf(out,
                      "%scommits after number %" PRId64 " had not reached the device and are lost",
                      between, res->lost);
    if (res->recovered) {
        sl_buf_addstr(out, res->lost ? ", " : between);
        add_bytes(out, (double)res->recovered);
        sl_buf_addstr(out, " set aside in lost/");
    }
}

static void summary(const struct sl_report *r, const struct sl_pipeline_result *res, int status,
                    struct sl_buf *out)
{
    sl_buf_printf(out, "sluice %s: ", r->cmd->name);
    add_count(out, res->rows_in);
    if (res->rows_in != res->rows_out) {
        sl_buf_addstr(out, sl_plural(res->rows_in, " row in, ", " rows in, "));
        add_count(out, res->rows_out);
        sl_buf_addstr(out, " out, ");
    } else {
        sl_buf_addstr(out, sl_plural(res->rows_in, " row, ", " rows, "));
    }
    add_bad(res, out);
    if (res->bytes_in > 0) {
        sl_buf_addstr(out, ", ");
        add_bytes(out, (double)res->bytes_in);
    }
    sl_buf_addstr(out, " in ");
    add_seconds(out, elapsed(r));
    if (r->args->output && strcmp(r->args->output, "-") != 0) {
        sl_buf_addstr(out, " -> ");
        sl_buf_add_visible(out, r->args->output, strlen(r->args->output));
    }
    add_recovered(res, ", ", out);
    if (status == SL_EXIT_SCHEMA)
        sl_buf_addstr(out, ", the schema changed: run again");
    if (status > SL_EXIT_SIGNAL)
        sl_buf_addstr(out, hides_rejects(res, status) ? ", " ENDED_HIDING : ", " ENDED);
    sl_buf_addch(out, '\n');
}

/* What --quiet leaves of the summary: what the status of a signal hides. */
static void hidden(const struct sl_report *r, const struct sl_pipeline_result *res,
                   struct sl_buf *out)
{
    sl_buf_printf(out, "sluice %s: " ENDED_HIDING ": ", r->cmd->name);
    add_bad(res, out);
    add_recovered(res, ", ", out);
    sl_buf_addch(out, '\n');
}

/* ---- accounts ---- */

/* The stage's equation with its numbers: 12 in = 10 out + 2 filtered */
static void stats_line(const struct sl_pipeline_result *res, int stage, struct sl_buf *out)
{
    const struct sl_stage_rows *s = &res->stages[stage];
    sl_buf_printf(out, "  %-10s ", s->name);
    for (const char *p = s->account ? s->account : "in = out"; *p;) {
        size_t n = strspn(p, SL_STAGE_LETTERS);
        int64_t v;
        if (n && sl_stage_word(s, p, n, &v)) {
            add_count(out, v);
            sl_buf_addch(out, ' ');
        }
        n = n ? n : 1;
        sl_buf_add(out, p, n);
        p += n;
    }
    if (s->waits_for >= 0)
        sl_buf_printf(out, ", waits for partition %d", s->waits_for);
    sl_buf_addch(out, '\n');
}

static void json_stage(const struct sl_pipeline_result *res, int stage, struct sl_buf *out)
{
    const struct sl_stage_rows *s = &res->stages[stage];
    const char *account = s->account ? s->account : "in = out";
    sl_buf_addstr(out, stage ? ",{\"name\":" : "{\"name\":");
    sl_buf_add_json(out, s->name, strlen(s->name));
    sl_buf_addstr(out, ",\"account\":");
    sl_buf_add_json(out, account, strlen(account));
    for (const char *p = account; *p;) {
        size_t n = strspn(p, SL_STAGE_LETTERS);
        int64_t v;
        if (n && sl_stage_word(s, p, n, &v))
            sl_buf_printf(out, ",\"%.*s\":%" PRId64, (int)n, p, v);
        p += n ? n : 1;
    }
    if (s->waits_for >= 0)
        sl_buf_printf(out, ",\"waits_for\":%d", s->waits_for);
    sl_buf_addch(out, '}');
}

static void json(const struct sl_report *r, const struct sl_pipeline_result *res, int status,
                 struct sl_buf *out)
{
    sl_buf_printf(out, "{\"command\":\"%s\",\"status\":%d,\"seconds\":%.6f", r->cmd->name, status,
                  elapsed(r));
    sl_buf_printf(out,
                  ",\"bytes_in\":%" PRId64 ",\"records\":%" PRId64 ",\"skipped\":%" PRId64
                  ",\"rejected\":%" PRId64 ",\"late\":%" PRId64 ",\"rows_in\":%" PRId64
                  ",\"rows_out\":%" PRId64 ",\"ended\":\"%s\",\"stages\":[",
                  res->bytes_in, res->records, res->skipped, res->rejected, res->late, res->rows_in,
                  res->rows_out, res->ended == SL_STOP ? "stop" : "end");
    for (int i = 0; i < res->nstages; i++)
        json_stage(res, i, out);
    sl_buf_addstr(out, "]}\n");
}

void sl_report_end(struct sl_report *r, const struct sl_pipeline_result *result, int status)
{
    const char *stats = r->args->stats;
    int sums = !r->args->quiet && !result->pipe_closed;
    struct sl_buf out = SL_BUF_INIT;
    if (sums || stats || r->shown)
        sl_buf_addstr(&out, clearing(r));
    if (sums)
        summary(r, result, status, &out);
    else if (hides_rejects(result, status))
        hidden(r, result, &out);
    else if (result->recovered || result->lost) { /* damage is said, whoever wants to hear it */
        sl_buf_printf(&out, "sluice %s: ", r->cmd->name);
        add_recovered(result, "", &out);
        sl_buf_addch(&out, '\n');
    }
    if (stats && strcmp(stats, "json") == 0)
        json(r, result, status, &out);
    else if (stats)
        for (int i = 0; i < result->nstages; i++)
            stats_line(result, i, &out);
    if (out.len && !out.failed)
        fwrite(out.data, 1, out.len, stderr);
    sl_buf_release(&out);
}
