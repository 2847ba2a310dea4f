/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * main: finds the command, has its options read, runs it, and sees to it that what was printed
 * arrived.
 *
 * `sluice --version` and the help do no library work: they answer in the time a process takes.
 */
#include "base/compat.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>
#include "args.h"
#include "arrow/schema.h"
#include "base/mem.h"
#include "command.h"
#include "help.h"
#include "io/open.h"

const struct sl_cmd *const sl_commands[] = {
    &sl_cmd_ingest, &sl_cmd_partition, &sl_cmd_transform,  &sl_cmd_aggregate, &sl_cmd_tail,
    &sl_cmd_replay, &sl_cmd_log,       &sl_cmd_completion, &sl_cmd_help,      NULL,
};

static int status_of(const struct sl_err *err)
{
    switch (err->code) {
    case SL_EUSAGE: return SL_EXIT_USAGE;
    case SL_EBUG: return SL_EXIT_BUG;
    case SL_ELOCKED:
    case SL_EFENCED: return SL_EXIT_LOCKED;
    /* Retryable: the schema of a followed log changed, and the same command goes on with it. */
    case SL_ESCHEMA: return err->retryable ? SL_EXIT_SCHEMA : SL_EXIT_FAILED;
    case SL_EPIPE: return SL_EXIT_GOOD;
    default: return SL_EXIT_FAILED;
    }
}

static void print_error(const char *name, const struct sl_err *err)
{
    struct sl_buf out = SL_BUF_INIT;
    sl_err_format(err, &out);
    fprintf(stderr, "sluice%s%s: %s\n", name ? " " : "", name ? name : "",
            out.failed ? err->what : out.data);
    sl_buf_release(&out);
}

int sl_command_fail(const struct sl_cmd *cmd, const struct sl_err *err)
{
    if (err->code != SL_EPIPE)
        print_error(cmd->name, err);
    return status_of(err);
}

int sl_command_usage(const struct sl_cmd *cmd, const struct sl_err *err)
{
    print_error(cmd->name, err);
    fprintf(stderr, "try sluice %s -h\n", cmd->name);
    return SL_EXIT_USAGE;
}

const struct sl_cmd *sl_command_find(const char *name)
{
    for (const struct sl_cmd *const *c = sl_commands; *c; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}

int sl_command_unknown(const char *word)
{
    const char *names[SL_COUNT(sl_commands)];
    struct sl_err err;
    int n = 0;
    for (const struct sl_cmd *const *c = sl_commands; *c; c++)
        if ((*c)->group)
            names[n++] = (*c)->name;
    sl_err_set(&err, SL_EUSAGE, "%s: no such command, and no such file or log", word);
    const char *near = sl_schema_nearest(word, strlen(word), names, n);
    if (near)
        sl_err_hint(&err, "did you mean sluice %s?", near);
    print_error(NULL, &err);
    fputs("try sluice -h\n", stderr);
    return SL_EXIT_USAGE;
}

/* words: the options and arguments behind the command's name. */
static int run_command(const struct sl_cmd *cmd, int argc, char **argv, int nwords, char **words)
{
    struct sl_invocation call = {.argc = argc, .argv = argv};
    struct sl_err err;
    int status;
    sl_err_init(&err);
    void *options = sl_calloc(1, cmd->size);
    if (!options) {
        sl_err_nomem(&err, "reading the command line");
        return sl_command_fail(cmd, &err);
    }
    int rc = sl_options_parse(cmd->sets, nwords, words, options, &call.args, &err);
    if (rc == SL_OPTIONS_HELP) {
        sl_help_command(cmd, stdout);
        status = SL_EXIT_GOOD;
    } else if (rc < 0) {
        status = err.code == SL_EUSAGE ? sl_command_usage(cmd, &err) : sl_command_fail(cmd, &err);
    } else {
        status = cmd->run(cmd, options, &call);
    }
    sl_options_release(cmd->sets, options);
    sl_words_release(&call.args);
    free(options);
    return status;
}

/* `sluice FILE`: as `sluice transform -O table FILE`. */
static int show(int argc, char **argv)
{
    char option[] = "--output-format=table";
    char **words = sl_calloc((size_t)argc, sizeof(*words));
    struct sl_err err;
    if (!words) {
        sl_err_nomem(&err, "reading the command line");
        return sl_command_fail(&sl_cmd_transform, &err);
    }
    words[0] = option;
    for (int i = 1; i < argc; i++)
        words[i] = argv[i];
    int status = run_command(&sl_cmd_transform, argc, argv, argc, words);
    free(words);
    return status;
}

static int dispatch(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    if (!word) {
        sl_help_all(stdout);
        return SL_EXIT_USAGE;
    }
    if (strcmp(word, "--version") == 0) {
        puts("sluice " SL_VERSION);
        return SL_EXIT_GOOD;
    }
    if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0)
        word = sl_cmd_help.name;
    const struct sl_cmd *cmd = sl_command_find(word);
    if (cmd)
        return run_command(cmd, argc, argv, argc - 2, argv + 2);
    if (strcmp(word, "-") == 0 || strncmp(word, "file:", 5) == 0 || access(word, F_OK) == 0)
        return show(argc, argv);
    return sl_command_unknown(word);
}

/* A process started with 0, 1 or 2 closed would get them for files it opens, and print into them.
 * Each is taken by something on which its use fails as on a closed one. */
static void fill_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            int got = open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
            if (got >= 0 && got != fd)
                close(got);
        }
}

/* What the system could not write is a failure of the command, though it comes at the very end. */
static int close_stdout(int status)
{
    int failed = ferror(stdout), number = 0;
    if (fclose(stdout) != 0) {
        failed = 1;
        number = errno;
    }
    if (!failed || number == EPIPE || (number == EBADF && status != SL_EXIT_GOOD))
        return status;
    struct sl_err err;
    errno = number ? number : EIO;
    sl_err_sys(&err, "standard output");
    print_error(NULL, &err);
    return status == SL_EXIT_GOOD || status == SL_EXIT_REJECTS ? SL_EXIT_FAILED : status;
}

int main(int argc, char **argv)
{
    fill_standard_descriptors();
    /* Column buffers are made and freed by the thousand: glibc's heap hands the same pages out
     * again, where mmap would have the kernel clear new ones each time. The first number is the
     * largest that glibc takes. */
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 512 << 20);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit of file size is an error of write, said as such */
    return close_stdout(dispatch(argc, argv));
}
