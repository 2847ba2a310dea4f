/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * frames_file: dictionaries of an Arrow IPC file that come behind the batches which use them. A file
 * may have them there (Polars does so); they are read first, from where the footer says.
 */
#include "base/compat.h"
#include "file/bytes.h"
#include <sys/stat.h>
#include "io/connect.h"
#include "ipc/ipc.h"

enum { TAIL = 10, FOOTER_MAX = 256 << 20 }; /* length of the footer, then ARROW1 */

/* n bytes at offset into a fresh buffer. */
static struct sl_buffer *read_at(struct sl_bytes *b, int64_t offset, size_t n,
                                 struct sl_account *account, struct sl_err *err)
{
    struct sl_buffer *data = sl_buffer_new(account, n);
    if (!data)
        return sl_err_no_memory(err, "a message");
    ssize_t k = sl_path_pread(sl_bytes_fd(b), data->data, n, offset, sl_bytes_name(b), err);
    if (k == (ssize_t)n)
        return data;
    if (k >= 0) {
        sl_err_set(err, SL_EFORMAT, "the file is shorter than its footer says");
        sl_err_place(err, "%s", sl_bytes_name(b));
    }
    sl_buffer_unref(data);
    return NULL;
}

static int take_dictionary(struct sl_bytes *b, struct sl_ipc_decoder *d,
                           const struct sl_ipc_block *block, int64_t size,
                           struct sl_account *account, struct sl_err *err)
{
    struct sl_ipc_message m;
    if (block->length > size || block->offset > size - block->length)
        return sl_err_set(err, SL_EFORMAT, "the footer of the file names bytes outside it");
    struct sl_buffer *data = read_at(b, block->offset, (size_t)block->length, account, err);
    if (!data)
        return -(int)(err ? err->code : SL_EFAIL);
    int64_t n = sl_ipc_peek(data->data, (size_t)block->length, &m, err);
    int rc = (int)SL_MIN(n, 0);
    if (n > block->length || n == 0 || (n > 0 && m.kind != SL_IPC_DICTIONARY))
        rc = sl_err_set(err, SL_EFORMAT, "the footer of the file names what is no dictionary");
    if (rc == 0) {
        m.owner = data;
        rc = sl_ipc_decoder_dictionary(d, &m, err);
    }
    sl_buffer_unref(data);
    return rc;
}

int sl_frames_late_dictionaries(struct sl_bytes *b, struct sl_ipc_decoder *d,
                                struct sl_account *account, struct sl_err *err)
{
    struct stat st;
    struct sl_ipc_footer footer;
    char tail[TAIL];
    uint32_t n;
    if (!sl_bytes_is_regular(b) || sl_bytes_is_compressed(b))
        return 0;
    if (fstat(sl_bytes_fd(b), &st) < 0)
        return sl_err_sys(err, "cannot stat %s", sl_bytes_name(b));
    int64_t size = st.st_size;
    if (size < TAIL ||
        sl_path_pread(sl_bytes_fd(b), tail, TAIL, size - TAIL, sl_bytes_name(b), NULL) != TAIL ||
        memcmp(tail + 4, "ARROW1", 6) != 0)
        return 0; /* cut short, or still being written: what is there is read as a stream */
    memcpy(&n, tail, sizeof(n));
    if (!n || n > FOOTER_MAX || (int64_t)n > size - TAIL)
        return 0;
    struct sl_buffer *data = read_at(b, size - TAIL - n, n, account, err);
    if (!data)
        return -(int)(err ? err->code : SL_EFAIL);
    int rc = sl_ipc_footer_read(data->data, n, &footer, err);
    sl_buffer_unref(data);
    if (rc < 0)
        return sl_err_place(err, "%s", sl_bytes_name(b));
    for (size_t i = 0; footer.late && i < footer.ndictionaries && rc == 0; i++)
        rc = take_dictionary(b, d, &footer.dictionaries[i], size, account, err);
    free(footer.dictionaries);
    return rc < 0 ? sl_err_place(err, "%s", sl_bytes_name(b)) : footer.late;
}
