/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* reboot: logs whose last commits were not synced, and what the next writer makes of them. */
#ifndef SL_TESTS_LOG_REBOOT_H
#define SL_TESTS_LOG_REBOOT_H

#include "log/lockfile.h"
#include "maintain/maintain.h"
#include "rows.h"

static inline struct sl_log_writer *open_as(const char *path, const char *boot, int64_t *moved)
{
    struct sl_log_options o = {.sync = SL_SYNC_NONE, .boot_id = boot, .partitions = 2};
    struct sl_log_writer *w = NULL;
    struct sl_schema *s = rows_schema();
    int rc = sl_log_writer_open(path, &o, s, &w, moved, &err);
    sl_schema_unref(s);
    return good(rc) ? w : NULL;
}

/* synced commits of 10 rows that are synced, then `after` that are not; the process dies. */
static inline const char *make_log(const char *name, int synced, int after)
{
    const char *path = in_scratch(name);
    struct sl_log_writer *w = open_as(path, boot_a, NULL);
    CHECK(w != NULL);
    for (int i = 0; i < synced + after; i++) {
        CHECK(good(append_rows(w, 0, 0, 10 * i, 10)));
        if (i + 1 == synced)
            CHECK(good(sl_log_writer_sync(w, &err)));
    }
    sl_log_writer_abort(w);
    return path;
}

static inline const char *file_of(const char *path, const char *dir, const char *suffix)
{
    static char file[1200];
    char full[600];
    struct dirent *e;
    snprintf(full, sizeof(full), "%s/%s", path, dir);
    DIR *d = opendir(full);
    file[0] = '\0';
    while (d && (e = readdir(d)) != NULL) {
        size_t n = strlen(e->d_name), k = strlen(suffix);
        if (n > k && strcmp(e->d_name + n - k, suffix) == 0)
            snprintf(file, sizeof(file), "%s/%.200s", full, e->d_name);
    }
    if (d)
        closedir(d);
    return file;
}

/* Cuts the commit file after its n-th line (and `more` bytes of the next). */
static inline void cut_lines(const char *path, int lines, int more)
{
    struct sl_buf b = SL_BUF_INIT;
    const char *file = file_of(path, "commits", ".jsonl");
    CHECK(sl_path_read_file(file, 1 << 24, &b, &err) == 0);
    const char *p = b.data;
    for (int i = 0; i < lines && p; i++)
        p = strchr(p, '\n') + 1;
    CHECK(truncate(file, p - b.data + more) == 0);
    sl_buf_release(&b);
}

/* The next writer: rows rows are left, moved bytes go to lost/; then the log is good and goes on. */
static inline int64_t recover(const char *path, int64_t rows, int new_history)
{
    struct sl_log *l = NULL;
    int64_t moved = 0;
    uint64_t before = 0;
    CHECK_INT(count_rows_as(path, 0, boot_b), rows);
    if (good(sl_log_open_as(path, boot_b, &l, &err))) {
        before = sl_log_history(l);
        sl_log_free(l);
    }
    struct sl_log_writer *w = open_as(path, boot_b, &moved);
    CHECK(w != NULL);
    if (!w)
        return -1;
    CHECK_INT(sl_log_history(sl_log_writer_view(w)) != before, new_history);
    CHECK(sl_log_history_holds(sl_log_writer_view(w), before, 0, rows));
    CHECK_INT(count_rows_as(path, 0, boot_b), rows);
    CHECK(good(append_rows(w, 0, 0, rows, 10)));
    CHECK_INT(sl_log_history_holds(sl_log_writer_view(w), before, 0, rows + 1), !new_history);
    CHECK(!sl_log_history_holds(sl_log_writer_view(w), before + 1, 0, 0));
    CHECK(good(sl_log_writer_sync(w, &err)));
    CHECK(good(sl_log_writer_close(w, &err)));
    CHECK_INT(count_rows_as(path, 0, boot_b), rows + 10);
    CHECK_INT(count_rows_as(path, 0, boot_a), rows + 10); /* all is durable: no boot matters */
    CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
    return moved;
}

#endif
