/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* run: see run.h. */
#include "run.h"

#include <unistd.h>
#include "base/path.h"
#include "base/time.h"
#include "interrupt.h"
#include "log/groups.h"
#include "machine.h"

void sl_cmd_join(struct sl_buf *out, const struct sl_words *words, const char *between)
{
    for (int i = 0; i < words->n; i++) {
        if (i)
            sl_buf_addstr(out, between);
        sl_buf_addstr(out, words->items[i]);
    }
}

void sl_cmd_join_names(struct sl_buf *out, const struct sl_words *words)
{
    for (int i = 0; i < words->n; i++)
        for (const char *p = words->items[i]; *p;) {
            size_t blanks = strspn(p, " ,"), n = strcspn(p += blanks, ",");
            const char *next = p + n;
            while (n && p[n - 1] == ' ')
                n--;
            if (n > 1 && p[0] == '"' && p[n - 1] == '"') {
                p++;
                n -= 2;
            }
            if (n && out->len)
                sl_buf_addch(out, ',');
            sl_buf_add(out, p, n);
            p = next;
        }
}

/* ---- from arguments to options ---- */

static void on_note(void *arg, const char *text)
{
    sl_report_note(arg, text, strlen(text));
}

static void on_assumed(void *arg, const char *text, size_t len)
{
    sl_report_assumed(arg, text, len);
}

static void on_progress(void *arg, int64_t rows, int64_t bytes, int64_t total)
{
    sl_report_progress(arg, rows, bytes, total);
}

/* The command line as a shell would read it, for the plan that travels with the data. */
static void add_command_line(struct sl_buf *out, const struct sl_invocation *call)
{
    sl_buf_addstr(out, "sluice");
    for (int i = 1; i < call->argc; i++) {
        const char *word = call->argv[i];
        sl_buf_addch(out, ' ');
        if (*word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789_-./=:,@%+")]) {
            sl_buf_addstr(out, word);
            continue;
        }
        sl_buf_addch(out, '\'');
        for (const char *p = word; *p; p++) {
            if (*p == '\'')
                sl_buf_addstr(out, "'\\''");
            else
                sl_buf_addch(out, *p == '\n' ? ' ' : *p); /* the plan has one line each */
        }
        sl_buf_addch(out, '\'');
    }
}

/* A source or destination that is a log knows its format: options for text would do nothing. */
static int check_sources(const struct sl_args *a, const struct sl_invocation *call,
                         struct sl_err *err)
{
    const char *option = a->input_format        ? "--input-format"
                         : a->delimiter         ? "--delimiter"
                         : a->no_header         ? "--no-header"
                         : a->header            ? "--header"
                         : a->types.n           ? "--types"
                         : a->max_columns.given ? "--max-columns"
                         : a->time_format       ? "--time-format"
                         : a->year              ? "--year"
                                                : NULL;
    const char *pattern;
    enum sl_text_format format = SL_TEXT_CSV;
    if (a->input_format)
        sl_text_format_parse(a->input_format, &format, &pattern, NULL); /* reported where used */
    if (a->no_header && a->header)
        return sl_err_set(err, SL_EUSAGE, "--no-header and --header cannot both be said");
    if ((a->delimiter || a->no_header || a->header) && format != SL_TEXT_CSV &&
        format != SL_TEXT_TSV)
        return sl_err_set(err, SL_EUSAGE, "%s is for CSV, and the input is %s",
                          a->delimiter   ? "--delimiter"
                          : a->no_header ? "--no-header"
                                         : "--header",
                          a->input_format);
    if (!option || call->args.n == 0)
        return 0;
    for (int i = 0; i < call->args.n; i++)
        if (!sl_path_is_log(call->args.items[i]))
            return 0;
    sl_err_set(err, SL_EUSAGE, "%s is for text, and %s is a log", option, call->args.items[0]);
    return sl_err_hint(err, "a log has its format and its types");
}

static int writes_csv(const struct sl_args *a)
{
    enum sl_text_format f = SL_TEXT_NONE;
    const char *pattern;
    if (a->output_format)
        sl_text_format_parse(a->output_format, &f, &pattern, NULL);
    else if (a->output)
        f = sl_text_format_of_path(a->output);
    return f == SL_TEXT_CSV || f == SL_TEXT_TSV;
}

/* Whether, and from where, a run may go on where the last one was. */
static int check_resume(const struct sl_args *a, int to_stdout, int to_log, struct sl_err *err)
{
    const char *resumes = a->wait               ? "wait"
                          : a->final            ? "final"
                          : a->reset_state      ? "reset-state"
                          : a->checkpoint.given ? "checkpoint"
                                                : NULL;
    if (a->resume_from && !to_stdout) {
        sl_err_set(err, SL_EUSAGE, "--resume-from is for a stage that writes to a pipe");
        return sl_err_hint(err, "the one that writes %s says --resume", a->output);
    }
    if (a->resume_from && a->output_format && strcmp(a->output_format, "arrow") != 0)
        return sl_err_set(err, SL_EUSAGE, "--resume-from: the next stage reads frames, not -O %s",
                          a->output_format);
    if (a->resume_from && (!*a->resume_from || strcmp(a->resume_from, "-") == 0)) {
        sl_err_set(err, SL_EUSAGE, "--resume-from: standard output keeps nothing");
        return sl_err_hint(err, "name the log or the file that the last stage of the pipe writes");
    }
    if ((a->again || a->resume) && to_stdout && !a->resume_from) {
        sl_err_set(err, SL_EUSAGE, "--%s needs a log or a file as destination: -o NAME/",
                   a->resume ? "resume" : "again");
        return sl_err_hint(err, "standard output keeps nothing: rows would be there at least once");
    }
    if ((a->again || a->resume) && !to_stdout && !to_log && (a->force || a->append)) {
        sl_err_set(err, SL_EUSAGE, "--%s goes on with the file of earlier runs: leave out --%s",
                   a->resume ? "resume" : "again", a->force ? "force" : "append");
        return -SL_EUSAGE;
    }
    if (a->resume && *a->resume && !sl_path_is_name(a->resume))
        return sl_err_set(
            err, SL_EUSAGE,
            "--resume=%s: the name of a pipeline has letters, digits, '_', '-' and '.'", a->resume);
    if (resumes && !a->resume && !a->resume_from)
        return sl_err_set(err, SL_EUSAGE, "--%s is for a run that goes on: --resume", resumes);
    if (a->again && (a->resume || a->resume_from))
        return sl_err_set(err, SL_EUSAGE, "--resume goes on and --again repeats: choose one");
    return 0;
}

/* Whether the options fit where the rows go: none is taken that would do nothing. */
static int check_output(const struct sl_args *a, struct sl_err *err)
{
    int to_stdout = !a->output || strcmp(a->output, "-") == 0;
    int to_log = !to_stdout && sl_output_is_log(a->output);
    const char *for_log = a->partitions.given     ? "--partitions"
                          : a->key.n              ? "--key"
                          : a->hash               ? "--hash"
                          : a->sync               ? "--sync"
                          : a->segment_size.given ? "--segment-size"
                                                  : NULL;
    if (for_log && !to_log)
        return sl_err_set(err, SL_EUSAGE, "%s needs a log as destination: -o NAME/", for_log);
    if (a->force && a->append)
        return sl_err_set(err, SL_EUSAGE, "--force replaces and --append adds: choose one");
    int rejects_file = a->rejects && !sl_output_is_log(a->rejects);
    if (a->force && (to_stdout || to_log) && !rejects_file) {
        sl_err_set(err, SL_EUSAGE, "--force replaces a file, and %s",
                   to_log ? "-o is a log" : "there is no -o");
        return to_log ? sl_err_hint(err, "a log is only ever appended to") : -SL_EUSAGE;
    }
    if (a->append && to_stdout && !rejects_file)
        return sl_err_set(err, SL_EUSAGE, "--append needs -o FILE");
    if (check_resume(a, to_stdout, to_log, err) < 0)
        return -SL_EUSAGE;
    if (a->output_format && to_log)
        return sl_err_set(err, SL_EUSAGE, "-O is for text, and -o %s is a log", a->output);
    if (a->hash && !a->key.n)
        return sl_err_set(err, SL_EUSAGE, "--hash needs --key COLUMNS");
    if (a->spreadsheet_safe && !writes_csv(a))
        return sl_err_set(err, SL_EUSAGE, "--spreadsheet-safe is for CSV: -O csv");
    if (a->max_rejects.given && !a->rejects)
        return sl_err_set(err, SL_EUSAGE, "--max-rejects needs --rejects DEST");
    if (a->rejects && a->output && strcmp(a->rejects, a->output) == 0)
        return sl_err_set(err, SL_EUSAGE, "--rejects and -o are the same place: %s", a->output);
    if (a->stats && *a->stats && strcmp(a->stats, "json") != 0)
        return sl_err_set(err, SL_EUSAGE, "--stats=%s: it is --stats or --stats=json", a->stats);
    return 0;
}

static int parse_delimiter(const char *text, char *out, struct sl_err *err)
{
    if (strcmp(text, "\\t") == 0 || strcmp(text, "tab") == 0)
        *out = '\t';
    else if (text[0] && !text[1] && !strchr("\"\r\n", text[0]))
        *out = text[0];
    else
        return sl_err_set(err, SL_EUSAGE, "--delimiter: '%s' is not one character (or tab)", text);
    return 0;
}

static int parse_sync(const char *text, struct sl_log_options *o, struct sl_err *err)
{
    if (strcmp(text, "commit") == 0)
        o->sync = SL_SYNC_COMMIT;
    else if (strcmp(text, "none") == 0)
        o->sync = SL_SYNC_NONE;
    else if (sl_time_parse_duration(text, strlen(text), &o->sync_interval) && o->sync_interval > 0)
        o->sync = SL_SYNC_INTERVAL;
    else
        return sl_err_set(err, SL_EUSAGE, "--sync: '%s' is not commit, none or a duration", text);
    return 0;
}

/* YEAR or YYYY-MM-DD: the end of the last day that a time without a year may be of. */
static int parse_year(const struct sl_args *a, const struct sl_zone *zone, int64_t *latest,
                      struct sl_err *err)
{
    size_t n = strlen(a->year);
    char day[20];
    int rest, flags;
    const char *form = a->time_format ? a->time_format : "";
    if (strcmp(form, "syslog") != 0 &&
        (sl_time_format_parts(form) & (SL_TIME_PART_YEAR | SL_TIME_PART_MONTH)) !=
            SL_TIME_PART_MONTH) {
        sl_err_set(err, SL_EUSAGE, "--year is for times without a year");
        return sl_err_hint(err, "--time-format says their form: syslog, or as in strptime(3)");
    }
    snprintf(day, sizeof(day), "%.10s%s", a->year, n == 4 ? "-12-31" : "");
    if (n > 10 || !sl_time_parse_iso(day, strlen(day), NULL, latest, &rest, &flags) ||
        !(flags & SL_TIME_IS_DATE))
        return sl_err_set(err, SL_EUSAGE, "--year: '%s' is neither YYYY nor YYYY-MM-DD", a->year);
    *latest = sl_time_day_end(sl_time_day_of(*latest, NULL), zone);
    return 0;
}

/* All --types as one list, which sources read again. */
static int fill_types(struct sl_cmd_run *run)
{
    struct sl_schema *types = NULL;
    const struct sl_words *given = &run->args->types;
    sl_cmd_join(&run->types, given, ", ");
    if (sl_buf_check(&run->types, &run->err) < 0)
        return -SL_ENOMEM;
    if (!given->n)
        return 0;
    run->in.types = run->types.data;
    int rc = sl_schema_parse(run->types.data, run->types.len, &types, &run->err);
    sl_schema_unref(types);
    return rc < 0 ? sl_err_option(&run->err, "--types", run->types.data) : 0;
}

static int fill_input(struct sl_cmd_run *run, const struct sl_invocation *call)
{
    const struct sl_args *a = run->args;
    struct sl_input_options *in = &run->in;
    *in = (struct sl_input_options){
        .paths = call->args.items,
        .npaths = call->args.n,
        .format = a->input_format,
        .no_header = a->no_header,
        .header = a->header,
        .time_column = a->time,
        .time_format = a->time_format,
        .zone = run->zone,
        .follow = a->follow,
        .resumes = a->resume || a->resume_from,
        .out_of_order = a->out_of_order.given ? a->out_of_order.value : -1,
        .say = on_note,
        .say_arg = &run->report,
        .is_full_said = &run->is_full_said,
        .partition = -1,
        .group = a->group,
        .group_looks = a->explain,
        .account = &run->account,
    };
    if (fill_types(run) < 0)
        return -(int)run->err.code;
    if (a->max_columns.given && (a->max_columns.value < 1 || a->max_columns.value > 65534))
        return sl_err_set(&run->err, SL_EUSAGE, "--max-columns: 1 to 65534");
    in->max_columns = (int)a->max_columns.value;
    if (a->year && parse_year(a, run->zone, &in->latest, &run->err) < 0)
        return -SL_EUSAGE;
    return a->delimiter ? parse_delimiter(a->delimiter, &in->delimiter, &run->err) : 0;
}

static enum sl_again again_of(const struct sl_args *a)
{
    return a->resume || a->resume_from ? SL_AGAIN_RESUME
           : a->again                  ? SL_AGAIN_ALL
                                       : SL_AGAIN_REFUSE;
}

static int fill_output(struct sl_cmd_run *run, const struct sl_invocation *call)
{
    const struct sl_args *a = run->args;
    struct sl_output_options *out = &run->out;
    int width = sl_machine_width(STDOUT_FILENO);
    *out = (struct sl_output_options){
        .dest = a->output,
        .format = a->output_format,
        .force = a->force,
        .append = a->append,
        .spreadsheet_safe = a->spreadsheet_safe,
        .width = width,
        .terminal = width > 0,
        .zone = run->zone,
        .may_create = 1,
        .only_plan = a->explain,
        .again = again_of(a),
        .resume_from = a->resume_from,
        .account = &run->account,
    };
    add_command_line(&run->line, call);
    sl_cmd_join_names(&run->keys, &a->key);
    if (sl_buf_check(&run->line, &run->err) < 0 || sl_buf_check(&run->keys, &run->err) < 0)
        return -SL_ENOMEM;
    if (a->partitions.given && (a->partitions.value < 1 || a->partitions.value > 65535))
        return sl_err_set(&run->err, SL_EUSAGE, "--partitions: 1 to 65535");
    if (a->partitions.given && a->partitions.value > 1 && !a->key.n)
        return sl_err_set(&run->err, SL_EUSAGE, "--partitions needs --key COLUMNS");
    out->command = run->line.data;
    out->log = (struct sl_log_options){
        .partitions = (int)a->partitions.value,
        .keys = a->key.n ? run->keys.data : NULL,
        .hash = a->hash,
        .segment_bytes = a->segment_size.value,
        .command = run->line.data,
        .account = &run->account,
    };
    if (a->group) /* what a group is done with is on its device */
        out->log.sync = SL_SYNC_COMMIT;
    if (a->commit_on_success)
        out->terminal = out->width = 0;
    return a->sync ? parse_sync(a->sync, &out->log, &run->err) : 0;
}

static int agree(void *arg, struct sl_err *err)
{
    return sl_child_end(arg, err);
}

/* A group: its options, and the command that takes what comes out. */
static int begin_group(struct sl_cmd_run *run)
{
    const struct sl_args *a = run->args;
    const char *without = a->resume ? "--resume" : a->again ? "--again" : NULL;
    if (!a->group)
        return a->commit_on_success
                   ? sl_err_set(&run->err, SL_EUSAGE, "--commit-on-success needs --group")
                   : 0;
    if (without) {
        sl_err_set(&run->err, SL_EUSAGE, "%s and --group cannot both be said", without);
        return sl_err_hint(&run->err, "the group knows where it is, whatever -o has");
    }
    if (a->commit_on_success && (a->follow || a->output))
        return sl_err_set(&run->err, SL_EUSAGE, "--commit-on-success and %s cannot both be said",
                          a->follow ? "-f" : "-o");
    int rc = sl_group_check_name(a->group, &run->err);
    if (rc == 0 && a->commit_on_success)
        rc = sl_child_words(run->call.argc, run->call.argv, &run->call.args, &run->child.words,
                            &run->err);
    return rc;
}

static int begin(struct sl_cmd_run *run)
{
    const struct sl_args *a = run->args;
    const struct sl_invocation *call = &run->call;
    int rc = begin_group(run);
    if (rc < 0 || (rc = check_sources(a, call, &run->err)) < 0 ||
        (rc = check_output(a, &run->err)) < 0)
        return rc;
    if (a->tz && !(run->zone = sl_zone_open(a->tz, &run->err)))
        return -(int)run->err.code;
    run->env = (struct sl_expr_env){.now = sl_time_now_usec(),
                                    .zone = run->zone,
                                    .zone_name = a->tz,
                                    .interrupted = sl_interrupt_flag()};
    if ((rc = fill_input(run, call)) < 0 || (rc = fill_output(run, call)) < 0)
        return rc;
    int64_t limit = a->memory.given ? a->memory.value : sl_machine_memory() / 2;
    sl_account_init(&run->account, "memory", (size_t)limit, NULL);
    /* Each thread holds some 15 MB under way, one thread delivers it all: more than this many would
     * take memory, not time. */
    int cpus = SL_MIN(sl_machine_cpus(), 12);
    if (a->threads.given && (a->threads.value < 1 || a->threads.value > 256))
        return sl_err_set(&run->err, SL_EUSAGE, "--threads: 1 to 256");
    if ((rc = sl_interrupt_install(&run->err)) < 0)
        return rc;
    run->in.stop_fd = sl_interrupt_fd();
    struct sl_pipeline_options o = {
        .threads = a->threads.given ? (int)a->threads.value : cpus,
        .account = &run->account,
        .signal = sl_interrupt_flag(),
        .signal_fd = sl_interrupt_fd(),
        .name = a->resume && *a->resume ? a->resume : "main",
        .wait = a->wait,
        .final = a->final,
        .reset_state = a->reset_state,
        .checkpoint = a->checkpoint.given ? a->checkpoint.value : 0,
        .max_rejects = a->max_rejects.given ? a->max_rejects.value : -1,
        .progress = on_progress,
        .progress_arg = &run->report,
        .zone = run->zone,
        .assumed = on_assumed,
        .say = on_note,
        .say_arg = &run->report,
        .agree = a->commit_on_success ? agree : NULL,
        .agree_arg = &run->child,
    };
    rc = sl_pipeline_new(&o, &run->pipeline, &run->err);
    if (rc == 0)
        sl_pipeline_again(run->pipeline, again_of(a));
    return rc;
}

int sl_cmd_begin(struct sl_cmd_run *run, const struct sl_cmd *cmd, const struct sl_args *args,
                 const struct sl_invocation *call)
{
    *run = (struct sl_cmd_run){.cmd = cmd, .args = args, .call = *call};
    sl_err_init(&run->err);
    sl_report_init(&run->report, cmd, args);
    return run->failed = begin(run);
}

static struct sl_feed *merge(struct sl_cmd_run *run, struct sl_feed *const *inputs,
                             const char *const *names, int n)
{
    const struct sl_point *from = &run->in.from, *to = &run->in.to;
    if (from->kind == SL_POINT_OFFSET || to->kind == SL_POINT_OFFSET) {
        sl_err_set(&run->err, SL_EUSAGE, "an offset is of one log, and there are %d inputs", n);
        sl_err_hint(&run->err, "say --from and --to as times");
        return NULL;
    }
    if (run->in.speed > 0) {
        sl_err_set(&run->err, SL_EUSAGE, "--speed is for one input, and there are %d", n);
        return NULL;
    }
    if (run->in.group) {
        sl_err_set(&run->err, SL_EUSAGE, "--group is for one log, and there are %d inputs", n);
        return NULL;
    }
    struct sl_op *op = sl_merge_new(names, n, &run->account, &run->err);
    return op ? sl_pipeline_op(run->pipeline, op, inputs, n, &run->err) : NULL;
}

int sl_cmd_source(struct sl_cmd_run *run)
{
    int npaths = run->in.npaths, n = 0, taken;
    struct sl_feed **inputs = sl_calloc((size_t)npaths + 1, sizeof(struct sl_feed *));
    const char **names = sl_calloc((size_t)npaths + 1, sizeof(*names));
    int rc = inputs && names ? 0 : sl_err_nomem(&run->err, "inputs");
    for (int from = 0; rc >= 0 && (from < npaths || n == 0); from += taken) {
        struct sl_source *source = NULL;
        rc = sl_input_open(&run->in, from, &source, &taken, &run->err);
        names[n] = npaths ? run->in.paths[from] : "-";
        if (rc >= 0 && !(inputs[n++] = sl_pipeline_source(run->pipeline, source, &run->err)))
            rc = -(int)run->err.code;
    }
    if (rc >= 0)
        run->last = n == 1 ? inputs[0] : merge(run, inputs, names, n);
    free(inputs);
    free(names);
    return run->failed = rc < 0 ? rc : run->last ? 0 : -(int)run->err.code;
}

int sl_cmd_op(struct sl_cmd_run *run, struct sl_op *op)
{
    struct sl_feed *last = op ? sl_pipeline_op(run->pipeline, op, &run->last, 1, &run->err) : NULL;
    run->last = last;
    return run->failed = last ? 0 : -(int)run->err.code;
}

int sl_cmd_asts(struct sl_cmd_run *run, const char *option, enum sl_ast_form form,
                const struct sl_words *words, struct sl_asts *out)
{
    return run->failed = sl_asts_parse(out, option, form, words->items, words->n, &run->err);
}

int sl_cmd_where(struct sl_cmd_run *run, const struct sl_words *where)
{
    struct sl_asts asts;
    if (where->n == 0)
        return 0;
    if (sl_cmd_asts(run, "--where", SL_AST_LIST, where, &asts) >= 0)
        sl_cmd_op(run, sl_filter_new(&asts, &run->env, &run->account, &run->err));
    sl_asts_release(&asts);
    return run->failed;
}

/* ---- running ---- */

/* Where rows go that leave the main way. */
static int open_aside(struct sl_cmd_run *run, const char *dest, struct sl_sink **out)
{
    const struct sl_args *a = run->args;
    struct sl_output_options o = {
        .dest = dest,
        .append = a->append,
        .force = a->force,
        .zone = run->zone,
        .may_create = 1,
        .beside_log = a->output && (sl_output_is_log(a->output) || again_of(a) != SL_AGAIN_REFUSE),
        .only_plan = a->explain,
        .reads = &run->in,
        .log = {.sync = a->group ? SL_SYNC_COMMIT : SL_SYNC_INTERVAL},
        .account = &run->account,
    };
    if (!sl_output_is_log(dest) && sl_text_format_of_path(dest) == SL_TEXT_NONE)
        o.format = "json";
    return sl_output_open(&o, out, &run->err);
}

static int add_sinks(struct sl_cmd_run *run)
{
    const struct sl_args *a = run->args;
    struct sl_sink *sink = NULL;
    run->out.reads = &run->in;
    struct sl_feed *last = run->last;
    if (a->output && sl_output_is_log(a->output))
        last = sl_pipeline_timed(run->pipeline, run->out.log.time_column, last, &run->err);
    int rc = last ? sl_output_open(&run->out, &sink, &run->err) : -(int)run->err.code;
    if (rc >= 0)
        rc = sl_pipeline_sink(run->pipeline, sink, last, &run->err);
    if (rc >= 0 && a->rejects && (rc = open_aside(run, a->rejects, &sink)) >= 0)
        rc = sl_pipeline_rejects(run->pipeline, sink, &run->err);
    if (rc >= 0 && run->late && (rc = open_aside(run, run->late, &sink)) >= 0)
        sl_pipeline_late(run->pipeline, sink);
    return rc;
}

static int status_of(const struct sl_cmd_run *run, const struct sl_pipeline_result *res)
{
    int number = *sl_interrupt_flag();
    if (res->pipe_closed)
        return SL_EXIT_GOOD;
    if (number)
        return SL_EXIT_SIGNAL + number;
    if (res->end_reason == SL_END_SCHEMA)
        return SL_EXIT_SCHEMA;
    if (run->args->fail_empty && res->rows_out == 0)
        return SL_EXIT_FAILED;
    return res->rejected || res->late || res->recovered || res->lost || res->unread
               ? SL_EXIT_REJECTS
               : SL_EXIT_GOOD;
}

static int explain(struct sl_cmd_run *run)
{
    struct sl_buf text = SL_BUF_INIT;
    int rc = sl_pipeline_bind(run->pipeline, &run->err);
    if (rc >= 0)
        sl_pipeline_explain(run->pipeline, &text);
    if (rc >= 0 && (rc = sl_buf_check(&text, &run->err)) >= 0 && text.len)
        fwrite(text.data, 1, text.len, stdout);
    sl_buf_release(&text);
    return rc;
}

/* The rows go to the command; it runs once all is there that the run needs. */
static int run_pipeline(struct sl_cmd_run *run, struct sl_pipeline_result *result)
{
    if (!run->args->commit_on_success)
        return sl_pipeline_run(run->pipeline, result, &run->err);
    int rc = sl_pipeline_bind(run->pipeline, &run->err);
    if (rc >= 0)
        rc = sl_child_start(&run->child, &run->err);
    if (rc >= 0)
        rc = sl_pipeline_run(run->pipeline, result, &run->err);
    if (!run->child.pid)
        return rc;
    int ended = sl_child_end(&run->child, rc < 0 ? NULL : &run->err);
    if (rc < 0 || ended < 0)
        return rc < 0 ? rc : ended;
    sl_err_set(&run->err, SL_EFAIL, "%s stopped reading before the last row",
               run->child.words.items[0]);
    return sl_err_hint(&run->err, "the group stays where it was");
}

static int finish(struct sl_cmd_run *run)
{
    struct sl_pipeline_result result;
    memset(&result, 0, sizeof(result));
    int rc = run->failed < 0 ? run->failed : add_sinks(run);
    if (rc >= 0 && run->args->explain)
        rc = explain(run);
    else if (rc >= 0)
        rc = run_pipeline(run, &result);
    if (rc < 0) {
        if (run->blame)
            run->blame(run->blame_arg, &run->err);
        sl_report_clear(&run->report);
        if (run->err.code == SL_ENOMEM && !run->err.hint[0])
            sl_err_hint(&run->err, "the limit is %zu bytes: raise it with --memory",
                        run->account.limit);
        int status = sl_command_fail(run->cmd, &run->err), number = *sl_interrupt_flag();
        return run->err.code == SL_ESTOPPED && number ? SL_EXIT_SIGNAL + number : status;
    }
    if (run->args->explain)
        return SL_EXIT_GOOD;
    int status = status_of(run, &result);
    sl_report_end(&run->report, &result, status);
    if (status == SL_EXIT_FAILED) {
        sl_err_set(&run->err, SL_EFAIL, "no row came out, and --fail-empty was given");
        sl_command_fail(run->cmd, &run->err);
    }
    return status;
}

int sl_cmd_end(struct sl_cmd_run *run)
{
    int status = finish(run);
    sl_pipeline_free(run->pipeline);
    sl_zone_free(run->zone);
    sl_point_release(&run->in.from);
    sl_point_release(&run->in.to);
    sl_words_release(&run->child.words);
    sl_buf_release(&run->types);
    sl_buf_release(&run->keys);
    sl_buf_release(&run->line);
    return status;
}
