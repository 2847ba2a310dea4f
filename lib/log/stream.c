/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* stream: see stream.h. */
#include "base/compat.h"
#include <pthread.h>
#include <stdatomic.h>
#include "base/mem.h"
#include "log/stream.h"

enum { IDLE_DECODERS = 8 };

struct sl_stream {
    atomic_int refs;
    pthread_mutex_t mutex; /* guards idle */
    struct sl_account *account;
    struct sl_buffer *head;
    size_t len;
    struct sl_schema *schema;
    struct sl_ipc_decoder *idle[IDLE_DECODERS];
    int nidle;
};

static int decoder_new(struct sl_stream *s, struct sl_ipc_decoder **out, struct sl_err *err)
{
    struct sl_ipc_message m;
    struct sl_ipc_decoder *d;
    int64_t total = sl_ipc_peek(s->head->data, s->len, &m, err);

    if (total < 0)
        return (int)total;
    if (total != (int64_t)s->len || m.kind != SL_IPC_SCHEMA)
        return sl_err_set(err, SL_EFORMAT, "it is no Arrow schema message");
    m.owner = s->head;
    d = sl_ipc_decoder_new(s->account);
    if (!d)
        return sl_err_nomem(err, "a decoder");
    int rc = sl_ipc_decoder_schema(d, &m, err);
    if (rc < 0)
        sl_ipc_decoder_free(d);
    else
        *out = d;
    return rc;
}

int sl_stream_new(const void *head, size_t len, struct sl_account *account, struct sl_stream **out,
                  struct sl_err *err)
{
    assert(head && len > 0 && out);
    struct sl_stream *s = sl_calloc(1, sizeof(*s));
    struct sl_buffer *own = s ? sl_buffer_new(NULL, len) : NULL;
    if (!own || pthread_mutex_init(&s->mutex, NULL)) {
        sl_buffer_unref(own);
        free(s);
        return sl_err_nomem(err, "a segment");
    }
    atomic_init(&s->refs, 1);
    s->account = account;
    s->len = len;
    s->head = own;
    memcpy(own->data, head, len);
    int rc = decoder_new(s, &s->idle[0], err);
    if (rc < 0) {
        if (rc == -SL_EFORMAT && err)
            err->code = SL_ECORRUPT;
        sl_stream_unref(s);
        return rc == -SL_EFORMAT ? -SL_ECORRUPT : rc;
    }
    s->nidle = 1;
    s->schema = sl_schema_ref(sl_ipc_decoder_get_schema(s->idle[0]));
    *out = s;
    return 0;
}

struct sl_stream *sl_stream_ref(struct sl_stream *s)
{
    int held = atomic_fetch_add(&s->refs, 1);
    assert(held > 0);
    return s;
}

void sl_stream_unref(struct sl_stream *s)
{
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    for (int i = 0; i < s->nidle; i++)
        sl_ipc_decoder_free(s->idle[i]);
    sl_schema_unref(s->schema);
    sl_buffer_unref(s->head);
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

struct sl_schema *sl_stream_schema(const struct sl_stream *s)
{
    return s->schema;
}

struct sl_ipc_decoder *sl_stream_take(struct sl_stream *s, struct sl_err *err)
{
    struct sl_ipc_decoder *d = NULL;
    pthread_mutex_lock(&s->mutex);
    if (s->nidle)
        d = s->idle[--s->nidle];
    pthread_mutex_unlock(&s->mutex);
    if (!d && decoder_new(s, &d, err) < 0)
        return NULL;
    return d;
}

void sl_stream_give(struct sl_stream *s, struct sl_ipc_decoder *d)
{
    pthread_mutex_lock(&s->mutex);
    if (s->nidle < IDLE_DECODERS) {
        s->idle[s->nidle++] = d;
        d = NULL;
    }
    pthread_mutex_unlock(&s->mutex);
    sl_ipc_decoder_free(d);
}
