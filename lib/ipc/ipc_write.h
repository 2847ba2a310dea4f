/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* ipc_write: what the encoder's files share; not for other layers. */
#ifndef SL_IPC_IPC_WRITE_H
#define SL_IPC_IPC_WRITE_H

#include "ipc/ipc_int.h"

/* A message being written: frame and flatbuffer first, then its body, lengths filled in behind. */
struct sl_ipc_frame {
    struct sl_fb_writer w;
    size_t start;     /* of the message in out */
    size_t header;    /* hole of the header's reference */
    size_t meta_hole; /* of custom_metadata, 0 = none */
    size_t body_hole; /* of bodyLength */
    size_t body;      /* start of the body in out */
};
/* Begins a message at the end of out; header: HEADER_SCHEMA, _DICTIONARY or _BATCH. Call order: begin,
 * header (sl_fb_point(header)), [meta], body, the bytes of the body, end. */
void sl_ipc_frame_begin(struct sl_ipc_frame *f, struct sl_buf *out, int header, int has_meta);
/* custom_metadata: position in out of the first value, 0 if there is none. */
size_t sl_ipc_frame_meta(struct sl_ipc_frame *f, const struct sl_ipc_meta *meta, int n);
/* Ends the metadata; the body begins. */
void sl_ipc_frame_body(struct sl_ipc_frame *f);
/* The body is there. */
void sl_ipc_frame_end(struct sl_ipc_frame *f);

/* ---- ipc_put.c: columns into a body ---- */

struct sl_ipc_put {
    struct sl_ipc_frame frame;
    struct sl_buf *out;
    const struct sl_ipc_form *form;
    struct sl_buf scratch;
    size_t nodes, spans, variadic; /* positions of the vectors in the flatbuffer */
    size_t node, span;             /* next entries */
    size_t count_nodes, count_spans, count_views;
    uint32_t *crc; /* of the column at hand, may be NULL */
    struct sl_err *err;
};

/* Adds what a column of the type (code > 0: its codes) needs to the counts. */
void sl_ipc_put_count(struct sl_ipc_put *p, struct sl_type type, int code);
/* The RecordBatch table with room for all that was counted, at the hole. */
void sl_ipc_put_table(struct sl_ipc_put *p, size_t hole, size_t rows);
/* A PLAIN column, or with code > 0 the codes of a DICT one in so many bytes. */
int sl_ipc_put_column(struct sl_ipc_put *p, struct sl_column *c, int code);
/* One buffer of the body, compressed if the form says so; 0 or < 0. */
int sl_ipc_put_buffer(struct sl_ipc_put *p, const void *data, size_t n);
/* An empty buffer with the length that compressed ones have in front (zstd forms only). */
int sl_ipc_put_empty(struct sl_ipc_put *p);
/* Next entry of nodes. Then buffers of the usual kinds: validity (empty without nulls), values of
 * so many bytes, n bits. */
void sl_ipc_put_node(struct sl_ipc_put *p, size_t rows, size_t nulls);
int sl_ipc_put_valid(struct sl_ipc_put *p, const struct sl_column *c);
int sl_ipc_put_values(struct sl_ipc_put *p, const struct sl_column *c, size_t width);
int sl_ipc_put_bits(struct sl_ipc_put *p, const uint8_t *bits, size_t n);
/* Offsets from 0, 4 or 8 bytes wide; then nothing else. */
int sl_ipc_put_offsets(struct sl_ipc_put *p, const struct sl_column *c, int wide);
/* ipc_nested.c: a FOREIGN column with its children, and what that adds to the counts. */
int sl_ipc_put_foreign(struct sl_ipc_put *p, struct sl_column *c);
void sl_ipc_count_foreign(struct sl_ipc_put *p, const struct sl_foreign *f);

#endif
