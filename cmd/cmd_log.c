/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* log: what a log holds, whether it is whole, mending it, and its life. */
#include "base/compat.h"

#include <inttypes.h>
#include "base/num.h"
#include "base/time.h"
#include "log/log.h"
#include "logverb.h"
#include "maintain/maintain.h"

/* ---- verify, repair ---- */

static int print_problem(void *arg, const struct sl_log_problem *p)
{
    struct sl_buf out = SL_BUF_INIT;
    const char *path = arg;
    size_t len = strlen(path);
    sl_buf_add_visible(&out, path, len);
    if (len && path[len - 1] != '/')
        sl_buf_addch(&out, '/');
    sl_buf_add_visible(&out, p->file, strlen(p->file));
    if (p->offset >= 0)
        sl_buf_printf(&out, ": byte %" PRId64, p->offset);
    sl_buf_addstr(&out, ": ");
    sl_buf_add_visible(&out, p->what, strlen(p->what));
    if (p->from >= 0)
        sl_buf_printf(&out, " (rows %" PRId64 " to %" PRId64 ")", p->from, p->to - 1);
    sl_buf_addch(&out, '\n');
    if (!out.failed)
        fwrite(out.data, 1, out.len, stdout);
    sl_buf_release(&out);
    return 0;
}

/* A log without damage; its last commits may still be ones that the next writer takes back. */
static int print_sound(const struct sl_cmd *cmd, const char *path, const char *what)
{
    struct sl_err err;
    struct sl_log *log = NULL;
    if (sl_log_open(path, &log, &err) < 0)
        return sl_command_fail(cmd, &err);
    printf("%s: %s\n", path, what);
    if (sl_log_unsettled(log))
        printf("%s: commits after number %" PRId64
               " did not reach the device: the next writer goes on without them\n",
               path, sl_log_commit_number(log));
    sl_log_free(log);
    return SL_EXIT_GOOD;
}

static int verify(const struct sl_cmd *cmd, const char *path)
{
    struct sl_err err;
    int n = sl_log_verify(path, print_problem, (void *)path, &err);
    if (n < 0)
        return sl_command_fail(cmd, &err);
    return n ? SL_EXIT_FAILED : print_sound(cmd, path, "whole");
}

static int ignore_problem(void *arg, const struct sl_log_problem *p)
{
    (void)arg, (void)p;
    return 0;
}

static void print_step(void *arg, const char *line)
{
    (void)arg;
    printf("%s\n", line);
}

static int repair(const struct sl_cmd *cmd, const char *path, int yes)
{
    struct sl_err err;
    int problems = sl_log_verify(path, ignore_problem, NULL, &err);
    if (problems == 0)
        return print_sound(cmd, path, "nothing to mend");
    /* What verify cannot even read, repair may still have an answer for, or the better message. */
    int64_t lost = sl_log_repair(path, yes, print_step, NULL, &err);
    if (lost < 0)
        return sl_command_fail(cmd, &err);
    if (yes)
        return SL_EXIT_REJECTS;
    printf("nothing was changed; --yes does it\n");
    return SL_EXIT_FAILED;
}

static int run_verify(const struct sl_cmd *cmd, const struct sl_log_args *a, const char *path)
{
    (void)a;
    return verify(cmd, path);
}

static int run_repair(const struct sl_cmd *cmd, const struct sl_log_args *a, const char *path)
{
    return repair(cmd, path, a->yes);
}

/* ---- compact ---- */

static int run_compact(const struct sl_cmd *cmd, const struct sl_log_args *a, const char *path)
{
    struct sl_compaction done;
    struct sl_err err;
    (void)a;
    if (sl_log_compact(path, &done, &err) < 0)
        return sl_command_fail(cmd, &err);
    if (!done.segments)
        printf("nothing to compact: no neighbouring batches are tiny\n");
    else
        printf("%" PRId64 " %s of tiny batches became %" PRId64 ": %" PRId64 " bytes, %" PRId64
               " before\n",
               done.segments, sl_plural(done.segments, "segment", "segments"), done.into,
               done.to_bytes, done.bytes);
    return SL_EXIT_GOOD;
}

/* ---- verbs ---- */

static const struct verb {
    const char *name;
    const char *options; /* that it takes, with blanks between */
    int (*run)(const struct sl_cmd *cmd, const struct sl_log_args *a, const char *path);
} verbs[] = {
    {"info", "columns", sl_cmd_log_info},
    {"schema", "", sl_cmd_log_schema},
    {"verify", "", run_verify},
    {"repair", "yes", run_repair},
    {"prune", "older before to-size before-offset grace dry-run", sl_cmd_log_prune},
    {"set", "retain-age retain-size", sl_cmd_log_set},
    {"compact", "", run_compact},
    {"export", "output", sl_cmd_log_export},
    {"import", "", sl_cmd_log_import},
    {"rollback", "to dry-run", sl_cmd_log_rollback},
    {"groups", "to tz", NULL}, /* takes more words */
};

#define AT(member) offsetof(struct sl_log_args, member)
static const struct sl_option own[] = {
    {"columns", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL,
     "info: what each column takes (reads all rows)", AT(columns), NULL},
    {"output", 'o', SL_OPTION_TEXT, SL_COMPLETE_FILE, "FILE", "export: a file that is made whole",
     AT(common.output), NULL},
    {"yes", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL, "repair: do what it would do", AT(yes),
     NULL},
    {"older", 0, SL_OPTION_DURATION, SL_COMPLETE_NOTHING, "DURATION", "prune: rows older than that",
     AT(older), NULL},
    {"before", 0, SL_OPTION_TEXT, SL_COMPLETE_NOTHING, "TIME", "prune: rows before that time",
     AT(before), NULL},
    {"to-size", 0, SL_OPTION_SIZE, SL_COMPLETE_NOTHING, "BYTES",
     "prune: the oldest rows, until that much is left", AT(to_size), NULL},
    {"before-offset", 0, SL_OPTION_TEXT, SL_COMPLETE_NOTHING, "P:N,...",
     "prune: rows before offset N of partition P", AT(before_offset), NULL},
    {"grace", 0, SL_OPTION_DURATION, SL_COMPLETE_NOTHING, "DURATION",
     "prune: how long the files stay (10 minutes)", AT(grace), NULL},
    {"retain-age", 0, SL_OPTION_DURATION, SL_COMPLETE_VALUES, "DURATION",
     "set: writers drop older rows; none: they stay", AT(retain_age), "none"},
    {"retain-size", 0, SL_OPTION_SIZE, SL_COMPLETE_VALUES, "BYTES",
     "set: and the oldest beyond it; none: all stay", AT(retain_size), "none"},
    {"dry-run", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL, "prune, rollback: show what would go",
     AT(dry_run), NULL},
    {"to", 0, SL_OPTION_TEXT, SL_COMPLETE_VALUES, "POINT",
     "groups set: N, P:N,P:N, a time; rollback: COMMIT", AT(to), "earliest latest"},
    {"tz", 0, SL_OPTION_TEXT, SL_COMPLETE_NOTHING, "ZONE",
     "groups set: of a time without one (UTC)", AT(tz), NULL},
    {0},
};

static int is_given(const struct sl_option *o, const struct sl_log_args *a)
{
    const void *value = (const char *)a + o->offset;
    switch (o->kind) {
    case SL_OPTION_FLAG: return *(const int *)value;
    case SL_OPTION_TEXT: return *(const char *const *)value != NULL;
    default: return ((const struct sl_option_number *)value)->given;
    }
}

/* Refuses an option that is another verb's. */
static int check_options(const struct verb *verb, const struct sl_log_args *a, struct sl_err *err)
{
    for (const struct sl_option *o = own; o->name; o++) {
        if (!is_given(o, a) || sl_word_among(verb->options, o->name, strlen(o->name)))
            continue;
        for (size_t i = 0; i < SL_COUNT(verbs); i++)
            if (sl_word_among(verbs[i].options, o->name, strlen(o->name)))
                return sl_err_set(err, SL_EUSAGE, "--%s is for %s", o->name, verbs[i].name);
    }
    return 0;
}

static int refuse_verb(const struct sl_cmd *cmd, const char *word, struct sl_err *err)
{
    const char *names[SL_COUNT(verbs)];
    for (size_t i = 0; i < SL_COUNT(verbs); i++)
        names[i] = verbs[i].name;
    const char *near = sl_schema_nearest(word, strlen(word), names, SL_COUNT(verbs));
    sl_err_set(err, SL_EUSAGE, *word ? "no such verb: %s" : "a verb is needed%s", word);
    sl_err_hint(err, near ? "did you mean %s?" : "one of: %s", near ? near : cmd->verbs);
    return sl_command_usage(cmd, err);
}

static int run(const struct sl_cmd *cmd, void *options, const struct sl_invocation *call)
{
    const struct sl_log_args *a = options;
    const char *word = call->args.n ? call->args.items[0] : "";
    struct sl_err err;
    size_t i = 0;
    while (i < SL_COUNT(verbs) && strcmp(word, verbs[i].name) != 0)
        i++;
    if (i == SL_COUNT(verbs))
        return refuse_verb(cmd, word, &err);
    struct sl_words behind = {call->args.n - 1, call->args.items + 1};
    if (verbs[i].run && behind.n != 1)
        sl_err_set(&err, SL_EUSAGE, "%s takes one log", word);
    else if (check_options(&verbs[i], a, &err) == 0)
        return verbs[i].run ? verbs[i].run(cmd, a, behind.items[0])
                            : sl_cmd_log_groups(cmd, a, &behind);
    return sl_command_usage(cmd, &err);
}

static const struct sl_option_set sets[] = {{"Options", own}, SL_SET_HELP, SL_SET_END};
static const char *const examples[] = {
    "sluice ingest orders.csv -o orders/",
    "sluice log info orders/",
    "sluice log verify orders/",
    "sluice log prune orders/ --older 30d --dry-run",
    "sluice replay --group mail orders/ -O csv",
    "sluice log groups orders/",
    NULL,
};

const struct sl_cmd sl_cmd_log = {
    .name = "log",
    .group = "Look at a log",
    .summary = "what a log holds, whether it is whole, and care of it",
    .usage = "[option ...] verb log [verb name]",
    .about = "  info      prints what the log holds\n"
             "  schema    prints its columns as --types takes them\n"
             "  verify    checks every committed byte, and exits 1 on damage\n"
             "  repair    says what it would do; what it takes away goes to lost/\n"
             "  prune     drops whole segments of old rows\n"
             "  set       what writers drop by themselves, from then on\n"
             "  compact   makes large batches of tiny ones\n"
             "  export    writes the log as one Arrow stream\n"
             "  import    makes a log of such a stream, from standard input\n"
             "  rollback  undoes the commits after one; without --to lists the last ones\n"
             "  groups    shows how far each consumer group is, and what reads it;\n"
             "            set NAME, reset NAME and delete NAME change it",
    .sets = sets,
    .size = sizeof(struct sl_log_args),
    .examples = examples,
    .verbs = "info schema verify repair prune set compact export import rollback groups",
    .run = run,
};
