/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* ipc_message: the frame around a message: where it ends, what it is, what metadata it bears. */
#include "ipc/ipc_int.h"

int sl_ipc_malformed(struct sl_err *err, const char *what)
{
    assert(what);
    return sl_err_set(err, SL_EFORMAT, "not a good Arrow message: %s", what);
}

static int bad_at(struct sl_err *err, int64_t offset, const char *what)
{
    sl_ipc_malformed(err, what);
    if (err)
        err->offset = offset;
    return -SL_EFORMAT;
}

static uint32_t read_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Kind, body length and rows from the flatbuffer at m->meta. */
static int read_head(struct sl_ipc_message *m, int64_t *body, struct sl_err *err)
{
    struct sl_fb fb;
    struct sl_fb_table t = sl_fb_root(&fb, m->meta, m->meta_len);
    int64_t version = sl_fb_scalar(&t, FB_MESSAGE_VERSION, 2, 0);
    int64_t type = sl_fb_scalar(&t, FB_MESSAGE_TYPE, 1, 0);
    *body = sl_fb_scalar(&t, FB_MESSAGE_BODY, 8, 0);
    struct sl_fb_table head = sl_fb_get(&t, FB_MESSAGE_HEADER);
    m->rows = 0;
    switch (type) {
    case HEADER_SCHEMA: m->kind = SL_IPC_SCHEMA; break;
    case HEADER_DICTIONARY: m->kind = SL_IPC_DICTIONARY; break;
    case HEADER_BATCH:
        m->kind = SL_IPC_BATCH;
        m->rows = sl_fb_scalar(&head, FB_BATCH_LENGTH, 8, 0);
        break;
    default: return bad_at(err, 8, "it is neither schema, dictionary nor record batch");
    }
    if (fb.bad || !head.pos)
        return bad_at(err, 8, "its metadata is damaged");
    if (version != METADATA_V5 && version != METADATA_V4)
        return bad_at(err, 8, "its metadata version is neither V4 nor V5");
    if (*body < 0 || *body > SL_IPC_BODY_MAX)
        return bad_at(err, 8, "its body is larger than 1 GiB");
    if (m->rows < 0 || m->rows > SL_IPC_ROWS_MAX)
        return bad_at(err, 8, "it has more than 134,217,728 rows");
    return 0;
}

int64_t sl_ipc_peek(const uint8_t *data, size_t n, struct sl_ipc_message *m, struct sl_err *err)
{
    assert(data || !n);
    struct sl_ipc_message here;
    int64_t body;
    if (n >= 4 && read_u32(data) != IPC_CONTINUATION)
        return bad_at(err, 0, "it does not begin with FFFFFFFF");
    if (n < 8)
        return 0;
    uint32_t len = read_u32(data + 4);
    memset(&here, 0, sizeof here);
    if (!len) {
        here.kind = SL_IPC_END;
        here.total = 8;
        if (m)
            *m = here;
        return 8;
    }
    if (len > SL_IPC_META_MAX)
        return bad_at(err, 4, "its metadata is larger than 16 MiB");
    if (n - 8 < len)
        return 0;
    here.meta = data + 8;
    here.meta_len = len;
    int rc = read_head(&here, &body, err);
    if (rc < 0)
        return rc;
    here.body = here.meta + len;
    here.body_len = (size_t)body;
    here.total = 8 + (size_t)len + (size_t)body;
    if (m && here.total <= n)
        *m = here;
    return (int64_t)here.total;
}

int sl_ipc_open_message(const struct sl_ipc_message *m, int header, struct sl_fb *fb,
                        struct sl_fb_table *message, struct sl_fb_table *head, struct sl_err *err)
{
    assert(m && fb && message && head);
    *message = sl_fb_root(fb, m->meta, m->meta_len);
    *head = sl_fb_get(message, FB_MESSAGE_HEADER);
    if (fb->bad || !head->pos || sl_fb_scalar(message, FB_MESSAGE_TYPE, 1, 0) != header)
        return sl_ipc_malformed(err, "its metadata is damaged");
    return 0;
}

int sl_ipc_message_meta(const struct sl_ipc_message *m, const char *key, const char **value,
                        size_t *len)
{
    assert(m && key && value && len);
    struct sl_fb fb;
    size_t want = strlen(key);
    if (m->kind == SL_IPC_END)
        return 0;
    struct sl_fb_table t = sl_fb_root(&fb, m->meta, m->meta_len);
    struct sl_fb_vector pairs = sl_fb_vector(&t, FB_MESSAGE_META, 4);
    for (size_t i = 0; i < pairs.n && !fb.bad; i++) {
        struct sl_fb_table pair = sl_fb_vector_table(&pairs, i);
        size_t n;
        const char *k = sl_fb_string(&pair, FB_KV_KEY, &n);
        if (!k || n != want || memcmp(k, key, n) != 0)
            continue;
        *value = sl_fb_string(&pair, FB_KV_VALUE, len);
        if (!*value)
            *value = "";
        return fb.bad ? -SL_EFORMAT : 1;
    }
    return fb.bad ? -SL_EFORMAT : 0;
}
