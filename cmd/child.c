/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* child: see child.h. */
#include "child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/path.h"

extern char **environ;

/* What follows the `--` that ends the options are the last of the arguments, the same pointers: how many. */
static int behind_dashes(int argc, char **argv, const struct sl_words *args)
{
    for (int i = 1; i < argc; i++) {
        int behind = argc - i - 1;
        if (strcmp(argv[i], "--") == 0 && behind > 0 && behind <= args->n &&
            args->items[args->n - behind] == argv[i + 1])
            return behind;
    }
    return 0;
}

int sl_child_is_given(int argc, char **argv, const struct sl_words *args)
{
    return behind_dashes(argc, argv, args) > 0;
}

int sl_child_words(int argc, char **argv, struct sl_words *args, struct sl_words *out,
                   struct sl_err *err)
{
    int n = behind_dashes(argc, argv, args);
    if (!n) {
        sl_err_set(err, SL_EUSAGE, "--commit-on-success needs a command");
        return sl_err_hint(err, "it stands last, behind --");
    }
    out->items = sl_calloc((size_t)n + 1, sizeof(*out->items)); /* NULL ends it */
    if (!out->items)
        return sl_err_nomem(err, "a command");
    args->n -= n;
    out->n = n;
    memcpy(out->items, args->items + args->n, (size_t)n * sizeof(*out->items));
    return 0;
}

int sl_child_spawn(const struct sl_words *words, int input, int output, pid_t *pid,
                   struct sl_err *err)
{
    assert(words->n > 0 && input >= 0);
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    int rc = posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    if (rc == 0 && output >= 0)
        rc = posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    if (rc == 0)
        rc = posix_spawnp(pid, words->items[0], &files, &attr, (char **)words->items, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    if (rc == 0)
        return 0;
    *pid = 0;
    errno = rc;
    return sl_err_sys(err, "cannot run %s", words->items[0]);
}

int sl_child_start(struct sl_child *c, struct sl_err *err)
{
    assert(c->words.n > 0 && !c->pid);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return sl_err_sys(err, "cannot make a pipe");
    int rc = sl_child_spawn(&c->words, ends[0], -1, &c->pid, err);
    close(ends[0]);
    if (rc == 0 && dup2(ends[1], STDOUT_FILENO) < 0)
        rc = sl_err_sys(err, "cannot redirect standard output");
    close(ends[1]);
    return rc;
}

void sl_child_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int sl_child_end(struct sl_child *c, struct sl_err *err)
{
    assert(c->pid > 0);
    int status, rc;
    int null = sl_path_open("/dev/null", O_WRONLY, 0, err);
    if (null < 0)
        return null;
    dup2(null, STDOUT_FILENO); /* the end of its input */
    close(null);
    do {
        rc = waitpid(c->pid, &status, 0);
    } while (rc < 0 && errno == EINTR);
    c->pid = 0;
    if (rc < 0)
        return sl_err_sys(err, "cannot wait for %s", c->words.items[0]);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFEXITED(status))
        sl_err_set(err, SL_EFAIL, "%s exited with %d", c->words.items[0], WEXITSTATUS(status));
    else
        sl_err_set(err, SL_EFAIL, "%s was ended by signal %d", c->words.items[0], WTERMSIG(status));
    return sl_err_hint(err, "the group stays where it was: the next run gives the same rows again");
}
