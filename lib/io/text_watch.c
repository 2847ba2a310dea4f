/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * text_watch: the files of a directory as the files of a text source.
 *
 * Files are visited in the order of their names, those of which a part was read before others: what
 * has come since is read up to the last whole record, and the file is left until its size or time
 * changes. Followed, the directory is looked over whenever it changes; otherwise once.
 *
 * Invariants: (1) A file is its device and inode while it holds what was read of it, whatever its name;
 * one that is new here is looked for by content among the files of this run and the positions of the
 * log, so that a renamed, copied or compressed file is not read twice. (2) A record without its end is
 * left for later, unless the file is compressed: those are read when they are whole. (3) The position
 * of a file is that of its last morsel, and nothing between. (4) Of a file that holds no more than the
 * beginning of another nothing is read: a copy in the making is known when it has grown beyond that.
 */
#include "base/compat.h"
#include "file/bytes.h"
#include "file/fileid.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/hash.h"
#include "io/text_source.h"

enum { LOOK_USEC = 200 * 1000, SWEEP_USEC = 2000 * 1000 }; /* without and with inotify */
enum { PROBE = 64 << 10, EVIDENCE = SL_TEXTIN_EVIDENCE };

struct watched {
    char *name;
    dev_t dev;
    ino_t ino;
    int64_t size, mtime; /* when it was visited; size -1: not yet */
    int is_there, is_said;
    int copy_of; /* number + 1 of what is known of the file that this one began as; 0 = none */
    struct sl_fileid *identity; /* NULL: nothing was read */
    struct sl_file_mark mark;
    int64_t line;
    struct sl_text_map *map;
    struct sl_buffer *header;
};

struct sl_textin_watch {
    char *dir;
    struct sl_watch *notify;
    struct watched **files; /* by name */
    int n, cursor;
    int *slots; /* by inode: a file's number + 1, 0 = free; more than twice as many as files */
    size_t mask;
    struct watched *at; /* the one that is open */
    int is_looked;      /* since the last change that was seen */
    int64_t look;       /* monotonic µs: look anyway */
};

static void forget(struct watched *w)
{
    sl_fileid_unref(w->identity);
    sl_text_map_unref(w->map);
    sl_buffer_unref(w->header);
    w->identity = NULL;
    w->map = NULL;
    w->header = NULL;
    memset(&w->mark, 0, sizeof(w->mark));
    w->line = 1;
}

static void watched_free(struct watched *w)
{
    if (!w)
        return;
    forget(w);
    free(w->name);
    free(w);
}

int sl_textin_watch_new(const char *dir, int follow, struct sl_textin_watch **out,
                        struct sl_err *err)
{
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
    for (int i = 0; i < w->n; i++)
        watched_free(w->files[i]);
    free(w->files);
    free(w->slots);
    sl_watch_free(w->notify);
    free(w->dir);
    free(w);
}

/* ---- looking ---- */

/* By name; but the rest of a file that was rotated away comes before what took its name. */
static int in_order(const void *a, const void *b)
{
    const struct watched *x = *(struct watched *const *)a, *y = *(struct watched *const *)b;
    if (!x->identity != !y->identity)
        return x->identity ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* The slot of a file: the one that it has, or a free one. */
static int *slot_of(const struct sl_textin_watch *d, dev_t dev, ino_t ino)
{
    size_t i = (size_t)sl_hash_u64((uint64_t)ino, (uint64_t)dev) & d->mask;
    for (; d->slots[i]; i = (i + 1) & d->mask) {
        const struct watched *w = d->files[d->slots[i] - 1];
        if (w->dev == dev && w->ino == ino)
            break;
    }
    return &d->slots[i];
}

/* Slots for the files at hand and as many more. */
static int make_slots(struct sl_textin_watch *d, struct sl_err *err)
{
    size_t n = 64;
    while (n < 4 * (size_t)d->n)
        n *= 2;
    int *slots = sl_calloc(n, sizeof(*slots));
    if (!slots)
        return sl_err_nomem(err, "a directory");
    free(d->slots);
    d->slots = slots;
    d->mask = n - 1;
    for (int i = 0; i < d->n; i++)
        *slot_of(d, d->files[i]->dev, d->files[i]->ino) = i + 1;
    return 0;
}

static int note_file(struct sl_textin_watch *d, const char *path, const struct stat *st,
                     struct sl_err *err)
{
    if (2 * (size_t)d->n >= d->mask) {
        int rc = make_slots(d, err);
        if (rc < 0)
            return rc;
    }
    int *slot = slot_of(d, st->st_dev, st->st_ino);
    struct watched *w = *slot ? d->files[*slot - 1] : NULL;
    if (w && w->is_there)
        return 0; /* under another name too */
    char *name = sl_strdup(path);
    if (!w) {
        struct watched **files = sl_realloc(d->files, (size_t)(d->n + 1) * sizeof(*files));
        w = files && name ? sl_calloc(1, sizeof(*w)) : NULL;
        if (files)
            d->files = files;
        if (w) {
            d->files[d->n++] = w;
            *slot = d->n;
            *w = (struct watched){.dev = st->st_dev, .ino = st->st_ino, .size = -1, .line = 1};
        }
    }
    if (!name || !w) {
        free(name);
        return sl_err_nomem(err, "a directory");
    }
    free(w->name);
    w->name = name;
    w->is_there = 1;
    return 0;
}

static int look(struct sl_textin_watch *d, struct sl_err *err)
{
    struct sl_buf path = SL_BUF_INIT;
    const char *name;
    DIR *dir;
    int rc = sl_path_list(AT_FDCWD, d->dir, NULL, &dir, err), kept = 0;
    if (rc < 0)
        return rc;
    size_t len = strlen(d->dir);
    while (len > 1 && d->dir[len - 1] == '/')
        len--;
    for (int i = 0; i < d->n; i++)
        d->files[i]->is_there = 0;
    rc = make_slots(d, err);
    while (rc == 0 && (rc = sl_path_next(dir, d->dir, &name, err)) > 0) {
        struct stat st;
        rc = 0;
        if (name[0] == '.')
            continue;
        sl_buf_reset(&path);
        sl_buf_add(&path, d->dir, len);
        sl_buf_printf(&path, "/%s", name);
        rc = sl_buf_check(&path, err);
        if (rc == 0 && stat(path.data, &st) == 0 && S_ISREG(st.st_mode))
            rc = note_file(d, path.data, &st, err);
    }
    closedir(dir);
    sl_buf_release(&path);
    for (int i = 0; rc == 0 && i < d->n; i++) {
        if (d->files[i]->is_there)
            d->files[kept++] = d->files[i];
        else
            watched_free(d->files[i]);
    }
    if (rc < 0)
        return rc;
    d->n = kept;
    d->cursor = 0;
    if (d->n)
        qsort(d->files, (size_t)d->n, sizeof(struct watched *), in_order);
    return 0;
}

/* ---- visiting ---- */

/* Leaves the open file where its whole records end. */
static int leave(struct text_source *t, struct sl_err *err)
{
    struct watched *w = t->watch->at;
    int rc = 0;
    if (!w)
        return 0;
    t->watch->at = NULL;
    int begun = t->byte > 0 && !t->need_header && !t->resume;
    if (begun) {
        sl_text_map_unref(w->map);
        sl_buffer_unref(w->header);
        w->map = sl_text_map_ref(t->map);
        w->header = t->header ? sl_buffer_ref(t->header) : NULL;
        w->line = t->line;
        rc = sl_fileid_mark(w->identity, t->bytes, t->byte, t->line, &w->mark, err);
    } else {
        forget(w);
    }
    sl_bytes_free(t->bytes);
    t->bytes = NULL;
    if (rc < 0 || !begun)
        return rc;
    return sl_textin_remember(t, w->identity, &w->mark, err);
}

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

/* Who this file is that is new here: 1 a part of it is committed, 0. */
static int identify(struct text_source *t, struct watched *w, struct sl_err *err)
{
    struct sl_fileid *i = sl_fileid_new(t->bytes, err);
    if (!i)
        return -(int)(err ? err->code : SL_EFAIL);
    w->identity = i;
    int rc = sl_fileid_find(i, t->bytes, t->from->positions, err);
    int known = rc < 0 ? rc : sl_textin_recall(t, i, NULL, err);
    if (known < 0 || rc < 0)
        return known;
    if (!known && (rc == 0 || !sl_fileid_is_copy(i)))
        return rc;
    int64_t byte = i->byte, line = i->line, rows = i->rows;
    rc = sl_fileid_begin(i, t->from->positions, err);
    if (rc < 0 || (!known && sl_textin_may_be_chance(byte, w->name)))
        return rc;
    sl_textin_say(t, "%s begins as another file that is committed: going on behind that",
                  sl_bytes_name(t->bytes));
    i->byte = byte;
    i->line = line;
    i->rows = rows;
    t->announce = 1;
    return 1;
}

/* Whether two files are the same at their start and just before a position; -1: the other one does not
 * reach it by now, or cannot be read. */
static int same_before(int fd, const char *path, int64_t position)
{
    const int64_t at[] = {0, position - EVIDENCE};
    char a[EVIDENCE], b[EVIDENCE];
    int other = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), same = 1;
    for (int i = 0; same == 1 && i < 2; i++) {
        if (other < 0 || pread(other, b, EVIDENCE, at[i]) != EVIDENCE)
            same = -1;
        else
            same = pread(fd, a, EVIDENCE, at[i]) == EVIDENCE && memcmp(a, b, EVIDENCE) == 0;
    }
    if (other >= 0)
        close(other);
    return same;
}

/* What is known of a file by its identity: number + 1, 0 = nothing. */
static int number_of(const struct text_source *t, const struct sl_fileid *identity)
{
    for (int k = 0; k < t->nknown; k++)
        if (t->known[k].identity == identity)
            return k + 1;
    return 0;
}

/* Whether a file that is new here holds no more than was read of another one: a copy of it that is
 * being made, or was made before the other grew. It cannot be known by where the other stands now,
 * which is beyond its end; so what it began as is noted, for when that is truncated or removed. 1, 0, or
 * < 0. */
static int is_part(const struct text_source *t, struct watched *w, int64_t size, struct sl_err *err)
{
    const struct sl_textin_watch *d = t->watch;
    struct sl_head head = {.n = -1};
    for (int i = 0; size >= EVIDENCE && i < d->n; i++) {
        const struct watched *x = d->files[i];
        if (x == w || !x->identity || x->identity->compressed || x->mark.byte <= size)
            continue;
        int same = sl_fileid_begins(x->identity, t->bytes, &head, err);
        if (same > 0) /* few do: only these are opened */
            same = same_before(sl_bytes_fd(t->bytes), x->name, size);
        else if (same < 0)
            return same;
        if (same < 0 || (same == 0 && !w->copy_of))
            continue;
        int k = number_of(t, x->identity);
        if (same > 0) {
            w->copy_of = k;
            return 1;
        }
        if (w->copy_of == k)
            w->copy_of = 0; /* it went on in its own way */
    }
    return w->copy_of && size < t->known[w->copy_of - 1].mark.byte;
}

/* Whether the file that is open is the one that was begun under this inode. */
static int check_same(struct text_source *t, struct watched *w, int64_t size, struct sl_err *err)
{
    struct sl_head head = {.n = -1};
    int packed = sl_bytes_is_compressed(t->bytes), rc = 0;
    if (packed == w->identity->compressed && (packed || size >= w->mark.byte))
        rc = sl_fileid_is(w->identity, &w->mark, t->bytes, &head, err);
    if (rc)
        return rc;
    sl_textin_say(t, "%s was truncated or replaced: reading it from its start",
                  sl_bytes_name(t->bytes));
    forget(w);
    return 0;
}

/* Where reading goes on in the file that is open. */
static int enter(struct text_source *t, struct watched *w, int is_known, struct sl_err *err)
{
    int begun = w->mark.byte > 0;
    t->watch->at = w;
    sl_textin_clear(t);
    sl_fileid_unref(t->identity);
    t->identity = sl_fileid_ref(w->identity);
    t->latest = 0;
    t->byte = begun ? w->mark.byte : 0;
    t->line = w->line;
    t->need_header = !begun && t->reader;
    t->resume = !begun && is_known;
    sl_text_map_unref(t->map);
    sl_buffer_unref(t->header);
    t->map = sl_text_map_ref(w->map);
    t->header = w->header ? sl_buffer_ref(w->header) : NULL;
    return begun ? sl_bytes_seek(t->bytes, t->byte, err) : 0;
}

static void say_once(struct text_source *t, struct watched *w, const char *what)
{
    if (!w->is_said)
        sl_textin_say(t, "%s %s", w->name, what);
    w->is_said = 1;
}

/* Opens a file that has changed: 1 it is to be read, 0 it is not. */
static int visit(struct text_source *t, struct watched *w, struct sl_err *err)
{
    struct stat st;
    struct sl_err why;
    sl_err_init(&why);
    int rc = sl_bytes_open(w->name, 0, t->o.stop_fd, &t->bytes, &why), known = 0;
    if (rc < 0 && rc != -SL_ENOENT && err)
        *err = why;
    if (rc < 0)
        return rc == -SL_ENOENT ? 0 : rc;
    if (fstat(sl_bytes_fd(t->bytes), &st) < 0)
        return sl_err_sys(err, "cannot stat %s", w->name);
    if (st.st_dev != w->dev || st.st_ino != w->ino) { /* another one by now */
        t->watch->is_looked = 0;
        goto skip;
    }
    w->size = st.st_size;
    w->mtime = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    if (w->identity)
        rc = check_same(t, w, st.st_size, err);
    if (rc < 0)
        return rc;
    int packed = sl_bytes_is_compressed(t->bytes);
    if (!st.st_size || (w->identity && !packed && st.st_size == w->mark.byte))
        goto skip;
    if (packed && sl_textin_unpacked_length(w->name) < 0) {
        say_once(t, w, "is not whole: left for later");
        goto skip;
    }
    rc = !w->identity && !packed ? is_part(t, w, st.st_size, err) : 0;
    if (rc < 0)
        return rc;
    if (rc) {
        say_once(t, w, "holds the beginning of another file that is committed: left for later");
        goto skip;
    }
    rc = t->reader ? 1 : has_rows(t, err);
    if (rc == 0)
        goto skip;
    if (rc > 0 && !w->identity)
        rc = known = identify(t, w, err);
    if (rc >= 0)
        rc = enter(t, w, known, err);
    return rc < 0 ? rc : 1;
skip:
    sl_bytes_free(t->bytes);
    t->bytes = NULL;
    return 0;
}

static int has_changed(const struct watched *w)
{
    struct stat st;
    if (stat(w->name, &st) < 0)
        return 0;
    return st.st_size != w->size ||
           (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec != w->mtime;
}

int sl_textin_watch_next(struct text_source *t, struct sl_err *err)
{
    struct sl_textin_watch *d = t->watch;
    int rc = leave(t, err);
    while (rc == 0) {
        if (!d->is_looked) {
            d->is_looked = 1;
            d->look = sl_time_mono_usec() +
                      (d->notify && sl_watch_fd(d->notify) >= 0 ? SWEEP_USEC : LOOK_USEC);
            rc = look(d, err);
        }
        while (rc == 0 && d->is_looked && d->cursor < d->n) {
            struct watched *w = d->files[d->cursor++];
            if (has_changed(w))
                rc = visit(t, w, err);
        }
        if (rc == 0 && d->is_looked)
            return 0;
    }
    return rc;
}

enum sl_text_format sl_textin_watch_format(const struct text_source *t)
{
    const struct sl_textin_watch *d = t->watch;
    enum sl_text_format f = d->at ? sl_text_format_of_path(d->at->name) : SL_TEXT_NONE;
    for (int i = 0; f == SL_TEXT_NONE && i < d->n; i++)
        f = sl_text_format_of_path(d->files[i]->name);
    return f;
}

void sl_textin_watch_poll(struct text_source *t, struct sl_poll_set *p)
{
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
