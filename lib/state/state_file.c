/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* state_file: see state_file.h. */
#include "state/state_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/crc32c.h"
#include "base/path.h"
#include "ipc/ipc.h"

#define KEY_STAGE "sluice.stage"
#define KEY_TABLE "sluice.table"

enum { NAME_BYTES = 64, FLUSH_BYTES = 1 << 20 };

static void file_name(const struct sl_state_ref *ref, const char *suffix, char *out)
{
    snprintf(out, NAME_BYTES, "%" PRId64 "-%" PRId64 "%s", ref->place, ref->k, suffix);
}

/* ---- writing ---- */

struct sl_state_writer {
    struct sl_store store; /* first */
    int dirfd, run, fd;    /* the pipeline's directory, the run's below it, the file */
    const char *dir;
    char name[NAME_BYTES]; /* while it is written */
    struct sl_state_ref ref;
    struct sl_buf out; /* not written yet */
    int stage;
};

static int flush(struct sl_state_writer *w, struct sl_err *err)
{
    int rc = sl_buf_check(&w->out, err);
    if (rc == 0 && w->out.len)
        rc = sl_path_write(w->fd, w->out.data, w->out.len, w->dir, err);
    if (rc == 0 && w->out.len) {
        w->ref.crc = sl_crc32c(w->ref.crc, w->out.data, w->out.len);
        w->ref.bytes += (int64_t)w->out.len;
        sl_buf_reset(&w->out);
    }
    return rc;
}

/* The batch's schema, which says also whose table it is. */
static struct sl_schema *marked(const struct sl_state_writer *w, const char *table,
                                const struct sl_schema *plain)
{
    struct sl_schema *s = sl_schema_copy(plain);
    char stage[16];
    snprintf(stage, sizeof(stage), "%d", w->stage);
    if (s && sl_schema_set_meta(s, KEY_STAGE, stage) == 0 &&
        sl_schema_set_meta(s, KEY_TABLE, table) == 0)
        return s;
    sl_schema_unref(s);
    return NULL;
}

static int put(struct sl_store *store, const char *table, struct sl_batch *b, struct sl_err *err)
{
    struct sl_state_writer *w = (struct sl_state_writer *)store;
    struct sl_schema *s = marked(w, table, b->schema);
    struct sl_ipc_form form = {0};
    int rc = s ? sl_ipc_form_init(&form, s, err) : sl_err_nomem(err, "state");
    form.zstd = form.level = 1;
    if (rc >= 0)
        rc = sl_ipc_form_fit(&form, b, err);
    if (rc >= 0)
        rc = sl_ipc_encode_schema(s, &form, &w->out, err);
    if (rc >= 0)
        rc = sl_ipc_encode_batch(b, &form, NULL, 0, &w->out, NULL, NULL, err);
    if (rc >= 0)
        sl_ipc_encode_end(&w->out);
    sl_ipc_form_release(&form);
    sl_schema_unref(s);
    return rc < 0 || w->out.len < FLUSH_BYTES ? SL_MIN(rc, 0) : flush(w, err);
}

int sl_state_writer_open(int dirfd, const char *dir, const struct sl_state_ref *ref, int changes,
                         struct sl_state_writer **out, struct sl_err *err)
{
    struct sl_state_writer *w = sl_calloc(1, sizeof(*w));
    assert(ref->place >= 0 && strlen(ref->run) == SL_RUN_ID);
    *out = NULL;
    if (!w)
        return sl_err_nomem(err, "state");
    w->store = (struct sl_store){.put = put, .changes = changes};
    w->dirfd = dirfd;
    w->dir = dir;
    w->fd = -1;
    w->ref = (struct sl_state_ref){.place = ref->place, .k = ref->k};
    memcpy(w->ref.run, ref->run, sizeof(w->ref.run));
    file_name(ref, ".tmp", w->name);
    w->run = sl_path_make_below(dirfd, ref->run, dir, err);
    int rc = SL_MIN(w->run, 0);
    if (rc == 0)
        rc = w->fd = sl_path_openat(w->run, w->name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW,
                                    0666, dir, err);
    if (rc < 0) {
        sl_state_writer_abort(w);
        return rc;
    }
    *out = w;
    return 0;
}

struct sl_store *sl_state_writer_stage(struct sl_state_writer *w, int stage)
{
    w->stage = stage;
    return &w->store;
}

static void free_writer(struct sl_state_writer *w)
{
    if (w->fd >= 0)
        close(w->fd);
    if (w->run >= 0)
        close(w->run);
    sl_buf_release(&w->out);
    free(w);
}

int sl_state_writer_close(struct sl_state_writer *w, struct sl_state_ref *ref, struct sl_err *err)
{
    char name[NAME_BYTES];
    file_name(&w->ref, ".arrows", name);
    int rc = flush(w, err);
    if (rc == 0)
        rc = sl_path_sync(w->fd, w->dir, err);
    if (rc == 0 && renameat(w->run, w->name, w->run, name) < 0)
        rc = sl_err_sys(err, "cannot rename a state file in %s", w->dir);
    if (rc < 0) {
        sl_state_writer_abort(w);
        return rc;
    }
    if (fsync(w->run) < 0)
        rc = sl_err_sys(err, "cannot sync %s/%s", w->dir, w->ref.run);
    *ref = w->ref;
    free_writer(w);
    return rc;
}

void sl_state_writer_abort(struct sl_state_writer *w)
{
    if (!w)
        return;
    if (w->fd >= 0)
        unlinkat(w->run, w->name, 0);
    free_writer(w);
}

/* ---- reading ---- */

struct sl_state_reader {
    struct sl_store store; /* first */
    struct sl_buffer *data;
    struct sl_account *account;
    int stage;
};

/* One of the file's streams. */
struct stream {
    struct sl_schema *schema;
    struct sl_batch *batch;
    size_t bytes;
};

static void release_stream(struct stream *s)
{
    sl_schema_unref(s->schema);
    sl_batch_unref(s->batch);
}

static int cut_off(struct sl_err *err)
{
    return sl_err_set(err, SL_ECORRUPT, "the saved state is cut off");
}

/* The stream that begins at `at`; its batch only if it is of this stage and table. 0 or < 0. */
static int read_stream(struct sl_state_reader *r, size_t at, const char *table, struct stream *out,
                       struct sl_err *err)
{
    struct sl_ipc_decoder *d = sl_ipc_decoder_new(r->account);
    struct sl_ipc_message m = {0};
    char own[16];
    snprintf(own, sizeof(own), "%d", r->stage);
    int rc = d ? 0 : sl_err_nomem(err, "state"), wanted = 0;
    *out = (struct stream){0};
    while (rc >= 0 && m.kind != SL_IPC_END) {
        assert(at + out->bytes <= r->data->size);
        size_t left = r->data->size - at - out->bytes;
        int64_t n = sl_ipc_peek(r->data->data + at + out->bytes, left, &m, err);
        rc = n < 0 ? (int)n : n == 0 || (size_t)n > left ? cut_off(err) : 0;
        if (rc < 0)
            break;
        m.owner = r->data;
        out->bytes += (size_t)n;
        if (m.kind == SL_IPC_SCHEMA) {
            rc = sl_ipc_decoder_schema(d, &m, err);
            out->schema = rc < 0 ? NULL : sl_schema_ref(sl_ipc_decoder_get_schema(d));
            const char *stage = rc < 0 ? NULL : sl_schema_meta(out->schema, KEY_STAGE);
            const char *named = stage ? sl_schema_meta(out->schema, KEY_TABLE) : NULL;
            wanted = named && strcmp(stage, own) == 0 && strcmp(named, table) == 0;
        } else if (wanted && m.kind == SL_IPC_DICTIONARY) {
            rc = sl_ipc_decoder_dictionary(d, &m, err);
        } else if (wanted && m.kind == SL_IPC_BATCH && !out->batch) {
            rc = sl_ipc_decoder_batch(d, &m, &out->batch, err);
        }
    }
    sl_ipc_decoder_free(d);
    return SL_MIN(rc, 0);
}

static int get(struct sl_store *store, const char *table, uint64_t *cursor, struct sl_batch **out,
               struct sl_err *err)
{
    struct sl_state_reader *r = (struct sl_state_reader *)store;
    while (*cursor < r->data->size) {
        struct stream s;
        int rc = read_stream(r, (size_t)*cursor, table, &s, err);
        assert(rc < 0 || s.bytes); /* the cursor moves on */
        *cursor += s.bytes;
        *out = rc < 0 || !s.batch ? NULL : sl_batch_ref(s.batch);
        release_stream(&s);
        if (rc < 0 || *out)
            return rc < 0 ? rc : 1;
    }
    return 0;
}

static int not_whole(const struct sl_state_ref *ref, const char *name, const char *dir,
                     struct sl_err *err)
{
    sl_err_set(err, SL_ECORRUPT, "the state of checkpoint %" PRId64 " is not what it was written",
               ref->k);
    sl_err_place(err, "%s/%s/%s", dir, ref->run, name);
    return sl_err_hint(err, "--reset-state starts without it, from where the input is now");
}

int sl_state_reader_open(int dirfd, const char *dir, const struct sl_state_ref *ref,
                         struct sl_account *account, struct sl_state_reader **out,
                         struct sl_err *err)
{
    struct sl_state_reader *r = sl_calloc(1, sizeof(*r));
    assert(ref->bytes >= 0 && strlen(ref->run) == SL_RUN_ID); /* as a record names it */
    char name[NAME_BYTES];
    *out = NULL;
    if (!r)
        return sl_err_nomem(err, "state");
    r->store.get = get;
    r->account = account;
    file_name(ref, ".arrows", name);
    int run = sl_path_openat(dirfd, ref->run, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, dir, err);
    int fd = run < 0 ? run : sl_path_openat(run, name, O_RDONLY | O_NOFOLLOW, 0, dir, err);
    struct stat st;
    int rc = SL_MIN(fd, 0);
    if (rc == 0 && (fstat(fd, &st) < 0 || st.st_size != ref->bytes))
        rc = not_whole(ref, name, dir, err);
    if (rc == 0 && !(r->data = sl_buffer_new(account, (size_t)ref->bytes)))
        rc = sl_err_nomem(err, "the state of a pipeline");
    if (rc == 0) {
        ssize_t n = sl_path_pread(fd, r->data->data, (size_t)ref->bytes, 0, dir, err);
        rc = n < 0 ? (int)n : 0;
        if (rc == 0 && (n != ref->bytes || sl_crc32c(0, r->data->data, (size_t)n) != ref->crc))
            rc = not_whole(ref, name, dir, err);
    }
    if (fd >= 0)
        close(fd);
    if (run >= 0)
        close(run);
    if (rc < 0) {
        sl_state_reader_free(r);
        return rc;
    }
    *out = r;
    return 0;
}

struct sl_store *sl_state_reader_stage(struct sl_state_reader *r, int stage)
{
    r->stage = stage;
    return &r->store;
}

void sl_state_reader_free(struct sl_state_reader *r)
{
    if (!r)
        return;
    sl_buffer_unref(r->data);
    free(r);
}

/* ---- the directory ---- */

int sl_state_is_there(int dirfd, const struct sl_state_ref *ref)
{
    char path[SL_RUN_ID + 1 + NAME_BYTES], name[NAME_BYTES];
    assert(strlen(ref->run) == SL_RUN_ID);
    struct stat st;
    file_name(ref, ".arrows", name);
    snprintf(path, sizeof(path), "%s/%s", ref->run, name);
    return fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size == ref->bytes;
}

static int is_kept(const char *run, const char *name, const struct sl_state_ref *keep, int n,
                   const char *spared, int64_t k)
{
    char own[NAME_BYTES];
    for (int i = 0; i < n; i++) {
        file_name(&keep[i], ".arrows", own);
        if (strcmp(keep[i].run, run) == 0 && strcmp(own, name) == 0)
            return 1;
    }
    const char *dash = strchr(name, '-');
    return strcmp(run, spared) == 0 && dash && strtoll(dash + 1, NULL, 10) > k;
}

void sl_state_sweep(int at, const char *dir, const struct sl_state_ref *keep, int n,
                    const char *spared, int64_t k)
{
    assert(n >= 0 && (keep || !n) && spared);
    DIR *runs, *files;
    const char *run, *name;
    if (sl_path_list(at, ".", dir, &runs, NULL) < 0)
        return;
    while (sl_path_next(runs, dir, &run, NULL) == 1) {
        if (strlen(run) != SL_RUN_ID || run[strspn(run, "0123456789abcdef")] ||
            sl_path_list(at, run, dir, &files, NULL) < 0)
            continue;
        while (sl_path_next(files, dir, &name, NULL) == 1)
            if (!is_kept(run, name, keep, n, spared, k))
                unlinkat(dirfd(files), name, 0);
        closedir(files);
        unlinkat(at, run, AT_REMOVEDIR); /* if it is empty */
    }
    closedir(runs);
}
