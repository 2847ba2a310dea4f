/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* cut: how many of the bytes at hand are whole records. */
#include "text/reader.h"

static int too_long(const struct sl_text_cut *c, struct sl_err *err)
{
    sl_err_set(err, SL_EFORMAT, "a record is longer than %d MiB", SL_TEXT_RECORD_MAX >> 20);
    if (c->quoted == SL_CSV_QUOTED)
        return sl_err_hint(err, "is a quote opened and never closed?");
    return -SL_EFORMAT;
}

int64_t sl_text_cut(const struct sl_text_reader *r, struct sl_text_cut *c, const char *data,
                    size_t n, int at_end, struct sl_err *err)
{
    if (c->scanned > n) { /* fewer bytes than last time: look at them afresh */
        c->scanned = 0;
        c->quoted = SL_CSV_START;
    }
    size_t end = 0;
    if (r->o.format == SL_TEXT_CSV || r->o.format == SL_TEXT_TSV) {
        char eol = r->eol ? r->eol : sl_csv_sniff_eol(data, n);
        char delim = r->delim ? r->delim : sl_csv_sniff_delim(data, n, eol);
        enum sl_csv_state s = (enum sl_csv_state)c->quoted;
        size_t from = c->scanned;
        if (!r->delim || !r->eol) { /* what was assumed may change as more bytes come */
            s = SL_CSV_START;
            from = n >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        }
        end = sl_csv_cut(SL_CSV_BEST, data, from, n, delim, eol, &s);
        c->quoted = s;
    } else if (n > c->scanned) {
        const char *p = memrchr(data + c->scanned, '\n', n - c->scanned);
        end = p ? (size_t)(p - data) + 1 : 0;
    }
    if (at_end) {
        *c = (struct sl_text_cut){0};
        return (int64_t)n;
    }
    c->scanned = n - end;
    if (!end && n >= SL_TEXT_RECORD_MAX)
        return too_long(c, err);
    return (int64_t)end;
}
