/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * text_append: whether rows may be added to the text that a file holds.
 *
 * The columns of CSV and TSV are those that the header names, whatever rows come behind it: rows of
 * other columns would be read as what they are not, in silence. A last line without its end would
 * become one with the first row that is added. A compressed file is read whole, to its last byte; so
 * one that is cut off is found here, before anything is behind the place where it breaks.
 */
#include "base/compat.h"
#include "base/path.h"
#include "file/bytes.h"
#include <sys/stat.h>
#include "arrow/schema.h"
#include "base/buf.h"
#include "base/mem.h"
#include "file/text_append.h"

enum { SAMPLE = 1 << 20 }; /* a header that is longer is none */

/* A column of the rows that the text does not show is not compared: it is no column. */
static int compare(const char *path, struct sl_schema *there, struct sl_schema *rows,
                   struct sl_err *err)
{
    int hidden = sl_text_hidden_column(rows), n = 0;
    for (int i = 0; i < rows->nfields; i++) {
        if (i == hidden)
            continue;
        if (n < there->nfields && strcmp(there->fields[n].name, rows->fields[i].name) != 0) {
            sl_err_set(err, SL_ESCHEMA,
                       "%s has other columns: its column %d is '%.60s', not '%.60s'", path, n + 1,
                       there->fields[n].name, rows->fields[i].name);
            return sl_err_hint(err, "choose and order them with transform --select, or write to "
                                    "another name");
        }
        n++;
    }
    if (there->nfields == n)
        return 0;
    sl_err_set(err, SL_ESCHEMA, "%s has %d %s, and these rows have %d", path, there->nfields,
               sl_plural(there->nfields, "column", "columns"), n);
    return sl_err_hint(err, "choose them with transform --select, or write to another name");
}

static int check_header(const char *path, const struct sl_text_write_options *wo,
                        struct sl_schema *rows, const struct sl_buf *sample, struct sl_err *err)
{
    struct sl_text_options o = {.format = wo->format,
                                .header = 1,
                                .delimiter = wo->format == SL_TEXT_TSV ? '\t'
                                             : wo->delimiter           ? wo->delimiter
                                                                       : ','};
    struct sl_text_reader *r = NULL;
    struct sl_text_cut cut = {0};
    size_t header = 0;

    int rc = sl_text_reader_new(&o, &r, err);
    if (rc >= 0) {
        size_t whole = sl_text_cut(r, &cut, sample->data, sample->len, sample->len < SAMPLE);
        rc = sl_text_settle(r, sample->data, whole, &header, err);
    }
    if (rc >= 0)
        rc = compare(path, sl_text_schema(r), rows, err);
    else
        sl_err_place(err, "%s", path);
    sl_text_reader_free(r);
    return rc;
}

/* The first bytes into sample, the last one into *last (NULL: it is not looked for). */
static int look(struct sl_bytes *b, struct sl_buf *sample, char *last, struct sl_err *err)
{
    static const size_t block = 64 << 10;
    char *data = sl_malloc(block);
    int rc = data ? SL_BYTES_DATA : sl_err_nomem(err, "an output");
    while (rc == SL_BYTES_DATA) {
        size_t got = 0;
        rc = sl_bytes_read(b, data, block, &got, err);
        if (rc != SL_BYTES_DATA)
            break;
        if (last)
            *last = data[got - 1];
        if (sample->len < SAMPLE)
            sl_buf_add(sample, data, SL_MIN(got, SAMPLE - sample->len));
        else if (!last || (!sl_bytes_is_compressed(b) && sl_bytes_is_regular(b)))
            break;
    }
    free(data);
    return rc < 0 ? rc : sl_buf_check(sample, err);
}

int sl_append_check(const char *path, const struct sl_text_write_options *wo,
                    struct sl_schema *rows, int *unended, struct sl_err *err)
{
    assert(path && wo && sl_schema_is_sound(rows));
    struct sl_buf sample = SL_BUF_INIT;
    struct sl_bytes *b = NULL;
    char last = '\n';

    int rc = sl_bytes_open(path, 0, -1, &b, err);
    if (rc == 0)
        rc = look(b, &sample, unended ? &last : NULL, err);
    if (rc == 0 && unended && !sl_bytes_is_compressed(b)) {
        struct stat st;
        if (fstat(sl_bytes_fd(b), &st) < 0)
            rc = sl_err_sys(err, "cannot stat %s", path);
        else if (sl_path_pread(sl_bytes_fd(b), &last, 1, st.st_size - 1, path, err) < 0)
            rc = -(int)(err ? err->code : SL_EFAIL);
    }
    if (unended)
        *unended = last != '\n';
    if (rc == 0 && sample.len && !wo->no_header &&
        (wo->format == SL_TEXT_CSV || wo->format == SL_TEXT_TSV))
        rc = check_header(path, wo, rows, &sample, err);
    sl_bytes_free(b);
    sl_buf_release(&sample);
    return rc;
}
