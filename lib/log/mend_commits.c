/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * mend_commits: the state as far as damaged commit files still tell it.
 *
 * Every line states its segments whole, so one that is lost is mostly made good by those after it;
 * what it alone said (positions, a schema, the last growth of a segment) is looked for in the segments
 * or said to be gone.
 */
#include "base/compat.h"
#include <inttypes.h>
#include <unistd.h>
#include "base/mem.h"
#include "log/mend.h"

int sl_mend_is_missing(const struct sl_mend *m, int64_t n)
{
    for (size_t i = 0; i < m->nmissing; i++) {
        if (m->missing[i] == n)
            return 1;
    }
    return 0;
}

static int add_missing(struct sl_mend *m, int64_t from, int64_t to, struct sl_err *err)
{
    /* A number that is nonsense must not fill the memory. */
    if (to - from > 1000000)
        from = to - 1000000;
    for (int64_t n = from; n < to; n++) {
        if (sl_mend_is_missing(m, n))
            continue;
        int64_t *list = sl_realloc(m->missing, (m->nmissing + 1) * sizeof(*list));
        if (!list)
            return sl_err_nomem(err, "a repair");
        m->missing = list;
        list[m->nmissing++] = n;
    }
    return 0;
}

/* A line that is good in itself, after others that may be missing. */
static int take(struct sl_mend *m, struct sl_line *line, struct sl_err *err)
{
    struct sl_state *s = &m->l->state;
    struct sl_err why;
    int rc = 0;

    sl_err_init(&why);
    if (line->snapshot) {
        if (s->n && line->n > s->n + 1 && line->history == s->history)
            rc = add_missing(m, s->n + 1, line->n, err);
        if (rc == 0 && line->n > s->n)
            rc = sl_state_apply(s, line, &why);
    } else if (s->n && line->n > s->n) {
        rc = add_missing(m, s->n + 1, line->n, err);
        s->n = line->n - 1;
        s->crc = line->prev;
        s->history = line->history;
        if (rc == 0)
            rc = sl_state_apply(s, line, &why);
    }
    if (rc == -SL_ECORRUPT) {
        sl_mend_say(m, "commit %" PRId64 " does not fit what is known before it: left out",
                    line->n);
        rc = add_missing(m, line->n, line->n + 1, err);
        s->n = SL_MAX(s->n, line->n);
        m->changes++;
    } else if (rc < 0 && err) {
        *err = why;
    }
    s->broken = 0;
    return rc;
}

static int read_lines(struct sl_mend *m, const char *name, const struct sl_buf *b, int *bad,
                      struct sl_err *err)
{
    const char *p = b->data, *end = p + b->len, *nl;
    int rc = 0;
    while (rc == 0 && p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        struct sl_line line;
        struct sl_err why;
        sl_err_init(&why);
        sl_line_init(&line);
        rc = sl_line_parse(p, (size_t)(nl + 1 - p), &line, &why);
        if (rc == 0) {
            rc = take(m, &line, err);
        } else if (rc == -SL_ECORRUPT) {
            sl_mend_say(m, "%s: byte %td: %s: the line is left out", name, p - b->data, why.what);
            (*bad)++;
            rc = 0;
        } else if (err) {
            *err = why;
        }
        sl_line_release(&line);
        p = nl + 1;
    }
    if (rc == 0 && p < end && !sl_line_is_torn(p, (size_t)(end - p))) {
        sl_mend_say(m, "%s: byte %td: the last bytes are no part of a line: left out", name,
                    p - b->data);
        (*bad)++;
        if (m->l->state.n)
            rc = add_missing(m, m->l->state.n + 1, m->l->state.n + 2, err);
    }
    return rc;
}

static int read_one(struct sl_mend *m, int64_t file, struct sl_err *err)
{
    struct sl_buf path = SL_BUF_INIT, b = SL_BUF_INIT;
    char name[SL_COMMIT_NAME + 16] = "commits/";
    int bad = 0;
    sl_commit_name(file, name + 8);
    sl_path_join(&path, m->l->path, name);
    int rc = sl_buf_check(&path, err);
    if (rc == 0)
        rc = sl_path_read_file(path.data, SL_LINE_MAX, &b, err);
    if (rc == 0 && b.len)
        rc = read_lines(m, name, &b, &bad, err);
    if (rc == 0 && (bad || !b.len))
        m->damaged[m->ndamaged++] = file;
    sl_buf_release(&path);
    sl_buf_release(&b);
    return rc;
}

int sl_mend_commits(struct sl_mend *m, struct sl_err *err)
{
    struct sl_log *l = m->l;
    int64_t newest, older;
    int rc = sl_commits_list(l, &newest, &older, err);

    if (rc < 0)
        return rc;
    sl_state_release(&l->state);
    l->state.lenient = 1;
    if (older)
        rc = read_one(m, older, err);
    if (rc == 0)
        rc = read_one(m, newest, err);
    l->state.lenient = 0;
    l->c.file = newest;
    if (rc == 0 && !l->state.n) {
        sl_err_set(err, SL_ECORRUPT, "no snapshot in commits/ is good: there is nothing to go by");
        return sl_err_place(err, "%s", l->path);
    }
    /* Lines at the end may be gone that the mark still knows of. */
    if (rc == 0 && l->mark.known && l->mark.durable > l->state.n) {
        sl_mend_say(m, "commits %" PRId64 " to %" PRId64 " are gone from commits/", l->state.n + 1,
                    l->mark.durable);
        rc = add_missing(m, l->state.n + 1, l->mark.durable + 1, err);
        l->state.n = l->mark.durable;
        if (!m->ndamaged)
            m->damaged[m->ndamaged++] = newest;
    }
    if (rc == 0 && newest > l->state.n) { /* its snapshot is damaged */
        rc = add_missing(m, l->state.n + 1, newest + 1, err);
        l->state.n = newest;
    }
    if (rc == 0 && m->nmissing)
        sl_mend_say(m,
                    "%zu commit lines are missing; their rows are looked for in the segments; "
                    "source positions that they alone recorded are gone",
                    m->nmissing);
    m->changes += m->ndamaged;
    return rc;
}
