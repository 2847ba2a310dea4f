/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * harness_store: a store of Arrow files in a temporary folder.
 *
 * What an operator saves goes through the encoder, the file system and the decoder, and comes back as lazy
 * columns of a schema that the bytes name: as a checkpoint does. Each batch is a stream of its own.
 */
#ifndef SL_TESTS_OP_HARNESS_STORE_H
#define SL_TESTS_OP_HARNESS_STORE_H

#include <unistd.h>
#include "ipc/ipc.h"
#include "state/store.h"

enum { FILE_STORE_MAX = 256 };

struct file_store {
    struct sl_store store;
    char dir[32];
    size_t n;
    char table[FILE_STORE_MAX][32]; /* of the file n.arrows */
};

static inline void file_store_path(const struct file_store *f, size_t n, char *path, size_t size)
{
    snprintf(path, size, "%s/%zu.arrows", f->dir, n);
}

static int file_put(struct sl_store *s, const char *table, struct sl_batch *batch,
                    struct sl_err *err)
{
    struct file_store *f = (struct file_store *)s;
    struct sl_ipc_form form;
    struct sl_buf out = SL_BUF_INIT;
    char path[64];
    if (f->n == FILE_STORE_MAX)
        return sl_err_set(err, SL_EFAIL, "the test's store is full");
    int rc = sl_ipc_form_init(&form, batch->schema, err);
    if (rc < 0)
        return rc;
    rc = sl_ipc_form_fit(&form, batch, err);
    if (rc >= 0)
        rc = sl_ipc_encode_schema(batch->schema, &form, &out, err);
    if (rc >= 0)
        rc = sl_ipc_encode_batch(batch, &form, NULL, 0, &out, NULL, NULL, err);
    sl_ipc_form_release(&form);
    file_store_path(f, f->n, path, sizeof(path));
    FILE *file = rc >= 0 ? fopen(path, "wb") : NULL;
    if (rc >= 0 && (!file || fwrite(out.data, 1, out.len, file) != out.len))
        rc = sl_err_sys(err, "cannot write %s", path);
    if (file && fclose(file) != 0 && rc >= 0)
        rc = sl_err_sys(err, "cannot write %s", path);
    sl_buf_release(&out);
    snprintf(f->table[f->n++], sizeof(f->table[0]), "%s", table);
    return rc < 0 ? rc : 0;
}

/* The one batch of a stream. */
static inline int file_decode(const uint8_t *data, size_t n, struct sl_batch **out,
                              struct sl_err *err)
{
    struct sl_ipc_decoder *d = sl_ipc_decoder_new(NULL);
    int64_t used = d ? 1 : -SL_ENOMEM;
    *out = NULL;
    for (size_t at = 0; used > 0 && at < n && !*out; at += (size_t)used) {
        struct sl_ipc_message m;
        used = sl_ipc_peek(data + at, n - at, &m, err);
        int rc = used <= 0 ? sl_err_set(err, SL_EFAIL, "the test's store is cut off")
                 : m.kind == SL_IPC_SCHEMA     ? sl_ipc_decoder_schema(d, &m, err)
                 : m.kind == SL_IPC_DICTIONARY ? sl_ipc_decoder_dictionary(d, &m, err)
                 : m.kind == SL_IPC_BATCH      ? sl_ipc_decoder_batch(d, &m, out, err)
                                               : 0;
        used = rc < 0 ? rc : used;
    }
    sl_ipc_decoder_free(d);
    return used < 0 ? (int)used : *out ? 1 : sl_err_set(err, SL_EFAIL, "no batch in the store");
}

static int file_get(struct sl_store *s, const char *table, uint64_t *cursor, struct sl_batch **out,
                    struct sl_err *err)
{
    struct file_store *f = (struct file_store *)s;
    char path[64];
    while (*cursor < f->n && strcmp(f->table[*cursor], table) != 0)
        ++*cursor;
    if (*cursor >= f->n)
        return 0;
    file_store_path(f, (size_t)(*cursor)++, path, sizeof(path));
    FILE *file = fopen(path, "rb");
    static uint8_t data[1 << 20];
    size_t n = file ? fread(data, 1, sizeof(data), file) : 0;
    if (file)
        fclose(file);
    return n == sizeof(data) ? sl_err_set(err, SL_EFAIL, "%s is too long for the test", path)
                             : file_decode(data, n, out, err);
}

/* 0, or -1: there is no temporary folder. */
static inline int file_store_init(struct file_store *f)
{
    f->store = (struct sl_store){.put = file_put, .get = file_get};
    f->n = 0;
    snprintf(f->dir, sizeof(f->dir), "/tmp/sluice-store-XXXXXX");
    return mkdtemp(f->dir) ? 0 : -1;
}

static inline void file_store_free(struct file_store *f)
{
    char path[64];
    for (size_t i = 0; i < f->n; i++) {
        file_store_path(f, i, path, sizeof(path));
        unlink(path);
    }
    rmdir(f->dir);
}

#endif
