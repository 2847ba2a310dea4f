/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * stream_sink: what the sinks of text and of frames share: bytes that gather until they are worth a
 * write, and rows that are committed when their bytes are out. A reader that went away is noticed by
 * a write and, where nothing is written, by poll.
 */
#include "base/compat.h"
#include "file/dest.h"
#include "io/connect.h"

void sl_stream_sink_take(struct sl_stream_sink *s, size_t rows)
{
    s->base.held += (int64_t)rows;
    s->rows += (int64_t)rows;
}

static int put_visible(const struct sl_stream_sink *s, const struct sl_buf *bytes,
                       struct sl_err *err)
{
    struct sl_buf shown = SL_BUF_INIT;
    sl_buf_add_visible_as(&shown, bytes->data, bytes->len, s->visible);
    int rc = sl_buf_check(&shown, err);
    if (rc == 0)
        rc = sl_dest_write(s->dest, shown.data, shown.len, err);
    sl_buf_release(&shown);
    return rc;
}

int sl_stream_sink_put(struct sl_stream_sink *s, const struct sl_buf *bytes, struct sl_err *err)
{
    assert(s && bytes);
    int rc = s->visible ? put_visible(s, bytes, err)
                        : sl_dest_write(s->dest, bytes->data, bytes->len, err);
    if (rc == SL_PUSH_OK)
        s->base.bytes += (int64_t)bytes->len;
    s->base.pipe_closed |= rc == SL_PUSH_DONE;
    return rc;
}

int sl_stream_sink_flush(struct sl_stream_sink *s, struct sl_err *err)
{
    int rc = sl_buf_check(&s->bytes, err);
    if (rc == 0)
        rc = sl_stream_sink_put(s, &s->bytes, err);
    if (rc == SL_PUSH_OK) {
        s->base.committed += s->rows;
        s->base.held -= s->rows;
        s->rows = 0;
    }
    sl_buf_reset(&s->bytes);
    return rc;
}

void sl_stream_sink_poll(struct sl_sink *base, struct sl_poll_set *p)
{
    assert(base && p);
    sl_dest_poll(((struct sl_stream_sink *)base)->dest, p);
}

int sl_stream_sink_ready(struct sl_sink *base, const struct pollfd *fds, size_t n,
                         struct sl_err *err SL_UNUSED)
{
    if (n > 0 && fds[0].revents & (POLLERR | POLLHUP)) {
        base->pipe_closed = 1;
        return SL_PUSH_DONE;
    }
    return SL_PUSH_OK;
}

void sl_stream_sink_release(struct sl_stream_sink *s)
{
    sl_dest_free(s->dest);
    sl_buf_release(&s->bytes);
}
