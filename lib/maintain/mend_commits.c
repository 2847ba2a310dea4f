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
#include "maintain/mend.h"

int sl_span_add(struct sl_range **list, size_t *n, int64_t from, int64_t to, struct sl_err *err)
{
    assert(!*n || from >= (*list)[*n - 1].from);
    if (from >= to)
        return 0;
    if (*n && from <= (*list)[*n - 1].to) {
        (*list)[*n - 1].to = SL_MAX((*list)[*n - 1].to, to);
        return 0;
    }
    int rc = SL_GROW_ONE(*list, *n, "a repair", err);
    if (rc < 0)
        return rc;
    (*list)[(*n)++] = (struct sl_range){from, to};
    return 0;
}

size_t sl_span_after(const struct sl_range *list, size_t n, int64_t at)
{
    assert(list || !n);
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (list[mid].to <= at)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

int sl_mend_is_missing(const struct sl_mend *m, int64_t n)
{
    assert(sl_mend_is_sound(m) && n > 0);
    size_t i = sl_span_after(m->missing, m->nmissing, n);
    return i < m->nmissing && m->missing[i].from <= n;
}

static int add_missing(struct sl_mend *m, int64_t from, int64_t to, struct sl_err *err)
{
    assert(from > 0);
    if (m->nmissing)
        from = SL_MAX(from, m->missing[m->nmissing - 1].to);
    return sl_span_add(&m->missing, &m->nmissing, from, to, err);
}

/* A file being read. */
struct lines {
    const char *name;
    int64_t file, at; /* the number that names it; position of the line */
    int bad;          /* how many things were wrong */
    int gap;      /* lines just before this one that are bad: that they are missing is no news */
    int is_first; /* the next good line is the first one: nothing is known of the line before it */
};

static void bad(struct sl_mend *m, struct lines *f, const char *fmt, ...) SL_PRINTF(3, 4);
static void bad(struct sl_mend *m, struct lines *f, const char *fmt, ...)
{
    struct sl_buf b = SL_BUF_INIT;
    va_list ap;
    va_start(ap, fmt);
    sl_buf_vprintf(&b, fmt, ap);
    va_end(ap);
    f->bad++;
    m->l->state.lenient = 1;
    if (m->bad && b.data)
        m->bad(m, f->name, f->at, b.data);
    sl_buf_release(&b);
}

/* Whether the line goes on where the state is; what is missing between them is noted. */
static int join(struct sl_mend *m, struct lines *f, const struct sl_line *line, struct sl_err *err)
{
    struct sl_state *s = &m->l->state;
    if (line->n > s->n + 1) {
        /* A snapshot alone brings nothing. What else is missing may be rows in the log. */
        m->unplaced |= line->n > s->n + 2 || s->n + 1 != f->file;
        if (!f->gap)
            bad(m, f, "commits %" PRId64 " to %" PRId64 " are missing", s->n + 1, line->n - 1);
        return add_missing(m, s->n + 1, line->n, err);
    }
    if (line->prev != s->crc && !f->gap && !f->is_first)
        bad(m, f, "commit %" PRId64 " does not name the line before it", line->n);
    return 0;
}

/* What the line drops stays away. A segment that it drops and that a missing line named is not in the
 * state: there is nothing to drop then. */
static int drop(struct sl_mend *m, struct sl_line *line, struct sl_err *err)
{
    const struct sl_state *s = &m->l->state;
    int kept = 0;
    for (int i = 0; i < line->nsegs; i++) {
        struct sl_seg_key key = sl_seg_key(&line->segs[i]);
        int dropped = line->segs[i].dropped;
        if (dropped && !sl_segset_find(&m->dropped, key) && !sl_segset_add(&m->dropped, key))
            return sl_err_nomem(err, "a repair");
        if (!dropped || !s->lenient || sl_state_seg(s, key))
            line->segs[kept++] = line->segs[i];
    }
    line->nsegs = kept;
    return 0;
}

/* A good snapshot says all that lines before it said. */
static void forget_missing(struct sl_mend *m)
{
    m->nmissing = 0;
    m->unplaced = 0;
    m->origin = 0;
}

/* A line that is good in itself, after others that may be missing. */
static int take(struct sl_mend *m, struct lines *f, struct sl_line *line, struct sl_err *err)
{
    struct sl_state *s = &m->l->state;
    struct sl_err why = SL_ERR_INIT;
    int rc = 0;

    if (!line->snapshot != (f->at > 0) || (line->snapshot && line->n != f->file)) {
        bad(m, f,
            f->at            ? "a snapshot in the middle of a file"
            : line->snapshot ? "the snapshot is not the one that names the file"
                             : "the first line is no snapshot");
        f->gap++;
        return 0;
    }
    if (s->n && line->n > s->n && (!line->snapshot || line->history == s->history))
        rc = join(m, f, line, err);
    if (rc == 0 && s->n)
        rc = drop(m, line, err);
    if (rc == 0 && s->n && s->lenient)
        rc = sl_mend_learn(m, line, err);
    if (rc == 0 && line->snapshot && line->n > s->n) {
        rc = sl_state_apply(s, line, &why);
        if (rc == 0)
            forget_missing(m);
    } else if (rc == 0 && s->n && line->n > s->n) {
        s->n = line->n - 1;
        s->crc = line->prev;
        s->history = line->history;
        rc = sl_state_apply(s, line, &why);
    }
    f->gap = f->is_first = 0;
    if (rc == -SL_ECORRUPT) {
        bad(m, f, "%s", why.what);
        rc = add_missing(m, line->n, line->n + 1, err);
        s->n = SL_MAX(s->n, line->n);
        f->gap++;
    } else if (rc < 0 && err && why.code) {
        *err = why;
    }
    s->broken = 0;
    return rc;
}

/* The first line is not good, nor is there a file before it: begins with what segments say. */
static int begin_anyway(struct sl_mend *m, struct lines *f, struct sl_err *err)
{
    if (m->l->state.n || m->alone)
        return 0;
    int rc = sl_mend_origin(m, f->file, err);
    if (rc <= 0) {
        m->alone = 1; /* they say nothing: not again at each line */
        return rc;
    }
    m->l->state.lenient = 1;
    f->gap = 0;
    f->is_first = 1;
    return add_missing(m, 1, f->file + 1, err);
}

/* A good line that is not the whole of the bytes before its newline: rubbish stands before it. */
static const char *line_within(const char *p, const char *end)
{
    const char *at = memmem(p + 1, (size_t)(end - p - 1), "{\"n\":", 5);
    struct sl_line line;
    sl_line_init(&line);
    if (at && sl_line_parse(at, (size_t)(end - at), &line, NULL) < 0)
        at = NULL;
    sl_line_release(&line);
    return at;
}

/* The bytes from p up to a newline. *next: where to go on. */
static int read_line(struct sl_mend *m, struct lines *f, const struct sl_buf *b, const char *p,
                     const char *end, const char **next, struct sl_err *err)
{
    struct sl_line line;
    struct sl_err why = SL_ERR_INIT;
    assert(end > p && end[-1] == '\n');
    sl_line_init(&line);
    f->at = p - b->data;
    *next = end;
    int rc = sl_line_parse(p, (size_t)(end - p), &line, &why);
    if (rc == 0) {
        rc = take(m, f, &line, err);
    } else if (rc == -SL_ECORRUPT) {
        const char *within = line_within(p, end);
        bad(m, f, "%s", why.what);
        f->gap += !f->gap || (end - p > 5 && memcmp(p, "{\"n\":", 5) == 0);
        *next = within ? within : end;
        rc = 0;
    } else if (err) {
        *err = why;
    }
    sl_line_release(&line);
    return rc;
}

static int read_lines(struct sl_mend *m, struct lines *f, const struct sl_buf *b,
                      struct sl_err *err)
{
    const char *p = b->data, *end = p + b->len, *nl;
    int rc = 0;
    while (rc == 0 && p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        rc = read_line(m, f, b, p, nl + 1, &p, err);
        if (rc == 0)
            rc = begin_anyway(m, f, err);
    }
    f->at = p - b->data;
    if (rc == 0 && p < end && !sl_line_is_torn(p, (size_t)(end - p))) {
        bad(m, f, "the last bytes are no part of a line");
        f->gap++;
    }
    return rc == 0 ? begin_anyway(m, f, err) : rc;
}

int sl_mend_file(struct sl_log *l, int64_t file, char *name, struct sl_buf *b, struct sl_err *err)
{
    struct sl_buf path = SL_BUF_INIT;
    memcpy(name, "commits/", 8);
    sl_commit_name(file, name + 8);
    sl_path_join(&path, l->path, name);
    int rc = sl_buf_check(&path, err);
    if (rc == 0)
        rc = sl_path_read_file(path.data, SL_LINE_MAX, b, err);
    sl_buf_release(&path);
    return rc;
}

/* One file as far as `limit` (0: its end). How much is wrong in it, or < 0. */
static int read_one(struct sl_mend *m, int64_t file, int64_t limit, int *gap, struct sl_err *err)
{
    struct sl_buf b = SL_BUF_INIT;
    char name[SL_COMMIT_NAME + 16];
    struct lines f = {.name = name, .file = file};
    int rc = sl_mend_file(m->l, file, name, &b, err);
    if (rc == 0 && limit && (size_t)limit < b.len)
        b.len = (size_t)limit;
    if (rc == 0 && !b.len)
        bad(m, &f, "the first line is not whole");
    if (rc == 0)
        rc = read_lines(m, &f, &b, err);
    if (rc == 0 && limit > (int64_t)b.len) {
        f.at = (int64_t)b.len;
        bad(m, &f, "the file does not end as the next one says");
    }
    sl_buf_release(&b);
    *gap = f.gap;
    return rc < 0 ? rc : f.bad;
}

int64_t sl_mend_limit(struct sl_log *l, int64_t newest, int64_t older, int64_t *last)
{
    struct sl_buf b = SL_BUF_INIT;
    struct sl_line line;
    char name[SL_COMMIT_NAME + 16];
    int64_t limit = 0;
    sl_line_init(&line);
    const char *nl =
        sl_mend_file(l, newest, name, &b, NULL) == 0 && b.len ? memchr(b.data, '\n', b.len) : NULL;
    if (nl && sl_line_parse(b.data, (size_t)(nl + 1 - b.data), &line, NULL) == 0 && line.snapshot &&
        line.n == newest && line.file == older) {
        limit = line.file_bytes;
        *last = line.last;
    }
    sl_line_release(&line);
    sl_buf_release(&b);
    return limit;
}

int sl_mend_older(const struct sl_mend *m, int64_t newest, int64_t older, struct sl_err *err)
{
    assert(sl_mend_is_sound(m));
    assert(older < newest);
    struct sl_mend o = {.say = m->say, .arg = m->arg, .bad = m->bad, .alone = 1};
    int64_t last = 0, limit = sl_mend_limit(m->l, newest, older, &last);
    int gap, rc = sl_view_open(m->l->path, m->l->boot, SL_VIEW_READS, &o.l, err);
    if (rc < 0)
        return rc;
    rc = read_one(&o, older, limit, &gap, err);
    if (rc == 0 && limit && o.l->state.n != last && m->bad) {
        char name[SL_COMMIT_NAME + 16] = "commits/";
        sl_commit_name(older, name + 8);
        o.bad(&o, name, limit, "the file does not end as the next one says");
        rc = 1;
    }
    sl_mend_release(&o);
    sl_log_free(o.l);
    return rc;
}

/* One of the two files, which goes to lost/ if anything is wrong in it. */
static int take_file(struct sl_mend *m, int64_t file, int64_t limit, int *gap, struct sl_err *err)
{
    int rc = read_one(m, file, limit, gap, err);
    if (rc > 0)
        assert(m->ndamaged < (int)SL_COUNT(m->damaged));
    m->damaged[m->ndamaged++] = file;
    return rc < 0 ? rc : 0;
}

/* What no line tells any more when the snapshot is gone. */
static int say_origin(struct sl_mend *m, struct sl_err *err)
{
    struct sl_state *s = &m->l->state;
    int rc = 0;
    if (m->origin > 1)
        sl_mend_say(m, "no snapshot is good: the segments that it named are looked for; source "
                       "positions, pipelines and histories that it alone recorded are gone");
    else
        sl_mend_say(m, "no snapshot is good: what it said is looked for in the segments");
    if (!s->history) /* nor is it known which one this is: a new one, that nobody has a position in */
        rc = sl_writer_random(&s->history, sizeof(s->history), err);
    s->histories[0].id = s->history;
    return rc;
}

int sl_mend_commits(struct sl_mend *m, struct sl_err *err)
{
    assert(sl_mend_is_sound(m));
    struct sl_log *l = m->l;
    int64_t newest, older, last, gone = 0;
    int gap = 0;
    int rc = sl_commits_list(l, &newest, &older, err);

    if (rc < 0)
        return rc;
    sl_state_release(&l->state);
    if (older)
        rc = take_file(m, older, sl_mend_limit(l, newest, older, &last), &gap, err);
    if (rc == 0)
        rc = take_file(m, newest, 0, &gap, err);
    l->state.lenient = 0;
    l->c.file = newest;
    if (rc == 0 && !l->state.n) {
        sl_err_set(err, SL_ECORRUPT, "no snapshot in commits/ is good: there is nothing to go by");
        sl_err_hint(err, "each segment is a stream that can be read on its own: "
                         "sluice ingest LOG/0000/FILE.arrows -o NEW/");
        return sl_err_place(err, "%s", l->path);
    }
    if (rc == 0 && gap) { /* bad lines at the very end */
        rc = add_missing(m, l->state.n + 1, l->state.n + 1 + gap, err);
        l->state.n += gap;
    }
    /* Lines at the end may be gone that the mark still knows of. */
    if (rc == 0 && l->mark.known && l->mark.durable > l->state.n) {
        struct lines f = {.name = "commits", .at = -1};
        bad(m, &f, "commits %" PRId64 " to %" PRId64 " are gone", l->state.n + 1, l->mark.durable);
        rc = add_missing(m, l->state.n + 1, l->mark.durable + 1, err);
        l->state.n = l->mark.durable;
        if (!m->ndamaged)
            m->damaged[m->ndamaged++] = newest;
    }
    if (rc == 0 && newest > l->state.n) { /* its snapshot is damaged */
        rc = add_missing(m, l->state.n + 1, newest + 1, err);
        l->state.n = newest;
    }
    for (size_t i = 0; i < m->nmissing; i++)
        gone += m->missing[i].to - m->missing[i].from;
    gone -= m->origin;
    if (rc == 0 && m->origin)
        rc = say_origin(m, err);
    if (rc == 0)
        rc = sl_mend_schemas(m, err);
    if (rc == 0 && gone)
        sl_mend_say(m,
                    "%" PRId64
                    " commit lines are missing; their rows are looked for in the segments; "
                    "source positions that they alone recorded are gone",
                    gone);
    if (!m->ndamaged)
        m->damaged[m->ndamaged++] = newest; /* whatever it is, a new file takes its place */
    m->changes += m->ndamaged;
    return rc;
}
