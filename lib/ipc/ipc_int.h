/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* ipc_int: what the files of the IPC encoder and decoder share; not for other layers. */
#ifndef SL_IPC_IPC_INT_H
#define SL_IPC_IPC_INT_H

#include "arrow/column_int.h"
#include "ipc/fb_read.h"
#include "ipc/fb_write.h"
#include "ipc/ipc.h"

/* Fields of the tables in Message.fbs and Schema.fbs, by number. */
enum { FB_MESSAGE_VERSION, FB_MESSAGE_TYPE, FB_MESSAGE_HEADER, FB_MESSAGE_BODY, FB_MESSAGE_META };
enum { FB_SCHEMA_ENDIAN, FB_SCHEMA_FIELDS, FB_SCHEMA_META };
enum {
    FB_FIELD_NAME,
    FB_FIELD_NULLABLE,
    FB_FIELD_TYPE_TYPE,
    FB_FIELD_TYPE,
    FB_FIELD_DICTIONARY,
    FB_FIELD_CHILDREN,
    FB_FIELD_META,
};
enum { FB_DICT_ID, FB_DICT_INDEX, FB_DICT_ORDERED, FB_DICT_KIND };
enum { FB_KV_KEY, FB_KV_VALUE };
enum { FB_BATCH_LENGTH, FB_BATCH_NODES, FB_BATCH_BUFFERS, FB_BATCH_CODEC, FB_BATCH_VARIADIC };
enum { FB_DICTBATCH_ID, FB_DICTBATCH_DATA, FB_DICTBATCH_DELTA };
enum { FB_CODEC_CODEC, FB_CODEC_METHOD };
enum { CODEC_LZ4 = 0, CODEC_ZSTD = 1 };
enum { HEADER_SCHEMA = 1, HEADER_DICTIONARY = 2, HEADER_BATCH = 3 };
enum { METADATA_V4 = 3, METADATA_V5 = 4 };

#define IPC_CONTINUATION   0xffffffffu
#define IPC_EXTENSION      "ARROW:extension:name"
#define IPC_EXTENSION_JSON "arrow.json"
#define IPC_VALUES         "sluice.values" /* of a text field; "none" when its type was settled */
#define IPC_VALUES_NONE    "none"

/* The message's table and its header's; 0, or < 0 if it is not of this kind. */
int sl_ipc_open_message(const struct sl_ipc_message *m, int header, struct sl_fb *fb,
                        struct sl_fb_table *message, struct sl_fb_table *head, struct sl_err *err);
/* SL_EFORMAT: what is wrong with a message. */
int sl_ipc_malformed(struct sl_err *err, const char *what);

/* ---- ipc_field.c: a field of a schema message ---- */

struct sl_ipc_budget { /* what one schema message may still make us allocate */
    size_t fields, bytes;
};
/* Description of the field and of all below it. */
struct sl_foreign *sl_ipc_read_field(const struct sl_fb_table *field, int depth,
                                     struct sl_ipc_budget *budget, struct sl_err *err);
/* The key-value pairs of a table's slot, copied and within the budget; the caller frees them. */
int sl_ipc_read_pairs(const struct sl_fb_table *t, int slot, struct sl_ipc_budget *budget,
                      struct sl_foreign_pair **pairs, int *npairs, struct sl_err *err);
/* The type by which sluice knows such a field; borrows f where it is FOREIGN. */
struct sl_type sl_ipc_type_of(struct sl_foreign *f);

/* ---- ipc_dict.c: dictionaries ---- */

/* One dictionary as it stood when a batch came; decoded on first use, by any thread. */
struct sl_ipc_dict;
struct sl_ipc_dict *sl_ipc_dict_ref(struct sl_ipc_dict *d);
void sl_ipc_dict_unref(struct sl_ipc_dict *d);
/* Values as the message holds them; f describes them (dictionary encoding of f itself aside). */
struct sl_ipc_body;
struct sl_ipc_dicts;
struct sl_ipc_dict *sl_ipc_dict_new(struct sl_ipc_body *body, struct sl_foreign *f,
                                    struct sl_err *err);
/* The values of before, then those of more. */
struct sl_ipc_dict *sl_ipc_dict_extend(struct sl_ipc_dict *before, struct sl_ipc_dict *more,
                                       struct sl_err *err);
/* Decodes now, with the dictionaries that the values themselves need. */
int sl_ipc_dict_load(struct sl_ipc_dict *d, const struct sl_ipc_dicts *dicts, struct sl_err *err);
/* Its values as the Arrow type lays them out; a new reference. */
struct sl_column *sl_ipc_dict_raw(struct sl_ipc_dict *d, struct sl_err *err);
/* Its values as sluice's type (that of f), a new reference. Without nulls and never empty if the
 * type is one of bytes: *rows then says how many there are, *valid (or NULL) which are not null. */
struct sl_column *sl_ipc_dict_typed(struct sl_ipc_dict *d, size_t *rows, const uint8_t **valid,
                                    struct sl_err *err);

struct sl_ipc_span {
    int64_t offset, length;
};
struct sl_ipc_node {
    int64_t length, nulls;
};

/* The tables of one record batch, checked against its body; shared by its columns. */
struct sl_ipc_body {
    atomic_int refs;
    struct sl_buffer *owner;
    const uint8_t *data;
    size_t len;
    int64_t rows;
    /* How buffers are decompressed, see codec.h; NULL: they are plain. */
    int (*decompress)(void *dst, size_t want, size_t claimed, const void *src, size_t n,
                      struct sl_err *err);
    struct sl_account *account;
    struct sl_ipc_node *nodes;
    struct sl_ipc_span *spans;
    int64_t *variadic;
    size_t nnodes, nspans, nvariadic;
};

struct sl_ipc_body *sl_ipc_body_new(const struct sl_ipc_message *m, struct sl_fb_table *batch,
                                    struct sl_account *account, struct sl_err *err);
void sl_ipc_body_unref(struct sl_ipc_body *b);

/* A place in the tables of a body. */
struct sl_ipc_cursor {
    const struct sl_ipc_body *body;
    size_t node, span, variadic;
};
/* For an assert at each door: a cursor never stands behind the end of what it goes through. */
static inline int sl_ipc_cursor_is_sound(const struct sl_ipc_cursor *c)
{
    return c && c->body && c->node <= c->body->nnodes && c->span <= c->body->nspans &&
           c->variadic <= c->body->nvariadic;
}
/* Whether values are views, with a number of buffers of their own. */
int sl_ipc_is_view(const struct sl_foreign *f);
/* Buffers of a type itself, without its children's; a view's variadic ones are counted apart. */
size_t sl_ipc_own_spans(const struct sl_foreign *f);
/* Moves over the nodes and buffers of f (as_index: of the codes of a dictionary field). 0 or < 0.
 * */
int sl_ipc_skip(struct sl_ipc_cursor *c, const struct sl_foreign *f, int as_index,
                struct sl_err *err);

/* Finds the dictionary with an id, borrowed, or NULL. */
struct sl_ipc_dicts {
    struct sl_ipc_dict *(*find)(void *arg, int64_t id);
    void *arg;
};

/* ---- ipc_load.c ---- */

struct sl_slab { /* bytes of one buffer, decompressed; who holds them in owner (a reference) */
    const uint8_t *data;
    size_t len;
    struct sl_buffer *owner;
};
void sl_slab_release(struct sl_slab *s);
/*
 * The next buffer, at least need bytes of it, at an address that is a multiple of align. exact: no
 * more than need bytes are wanted (else all that it holds).
 */
int sl_slab_next(struct sl_ipc_cursor *c, size_t need, int exact, size_t align, struct sl_slab *s,
                 struct sl_err *err);
/* The validity buffer, into col, whose node is given. */
int sl_slab_valid(struct sl_ipc_cursor *c, struct sl_column *col, struct sl_ipc_node node,
                  struct sl_err *err);

/* The column at the cursor as its Arrow type lays it out (a FOREIGN column of type f). dicts may be
 * NULL if f holds no dictionary below. */
struct sl_column *sl_ipc_load(struct sl_ipc_cursor *c, struct sl_foreign *f, int top,
                              const struct sl_ipc_dicts *dicts, struct sl_err *err);

/* ---- ipc_codes.c ---- */

/* A dictionary column as its values: inside a nested type as the Arrow type says ... */
struct sl_column *sl_ipc_load_indirect(struct sl_ipc_cursor *c, struct sl_foreign *f,
                                       const struct sl_ipc_dicts *dicts, struct sl_err *err);
/* ... and at the top as sluice's type, in the DICT form where that is text. */
struct sl_column *sl_ipc_load_dict(struct sl_ipc_cursor *c, const struct sl_foreign *f,
                                   struct sl_type type, struct sl_ipc_dict *dict,
                                   struct sl_err *err);

/* ---- ipc_convert.c ---- */

/* raw (loaded by sl_ipc_load) as a column of sluice's type; raw's reference passes. */
struct sl_column *sl_ipc_convert(struct sl_column *raw, struct sl_type type,
                                 struct sl_account *account, struct sl_err *err);

#endif
