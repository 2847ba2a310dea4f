/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * fuzz: commit lines that are whole by their checksums and say anything.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -Ilib tests/fuzz/commits.c LAYERS... LIBS
 *
 * Each line of the input gets a true CRC, and the CRC of the line before it as its prev, so that the
 * mutations reach what is behind the checks. What must hold: a line is taken or refused with a
 * reason; a state that took one prints as a snapshot, and that gives the same state again.
 */
#include <stdlib.h>
#include "base/crc32c.h"
#include "base/hex.h"
#include "log/log_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void die_if(int wrong)
{
    if (wrong)
        abort();
}

/* The line without its own trailer, sealed anew. */
static void seal(struct sl_buf *out, const char *s, size_t n, uint32_t prev)
{
    char *at;
    if (n >= SL_LINE_TRAILER - 1 && memcmp(s + n - (SL_LINE_TRAILER - 1), ",\"crc\":\"", 8) == 0)
        n -= SL_LINE_TRAILER - 1;
    sl_buf_reset(out);
    sl_buf_add(out, s, n);
    if (out->len && (at = memmem(out->data, out->len, "\"prev\":\"", 8)) != NULL &&
        at + 16 <= out->data + out->len)
        sl_hex32(at + 8, prev);
    char trailer[SL_LINE_TRAILER + 1] = ",\"crc\":\"00000000\"}\n";
    sl_hex32(trailer + 8, sl_crc32c(0, out->data, out->len));
    sl_buf_add(out, trailer, SL_LINE_TRAILER);
}

static void check_state(const struct sl_state *s)
{
    struct sl_state again = {0};
    struct sl_line snapshot, back;
    struct sl_buf text = SL_BUF_INIT;
    struct sl_err err;
    sl_line_init(&snapshot);
    sl_line_init(&back);
    die_if(sl_state_snapshot(s, &snapshot, &err) < 0);
    die_if(sl_line_print(&snapshot, &text, &err) < 0);
    die_if(sl_line_parse(text.data, text.len, &back, &err) < 0);
    die_if(sl_state_apply(&again, &back, &err) < 0);
    die_if(again.npartitions != s->npartitions || again.history != s->history ||
           again.n != s->n + 1);
    for (int i = 0; i < s->npartitions; i++)
        die_if(again.parts[i].end != s->parts[i].end || again.parts[i].nsegs != s->parts[i].nsegs);
    sl_line_release(&back);
    sl_line_release(&snapshot);
    sl_state_release(&again);
    sl_buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    const char *p = (const char *)input, *end = p + size;
    struct sl_buf text = SL_BUF_INIT;
    struct sl_state state = {0};
    struct sl_err err;
    uint32_t prev = 0;
    while (p < end && !state.broken) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((nl ? nl : end) - p);
        struct sl_line line;
        sl_line_is_torn(p, n);
        seal(&text, p, n, prev);
        sl_line_init(&line);
        int rc = sl_line_parse(text.data, text.len, &line, &err);
        if (rc == 0)
            rc = sl_state_apply(&state, &line, &err);
        die_if(rc < 0 && err.what[0] == 0);
        if (rc == 0) {
            prev = state.crc;
            check_state(&state);
        }
        sl_line_release(&line);
        p = nl ? nl + 1 : end;
    }
    sl_state_release(&state);
    sl_buf_release(&text);
    return 0;
}
