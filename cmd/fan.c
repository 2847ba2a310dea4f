/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* fan: see fan.h. */
#include "fan.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/time.h"
#include "child.h"
#include "interrupt.h"
#include "relay.h"

enum {
    PATIENCE = 2 * SL_USEC_PER_SEC, /* for who was asked to end, before it is made to */
    LOOK_USEC = 2000,
};

struct fan {
    const struct sl_fan *f;
    pid_t splitter; /* 0: it is not there, or has been reaped, and */
    int split_status;
    int *
        to_child; /* 2 n: pipes from the splitting side; this process keeps [2 i] until a child has it */
    char (*paths)[24]; /* n: where the merge reads, and */
    const char **sources;
    int *reads; /* their descriptors */
    int ready[2];
    struct sl_relay relay;
    int is_blamed, blame;  /* the run failed by another's fault: the status that this makes */
    struct sl_cmd_run run; /* the merge */
};

static int is_bad(int status)
{
    return status != SL_EXIT_GOOD && status != SL_EXIT_REJECTS;
}

static int code_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : SL_EXIT_SIGNAL + WTERMSIG(status);
}

/* ---- the splitting side ---- */

/* What knows where the last run was: where the merge writes, or where the pipe ends that it is part of. */
static const char *destination(const struct sl_args *a)
{
    return a->resume_from ? a->resume_from : a->output;
}

static int split(const struct sl_fan *f, const int *branches, int ready)
{
    struct sl_args args = *f->args;
    struct sl_cmd_run r;
    struct sl_buf child = SL_BUF_INIT;
    int rejects_file = args.rejects && !sl_output_is_log(args.rejects);
    args.output_format = args.sync = args.stats = NULL;
    args.spreadsheet_safe = args.fail_empty = 0;
    args.segment_size.given = 0;
    if (args.resume)
        args.resume_from = destination(&args);
    args.wait = 0; /* the merge does */
    args.force &= rejects_file;
    args.append &= rejects_file;
    args.output = NULL;
    sl_cmd_join(&child, &f->words, " ");
    if (sl_cmd_begin(&r, f->cmd, &args, &f->call) >= 0) {
        sl_cmd_join_names(&r.keys, f->by);
        r.out.branches = branches;
        r.out.nbranches = f->n;
        r.out.ready_fd = ready;
        r.out.child = child.data;
        r.out.log.keys = r.keys.data;
        r.out.log.hash = f->hash;
        if ((r.failed = sl_buf_check(&r.keys, &r.err)) >= 0 &&
            (r.failed = sl_buf_check(&child, &r.err)) >= 0)
            sl_cmd_source(&r);
    }
    int status = sl_cmd_end(&r);
    sl_buf_release(&child);
    return status;
}

static int explain(const struct sl_fan *f)
{
    int none[SL_FAN_MOST];
    for (int i = 0; i < f->n; i++)
        none[i] = -1;
    return split(f, none, -1);
}

static int fork_splitter(struct fan *x, struct sl_err *err)
{
    int n = x->f->n;
    pid_t parent = getpid();
    for (int i = 0; i < n; i++)
        if (pipe2(x->to_child + 2 * i, O_CLOEXEC) < 0)
            return sl_err_sys(err, "cannot make a pipe");
    if (pipe2(x->ready, O_CLOEXEC) < 0)
        return sl_err_sys(err, "cannot make a pipe");
    fflush(NULL);
    x->splitter = fork();
    if (x->splitter < 0) {
        x->splitter = 0;
        return sl_err_sys(err, "cannot start a process");
    }
    if (x->splitter) {
        for (int i = 0; i < n; i++)
            sl_child_close(&x->to_child[2 * i + 1]);
        sl_child_close(&x->ready[1]);
        return 0;
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(SL_EXIT_FAILED);
    int branches[SL_FAN_MOST];
    sl_child_close(&x->ready[0]);
    for (int i = 0; i < n; i++) {
        sl_child_close(&x->to_child[2 * i]);
        branches[i] = x->to_child[2 * i + 1];
    }
    int status = split(x->f, branches, x->ready[1]);
    fflush(NULL);
    _exit(status);
}

/* Waits until it has begun: 1; 0: it ended before, and has said why. */
static int await_splitter(struct fan *x)
{
    struct pollfd fds[2] = {{.fd = x->ready[0], .events = POLLIN},
                            {.fd = sl_interrupt_fd(), .events = POLLIN}};
    char byte;
    while (poll(fds, 2, -1) < 0 || !fds[0].revents)
        if (*sl_interrupt_flag() && fds[1].fd >= 0) {
            kill(x->splitter, SIGTERM);
            fds[1].fd = -1;
        }
    return read(x->ready[0], &byte, 1) == 1;
}

/* ---- the children ---- */

static int start_child(struct fan *x, int i, struct sl_err *err)
{
    struct sl_relay_branch *b = &x->relay.branches[i];
    int ends[2], on[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return sl_err_sys(err, "cannot make a pipe");
    b->in = ends[0];
    int rc = sl_child_spawn(&x->f->words, x->to_child[2 * i], ends[1], &b->pid, err);
    close(ends[1]);
    sl_child_close(&x->to_child[2 * i]);
    if (rc < 0)
        return rc;
    if (pipe2(on, O_CLOEXEC) < 0)
        return sl_err_sys(err, "cannot make a pipe");
    x->reads[i] = on[0];
    b->out = on[1];
    snprintf(x->paths[i], sizeof(x->paths[i]), "/dev/fd/%d", on[0]);
    x->sources[i] = x->paths[i];
    if (fcntl(b->in, F_SETFL, O_NONBLOCK) < 0 || fcntl(b->out, F_SETFL, O_NONBLOCK) < 0)
        return sl_err_sys(err, "cannot set up a pipe");
    return 0;
}

static int start_all(struct fan *x, struct sl_err *err)
{
    int rc = 0;
    for (int i = 0; rc == 0 && i < x->f->n; i++)
        rc = start_child(x, i, err);
    return rc == 0 ? sl_relay_start(&x->relay, err) : rc;
}

/* Waits for it, until a time (monotonic µs; INT64_MAX: for good), then it is killed. */
static void reap(pid_t *pid, int *status, int64_t until)
{
    while (*pid > 0) {
        pid_t got = waitpid(*pid, status, until == INT64_MAX ? 0 : WNOHANG);
        if (got == *pid || (got < 0 && errno != EINTR)) {
            *pid = 0;
        } else if (got == 0 && sl_time_mono_usec() < until) {
            nanosleep(&(struct timespec){.tv_nsec = LOOK_USEC * 1000}, NULL);
        } else if (got == 0) {
            kill(*pid, SIGKILL);
            until = INT64_MAX;
        }
    }
}

/* Nobody is left behind. Who is asked to end is no longer asked how it ended, but for the splitting side. */
static void end_all(struct fan *x)
{
    int left = x->run.failed < 0 || x->relay.has_failed, status, n = x->relay.n;
    sl_relay_stop(&x->relay);
    for (int i = 0; i < n; i++) {
        sl_child_close(&x->to_child[2 * i]);
        left |= x->relay.branches[i].pid > 0;
    }
    if (x->splitter && left)
        kill(x->splitter, SIGTERM);
    for (int i = 0; i < n; i++)
        if (x->relay.branches[i].pid > 0)
            kill(x->relay.branches[i].pid, SIGTERM);
    int64_t until = sl_time_mono_usec() + PATIENCE;
    for (int i = 0; i < n; i++)
        reap(&x->relay.branches[i].pid, &status, until);
    reap(&x->splitter, &x->split_status, left ? until : INT64_MAX);
    x->relay.n = 0;
}

/* ---- whose fault it is ---- */

static void tell_child(struct fan *x, int i, struct sl_err *err)
{
    int status = x->relay.branches[i].status;
    struct sl_buf name = SL_BUF_INIT;
    sl_cmd_join(&name, &x->f->words, " ");
    sl_err_init(err);
    if (WIFEXITED(status))
        sl_err_set(err, SL_EFAIL, "%s (%d of %d) exited with %d", name.data ? name.data : "?",
                   i + 1, x->f->n, WEXITSTATUS(status));
    else
        sl_err_set(err, SL_EFAIL, "%s (%d of %d) was ended by signal %d",
                   name.data ? name.data : "?", i + 1, x->f->n, WTERMSIG(status));
    sl_buf_release(&name);
}

/* An input of the merge is what a child writes. */
static void name_input(const struct fan *x, struct sl_err *err)
{
    for (int i = 0; i < x->f->n; i++)
        if (strcmp(err->place, x->paths[i]) == 0)
            sl_err_place(err, "%s (%d of %d)", x->f->words.items[0], i + 1, x->f->n);
}

/* The merge has failed: if a child is why, or who feeds it, that is what is told. */
static void blame(void *arg, struct sl_err *err)
{
    struct fan *x = arg;
    int n = x->relay.n, bad = -1;
    if (!n || *sl_interrupt_flag())
        return;
    sl_relay_stop(&x->relay);
    for (int i = n - 1; x->relay.has_failed && i >= 0; i--)
        if (!x->relay.branches[i].pid && !sl_relay_is_good(x->relay.branches[i].status))
            bad = i;
    end_all(x);
    int asked = WIFSIGNALED(x->split_status) ? WTERMSIG(x->split_status) == SIGTERM
                                             : code_of(x->split_status) == SL_EXIT_SIGNAL + SIGTERM;
    x->is_blamed = 1;
    if (is_bad(code_of(x->split_status)) && !asked) {
        x->blame = code_of(x->split_status);
        err->code = SL_EPIPE; /* it has said why */
    } else if (bad >= 0) {
        x->blame = code_of(x->relay.branches[bad].status);
        tell_child(x, bad, err);
    } else if (x->relay.failed_errno) {
        errno = x->relay.failed_errno;
        sl_err_init(err);
        x->blame = SL_EXIT_FAILED;
        sl_err_sys(err, "cannot keep what the children write in a file in TMPDIR");
    } else {
        x->is_blamed = 0;
        name_input(x, err);
    }
}

static int worst(const struct fan *x, int status, int is_cut)
{
    if (x->is_blamed)
        return x->blame;
    if (is_cut || is_bad(status))
        return status;
    int worse = SL_MAX(status, code_of(x->split_status));
    for (int i = 0; i < x->f->n; i++)
        worse = SL_MAX(worse, code_of(x->relay.branches[i].status));
    return worse;
}

/* ---- all of it ---- */

static int refuse(const struct sl_fan *f, struct sl_err *err)
{
    const struct sl_args *a = f->args;
    const char *no = a->again ? "--again" : a->group ? "--group" : NULL;
    if (!f->by->n)
        return sl_err_set(err, SL_EUSAGE, "--by COLUMNS is needed");
    if (f->n < 1 || f->n > SL_FAN_MOST)
        return sl_err_set(err, SL_EUSAGE, "--into: 1 to %d processes", SL_FAN_MOST);
    if (!no)
        return 0;
    sl_err_set(err, SL_EUSAGE, "%s goes with a log as destination, not with a command behind --",
               no);
    return sl_err_hint(err, "partition into a log, and run one resumed command for each partition");
}

static struct sl_args merging(const struct sl_fan *f)
{
    static const struct sl_option_number none;
    struct sl_args a = *f->args;
    a.input_format = a.delimiter = a.time = a.time_format = a.year = a.rejects = NULL;
    a.types = (struct sl_words){0};
    a.no_header = a.header = a.follow = 0;
    a.max_columns = a.out_of_order = a.max_rejects = none;
    if (!a.output && f->args->rejects)
        a.force = a.append = 0;
    return a;
}

static int prepare(struct fan *x, struct sl_err *err)
{
    size_t n = (size_t)x->f->n;
    x->to_child = sl_malloc(2 * n * sizeof(*x->to_child));
    x->reads = sl_malloc(n * sizeof(*x->reads));
    x->paths = sl_calloc(n, sizeof(*x->paths));
    x->sources = sl_calloc(n, sizeof(*x->sources));
    x->relay.branches = sl_calloc(n, sizeof(*x->relay.branches));
    if (!x->to_child || !x->reads || !x->paths || !x->sources || !x->relay.branches)
        return sl_err_nomem(err, "children");
    x->relay.n = x->f->n;
    for (size_t i = 0; i < n; i++) {
        x->to_child[2 * i] = x->to_child[2 * i + 1] = x->reads[i] = -1;
        x->relay.branches[i] = (struct sl_relay_branch){.in = -1, .out = -1, .spool = -1};
    }
    return 0;
}

static int begin(struct fan *x)
{
    struct sl_err *err = &x->run.err;
    int rc = fork_splitter(x, err);
    if (rc == 0 && !await_splitter(x)) {
        reap(&x->splitter, &x->split_status, INT64_MAX);
        x->is_blamed = 1;
        x->blame = code_of(x->split_status);
        return sl_err_set(err, SL_EPIPE, "the splitting side has ended");
    }
    if (rc == 0)
        rc = start_all(x, err);
    if (rc < 0)
        return rc;
    x->run.in.paths = x->sources;
    x->run.in.npaths = x->f->n;
    x->run.in.format = "arrow";
    x->run.blame = blame;
    x->run.blame_arg = x;
    return sl_cmd_source(&x->run);
}

int sl_fan_run(const struct sl_fan *f)
{
    struct fan x = {.f = f, .ready = {-1, -1}};
    struct sl_args args = merging(f);
    struct sl_invocation call = f->call;
    call.args.n = 0;
    if (sl_cmd_begin(&x.run, f->cmd, &args, &call) >= 0)
        x.run.failed = refuse(f, &x.run.err);
    int runs = x.run.failed >= 0 && !args.explain;
    if (x.run.failed >= 0 && !runs) {
        x.run.failed = sl_err_set(&x.run.err, SL_EPIPE, "explained");
        x.is_blamed = 1;
        x.blame = explain(f);
    }
    if (runs && (x.run.failed = prepare(&x, &x.run.err)) >= 0)
        x.run.failed = begin(&x);
    int status = sl_cmd_end(&x.run), is_cut = *sl_interrupt_flag() != 0;
    for (int i = 0; i < x.relay.n; i++)
        is_cut |= x.relay.branches[i].pid > 0;
    end_all(&x);
    for (int i = 0; x.relay.branches && i < f->n; i++)
        sl_child_close(&x.reads[i]);
    if (x.relay.branches)
        status = worst(&x, status, is_cut);
    else if (x.is_blamed)
        status = x.blame;
    sl_child_close(&x.ready[0]);
    free(x.relay.branches);
    free(x.to_child);
    free(x.paths);
    free(x.sources);
    free(x.reads);
    return status;
}
