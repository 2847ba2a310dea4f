/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * seen: the table of what was taken, and the look-up of a file that is open, see seen.h.
 *
 * The table is one hash in which each file has four keys: its inode, its path, its path without the ending
 * of a rotation, and the time it was written. A look-up asks by the open file's inode, by its path, by its
 * path cut at each dot and dash, and by its time. The few files that answer are its candidates; one pass
 * over its bytes tells which of them it is. Nothing walks over all files but the look-up of standard input.
 */
#include "base/compat.h"
#include "base/crc32c.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/path.h"
#include <fcntl.h>
#include <unistd.h>
#include "file/seen.h"

enum {
    LEAST = 1024, /* bytes: fewer are no beginning of another file */
    FAMILY = 256, /* candidates at once: of a family of more rotated files, those that came last */
};
enum key { BY_INODE, BY_PATH, BY_STEM, BY_TIME, KEYS };

struct node { /* of file i and a key: number KEYS * i + key */
    uint64_t hash;
    size_t next; /* number + 1 of the next one in the slot, 0: none */
};

struct sl_seen {
    struct sl_taken **files;
    struct node *nodes;
    size_t *slots; /* number + 1 of the node that came last; as many as nodes */
    size_t n, cap; /* files; a power of two */
    uint64_t seed;
    char *cwd, *dir;          /* dir: looked at last, */
    int looks;                /* so many looks ago */
    struct sl_positions dirs; /* dir:HASH, of the directories that the log has names for, */
    struct sl_positions told; /* and of those that this run has recorded */
    struct sl_taken *moved,
        **last; /* delivered since positions were asked for; where the next one goes */
};

/* ---- the table ---- */

static uint64_t hash_number(const struct sl_seen *s, enum key key, int64_t value)
{
    return sl_hash_u64((uint64_t)value, s->seed + (uint64_t)key);
}

static uint64_t hash_text(const struct sl_seen *s, enum key key, const char *text, size_t n)
{
    return sl_hash_bytes(text, n, s->seed + (uint64_t)key);
}

/* The length of a path without the ending that a rotation gave it: .1, -20260301, .2.gz. */
static size_t stem_of(const char *path)
{
    static const char *const packed[] = {".gz", ".zst", ".xz", ".bz2"};
    size_t whole = strlen(path);
    for (size_t i = 0; i < SL_COUNT(packed); i++) {
        size_t k = strlen(packed[i]);
        if (whole > k && strncmp(path + whole - k, packed[i], k) == 0)
            whole -= k;
    }
    size_t n = whole;
    while (n && path[n - 1] >= '0' && path[n - 1] <= '9')
        n--;
    return n > 1 && n < whole && (path[n - 1] == '.' || path[n - 1] == '-') ? n - 1 : whole;
}

static void link_node(struct sl_seen *s, size_t i)
{
    size_t *slot = &s->slots[s->nodes[i].hash & (KEYS * s->cap - 1)];
    s->nodes[i].next = *slot;
    *slot = i + 1;
}

/* Files that are put in again stay in the order in which they came. */
static int grow(struct sl_seen *s, struct sl_err *err)
{
    size_t cap = s->cap, nodes = KEYS * s->cap;
    int rc = SL_GROW(s->files, s->n + 1, cap, "files that were read", err);
    if (rc == 0)
        rc = SL_GROW(s->nodes, KEYS * cap, nodes, "files that were read", err);
    if (rc < 0)
        return rc;
    size_t *slots = sl_calloc(KEYS * cap, sizeof(*slots));
    if (!slots)
        return sl_err_nomem(err, "files that were read");
    free(s->slots);
    s->slots = slots;
    s->cap = cap;
    for (size_t i = 0; i < KEYS * s->n; i++)
        link_node(s, i);
    return 0;
}

/* The file answers to what it is now. */
static void rekey(struct sl_seen *s, const struct sl_taken *f, int is_new)
{
    const uint64_t hash[KEYS] = {
        [BY_INODE] = hash_number(s, BY_INODE, f->facts.inode),
        [BY_PATH] = hash_text(s, BY_PATH, f->path, strlen(f->path)),
        [BY_STEM] = hash_text(s, BY_STEM, f->path, stem_of(f->path)),
        [BY_TIME] = hash_number(s, BY_TIME, f->facts.mtime),
    };
    for (size_t k = 0; k < KEYS; k++) {
        size_t i = KEYS * f->number + k;
        if (!is_new && s->nodes[i].hash == hash[k])
            continue;
        size_t *at = is_new ? NULL : &s->slots[s->nodes[i].hash & (KEYS * s->cap - 1)];
        while (at && *at != i + 1)
            at = &s->nodes[*at - 1].next;
        if (at)
            *at = s->nodes[i].next;
        s->nodes[i].hash = hash[k];
        link_node(s, i);
    }
}

static int append(struct sl_seen *s, struct sl_taken *f, struct sl_err *err)
{
    int rc = s->n == s->cap ? grow(s, err) : 0;
    if (rc < 0)
        return rc;
    f->number = s->n++;
    s->files[f->number] = f;
    rekey(s, f, 1);
    return 0;
}

/* The files of a hash, those that came last first: number + 1 of a node, 0 behind the last. */
static size_t of_hash(const struct sl_seen *s, uint64_t hash, size_t i)
{
    while (i && s->nodes[i - 1].hash != hash)
        i = s->nodes[i - 1].next;
    return i;
}

static size_t first(const struct sl_seen *s, uint64_t hash)
{
    return s->n ? of_hash(s, hash, s->slots[hash & (KEYS * s->cap - 1)]) : 0;
}

static size_t after(const struct sl_seen *s, size_t i)
{
    return of_hash(s, s->nodes[i - 1].hash, s->nodes[i - 1].next);
}

static struct sl_taken *file_at(const struct sl_seen *s, size_t i)
{
    return s->files[(i - 1) / KEYS];
}

int sl_seen_new(const struct sl_positions *positions, struct sl_seen **out, struct sl_err *err)
{
    assert(out);
    struct sl_seen *s = sl_calloc(1, sizeof(*s));
    const struct sl_position *p = NULL;
    *out = NULL;
    if (!s)
        return sl_err_nomem(err, "files that were read");
    s->seed = sl_hash_seed();
    s->last = &s->moved;
    char *cwd = getcwd(NULL, 0);
    s->cwd = sl_strdup(cwd ? cwd : "/"); /* a directory that was removed holds no files */
    free(cwd);
    int rc = s->cwd ? 0 : sl_err_nomem(err, "files that were read");
    while (rc == 0 && positions && (p = sl_positions_next(positions, p))) {
        struct sl_taken *f;
        if (strncmp(p->id, "dir:", 4) == 0)
            rc = sl_positions_set(&s->dirs, p->id, p->value, p->len, err);
        if (rc == 0)
            rc = sl_taken_parse(p, positions, &f, err);
        if (rc == 0 && f && (rc = append(s, f, err)) < 0)
            sl_taken_free(f);
    }
    if (rc < 0)
        sl_seen_free(s);
    else
        *out = s;
    return rc;
}

void sl_seen_free(struct sl_seen *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        sl_taken_free(s->files[i]);
    free(s->files);
    free(s->nodes);
    free(s->slots);
    sl_positions_release(&s->dirs);
    sl_positions_release(&s->told);
    free(s->cwd);
    free(s->dir);
    free(s);
}

/* ---- by facts ---- */

/* The file of that inode that came last; NULL: there is none. */
static struct sl_taken *file_of(const struct sl_seen *s, const struct sl_file_facts *now)
{
    size_t i = first(s, hash_number(s, BY_INODE, now->inode));
    while (i && !sl_taken_is_inode(file_at(s, i), now))
        i = after(s, i);
    return i ? file_at(s, i) : NULL;
}

int sl_seen_is_done(const struct sl_seen *s, const struct sl_file_facts *now)
{
    assert(s && now);
    for (size_t i = first(s, hash_number(s, BY_INODE, now->inode)); i; i = after(s, i)) {
        const struct sl_taken *f = file_at(s, i);
        if (sl_taken_is_unchanged(f, now) && (f->is_visited || sl_taken_is_whole(f)))
            return 1;
    }
    return 0;
}

/* Whether the file is still where it was seen, or recorded. */
static int is_alive(const struct sl_taken *f, const char *path)
{
    struct sl_file_facts now;
    return path && sl_file_facts(-1, path, &now) == 0 && sl_taken_is_inode(f, &now);
}

/* A file of which nothing was taken: one that is in the table, or a new one. */
static struct sl_taken *fresh(struct sl_seen *s, const struct sl_file_facts *now, const char *path,
                              struct sl_err *err)
{
    struct sl_taken *f = file_of(s, now);
    if (f && !f->mark.byte)
        return f;
    f = sl_calloc(1, sizeof(*f));
    if (f) {
        f->mark.line = 1;
        f->facts = *now;
        f->facts.size = f->facts.mtime = -1; /* until it is opened */
        f->path = sl_strdup(path);
    }
    if (f && f->path && append(s, f, err) == 0)
        return f;
    sl_err_nomem(err, "files that were read");
    sl_taken_free(f);
    return NULL;
}

static int set_text(char **to, const char *text, struct sl_err *err)
{
    if (*to && strcmp(*to, text) == 0)
        return 0;
    char *copy = sl_strdup(text);
    if (!copy)
        return sl_err_nomem(err, "files that were read");
    free(*to);
    *to = copy;
    return 0;
}

/* One name of the directory at hand. */
static int look_at(struct sl_seen *s, const char *path,
                   int (*fn)(void *arg, struct sl_taken *f, const struct sl_file_facts *now),
                   void *arg, struct sl_err *err)
{
    struct sl_file_facts now;
    struct sl_buf absolute = SL_BUF_INIT;
    if (sl_file_facts(-1, path, &now) < 0 || !now.is_regular)
        return 0;
    struct sl_taken *f = file_of(s, &now);
    if (f && f->look == s->looks)
        return 0; /* under another name, too */
    if (!f) {
        sl_path_absolute(&absolute, s->cwd, path);
        f = sl_buf_check(&absolute, err) == 0 ? fresh(s, &now, absolute.data, err) : NULL;
        sl_buf_release(&absolute);
    }
    int rc = f ? set_text(&f->here, path, err) : -SL_ENOMEM;
    if (rc < 0)
        return rc;
    f->look = s->looks;
    return fn ? fn(arg, f, &now) : 0;
}

int sl_seen_look(struct sl_seen *s, const char *dir,
                 int (*fn)(void *arg, struct sl_taken *f, const struct sl_file_facts *now),
                 void *arg, struct sl_err *err)
{
    struct sl_buf path = SL_BUF_INIT;
    const char *name;
    DIR *d;
    int rc = set_text(&s->dir, dir, err);
    if (rc == 0)
        rc = sl_path_list(AT_FDCWD, dir, NULL, &d, err);
    if (rc < 0)
        return rc;
    s->looks++;
    while (rc == 0 && (rc = sl_path_next(d, dir, &name, err)) > 0) {
        rc = 0;
        if (name[0] == '.')
            continue;
        sl_path_join(&path, strcmp(dir, ".") == 0 ? "" : dir, name);
        rc = sl_buf_check(&path, err);
        if (rc == 0)
            rc = look_at(s, path.data, fn, arg, err);
    }
    closedir(d);
    sl_buf_release(&path);
    return rc;
}

/* The same for the directory of a path, once. One that may not be listed has no files. */
static int look_around(struct sl_seen *s, const char *path, int again, struct sl_err *err)
{
    struct sl_err why = SL_ERR_INIT;
    char *dir = sl_path_dir(path);
    int rc = dir ? 0 : sl_err_nomem(&why, "a directory");
    if (rc == 0 && (again || !s->dir || strcmp(s->dir, dir) != 0))
        rc = sl_seen_look(s, dir, NULL, NULL, &why);
    free(dir);
    if (rc == 0 || why.sys_errno == EACCES || why.sys_errno == ENOENT)
        return 0;
    return sl_err_copy(err, &why);
}

int sl_seen_family(struct sl_seen *s, const struct sl_taken *f, struct sl_taken ***out, size_t *n,
                   struct sl_err *err)
{
    assert(s && f && out && n);
    size_t len = strlen(f->path), i = first(s, hash_text(s, BY_PATH, f->path, len));
    const uint64_t hash[] = {hash_text(s, BY_PATH, f->path, len),
                             hash_text(s, BY_STEM, f->path, len)};
    struct sl_taken **list = NULL;
    *n = 0;
    while (i && (!file_at(s, i)->mark.byte || strcmp(file_at(s, i)->path, f->path) != 0))
        i = after(s, i);
    int rc = i ? look_around(s, f->here, 0, err) : 0;
    for (int k = 0; k < 2 && i; k++) {
        for (size_t j = first(s, hash[k]); rc == 0 && j; j = after(s, j)) {
            struct sl_taken *x = file_at(s, j);
            int is_at = strcmp(x->path, f->path) == 0;
            if (!x->here || strcmp(x->here, f->here) == 0 || is_at != (k == 0) ||
                strncmp(x->path, f->path, len) != 0)
                continue;
            rc = SL_GROW_ONE(list, *n, "rotated files", err);
            if (rc == 0)
                list[(*n)++] = x;
        }
    }
    *out = list;
    return rc;
}

/* ---- which file it is ---- */

struct search {
    struct sl_seen *seen;
    struct sl_bytes *bytes;
    struct sl_file_facts now;
    struct sl_buf path; /* absolute; "": it has no name */
    int flags, n;
    struct sl_taken *found[FAMILY]; /* candidates */
    struct sl_taken *best,
        *longer; /* longer: has more bytes, and its name says that this is a copy */
    struct sl_err *err;
};

/* What says that the open file is that one: SAME, COPY, 0 nothing; < 0. */
static int evidence(struct search *s, const struct sl_taken *f)
{
    size_t n = strlen(f->path);
    if (sl_taken_is_inode(f, &s->now))
        return SL_SEEN_SAME;
    if (n && strcmp(f->path, s->path.data) == 0) {
        int rc = is_alive(f, f->here) ? 0
                                      : look_around(s->seen, sl_bytes_name(s->bytes),
                                                    s->flags & SL_SEEN_LIVE, s->err);
        /* If it goes on under another name, it was renamed, and this one is new. */
        return rc < 0 ? rc : is_alive(f, f->here) ? 0 : SL_SEEN_SAME;
    }
    if (n && n < s->path.len && strncmp(f->path, s->path.data, n) == 0 &&
        (s->path.data[n] == '.' || s->path.data[n] == '-'))
        return SL_SEEN_COPY;
    /* Whole seconds are what archives keep: too little to tell. */
    int is_time =
        f->facts.mtime == s->now.mtime && s->now.mtime % 1000000000 && s->now.born > s->now.mtime;
    return is_time || !s->path.len ? SL_SEEN_COPY : 0;
}

static int consider(struct search *s, struct sl_taken *f)
{
    int is_packed = sl_bytes_is_compressed(s->bytes), is_long = f->mark.byte > s->now.size;
    if (!f->mark.byte || s->n == FAMILY || (is_long && !is_packed && (f->packed || s->longer)))
        return 0;
    int rc = evidence(s, f);
    if (rc > 0 && (is_packed || !is_long))
        s->found[s->n++] = f;
    else if (rc == SL_SEEN_COPY)
        s->longer = f;
    return SL_MIN(rc, 0);
}

static int consider_all(struct search *s, uint64_t hash)
{
    int rc = 0;
    for (size_t i = first(s->seen, hash); rc == 0 && i; i = after(s->seen, i))
        rc = consider(s, file_at(s->seen, i));
    return rc;
}

/* The file that the open one is or begins as: s->best, NULL if there is none. Asks by all keys; of a file
 * without a name by all files. */
static int find(struct search *s, enum sl_seen_as *as)
{
    struct sl_seen *t = s->seen;
    const char *path = s->path.data;
    int rc = consider_all(s, hash_number(t, BY_INODE, s->now.inode));
    for (size_t n = s->path.len; rc == 0 && n && path[n - 1] != '/'; n--)
        if (n == s->path.len || path[n] == '.' || path[n] == '-')
            rc = consider_all(s, hash_text(t, BY_PATH, path, n));
    if (rc == 0)
        rc = consider_all(s, hash_number(t, BY_TIME, s->now.mtime));
    for (size_t i = t->n; rc == 0 && !s->path.len && i-- > 0;)
        rc = consider(s, t->files[i]);
    if (rc == 0 && s->n)
        rc = sl_taken_pick(s->found, s->n, s->bytes, &s->now, &s->best, s->err);
    if (rc == 0 && s->best)
        *as = evidence(s, s->best);
    return rc;
}

/* Whether f, the open file, holds no more than the beginning of a longer one, of which it may be a copy. The
 * CRC of that one is of more bytes: the two files are compared. If it can no longer be read, what it was like
 * at the last look counts. */
static int is_part(struct search *s, struct sl_taken *f)
{
    struct sl_bytes *b;
    int64_t size = s->now.size, crc[2];
    if (f->packed || size < LEAST)
        return 0;
    if (s->longer && sl_bytes_open(sl_taken_name(s->longer), 0, -1, &b, NULL) == 0) {
        int rc = sl_file_crc(b, 0, size, &crc[0], NULL);
        sl_bytes_free(b);
        if (rc > 0 && sl_file_crc(s->bytes, 0, size, &crc[1], NULL) > 0)
            f->part_of = crc[0] == crc[1] ? s->longer : NULL;
    }
    return f->part_of && size < f->part_of->mark.byte;
}

/* The open file is s->best, or begins as that, or is new. */
static int take_up(struct search *s, enum sl_seen_as *as, struct sl_taken **out)
{
    char id[64];
    struct sl_taken *f = s->best;
    if (*as != SL_SEEN_SAME && !(f = fresh(s->seen, &s->now, s->path.data, s->err)))
        return -SL_ENOMEM;
    if (*as == SL_SEEN_SAME && !sl_taken_is_unchanged(f, &s->now))
        *as = SL_SEEN_OLD;
    if (*as == SL_SEEN_COPY) {
        f->mark = s->best->mark;
        f->rows = s->best->rows;
    }
    if (f->facts.size != s->now.size)
        f->mark.latest = f->mark.end = 0;
    *out = f;
    f->facts = s->now;
    f->is_visited = 1;
    int rc = s->path.len || !f->path ? set_text(&f->path, s->path.data, s->err) : 0;
    if (rc == 0)
        rc = set_text(&f->here, sl_bytes_name(s->bytes), s->err);
    rekey(s->seen, f, 0);
    if (rc == 0)
        rc = sl_taken_learn(f, s->bytes, s->err);
    if (*as == SL_SEEN_SAME || *as == SL_SEEN_OLD)
        return rc;
    snprintf(id, sizeof(id), "file:%lld:%06x", (long long)f->facts.inode,
             (uint32_t)f->head & SL_SEEN_HASH);
    return rc < 0 ? rc : set_text(&f->id, id, s->err);
}

int sl_seen_open(struct sl_seen *seen, struct sl_bytes *b, int flags, struct sl_taken **out,
                 const struct sl_taken **of, struct sl_err *err)
{
    assert(seen && b && out && of);
    struct search s = {.seen = seen, .bytes = b, .flags = flags, .path = SL_BUF_INIT, .err = err};
    enum sl_seen_as as = SL_SEEN_NEW;
    struct sl_taken *f = NULL;
    *out = NULL;
    if (sl_file_facts(sl_bytes_fd(b), NULL, &s.now) < 0)
        return sl_err_sys(err, "cannot stat %s", sl_bytes_name(b));
    sl_path_absolute(&s.path, seen->cwd, sl_bytes_is_input(b) ? "/" : sl_bytes_name(b));
    sl_buf_addstr(&s.path, "");
    int rc = sl_buf_check(&s.path, err);
    if (rc == 0 && !(flags & SL_SEEN_ALL))
        rc = find(&s, &as);
    if (rc == 0)
        rc = take_up(&s, &as, &f);
    *of = s.best;
    if (rc == 0 && as == SL_SEEN_NEW && (flags & SL_SEEN_PARTS) && is_part(&s, f)) {
        as = SL_SEEN_PART;
        *of = f->part_of;
    }
    sl_buf_release(&s.path);
    if (rc < 0)
        return rc;
    *out = f;
    return as;
}

/* ---- positions ---- */

void sl_seen_deliver(struct sl_seen *s, struct sl_taken *f, const struct sl_file_mark *m,
                     int64_t rows)
{
    assert(s && f && m && rows >= 0 && m->byte >= 0);
    f->delivered = *m;
    f->rows += rows;
    if (f->is_moved)
        return;
    f->is_moved = 1;
    f->next = NULL;
    *s->last = f;
    s->last = &f->next;
}

/* Whether a file that was taken in dir is where it was, or under another name there. */
static int is_there(const struct sl_seen *s, const struct sl_taken *f, const char *dir)
{
    struct sl_file_facts now;
    if (s->dir && strcmp(s->dir, dir) == 0)
        return f->look == s->looks;
    return sl_file_facts(-1, f->path, &now) == 0 && file_of(s, &now) == f;
}

int sl_seen_forget(struct sl_seen *s, const char *dir, int64_t now, int64_t after,
                   struct sl_err *err)
{
    assert(s && after >= 0);
    struct sl_buf path = SL_BUF_INIT;
    sl_path_absolute(&path, s->cwd, dir);
    sl_buf_addch(&path, '/');
    int rc = sl_buf_check(&path, err);
    for (size_t i = 0, n = s->n; rc == 0 && i < n; i++) {
        struct sl_taken *f = s->files[i];
        if (!f->is_recorded || !sl_taken_is_whole(f) ||
            strncmp(f->path, path.data, path.len) != 0 || strchr(f->path + path.len, '/'))
            continue;
        if (!is_there(s, f, dir) && strcmp(s->dir ? s->dir : "", dir) != 0 &&
            sl_seen_look(s, dir, NULL, NULL, NULL) < 0)
            break; /* nobody can tell */
        int there = is_there(s, f, dir);
        if (there ? !f->gone : f->gone && now - f->gone < after)
            continue;
        f->is_forgotten = !there && f->gone;
        f->gone = there ? 0 : now;
        sl_seen_deliver(s, f, &f->mark, 0);
    }
    sl_buf_release(&path);
    return rc;
}

/* The path as a record has it: DIR/NAME. dir:DIR names the directory; each run puts it in out once, so that
 * more than the oldest commit says it. Where another one has that name (1 in 16 million) the whole path stands
 * there. */
static int shorten(struct sl_seen *s, const char *path, struct sl_buf *name,
                   struct sl_positions *out, struct sl_err *err)
{
    struct sl_buf dir = SL_BUF_INIT;
    char id[SL_SEEN_DIR];
    const char *slash = strrchr(path, '/'), *rest = slash ? slash : path;
    size_t n = (size_t)(rest - path);
    sl_buf_add_json(&dir, path, n);
    snprintf(id, sizeof(id), "dir:%06x", sl_crc32c(0, path, n) & SL_SEEN_HASH);
    int rc = sl_buf_check(&dir, err);
    const struct sl_position *had = sl_positions_find(&s->dirs, id);
    int is_short = rc == 0 && n && (!had || strcmp(had->value, dir.data) == 0);
    if (is_short && !sl_positions_find(&s->told, id)) {
        struct sl_positions *const all[] = {&s->dirs, &s->told, out};
        for (size_t i = 0; rc == 0 && i < SL_COUNT(all); i++)
            rc = sl_positions_set(all[i], id, dir.data, dir.len, err);
    }
    sl_buf_reset(name);
    sl_buf_addstr(name, is_short ? id + 4 : "");
    sl_buf_addstr(name, is_short ? rest : path);
    sl_buf_release(&dir);
    return rc < 0 ? rc : sl_buf_check(name, err);
}

/* A file that has another name by now is synced with all of its file system. */
static int sync_file(const struct sl_taken *f, struct sl_err *err)
{
    struct sl_file_facts now;
    int fd = sl_path_open(f->path, O_RDONLY | O_NONBLOCK, 0, err);
    if (fd < 0)
        return fd == -SL_ENOENT ? 0 : fd;
    int is_same = sl_file_facts(fd, f->path, &now) == 0 && sl_taken_is_inode(f, &now);
    int rc =
        (is_same ? fsync(fd) : syncfs(fd)) < 0 ? sl_err_sys(err, "cannot sync %s", f->path) : 0;
    close(fd);
    return rc;
}

int sl_seen_sync(struct sl_seen *s, struct sl_err *err)
{
    assert(s);
    int rc = 0;
    for (const struct sl_taken *f = s->moved; f && rc == 0; f = f->next)
        rc = f->is_forgotten || !f->path[0] ? 0 : sync_file(f, err);
    return rc;
}

int sl_seen_positions(struct sl_seen *s, struct sl_positions *out, struct sl_err *err)
{
    assert(s && out);
    struct sl_buf text = SL_BUF_INIT, name = SL_BUF_INIT;
    int rc = 0;
    for (struct sl_taken *f = s->moved; f && rc == 0; f = f->next) {
        sl_buf_reset(&text);
        rc = f->is_forgotten ? 0 : shorten(s, f->path, &name, out, err);
        if (f->is_forgotten)
            sl_buf_addstr(&text, "null");
        else if (rc == 0)
            sl_taken_print(f, name.data, &text);
        if (rc == 0)
            rc = sl_buf_check(&text, err);
        if (rc == 0)
            rc = sl_positions_set(out, f->id, text.data, text.len, err);
        f->is_moved = 0;
    }
    s->moved = NULL;
    s->last = &s->moved;
    sl_buf_release(&text);
    sl_buf_release(&name);
    return rc;
}
