/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* logstream: `sluice log export` and `import`: a log as one stream, and a log of such a stream. */
#include "base/compat.h"

#include <inttypes.h>
#include <unistd.h>
#include "base/num.h"
#include "file/dest.h"
#include "logverb.h"
#include "maintain/maintain.h"

static int write_out(void *arg, const void *data, size_t n, struct sl_err *err)
{
    int rc = sl_dest_write(arg, data, n, err);
    return rc == SL_PUSH_DONE ? sl_err_set(err, SL_EPIPE, "the reader is gone") : rc < 0 ? rc : 0;
}

int sl_cmd_log_export(const struct sl_cmd *cmd, const struct sl_log_args *a, const char *path)
{
    const struct sl_dest_options o = {.dest = a->common.output, .stop_fd = -1};
    struct sl_dest *dest = NULL;
    struct sl_err err = SL_ERR_INIT;
    if (!o.dest && isatty(STDOUT_FILENO)) {
        sl_err_set(&err, SL_EUSAGE, "an Arrow stream is nothing for a terminal");
        sl_err_hint(&err, "-o FILE, or > FILE");
        return sl_command_usage(cmd, &err);
    }
    int64_t rc = sl_dest_open(&o, &dest, &err);
    if (rc == 0)
        rc = sl_log_export(path, write_out, dest, &err);
    if (rc >= 0)
        rc = sl_dest_close(dest, &err);
    sl_dest_free(dest);
    return rc < 0 ? sl_command_fail(cmd, &err) : SL_EXIT_GOOD;
}

static ssize_t read_in(void *arg SL_UNUSED, void *data, size_t n, struct sl_err *err)
{
    ssize_t got;
    do {
        got = read(STDIN_FILENO, data, n);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? sl_err_sys(err, "cannot read standard input") : got;
}

int sl_cmd_log_import(const struct sl_cmd *cmd, const struct sl_log_args *a SL_UNUSED,
                      const char *path)
{
    struct sl_err err = SL_ERR_INIT;
    int64_t moved = 0, rows = sl_log_import(path, read_in, NULL, &moved, &err);
    if (rows < 0)
        return sl_command_fail(cmd, &err);
    printf("%" PRId64 " %s in %s\n", rows, sl_plural(rows, "row", "rows"), path);
    if (moved)
        printf("%" PRId64 " of them have a lower offset than before: rows were missing there\n",
               moved);
    return SL_EXIT_GOOD;
}
