/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * text_watch: the files of a directory as the files of a text source.
 *
 * Files are visited in the order of their names, those of which a part was read before others: what
 * has come since is read up to the last whole record, and the file is left until its size or time
 * changes. Followed, the directory is looked over whenever it changes; otherwise once.
 *
 * Invariants: (1) Which file is which, and what of it was taken, the table says (file/seen.h), however it is
 * named now. A file that has not changed costs a look at its inode. (2) A record without its end is
 * left for later, unless the file is compressed: those are read when they are whole. (3) The position
 * of a file is that of its last morsel, and nothing between. (4) What cannot be read is said once, and the
 * others are read.
 */
#include "base/compat.h"
#include "file/bytes.h"
#include <unistd.h>
#include "io/text_source.h"

enum { LOOK_USEC = 200 * 1000, SWEEP_USEC = 2000 * 1000 }; /* without and with inotify */
enum { PROBE = 64 << 10 };

struct sl_textin_watch {
    char *dir;
    struct sl_watch *notify;
    struct sl_taken **files; /* those to visit, of the table */
    size_t n, cap, cursor;
    const struct sl_taken *at;    /* the one that is open */
    const struct sl_taken *named; /* the first one whose name tells a format */
    int is_looked;                /* since the last change that was seen */
    int64_t look;                 /* monotonic µs: look anyway */
};

int sl_textin_watch_new(const char *dir, int follow, struct sl_textin_watch **out,
                        struct sl_err *err)
{
    assert(dir && out);
    struct sl_textin_watch *w = sl_calloc(1, sizeof(*w));
    *out = NULL;
    if (!w)
        return sl_err_nomem(err, "a directory");
    w->dir = sl_strdup(dir);
    int rc = w->dir ? 0 : sl_err_nomem(err, "a directory");
    if (rc == 0 && follow && !(w->notify = sl_watch_new(err)))
        rc = -(int)SL_EFAIL;
    if (rc == 0 && follow)
        rc = sl_watch_add(w->notify, dir, err);
    if (rc < 0)
        sl_textin_watch_free(w);
    else
        *out = w;
    return rc;
}

void sl_textin_watch_free(struct sl_textin_watch *w)
{
    if (!w)
        return;
    free(w->files);
    sl_watch_free(w->notify);
    free(w->dir);
    free(w);
}

/* ---- looking ---- */

/* By name; but the rest of a file that was rotated away comes before what took its name. */
static int in_order(const void *a, const void *b)
{
    const struct sl_taken *x = *(struct sl_taken *const *)a, *y = *(struct sl_taken *const *)b;
    if (!x->mark.byte != !y->mark.byte)
        return x->mark.byte ? -1 : 1;
    return strcmp(x->here, y->here);
}

static int note_file(void *arg, struct sl_taken *f, const struct sl_file_facts *now)
{
    struct text_source *t = arg;
    struct sl_textin_watch *d = t->watch;
    if ((!d->named || strcmp(f->here, d->named->here) < 0) &&
        sl_text_format_of_path(f->here) != SL_TEXT_NONE)
        d->named = f;
    if (sl_seen_is_done(t->seen, now))
        return 0;
    int rc = SL_GROW(d->files, d->n + 1, d->cap, "files", NULL);
    if (rc == 0)
        d->files[d->n++] = f;
    return rc;
}

static int look(struct text_source *t, struct sl_err *err)
{
    struct sl_textin_watch *d = t->watch;
    d->n = d->cursor = 0;
    int rc = sl_seen_look(t->seen, d->dir, note_file, t, err);
    if (rc == -SL_ENOMEM)
        return sl_err_nomem(err, "a directory");
    if (d->n)
        qsort(d->files, d->n, sizeof(struct sl_taken *), in_order);
    return rc;
}

/* ---- visiting ---- */

/* Whether types can be settled from a file: a record behind a header, if that is what comes first. */
static int has_rows(const struct text_source *t, struct sl_err *err)
{
    if (sl_textin_fixed(t) || sl_bytes_is_compressed(t->bytes))
        return 1;
    char *data = sl_malloc(PROBE);
    if (!data)
        return sl_err_nomem(err, "a directory");
    ssize_t n = sl_path_pread(sl_bytes_fd(t->bytes), data, PROBE, 0, sl_bytes_name(t->bytes), err);
    size_t skip = n > 0 ? sl_text_preamble(data, (size_t)n) : 0;
    int64_t lines = n > 0 ? sl_textin_count_lines(data + skip, (size_t)n - skip) : 0;
    int bare = t->o.no_header || (n > 0 && data[0] == '{') ||
               (n > 0 && !t->o.header && sl_text_is_numbers(data, (size_t)n, t->o.delimiter)) ||
               (t->o.format && strcmp(t->o.format, "csv") != 0 && strcmp(t->o.format, "tsv") != 0);
    free(data);
    return n < 0 ? (int)n : n == PROBE || lines >= (bare ? 1 : 2);
}

static void say_once(struct text_source *t, struct sl_taken *f, const char *what, const char *why)
{
    if (!f->is_said)
        sl_input_say(&t->o, "%s %s%s", f->here, what, why);
    f->is_said = 1;
}

/* Bytes of a compressed file, unpacked, are there to its end. */
static int is_whole(const char *path)
{
    struct sl_bytes *b;
    char data[16384];
    size_t got;
    int rc;
    if (sl_bytes_open(path, 0, -1, &b, NULL) < 0)
        return 0;
    do
        rc = sl_bytes_read(b, data, sizeof(data), &got, NULL);
    while (rc == SL_BYTES_DATA);
    sl_bytes_free(b);
    return rc == SL_BYTES_END;
}

/* Reads the open file from where its mark says. */
static void enter(struct text_source *t, enum sl_seen_as as)
{
    t->watch->at = t->taken;
    sl_textin_clear(t);
    t->latest = 0;
    t->records = 0;
    t->need_header = t->reader != NULL;
    t->resume = as != SL_SEEN_NEW;
    t->announce = sl_textin_is_news(t, as);
}

/* The file that is open: 1 it is to be read, 0 it is not. */
static int take(struct text_source *t, struct sl_taken *f, struct sl_err *err)
{
    struct sl_file_facts now;
    const struct sl_taken *of;
    if (sl_file_facts(sl_bytes_fd(t->bytes), NULL, &now) < 0)
        return sl_err_sys(err, "cannot stat %s", f->here);
    if (sl_seen_is_done(t->seen, &now))
        return 0;
    int packed = sl_bytes_is_compressed(t->bytes), was_read = f->is_visited && f->mark.byte;
    int rc = sl_seen_open(t->seen, t->bytes, SL_SEEN_PARTS, &t->taken, &of, err);
    int is_ready = rc < 0 || !now.size ? 0 : t->reader ? 1 : has_rows(t, err);
    if (is_ready <= 0)
        return SL_MIN(rc, is_ready);
    if (packed && !is_whole(f->here)) {
        if (rc == SL_SEEN_COPY)
            t->taken->mark = (struct sl_file_mark){.line = 1};
        say_once(t, t->taken, "is not whole: left for later", "");
        return 0;
    }
    if (rc == SL_SEEN_PART) {
        say_once(t, t->taken,
                 "holds the beginning of another file that is committed: left for later", "");
        return 0;
    }
    if (rc == SL_SEEN_COPY)
        sl_textin_say_copy(t, of);
    if (rc == SL_SEEN_NEW && was_read)
        sl_input_say(&t->o, "%s was truncated or replaced: reading it from its start",
                     sl_bytes_name(t->bytes));
    if (sl_taken_is_whole(t->taken) && !sl_textin_is_news(t, rc))
        return 0;
    enter(t, rc);
    return 1;
}

/* Opens a file that has changed: 1 it is to be read, 0 it is not. */
static int visit(struct text_source *t, struct sl_taken *f, struct sl_err *err)
{
    struct sl_err why = SL_ERR_INIT;
    int rc = sl_bytes_open(f->here, 0, t->o.stop_fd, &t->bytes, &why);
    if (rc == -SL_ENOENT)
        return 0;
    if (rc < 0 && sl_bytes_is_short(&why))
        return sl_err_copy(err, &why);
    if (rc < 0) {
        t->base.unread++;
        say_once(t, f, "is left: ", why.what);
        return 0;
    }
    rc = take(t, f, err);
    if (rc <= 0) {
        sl_textin_close(t);
    }
    return rc;
}

int sl_textin_watch_next(struct text_source *t, struct sl_err *err)
{
    assert(sl_textin_is_sound(t) && t->watch);
    struct sl_textin_watch *d = t->watch;
    int rc = 0;
    d->at = NULL;
    sl_textin_close(t);
    while (rc == 0) {
        if (!d->is_looked) {
            d->is_looked = 1;
            d->look = sl_time_mono_usec() +
                      (d->notify && sl_watch_fd(d->notify) >= 0 ? SWEEP_USEC : LOOK_USEC);
            rc = look(t, err);
        }
        while (rc == 0 && d->is_looked && d->cursor < d->n)
            rc = visit(t, d->files[d->cursor++], err);
        if (rc == 0 && d->is_looked)
            return 0;
    }
    return rc;
}

enum sl_text_format sl_textin_watch_format(const struct text_source *t)
{
    const struct sl_textin_watch *d = t->watch;
    enum sl_text_format f = d->at ? sl_text_format_of_path(d->at->here) : SL_TEXT_NONE;
    return f == SL_TEXT_NONE && d->named ? sl_text_format_of_path(d->named->here) : f;
}

void sl_textin_watch_poll(struct text_source *t, struct sl_poll_set *p)
{
    assert(t->watch && p);
    struct sl_textin_watch *d = t->watch;
    if (d->notify && (sl_watch_drain(d->notify) || sl_time_mono_usec() >= d->look)) {
        d->is_looked = 0; /* something may have come: look before sleeping */
        sl_poll_until(p, 0);
    }
    sl_poll_until(p, d->look);
    sl_poll_add(p, d->notify ? sl_watch_fd(d->notify) : -1, POLLIN);
}

/* Sleeps until something may have come. */
static int await_file(struct text_source *t, struct sl_err *err)
{
    struct sl_poll_set p = {0};
    sl_poll_begin(&p);
    sl_poll_add(&p, t->o.stop_fd, POLLIN);
    sl_textin_watch_poll(t, &p);
    int rc = sl_poll_wait(&p, err);
    if (rc == 0 && t->o.stop_fd >= 0 && p.fds[0].revents)
        rc = sl_err_set(err, SL_ESTOPPED, "ended before there was a row in %s", t->watch->dir);
    sl_poll_release(&p);
    return rc;
}

int sl_textin_watch_open(struct text_source *t, struct sl_err *err)
{
    assert(sl_textin_is_sound(t) && t->watch);
    for (;;) {
        int rc = sl_textin_watch_next(t, err);
        if (rc)
            return rc < 0 ? rc : 0;
        if (!t->o.follow)
            break;
        if ((rc = await_file(t, err)) < 0)
            return rc;
    }
    if (sl_textin_fixed(t))
        return SL_TEXTIN_NOTHING;
    sl_err_set(err, SL_ENOENT, "there is no file with rows in %s", t->watch->dir);
    return sl_err_hint(err, "with -f it is waited for");
}
