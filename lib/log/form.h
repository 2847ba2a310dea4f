/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * form: how the columns of a segment are stored, with the schema message that says so.
 *
 * Dictionary columns and their code widths belong to a stream, so a form is fixed when a segment
 * begins. A form is immutable and shared by references: by plans, blobs and segments being begun.
 */
#ifndef SL_LOG_FORM_H
#define SL_LOG_FORM_H

#include <stdatomic.h>
#include "ipc/ipc.h"
#include "log/line.h"
#include "log/log_state.h"

struct sl_form_plan {
    atomic_int refs;
    int schema_id;
    struct sl_schema *schema;
    struct sl_ipc_form f;
    char *text;         /* as commit lines have it: "z:024" */
    int ndicts;         /* columns with codes */
    struct sl_buf head; /* the schema message */
    uint32_t head_crc;
};

enum { SL_FORM_TINY = 1024, SL_FORM_BIG = 16384 }; /* rows */

struct sl_form_plan *sl_form_ref(struct sl_form_plan *f);
void sl_form_unref(struct sl_form_plan *f);
/* As a commit line states it. SL_ECORRUPT. */
int sl_form_parse(struct sl_schema *schema, int schema_id, const char *text,
                  struct sl_form_plan **out, struct sl_err *err);
/* For a segment that begins with b: the best form of a big batch, plain for a tiny one. */
int sl_form_first(struct sl_schema *schema, int schema_id, struct sl_batch *b, int big,
                  struct sl_form_plan **out, struct sl_err *err);
/* For b, which `old` cannot hold: wider codes, or plain where that is better. */
int sl_form_grow(struct sl_form_plan *old, struct sl_batch *b, struct sl_form_plan **out,
                 struct sl_err *err);

/* A segment in this form without a row; its text is borrowed. */
struct sl_seg sl_form_seg(const struct sl_form_plan *f, int partition, int64_t base, int64_t by);

#endif
