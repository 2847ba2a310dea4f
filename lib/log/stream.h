/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * stream: the schema message at a segment's start, and decoders that have taken it.
 *
 * Decoders are handed out to any thread and come back: parsing the schema anew for each batch would
 * cost more than a small batch itself. Shared by references, used by any number of threads.
 */
#ifndef SL_LOG_STREAM_H
#define SL_LOG_STREAM_H

#include "ipc/ipc.h"

struct sl_stream;

/* head: the schema message's bytes, len of them. SL_ECORRUPT if they are none. */
int sl_stream_new(const void *head, size_t len, struct sl_account *account, struct sl_stream **out,
                  struct sl_err *err);
struct sl_stream *sl_stream_ref(struct sl_stream *s);
void sl_stream_unref(struct sl_stream *s);
struct sl_schema *sl_stream_schema(const struct sl_stream *s); /* borrowed */
struct sl_ipc_decoder *sl_stream_take(struct sl_stream *s, struct sl_err *err);
void sl_stream_give(struct sl_stream *s, struct sl_ipc_decoder *d);

#endif
