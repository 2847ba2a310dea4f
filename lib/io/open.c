/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* open: names to sources and sinks, see open.h. */
#include "base/compat.h"
#include "file/bytes.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "io/connect.h"

/* "scheme:" in front of a path, or 0. One letter is no scheme, nor is what follows a slash. */
static size_t scheme_length(const char *path)
{
    size_t n = strspn(path, "abcdefghijklmnopqrstuvwxyz0123456789+.-");
    return n > 1 && path[n] == ':' ? n : 0;
}

/* Strips file:, refuses other schemes. NULL with err filled. */
static const char *local_path(const char *path, struct sl_err *err)
{
    size_t n = scheme_length(path);
    if (!*path) {
        sl_err_set(err, SL_EUSAGE, "a source or destination has an empty name");
        sl_err_hint(err, "- is standard input or output; is a variable of the shell not set?");
        return NULL;
    }
    if (!n || access(path, F_OK) == 0)
        return path;
    if (n == 4 && memcmp(path, "file", 4) == 0) {
        const char *name = path + 5;
        return strncmp(name, "//", 2) == 0 ? name + 2 : name;
    }
    sl_err_set(err, SL_EUSAGE, "%.*s: is no kind of source or destination that is known here",
               (int)n, path);
    sl_err_hint(err, "for a file of that name say file:%s", path);
    return NULL;
}

static mode_t kind_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_mode & S_IFMT : 0;
}

/* A directory that is no log, or one whose inside may not be seen. */
static int refuse_directory(const char *path, struct sl_err *err)
{
    size_t n = strlen(path);
    if (access(path, X_OK) != 0)
        return sl_err_sys(err, "cannot look into %s", path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    sl_err_set(err, SL_EUSAGE, "%s is a directory, and not a log (it has no commits/)", path);
    return sl_err_hint(err,
                       "name the files in it, %.*s/*, or ingest them as they come: --watch %.*s",
                       (int)n, path, (int)n, path);
}

/* ---- sources ---- */

void sl_input_say(const struct sl_input_options *o, const char *fmt, ...)
{
    struct sl_buf text = SL_BUF_INIT;
    va_list ap;
    va_start(ap, fmt);
    sl_buf_vprintf(&text, fmt, ap);
    va_end(ap);
    if (o->say && text.len && !text.failed)
        o->say(o->say_arg, text.data);
    sl_buf_release(&text);
}

/* Waits for the first bytes of an input and puts them back: 1 frames, 0 text. */
static int looks_like_frames(struct sl_bytes *b, const struct sl_input_options *o,
                             struct sl_err *err)
{
    char head[64];
    size_t n = 0;

    while (n < 4) {
        size_t got;
        int rc = sl_bytes_read(b, head + n, sizeof(head) - n, &got, err);
        if (rc < 0)
            return rc;
        n += got;
        if (rc == SL_BYTES_END || (rc == SL_BYTES_WAIT && sl_bytes_is_followed(b)))
            break;
        /* Text is known by its first byte: do not wait for three more that may never come. */
        if (n && head[0] != '\xff' && head[0] != 'A')
            break;
        if (rc == SL_BYTES_WAIT) {
            rc = sl_bytes_wait(b, o->stop_fd, -1, err);
            if (rc < 0)
                return rc;
            if (rc == 0)
                break;
        }
    }
    int frames = sl_text_format_of_bytes(head, n) == SL_TEXT_ARROW;
    int rc = n ? sl_bytes_unread(b, head, n, err) : 0;
    return rc < 0 ? rc : frames;
}

/* Text, and the text behind it; or frames, which are an input by themselves. */
static int open_bytes(const struct sl_input_options *o, struct sl_source **out, int *taken,
                      struct sl_err *err)
{
    enum sl_text_format format = SL_TEXT_NONE;
    const char *pattern, *path = o->npaths ? o->paths[0] : "-";
    struct sl_bytes *b;

    if (o->format) {
        int rc = sl_text_format_parse(o->format, &format, &pattern, err);
        if (rc < 0)
            return rc;
    }
    if (strcmp(path, "-") == 0 && isatty(STDIN_FILENO))
        sl_input_say(o, "reading from the terminal: end with Ctrl-D");
    int rc = sl_bytes_open(path, o->follow, o->stop_fd, &b, err);
    if (rc < 0)
        return rc;
    int frames = format == SL_TEXT_ARROW;
    if (!o->format) {
        frames = looks_like_frames(b, o, err);
        if (frames < 0) {
            sl_bytes_free(b);
            return frames;
        }
    }
    *taken = frames ? SL_MIN(o->npaths, 1) : o->npaths;
    return frames ? sl_frames_source_new(o, b, out, err) : sl_text_source_new(o, b, out, err);
}

struct named { /* a path that is a file or a pipe */
    dev_t dev;
    ino_t ino;
    int at, can_be_read_again, is_log;
};

static int by_inode(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    return x->at - y->at;
}

/* What is named twice. A pipe gives its bytes once, so the second time there would be nothing, and
 * that in silence; the rows of a file would be in a log twice. */
int sl_input_check_twice(const char *const *paths, int npaths, enum sl_twice what,
                         struct sl_err *err)
{
    struct named *all = sl_calloc((size_t)npaths + 1, sizeof(*all));
    int n = 0, rc = all ? 0 : sl_err_nomem(err, "sources");
    for (int i = 0; rc == 0 && i < npaths; i++) {
        struct stat st;
        int standard = strcmp(paths[i], "-") == 0;
        if ((standard ? fstat(STDIN_FILENO, &st) : stat(paths[i], &st)) < 0)
            continue;
        int file = (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) && !standard;
        /* A FIFO with a name, or a terminal, may be opened again: somebody else may write then. */
        int pipe = standard || ((S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)) &&
                                strncmp(paths[i], "/dev/", 5) == 0);
        if (pipe || S_ISDIR(st.st_mode) || (file && what == SL_TWICE_FILES))
            all[n++] = (struct named){st.st_dev, st.st_ino, i, file, S_ISDIR(st.st_mode)};
    }
    if (n)
        qsort(all, (size_t)n, sizeof(*all), by_inode);
    for (int i = 1; rc == 0 && i < n; i++) {
        const struct named *x = &all[i - 1], *y = &all[i];
        if (x->dev != y->dev || x->ino != y->ino)
            continue;
        const char *a = paths[x->at], *b = paths[y->at];
        if (!x->can_be_read_again && !y->can_be_read_again) {
            sl_err_set(err, SL_EUSAGE, "standard input is named twice: it can be read once");
            rc = -SL_EUSAGE;
        } else {
            if (strcmp(a, b) == 0)
                sl_err_set(err, SL_EUSAGE, "%s is named twice", a);
            else
                sl_err_set(err, SL_EUSAGE, "%s and %s are one file", a, b);
            rc = sl_err_hint(err, x->is_log ? "leave one out"
                                            : "leave one out; --again takes its rows twice");
        }
    }
    free(all);
    return rc;
}

/* Every path once: that it is there, and of a kind that can stand beside the others. */
static int check_paths(const struct sl_input_options *o, struct sl_err *err)
{
    for (int i = 0; i < o->npaths; i++) {
        const char *path = o->paths[i];
        if (strcmp(path, "-") == 0)
            continue;
        if (sl_path_is_log(path))
            continue;
        if (kind_of(path) == S_IFDIR)
            return refuse_directory(path, err);
        if (access(path, F_OK) != 0 && !o->wait_for_log)
            return sl_err_sys(err, "cannot open %s", path);
    }
    return 0;
}

static int open_log(const struct sl_input_options *o, struct sl_source **out, struct sl_err *err)
{
    int rc = sl_log_source_new(o, out, err);
    return rc == 0 && o->speed > 0 ? sl_pace_source_new(*out, o->speed, out, err) : rc;
}

static int open_paths(const struct sl_input_options *o, struct sl_source **out, int *taken,
                      struct sl_err *err)
{
    int rc = check_paths(o, err);
    *taken = o->npaths;
    if (rc < 0)
        return rc;
    if (o->npaths == 1 && strcmp(o->paths[0], "-") != 0 &&
        (sl_path_is_log(o->paths[0]) ||
         (o->wait_for_log && kind_of(o->paths[0]) != S_IFREG && sl_output_is_log(o->paths[0]))))
        return open_log(o, out, err);
    if (o->from.kind != SL_POINT_NONE || o->to.kind != SL_POINT_NONE || o->partition >= 0) {
        sl_err_set(err, SL_EUSAGE, "--from, --to and --partition are of logs, and %s is none",
                   o->npaths ? o->paths[0] : "standard input");
        return sl_err_hint(err, "ingest it into a log first, or use --where");
    }
    if (o->group) {
        sl_err_set(err, SL_EUSAGE, "--group is for one log, and %s",
                   o->npaths > 1 ? "several sources are named" : "the source is none");
        return sl_err_hint(err, "ingest it into a log first");
    }
    if (o->meta) {
        sl_err_set(err, SL_EUSAGE, "--meta is of logs, and %s is none",
                   o->npaths ? o->paths[0] : "standard input");
        return sl_err_hint(err, "ingest it into a log first; in a pipe, say it at the head");
    }
    return open_bytes(o, out, taken, err);
}

/* Whether what is to be followed is not there yet. A log that may come is waited for by its source. */
static int is_missing(const struct sl_input_options *o)
{
    const char *path = o->npaths == 1 ? o->paths[0] : "-";
    return o->follow && strcmp(path, "-") != 0 && !(o->wait_for_log && sl_output_is_log(path)) &&
           access(path, F_OK) < 0 && errno == ENOENT;
}

static int await_path(const struct sl_input_options *o, struct sl_err *err)
{
    sl_input_say(o, "%s is not there yet: waiting for it", o->paths[0]);
    return sl_bytes_await(o->paths[0], o->stop_fd, NULL, err);
}

int sl_input_open(const struct sl_input_options *o, int from, struct sl_source **out, int *taken,
                  struct sl_err *err)
{
    assert(o && from >= 0 && out && taken);
    struct sl_input_options local = *o;
    const char **paths = sl_calloc((size_t)o->npaths + 1, sizeof(*paths));
    int rc = paths ? 0 : sl_err_nomem(err, "a source");

    *out = NULL;
    *taken = o->npaths;
    if (rc == 0 && (o->from_rejects || o->watch)) {
        free(paths);
        return o->watch ? sl_text_source_new(o, NULL, out, err)
                        : sl_rejects_source_new(o, out, err);
    }
    for (int i = 0; rc == 0 && i < o->npaths; i++) {
        paths[i] = local_path(o->paths[i], err);
        if (!paths[i])
            rc = -(int)(err ? err->code : SL_EUSAGE);
    }
    local.paths = paths;
    if (rc == 0 && from == 0)
        rc = sl_input_check_twice(paths, o->npaths, SL_TWICE_PIPES, err);
    if (rc == 0) {
        int mixed;
        local.npaths = sl_input_group(&local, from, &mixed);
        local.paths = paths + from;
        local.in_time_order |= mixed;
        do {
            rc = is_missing(&local) ? await_path(&local, err) : 0;
            if (rc == 0)
                rc = open_paths(&local, out, taken, err);
        } while (rc == -SL_ENOENT && is_missing(&local)); /* gone again */
    }
    free(paths);
    return rc;
}

/* ---- destinations ---- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int sl_output_is_log(const char *dest)
{
    size_t n = strlen(dest);
    if (strcmp(dest, "-") == 0 || strncmp(dest, "file:", 5) == 0 || scheme_length(dest))
        return 0;
    if (sl_path_is_log(dest) || (n && dest[n - 1] == '/'))
        return 1;
    struct stat st;
    if (stat(dest, &st) == 0)
        return 0; /* a file, a FIFO, a device: written as such */
    return strchr(base_name(dest), '.') == NULL;
}

static int output_format(const struct sl_output_options *o, const char *path,
                         enum sl_text_format *format, struct sl_err *err)
{
    const char *pattern;
    if (o->format) {
        int rc = sl_text_format_parse(o->format, format, &pattern, err);
        if (rc < 0)
            return rc;
        if (*format == SL_TEXT_CSV || *format == SL_TEXT_TSV || *format == SL_TEXT_JSON ||
            *format == SL_TEXT_TABLE || *format == SL_TEXT_ARROW)
            return 0;
        sl_err_set(err, SL_EUSAGE, "-O %s: this format is read only", o->format);
        return sl_err_hint(err, "write csv, tsv, json, table or arrow");
    }
    if (path) {
        *format = sl_text_format_of_path(path);
        if (*format != SL_TEXT_NONE)
            return 0;
        sl_err_set(err, SL_EUSAGE, "cannot tell the format of %s by its name", path);
        return sl_err_hint(err, "say it: -O csv, tsv, json, table or arrow");
    }
    *format = o->terminal ? SL_TEXT_TABLE : SL_TEXT_ARROW;
    return 0;
}

/* What is to be written: an existing log, or a file to whose end rows are added. Others are made
 * anew, or are no files that could be read as well. */
static int grows(const struct sl_output_options *o, struct stat *st)
{
    if (!o->dest) {
        int flags = fcntl(STDOUT_FILENO, F_GETFL);
        return flags >= 0 && flags & O_APPEND && fstat(STDOUT_FILENO, st) == 0 &&
               S_ISREG(st->st_mode);
    }
    if (stat(o->dest, st) < 0)
        return 0;
    return S_ISREG(st->st_mode) ? o->append || o->again : sl_path_is_log(o->dest);
}

/* A run that reads what it writes would go on until the disk is full. A log has an end for who does
 * not follow it. */
static int check_loop(const struct sl_output_options *o, struct sl_err *err)
{
    const struct sl_input_options *in = o->reads;
    struct stat out, st;
    if (!in || !grows(o, &out) || (S_ISDIR(out.st_mode) && !in->follow))
        return 0;
    for (int i = 0; i < SL_MAX(in->npaths, 1); i++) {
        const char *path = in->npaths ? in->paths[i] : "-";
        int rc = strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &st) : stat(path, &st);
        if (rc == 0 && st.st_dev == out.st_dev && st.st_ino == out.st_ino) {
            sl_err_set(err, SL_EUSAGE, "%s is read and written at once: that has no end",
                       strcmp(path, "-") == 0 ? "standard input" : path);
            return sl_err_hint(err, "write to another name");
        }
    }
    return 0;
}

void sl_say_full(const struct sl_input_options *o)
{
    int n = o->max_columns ? o->max_columns : SL_TEXT_MAX_COLUMNS;
    if (o->is_full_said && *o->is_full_said)
        return;
    sl_input_say(o, "more than %d %s: further keys stay in _rest; --max-columns", n,
                 sl_plural(n, "column", "columns"));
    if (o->say && o->is_full_said)
        *o->is_full_said = 1;
}

static int not_a_log(const char *dest, struct sl_err *err)
{
    sl_err_set(err, SL_EUSAGE, "%s is a directory, and not a log", dest);
    return sl_err_hint(err, "name a log that is there, or a new name");
}

/* What a run wrote without recording it would be nobody's for the next one that does. */
static int refuse_kept(const char *dest, struct sl_err *err)
{
    struct sl_buf side = SL_BUF_INIT;
    sl_exact_beside(dest, &side);
    int rc = sl_buf_check(&side, err);
    if (rc == 0 && sl_path_is_log(side.data)) {
        sl_err_set(err, SL_EEXIST, "%s is a file of runs with --resume: %s records what it has",
                   dest, side.data);
        rc = sl_err_hint(err, "--resume goes on, --again appends all; or move both away");
    }
    sl_buf_release(&side);
    return rc;
}

int sl_output_open(const struct sl_output_options *o, struct sl_sink **out, struct sl_err *err)
{
    assert(o && out);
    struct sl_output_options local = *o;
    enum sl_text_format format;

    *out = NULL;
    if (o->nbranches)
        return sl_fan_sink_new(o, out, err);
    if (o->dest && strcmp(o->dest, "-") == 0)
        local.dest = NULL;
    if (o->dest && !*o->dest)
        return local_path(o->dest, err) ? 0 : -(int)SL_EUSAGE;
    if (check_loop(&local, err) < 0)
        return -SL_EUSAGE;
    if (local.dest && sl_output_is_log(local.dest)) {
        if (o->format && strcmp(o->format, "arrow") != 0) {
            sl_err_set(err, SL_EUSAGE, "%s is a log: -O %s does not fit it", o->dest, o->format);
            return sl_err_hint(err, "for a file say file:%s", o->dest);
        }
        if (kind_of(local.dest) == S_IFDIR && !sl_path_is_log(local.dest))
            return access(local.dest, X_OK) != 0
                       ? sl_err_sys(err, "cannot look into %s", local.dest)
                       : not_a_log(local.dest, err);
        return sl_log_sink_new(&local, out, err);
    }
    if (local.dest) {
        local.dest = local_path(local.dest, err);
        if (!local.dest)
            return -(int)(err ? err->code : SL_EUSAGE);
    }
    if (local.dest && kind_of(local.dest) == S_IFDIR)
        return not_a_log(local.dest, err);
    int rc = output_format(&local, local.dest, &format, err);
    if (rc < 0)
        return rc;
    if (local.dest && local.again != SL_AGAIN_REFUSE)
        return sl_exact_sink_new(&local, format, out, err);
    if (local.dest && (rc = refuse_kept(local.dest, err)) < 0)
        return rc;
    rc = format == SL_TEXT_ARROW ? sl_frames_sink_new(&local, out, err)
                                 : sl_text_sink_new(&local, format, out, err);
    if (rc == 0)
        (*out)->ends_whole = local.dest && (!local.beside_log || sl_path_is_packed(local.dest));
    return rc;
}
