/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* log_writer: opening and closing, the append lock, lines, schemas. See log_writer.h for what is elsewhere. */
#include "base/compat.h"
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>
#include "base/mem.h"
#include "base/time.h"
#include "log/log_writer.h"
#include "log/tend.h"

#define SEGMENT_BYTES (256LL << 20)
#define SYNC_INTERVAL 1000000LL

/* ---- the lock ---- */

static int must_check(const struct sl_log *l, struct sl_err *err)
{
    sl_err_set(err, SL_EIO, "a sync of the log failed in another process");
    sl_err_hint(err, "run again: the log is checked when it is opened");
    return sl_err_place(err, "%s", l->path);
}

/* The boot id in the lock file must be ours, else the log must be checked first. */
static int check_mark(struct sl_log_writer *w, struct sl_err *err)
{
    struct sl_log *l = w->log;
    struct sl_lock_mark m;
    int rc = sl_lockfile_mark(&l->lock, 0, &m, err);
    if (rc < 0)
        return rc;
    if (!m.known || strcmp(m.boot, l->boot) != 0)
        return must_check(l, err);
    l->mark = m;
    return 0;
}

int sl_writer_lock(struct sl_log_writer *w, struct sl_err *err)
{
    struct sl_log *l = w->log;
    int rc = sl_lockfile_lock(&l->lock, SL_LOCK_APPEND, SL_LOCK_EXCLUSIVE, SL_LOCK_PATIENCE, err);
    if (rc < 0)
        return rc;
    sl_view_set_locked(l, 1);
    int64_t file = l->state.broken ? 0 : l->c.file;
    rc = sl_lockfile_is_current(&l->lock, err);
    if (rc == 0)
        rc = check_mark(w, err);
    if (rc == 0)
        rc = sl_view_catch_up(l, err);
    if (rc >= 0 && l->trust != SL_VIEW_TRUSTED)
        rc = must_check(l, err);
    if (rc >= 0 && l->state.history != w->history) {
        sl_err_set(err, SL_EIO,
                   "a recovery or a rollback took back commits that this writer knew of");
        sl_err_hint(err, "run again: the log is read from where it is now");
        rc = sl_err_place(err, "%s", l->path);
    }
    if (rc > 0 && w->unsaid) /* another schema may have taken the number that was meant for it */
        rc = sl_writer_take_schema(w, err);
    if (rc > 0 && w->plans) /* a snapshot does not say what changed */
        rc = l->c.file == file ? sl_writer_replan_changed(w, err) : sl_writer_replan(w, err);
    if (rc > 0)
        rc = 0;
    if (rc == 0 && sl_writer_rotate_due(w))
        rc = sl_writer_rotate(w, 0, 0, err);
    if (rc < 0)
        sl_writer_unlock(w);
    return rc;
}

void sl_writer_unlock(struct sl_log_writer *w)
{
    sl_view_set_locked(w->log, 0);
    sl_lockfile_unlock(&w->log->lock, SL_LOCK_APPEND);
}

/* ---- lines ---- */

void sl_writer_line(struct sl_log_writer *w, struct sl_line *line)
{
    assert(w && line);
    const struct sl_state *s = &w->log->state;
    sl_line_init(line);
    line->n = s->n + 1;
    line->prev = s->crc;
    line->at = sl_time_now_usec();
    line->history = s->history;
    line->durable = SL_MIN(SL_MAX(w->log->mark.durable, s->durable), s->n);
    line->pid = w->pid;
    line->host = w->host;
}

int sl_writer_append_line(struct sl_log_writer *w, struct sl_line *line, struct sl_err *err)
{
    assert(w && line);
    struct sl_log *l = w->log;
    ssize_t k;

    assert(l->use == SL_VIEW_LOCKED && l->c.tail == SL_TAIL_NONE);
    sl_buf_reset(&w->line);
    int rc = sl_line_print(line, &w->line, err);
    if (rc < 0)
        return rc;
    do {
        k = pwrite(l->c.fd, w->line.data, w->line.len, l->c.pos);
    } while (k < 0 && errno == EINTR);
    if (k < 0)
        return sl_err_sys(err, "cannot append to %s", l->c.dir);
    if ((size_t)k < w->line.len) { /* torn: the next writer begins the next file */
        errno = ENOSPC;
        return sl_err_sys(err, "cannot append to %s", l->c.dir);
    }
    l->c.pos += k;
    /* The line is committed whatever happens here: a failure leaves the state to be read anew. */
    rc = sl_state_apply(&l->state, line, err);
    if (rc < 0)
        l->state.broken = 1;
    return rc;
}

int sl_writer_tell(struct sl_log_writer *w, struct sl_err *err)
{
    struct sl_state *s = &w->log->state;
    int rc = 0;
    for (int i = 0; i < s->nchanged && rc == 0; i++) {
        const struct sl_seg *seg = sl_state_seg(s, s->changed[i]);
        if (seg)
            rc = sl_syncer_touch(w->sync, s->changed[i], seg->touched, -1, err);
    }
    s->nchanged = 0;
    return rc < 0 ? rc : sl_syncer_commit(w->sync, w->log, s->n, err);
}

/* ---- schemas ---- */

static void set_schema(struct sl_log_writer *w, struct sl_schema *schema, int id, int unsaid)
{
    pthread_mutex_lock(&w->mutex);
    sl_schema_ref(schema);
    sl_schema_unref(w->schema);
    w->schema = schema;
    w->schema_id = id;
    w->unsaid = unsaid;
    for (int i = 0; i < w->log->state.npartitions; i++) {
        sl_form_unref(w->plans[i].form);
        w->plans[i].form = NULL;
        w->plans[i].rolling = 0;
        w->plans[i].base = -1;
        w->plans[i].by = 0;
    }
    pthread_mutex_unlock(&w->mutex);
}

/* The log's newest schema, with the columns of `more` unsaid behind it if it has not got them. */
static int take_with(struct sl_log_writer *w, struct sl_schema *more, enum sl_merge how,
                     struct sl_err *err)
{
    struct sl_schema *merged = NULL, *newest = sl_log_schema(w->log);
    int id = sl_state_newest(&w->log->state), rc = 0;
    if (more)
        rc = sl_log_merge_schema(newest, more, how, &merged, err);
    if (rc < 0 || (rc == 0 && id == w->schema_id && !w->unsaid))
        return rc;
    set_schema(w, rc ? merged : newest, id + rc, rc);
    sl_schema_unref(merged);
    return sl_writer_replan(w, err);
}

int sl_writer_take_schema(struct sl_log_writer *w, struct sl_err *err)
{
    if (sl_state_newest(&w->log->state) == w->schema_id - w->unsaid)
        return 0;
    return take_with(w, w->unsaid ? w->schema : NULL, SL_MERGE_TYPES, err);
}

void sl_writer_keep_log(struct sl_log_writer *w)
{
    free(w->fresh);
    w->fresh = NULL;
}

void sl_writer_schema_said(struct sl_log_writer *w)
{
    w->unsaid = 0;
}

/* Of rows that others have written nothing is known but their types. */
static enum sl_merge merge_as(const struct sl_log_writer *w)
{
    int64_t all = 0;
    for (int i = 0; i < w->log->state.npartitions; i++)
        all += w->log->state.parts[i].end;
    return all == w->own_rows ? SL_MERGE_VALUES : SL_MERGE_TYPES;
}

int sl_log_writer_evolve(struct sl_log_writer *w, struct sl_schema *schema, struct sl_err *err)
{
    assert(w && sl_schema_is_sound(schema));
    struct sl_schema *merged = NULL;
    enum sl_merge how = merge_as(w);
    int rc = sl_syncer_check(w->sync, err);

    if (rc == 0)
        rc = w->unsaid ? sl_log_merge_schema(w->schema, schema, how, &merged, err) : 1;
    if (rc > 0)
        rc = take_with(w, merged ? merged : schema, how, err);
    sl_schema_unref(merged);
    return rc;
}

struct sl_schema *sl_log_writer_schema(struct sl_log_writer *w)
{
    return w->schema;
}

/* ---- opening ---- */

/* Partitions, keys and hash of an existing log are what they are. */
static int check_options(const struct sl_log *l, const struct sl_log_options *o, struct sl_err *err)
{
    struct sl_schema *s = sl_log_schema(l);
    const char *keys = sl_schema_meta(s, SL_META_KEY), *hash = sl_schema_meta(s, SL_META_HASH);
    const char *time = sl_schema_meta(s, SL_META_TIME);
    struct sl_buf asked = SL_BUF_INIT;
    const char *by = o->time_column;
    int at = by ? sl_schema_lookup(s, by, strlen(by), NULL) : -1;
    int rc = sl_log_name_keys(s, o->keys, &asked, err);
    if (rc < 0)
        ;
    else if (o->partitions && o->partitions != l->state.npartitions)
        rc = sl_err_set(err, SL_ESCHEMA, "the log has %d %s, not %d", l->state.npartitions,
                        sl_plural(l->state.npartitions, "partition", "partitions"), o->partitions);
    else if (asked.len && strcmp(asked.data, keys ? keys : "") != 0)
        rc = sl_err_set(err, SL_ESCHEMA, "the log is partitioned by %s, not by %s",
                        keys ? keys : "nothing", asked.data);
    else if (o->hash && hash && strcmp(o->hash, hash) != 0)
        rc = sl_err_set(err, SL_ESCHEMA, "the log is partitioned by %s, not by %s", hash, o->hash);
    else if (by && strcmp(at >= 0 ? s->fields[at].name : by, time ? time : "") != 0)
        rc = sl_err_set(err, SL_ESCHEMA, "the log's time column is %s, not %s",
                        time ? time : "none", by);
    sl_buf_release(&asked);
    return rc < 0 ? sl_err_place(err, "%s", l->path) : 0;
}

static int find_keys(struct sl_log_writer *w, struct sl_err *err)
{
    struct sl_schema *s = sl_log_schema(w->log);
    const char *keys = sl_schema_meta(s, SL_META_KEY), *hash = sl_schema_meta(s, SL_META_HASH);
    w->crc32 = hash && strcmp(hash, "crc32") == 0;
    w->keys = sl_calloc((size_t)s->nfields + 1, sizeof(*w->keys));
    if (!w->keys)
        return sl_err_nomem(err, "a log writer");
    for (const char *p = keys; p && *p;) {
        size_t n = strcspn(p, ",");
        int at = sl_schema_find(s, p, n);
        if (at < 0 || w->nkeys == s->nfields)
            return sl_err_set(err, SL_ECORRUPT, "the log's key column %.*s is not there", (int)n,
                              p);
        w->keys[w->nkeys++] = at;
        p += n + (p[n] == ',');
    }
    return 0;
}

/* The first time under the lock: what the log needs before anything is appended. 1: it has just been
 * removed. */
static int first_lock(struct sl_log_writer *w, int64_t *recovered, struct sl_err *err)
{
    struct sl_log *l = w->log;
    int rc = sl_lockfile_lock(&l->lock, SL_LOCK_USE, SL_LOCK_SHARED, SL_LOCK_PATIENCE, err);
    if (rc == 0)
        rc = sl_lockfile_lock(&l->lock, SL_LOCK_APPEND, SL_LOCK_EXCLUSIVE, SL_LOCK_PATIENCE, err);
    if (rc < 0)
        return rc;
    sl_view_set_locked(l, 1);
    if (sl_lockfile_is_current(&l->lock, err) < 0) {
        sl_writer_unlock(w);
        return 1;
    }
    if (rc == 0)
        rc = sl_lockfile_set_holder(&l->lock, err);
    if (rc == 0)
        rc = sl_view_load(l, err);
    if (rc == 0 && l->trust != SL_VIEW_TRUSTED)
        rc = sl_writer_recover(w, recovered, err);
    if (rc == 0 && sl_writer_rotate_due(w))
        rc = sl_writer_rotate(w, 0, 0, err);
    w->history = l->state.history;
    sl_writer_unlock(w);
    return rc;
}

static int prepare(struct sl_log_writer *w, const struct sl_log_options *o,
                   struct sl_schema *schema, struct sl_err *err)
{
    struct sl_state *s = &w->log->state;
    int rc = check_options(w->log, o, err);
    if (rc < 0)
        return rc;
    w->plans = sl_calloc((size_t)s->npartitions, sizeof(*w->plans));
    w->outs = sl_calloc((size_t)s->npartitions, sizeof(*w->outs));
    if (!w->plans || !w->outs)
        return sl_err_nomem(err, "a log writer");
    for (int i = 0; i < s->npartitions; i++) {
        w->plans[i].since_trial = INT64_MAX / 2;
        w->outs[i].fd = -1;
    }
    rc = find_keys(w, err);
    if (rc < 0)
        return rc;
    set_schema(w, sl_log_schema(w->log), sl_state_newest(s), 0);
    rc = sl_writer_replan(w, err);
    if (rc == 0 && !w->fresh) /* a mark above 0 would say that the log is to stay */
        rc = sl_writer_tell(w, err);
    if (rc == 0)
        rc = sl_log_writer_evolve(w, schema, err);
    return rc;
}

int sl_writer_new(const char *path, const struct sl_log_options *o, struct sl_log_writer **out,
                  struct sl_err *err)
{
    assert(path && o && out);
    char host[256] = "";
    struct sl_log_writer *w = sl_calloc(1, sizeof(*w));
    if (!w)
        return sl_err_nomem(err, "a log writer");
    pthread_mutex_init(&w->mutex, NULL);
    if (gethostname(host, sizeof(host) - 1) < 0)
        host[0] = '\0';
    w->host = sl_strdup(host);
    w->pid = getpid();
    w->policy = o->sync;
    w->account = o->account;
    w->segment_bytes = o->segment_bytes > 0 ? o->segment_bytes : SEGMENT_BYTES;
    w->grace = o->grace;
    w->pause = o->pause;
    int64_t interval = o->sync_interval > 0 ? o->sync_interval : SYNC_INTERVAL;
    int rc = w->host ? sl_view_open(path, o->boot_id, SL_VIEW_WRITES, &w->log, err)
                     : sl_err_nomem(err, "a log writer");
    if (rc == 0) {
        w->log->state.track = 1;
        rc = sl_syncer_new(w->log, o->sync == SL_SYNC_INTERVAL ? interval : 0, &w->sync, err);
    }
    if (rc < 0)
        sl_log_writer_abort(w);
    else
        *out = w;
    return rc;
}

/* A log is made where none is, whole. 1: it was; 0: somebody else was faster. */
static int make_log(const char *path, const struct sl_log_options *o, struct sl_schema *schema,
                    struct sl_err *err)
{
    struct sl_buf made = SL_BUF_INIT;
    int fd = sl_log_make(path, o, schema, &made, err), rc = fd;
    if (fd >= 0) {
        rc = sl_log_name(made.data, path, err);
        if (rc < 0)
            sl_log_unmake(made.data);
        close(fd);
    }
    sl_buf_release(&made);
    /* Who was faster may have removed its log again: then nothing is there. */
    if (rc == -SL_EEXIST && (sl_path_is_log(path) || access(path, F_OK) < 0))
        return 0;
    return rc < 0 ? rc : 1;
}

/* 1: the log has just been removed, by a run that made it and failed; err says what was seen of that. */
static int open_or_make(const char *path, const struct sl_log_options *o, struct sl_schema *schema,
                        struct sl_log_writer **out, int64_t *recovered, struct sl_err *err)
{
    struct sl_log_writer *w = NULL;
    char *fresh = NULL;
    int rc = sl_path_is_log(path) ? 0 : make_log(path, o, schema, err);
    int made = rc == 1;
    if (made && !(fresh = sl_strdup(path)))
        rc = sl_err_nomem(err, "a log writer");
    if (rc >= 0)
        rc = sl_writer_new(path, o, &w, err);
    if (rc == 0) {
        w->fresh = fresh;
        rc = first_lock(w, recovered, err);
    } else if (made) {
        sl_log_withdraw(path);
        free(fresh);
    } else if (rc == -SL_ENOENT) {
        rc = 1;
    }
    if (rc == 0)
        rc = prepare(w, o, schema, err);
    if (rc == 0)
        *out = w;
    else
        sl_log_writer_abort(w);
    return rc;
}

int sl_log_writer_open(const char *path, const struct sl_log_options *o, struct sl_schema *schema,
                       struct sl_log_writer **out, int64_t *recovered, struct sl_err *err)
{
    assert(path && o && out);
    struct sl_buf trimmed = SL_BUF_INIT;
    struct sl_log_options own = *o;
    char boot[SL_BOOT_ID + 1];
    size_t n = strlen(path);
    int64_t moved = 0;

    while (n > 1 && path[n - 1] == '/')
        n--;
    sl_buf_add(&trimmed, path, n);
    int rc = sl_buf_check(&trimmed, err);
    if (rc == 0 && !o->boot_id) {
        rc = sl_boot_id(boot, err);
        own.boot_id = boot;
    }
    if (rc == 0)
        sl_log_sweep(trimmed.data);
    int again = rc == 0;
    for (int tries = 0; again && tries < 100; tries++) {
        rc = open_or_make(trimmed.data, &own, schema, out, &moved, err);
        again = rc == 1;
    }
    if (again)
        rc = -(int)(err ? err->code : SL_EIO);
    sl_buf_release(&trimmed);
    if (rc == 0 && recovered)
        *recovered = moved;
    return rc;
}

struct sl_log *sl_log_writer_view(struct sl_log_writer *w)
{
    return w->log;
}

int sl_log_writer_sync(struct sl_log_writer *w, struct sl_err *err)
{
    return sl_syncer_run(w->sync, err);
}

int64_t sl_log_writer_deadline(const struct sl_log_writer *w)
{
    /* Syncs happen on a thread of their own; only its failure wants to be heard of. */
    return sl_syncer_deadline(w->sync);
}

int sl_log_writer_close(struct sl_log_writer *w, struct sl_err *err)
{
    int rc = 0;
    if (w && w->fresh) { /* a log without a row */
        sl_writer_keep_log(w);
        rc = sl_writer_tell(w, err);
    }
    if (w && rc == 0 && w->policy != SL_SYNC_NONE)
        rc = sl_syncer_run(w->sync, err);
    if (w && rc == 0)
        sl_tender_finish(w->tender);
    sl_log_writer_abort(w);
    return rc;
}

void sl_log_writer_abort(struct sl_log_writer *w)
{
    if (!w)
        return;
    sl_tender_free(w->tender);
    sl_syncer_free(w->sync);
    for (int i = 0; w->log && i < w->log->state.npartitions; i++) {
        if (w->plans)
            sl_form_unref(w->plans[i].form);
        if (w->outs && w->outs[i].fd >= 0)
            close(w->outs[i].fd);
    }
    free(w->plans);
    free(w->outs);
    free(w->keys);
    sl_schema_unref(w->schema);
    sl_buf_release(&w->line);
    sl_log_free(w->log);
    if (w->fresh)
        sl_log_withdraw(w->fresh);
    free(w->fresh);
    free(w->host);
    pthread_mutex_destroy(&w->mutex);
    free(w);
}
