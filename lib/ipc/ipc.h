/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * ipc: Arrow IPC streams, encoded and decoded.
 *
 * An encapsulated message is 0xFFFFFFFF, int32 metadata length, flatbuffer Message (padded to 8),
 * body (padded to 8). A stream is a Schema message, then DictionaryBatch and RecordBatch messages,
 * then the end marker 0xFFFFFFFF 0x00000000. Everything is little-endian. (Arrow columnar format
 * 1.5, "IPC Streaming Format".)
 *
 * sluice's own facts travel in a message's custom_metadata:
 *   `sluice`    control on pipes, see arrow/control.h; stages copy it
 *   `sluice.i`  identity and checksums of a message in a segment, fixed width, see sluice-log(5)
 *
 * Form: which columns are dictionary-encoded and how wide their codes are belongs to the stream
 * (struct sl_ipc_form), fixed when its schema is written. Every batch that has dictionary columns
 * is preceded by the (replacing) dictionaries that it uses, so that it can be read on its own.
 *
 * Hostile input: every length, offset, count and code is checked before it is used; a body larger
 * than SL_IPC_BODY_MAX or metadata larger than SL_IPC_META_MAX is refused before allocation;
 * decompressed sizes are bounded by what the rows can need and by SL_IPC_BODY_MAX.
 */
#ifndef SL_IPC_IPC_H
#define SL_IPC_IPC_H

#include "arrow/batch.h"
#include "base/buf.h"

#define SL_IPC_META_MAX (16u << 20)
#define SL_IPC_BODY_MAX (1u << 30)
#define SL_IPC_ROWS_MAX (1 << 27) /* of one batch */
#define SL_IPC_KEY      "sluice"
#define SL_IPC_IDENTITY "sluice.i"

/* Per column of the schema: 0 plain, else the width in bytes (1, 2, 4) of dictionary codes. Codes
 * are signed on the wire: at most 128 or 32,768 values in 1 or 2 bytes. Only text, bytea and jsonb
 * columns can have codes. */
struct sl_ipc_form {
    int zstd;  /* compress bodies (buffers that do not shrink are stored raw) */
    int level; /* zstd level, 1 by default */
    int nfields;
    uint8_t *code; /* nfields entries */
};

int sl_ipc_form_init(struct sl_ipc_form *f, const struct sl_schema *s, struct sl_err *err);
void sl_ipc_form_release(struct sl_ipc_form *f);
/* Chooses dictionary columns and code widths after a look at b's forms (DICT columns whose
 * dictionary is small). */
int sl_ipc_form_fit(struct sl_ipc_form *f, struct sl_batch *b, struct sl_err *err);
/* Codes also for the plain columns of b, loaded by fit(), where half the rows or more repeat a value:
 * dearer, as each value is hashed, now and in each batch that is encoded so. */
void sl_ipc_form_count(struct sl_ipc_form *f, const struct sl_batch *b);
/* 1 if b can be written in f without loss (dictionaries fit their code widths: else 0). */
int sl_ipc_form_holds(const struct sl_ipc_form *f, const struct sl_batch *b);

struct sl_ipc_meta { /* a key, value pair of a message; value is not NUL-ended when decoded */
    const char *key;
    const char *value;
    size_t len;
};

/* ---- encode: appends whole messages to out. Thread-safe: no shared state. ---- */

/* The schema message. */
int sl_ipc_encode_schema(const struct sl_schema *s, const struct sl_ipc_form *f, struct sl_buf *out,
                         struct sl_err *err);

/* Where the value of a metadata key ended up, so that it can be patched in place later. */
struct sl_ipc_layout {
    size_t start;                /* of the message in out */
    size_t meta_value;           /* offset of meta[0]'s value bytes in out, 0 if none */
    size_t meta_start, meta_len; /* flatbuffer bytes of the message, offset in out, and length */
    size_t body, body_len;
};

/*
 * Dictionaries as needed, then the record batch with the selected rows of b (compacted by the
 * caller or here). meta[0..nmeta) go into the record batch message's custom_metadata; *record, if
 * not NULL, says where the record batch message is (the dictionary messages lie before it).
 * column_crc, if not NULL, receives for each column a CRC32C over its stored bytes: its buffers in
 * the record batch's body in their order, without the padding between them, and without its
 * dictionary (as sl_ipc_column_crcs computes it).
 */
int sl_ipc_encode_batch(struct sl_batch *b, const struct sl_ipc_form *f,
                        const struct sl_ipc_meta *meta, int nmeta, struct sl_buf *out,
                        struct sl_ipc_layout *record, uint32_t *column_crc, struct sl_err *err);
/* A batch of no rows with this metadata: control. */
int sl_ipc_encode_control(const struct sl_schema *s, const struct sl_ipc_form *f,
                          const struct sl_ipc_meta *meta, int nmeta, struct sl_buf *out,
                          struct sl_err *err);
void sl_ipc_encode_end(struct sl_buf *out);

/* ---- decode ---- */

enum sl_ipc_kind { SL_IPC_SCHEMA = 1, SL_IPC_DICTIONARY, SL_IPC_BATCH, SL_IPC_END };

struct sl_ipc_message {
    enum sl_ipc_kind kind;
    struct sl_buffer *owner; /* holds meta and body; NULL from peek, set by the caller. If it stays
                                NULL, batches copy the body */
    const uint8_t *meta;     /* flatbuffer */
    size_t meta_len;
    const uint8_t *body;
    size_t body_len;
    size_t total; /* bytes of the whole encapsulated message */
    int64_t rows; /* record batch */
};

/*
 * Looks at the bytes at data: > 0 is the number of bytes that the whole message needs (if <= n the
 * message is complete and *m, if not NULL, is filled); 0: more bytes are needed to tell; < 0: not a
 * message (SL_EFORMAT; err->offset relative to data).
 */
int64_t sl_ipc_peek(const uint8_t *data, size_t n, struct sl_ipc_message *m, struct sl_err *err);

/* Value of a custom_metadata key of the message: 1 found, 0 absent, < 0 malformed. */
int sl_ipc_message_meta(const struct sl_ipc_message *m, const char *key, const char **value,
                        size_t *len);

/*
 * Decoder of one stream. Schema first; foreign types are widened to sluice's where that loses
 * nothing, else carried. Dictionary messages replace or (delta) extend; record batches come out
 * with LAZY columns that hold a reference to owner and, for dictionary columns, to the dictionary
 * as it stood.
 */
struct sl_ipc_decoder;
/* What the footer of an Arrow IPC file says of where its dictionaries are. */
struct sl_ipc_block { /* a whole message */
    int64_t offset, length;
};
struct sl_ipc_footer {
    struct sl_ipc_block *dictionaries; /* malloc'ed */
    size_t ndictionaries;
    int64_t first_batch;
    int late; /* some dictionary comes behind some batch */
};
int sl_ipc_footer_read(const uint8_t *data, size_t n, struct sl_ipc_footer *out,
                       struct sl_err *err);

struct sl_ipc_decoder *sl_ipc_decoder_new(struct sl_account *account);
void sl_ipc_decoder_free(struct sl_ipc_decoder *d);
/* Takes the schema message. 0 or < 0. */
int sl_ipc_decoder_schema(struct sl_ipc_decoder *d, const struct sl_ipc_message *m,
                          struct sl_err *err);
struct sl_schema *sl_ipc_decoder_get_schema(struct sl_ipc_decoder *d); /* borrowed */
/* Width in bytes of a column's dictionary codes in this stream, 0 = plain. */
int sl_ipc_decoder_code(const struct sl_ipc_decoder *d, int column);
int sl_ipc_decoder_dictionary(struct sl_ipc_decoder *d, const struct sl_ipc_message *m,
                              struct sl_err *err);
/* The first of the columns (a bitmap over the schema's fields, NULL = all) that needs the dictionary in
 * m; the number of fields if none does. */
int sl_ipc_decoder_dictionary_column(const struct sl_ipc_decoder *d, const struct sl_ipc_message *m,
                                     const uint8_t *columns);
/* All columns come LAZY (those that are never touched cost nothing); positions, lengths and counts
 * are checked here, contents when a column is loaded. The batch may be used by any thread, and
 * outlives d. */
int sl_ipc_decoder_batch(struct sl_ipc_decoder *d, const struct sl_ipc_message *m,
                         struct sl_batch **out, struct sl_err *err);
/* The same of some columns (a bitmap over the schema's fields, NULL = all): the others come as nulls,
 * and neither their bytes nor their dictionaries are looked at. */
int sl_ipc_decoder_columns(struct sl_ipc_decoder *d, const struct sl_ipc_message *m,
                           const uint8_t *columns, struct sl_batch **out, struct sl_err *err);
/* CRC32C of the stored bytes of columns of a record batch (their own buffers in the body only), in
 * one pass: columns is a bitmap over the schema's fields (NULL = all), crc has an entry per field (0
 * where it was not asked for). */
int sl_ipc_column_crcs(struct sl_ipc_decoder *d, const struct sl_ipc_message *m,
                       const uint8_t *columns, uint32_t *crc, struct sl_err *err);
/* Adds how many bytes each column takes in the body, dictionaries left out, to an entry per field. */
int sl_ipc_column_bytes(struct sl_ipc_decoder *d, const struct sl_ipc_message *m, int64_t *bytes,
                        struct sl_err *err);

#endif
