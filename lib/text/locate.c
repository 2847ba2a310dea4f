/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * locate: where in the text the rows of a batch stand.
 *
 * Nobody asks for that until an expression rejects a row, so nothing is kept for it while rows are
 * read: the chunk is split into records once more. Rows of the batch are the records that were
 * neither skipped nor rejected, in their order.
 */
#include "text/text_reader.h"

/* Bytes of every record that is a row or was rejected by a column. */
static void records_of(const struct sl_text_rows *rows, const char *data, size_t n,
                       struct sl_csv_origin *out)
{
    if (rows->csv)
        sl_csv_records(rows->csv, data, n, out);
    else if (rows->rows)
        memcpy(out, rows->origins, rows->rows * sizeof *out);
}

int sl_text_locate(const struct sl_text_reader *r, const struct sl_text_chunk *chunk,
                   const struct sl_reject_list *rejects, struct sl_text_place **places, size_t *n,
                   struct sl_err *err)
{
    assert(r && chunk && places && n);
    struct sl_text_rows rows;
    struct sl_reject_list again = {0};
    struct sl_csv_origin *records = NULL;
    struct sl_text_place *out = NULL;
    struct sl_text_scratch *s = sl_text_scratch_new(err);
    size_t made = 0, passed = 0;
    int rc = s ? sl_text_parse_rows(r, s, chunk, &rows, &again, NULL, err) : -SL_ENOMEM;

    if (rc < 0)
        goto out;
    records = sl_calloc(rows.rows + 1, sizeof *records);
    out = sl_calloc(rows.rows + 1, sizeof *out);
    if (!records || !out) {
        rc = sl_err_nomem(err, "finding a row again");
        goto out;
    }
    records_of(&rows, chunk->data, chunk->n, records);
    int64_t line = chunk->first_line, at = 0;
    for (size_t i = 0; i < rows.rows; i++) {
        int64_t byte = records[i].byte;
        line += sl_text_lines(r->eol, chunk->data + at, chunk->data + byte);
        at = byte;
        while (passed < rejects->n && rejects->items[passed].byte < byte)
            passed++;
        if (passed < rejects->n && rejects->items[passed].byte == byte)
            continue;
        out[made++] = (struct sl_text_place){line, byte, records[i].len};
    }
out:
    if (rc < 0) {
        free(out);
        out = NULL;
    }
    *places = out;
    *n = made;
    free(records);
    sl_reject_list_release(&again);
    sl_text_scratch_free(s);
    return rc < 0 ? rc : 0;
}
