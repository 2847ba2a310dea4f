/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * driver: the log by its library alone, for the fault tests: small, quick to start, and with the
 * boot id in its hand.
 *
 *   driver append LOG [options]    commits rows, says `ack WRITER ROW` after each durable commit
 *   driver read LOG [options]      prints `WRITER ROW` of every row, partition by partition
 *   driver follow LOG [options]    the same as they come, until --until rows are out
 *   driver check LOG [options]     what a crash may leave: see check() below
 *   driver verify LOG              every byte that commits promise
 *   driver flip LOG [--file NAME]  every bit of its files turned over, one at a time: see flip()
 *
 * Rows are (w bigint, n bigint, pad text): writer w numbers its rows from 0 and commits them in
 * batches; row n goes to partition n modulo the number of partitions. Each commit records the
 * writer's next row as the source position `w`, so that rows and positions can be compared, and
 * `append --resume` goes on from there.
 */
#include "base/compat.h"
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include "arrow/builder.h"
#include "base/buf.h"
#include "base/crc32c.h"
#include "base/num.h"
#include "base/path.h"
#include "log/log.h"
#include "maintain/maintain.h"

enum { WRITERS = 64, PARTITIONS = 16, CHECKER = WRITERS - 1 };

struct options {
    const char *log, *boot, *file;
    int64_t writer, first, count, batch, pad, note, segment, until, interval, from;
    int64_t acked[WRITERS]; /* rows that must be there, -1 = none */
    int partitions, resume, sync, abandon, only_read, hold;
};

static int failed(const struct sl_err *err)
{
    struct sl_buf text = SL_BUF_INIT;
    sl_err_format(err, &text);
    fprintf(stderr, "driver: %.*s\n", (int)text.len, text.data ? text.data : "");
    sl_buf_release(&text);
    return err->code == SL_ELOCKED ? 75 : 1;
}

static int bad(const char *fmt, ...) SL_PRINTF(1, 2);
static int bad(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("BAD ", stdout);
    vprintf(fmt, ap);
    fputc('\n', stdout);
    va_end(ap);
    return 1;
}

/* ---- writing ---- */

static struct sl_schema *make_schema(struct sl_err *err)
{
    struct sl_schema *s = NULL;
    static const char types[] = "w bigint, n bigint, pad text";
    return sl_schema_parse(types, sizeof(types) - 1, &s, err) < 0 ? NULL : s;
}

/* Rows first, first + step, ... below end. */
static struct sl_batch *make_batch(struct sl_schema *schema, const struct options *o, int64_t first,
                                   int64_t end, int64_t step, struct sl_err *err)
{
    struct sl_builder w, n, pad;
    size_t rows = 0;
    static const char text[] = "the quick brown fox jumps over the lazy dog";

    sl_builder_init(&w, sl_type_of(SL_BIGINT), NULL, 0);
    sl_builder_init(&n, sl_type_of(SL_BIGINT), NULL, 0);
    sl_builder_init(&pad, sl_type_of(SL_TEXT), NULL, 0);
    for (int64_t i = first; i < end; i += step, rows++) {
        sl_builder_int(&w, o->writer);
        sl_builder_int(&n, i);
        sl_builder_bytes(&pad, text, (size_t)(o->pad % (int64_t)sizeof(text)));
    }
    struct sl_batch *b = sl_batch_new(schema, rows);
    if (b) {
        b->selected = rows;
        b->columns[0] = sl_builder_finish(&w, err);
        b->columns[1] = sl_builder_finish(&n, err);
        b->columns[2] = sl_builder_finish(&pad, err);
        if (!b->columns[0] || !b->columns[1] || !b->columns[2]) {
            sl_batch_unref(b);
            b = NULL;
        }
    }
    sl_builder_release(&w);
    sl_builder_release(&n);
    sl_builder_release(&pad);
    return b;
}

/* The value of the position: the next row, and as many bytes more as asked for, so that commit
 * files grow quickly where a test wants to see the next one. */
static void make_note(struct sl_buf *value, const struct options *o, int64_t next)
{
    sl_buf_reset(value);
    sl_buf_printf(value, "[%" PRId64 ",\"", next);
    for (int64_t i = 0; i < o->note; i++)
        sl_buf_add(value, "x", 1);
    sl_buf_addstr(value, "\"]");
}

static int commit_rows(struct sl_log_writer *w, struct sl_schema *schema, const struct options *o,
                       int64_t from, int64_t to, struct sl_err *err)
{
    struct sl_log_blob *blobs[PARTITIONS];
    size_t n = 0;
    int rc = 0, parts = sl_log_partitions(sl_log_writer_view(w));
    struct sl_buf value = SL_BUF_INIT;
    char id[24];
    const char *ids[1] = {id}, *values[1];

    for (int p = 0; p < parts && rc == 0; p++) {
        int64_t first = from + (p - from % parts + parts) % parts;
        if (first >= to)
            continue;
        struct sl_batch *b = make_batch(schema, o, first, to, parts, err);
        rc = b ? sl_log_writer_encode(w, p, b, &blobs[n], err) : -(int)err->code;
        n += rc == 0;
        sl_batch_unref(b);
    }
    snprintf(id, sizeof(id), "%" PRId64, o->writer);
    make_note(&value, o, to);
    values[0] = value.data;
    struct sl_log_note note = {.position_id = ids, .position = values, .npositions = 1};
    if (rc == 0)
        rc = sl_log_writer_commit(w, blobs, n, &note, err);
    sl_buf_release(&value);
    return rc;
}

/* The writer's next row as the log has it, 0 if it never wrote. */
static int64_t position(const struct sl_log *l, int64_t writer)
{
    char id[24];
    int64_t next = 0;
    snprintf(id, sizeof(id), "%" PRId64, writer);
    const struct sl_position *p = sl_positions_find(sl_log_positions(l), id);
    if (p && p->len > 2) {
        const char *comma = strchr(p->value, ',');
        sl_num_parse_int(p->value + 1, comma ? (size_t)(comma - p->value - 1) : p->len - 2, &next);
    }
    return next;
}

static int open_writer(const struct options *o, struct sl_schema *schema, struct sl_log_writer **w,
                       int64_t *moved, struct sl_err *err)
{
    struct sl_log_options lo = {.partitions = o->partitions,
                                .sync = (enum sl_sync_policy)o->sync,
                                .sync_interval = o->interval,
                                .segment_bytes = o->segment,
                                .boot_id = o->boot};
    return sl_log_writer_open(o->log, &lo, schema, w, moved, err);
}

static void say(const char *what, int64_t a, int64_t b)
{
    char line[64];
    int n = snprintf(line, sizeof(line), "%s %" PRId64 " %" PRId64 "\n", what, a, b);
    ssize_t done;
    do {
        done = write(1, line, (size_t)n);
    } while (done < 0 && errno == EINTR);
    if (done != n) {
        fprintf(stderr, "driver: cannot write to standard output: %s\n", strerror(errno));
        exit(1);
    }
}

static int append(const struct options *o)
{
    struct sl_err err;
    struct sl_log_writer *w = NULL;
    int64_t moved = 0;
    sl_err_init(&err);
    struct sl_schema *schema = make_schema(&err);
    int rc = schema ? open_writer(o, schema, &w, &moved, &err) : -1;

    if (rc == 0 && moved)
        say("moved", o->writer, moved);
    int64_t first = rc == 0 && o->resume ? position(sl_log_writer_view(w), o->writer) : o->first;
    for (int64_t i = first; rc == 0 && i < o->first + o->count; i += o->batch) {
        int64_t end = SL_MIN(i + o->batch, o->first + o->count);
        rc = commit_rows(w, schema, o, i, end, &err);
        if (rc == 0 && o->sync == SL_SYNC_COMMIT)
            say("ack", o->writer, end - 1);
    }
    if (w && (rc < 0 || o->abandon))
        sl_log_writer_abort(w);
    else if (w && (rc = sl_log_writer_close(w, &err)) == 0 && o->sync != SL_SYNC_NONE)
        say("ack", o->writer, o->first + o->count - 1);
    sl_schema_unref(schema);
    return rc < 0 ? failed(&err) : 0;
}

/* ---- reading ---- */

struct rows { /* what a reader was given, by writer */
    int64_t count[WRITERS], last[WRITERS][PARTITIONS], total;
    int print, wrong, any_start;
    int parts;
    uint32_t content; /* of the text column */
};

static int64_t cell(const struct sl_column *c, size_t row)
{
    const struct sl_column *h;
    size_t k = sl_column_slot(c, row, &h);
    return ((const int64_t *)h->data)[k];
}

/* Rows of a writer come in its order within a partition, none twice, none skipped. */
static int take_rows(struct rows *r, struct sl_batch *b, int partition, int64_t base,
                     struct sl_err *err)
{
    for (int i = 0; i < 3; i++) {
        if (sl_column_load(b->columns[i], err) < 0)
            return -(int)err->code;
    }
    for (size_t i = 0; i < b->rows; i++) {
        int64_t w = cell(b->columns[0], i), n = cell(b->columns[1], i);
        if (r->print)
            printf("%d:%" PRId64 " %" PRId64 " %" PRId64 "\n", partition, base + (int64_t)i, w, n);
        if (w < 0 || w >= WRITERS || n < 0 || n % r->parts != partition) {
            r->wrong +=
                bad("row %" PRId64 " of writer %" PRId64 " in partition %d", n, w, partition);
            continue;
        }
        int64_t *last = &r->last[w][partition];
        if (*last < 0 && r->any_start)
            *last = n - r->parts;
        if (n != (*last < 0 ? partition : *last + r->parts))
            r->wrong += bad("partition %d of writer %" PRId64 ": row %" PRId64 " after %" PRId64,
                            partition, w, n, *last);
        size_t len;
        const char *pad = sl_column_bytes(b->columns[2], i, &len);
        r->content = sl_crc32c(r->content, pad, len);
        *last = n;
        r->count[w]++;
        r->total++;
    }
    if (r->print)
        fflush(stdout);
    return 0;
}

static int read_on(struct sl_log_reader *reader, struct rows *r, int64_t until, struct sl_err *err)
{
    while (r->total < until) {
        struct sl_log_chunk *chunk = NULL;
        struct sl_batch *b = NULL;
        int next = sl_log_reader_next(reader, &chunk, err);
        if (next == SL_LOG_WAIT) {
            struct pollfd p = {.fd = sl_log_reader_fd(reader), .events = POLLIN};
            poll(&p, p.fd >= 0, 200);
            continue;
        }
        if (next != SL_LOG_CHUNK)
            return next < 0 ? next : 0;
        int rc = sl_log_chunk_decode(chunk, &b, err);
        if (rc == 0)
            rc = take_rows(r, b, sl_log_chunk_info(chunk).partition, sl_log_chunk_info(chunk).base,
                           err);
        sl_batch_unref(b);
        sl_log_chunk_free(chunk);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void rows_init(struct rows *r, int parts)
{
    *r = (struct rows){.parts = parts};
    memset(r->last, -1, sizeof(r->last));
}

static int read_log(const struct options *o, int follow, struct rows *r, struct sl_log **out,
                    struct sl_err *err)
{
    struct sl_log_read_options ro = {
        .follow = follow, .from_time = SL_TIME_MIN, .to_time = SL_TIME_MAX};
    struct sl_log_reader *reader = NULL;
    struct sl_log *l;
    int rc = sl_log_open_as(o->log, o->boot, &l, err);
    if (rc < 0)
        return rc;
    int print = r->print;
    struct sl_log_range ranges[PARTITIONS];
    rows_init(r, sl_log_partitions(l));
    r->print = print;
    r->any_start = o->from > 0;
    for (int p = 0; p < r->parts && p < PARTITIONS; p++)
        ranges[p] = (struct sl_log_range){o->from, INT64_MAX};
    if (o->from)
        ro.ranges = ranges;
    rc = sl_log_reader_open(l, &ro, &reader, err);
    if (rc == 0 && o->hold) { /* what it will give is settled; the test goes on meanwhile */
        say("open", sl_log_commit_number(l), 0);
        getchar();
    }
    if (rc == 0)
        rc = read_on(reader, r, follow ? o->until : INT64_MAX, err);
    sl_log_reader_free(reader);
    if (rc < 0 || !out)
        sl_log_free(l);
    else
        *out = l;
    return rc;
}

static int print_rows(const struct options *o, int follow)
{
    struct sl_err err;
    struct rows *r = calloc(1, sizeof(*r));
    int rc;
    if (!r)
        return 1;
    r->print = 1;
    sl_err_init(&err);
    while ((rc = read_log(o, follow, r, NULL, &err)) == -SL_ENOENT && follow)
        poll(NULL, 0, 1);
    int wrong = r->wrong;
    free(r);
    return rc < 0 ? failed(&err) : wrong != 0;
}

/* ---- checking ---- */

static int tell_problem(void *arg, const struct sl_log_problem *p)
{
    (void)arg;
    bad("verify: %s: byte %" PRId64 ": %s", p->file, p->offset, p->what);
    return 0;
}

static int verify(const struct options *o)
{
    struct sl_err err;
    sl_err_init(&err);
    int n = sl_log_verify(o->log, tell_problem, NULL, &err);
    return n < 0 ? failed(&err) : n > 0;
}

/* Rows are whole commits from the first on, agree with the position, and hold what was acked. */
static int judge(const struct options *o, const struct rows *r, const struct sl_log *l,
                 const char *who)
{
    int wrong = r->wrong;
    for (int w = 0; w < WRITERS; w++) {
        int64_t count = r->count[w], next = position(l, w);
        for (int p = 0; p < r->parts; p++) {
            int64_t want = (count + r->parts - 1 - p) / r->parts;
            int64_t have = r->last[w][p] < 0 ? 0 : r->last[w][p] / r->parts + 1;
            if (want != have)
                wrong += bad("%s: writer %d: partition %d has %" PRId64 " rows of %" PRId64, who, w,
                             p, have, count);
        }
        if (count != next)
            wrong += bad("%s: writer %d: %" PRId64 " rows, its position says %" PRId64, who, w,
                         count, next);
        if (w != CHECKER && count % o->batch && count != o->count)
            wrong += bad("%s: writer %d: %" PRId64 " rows are no whole commits", who, w, count);
        if (count <= o->acked[w])
            wrong += bad("%s: writer %d: acknowledged row %" PRId64 " is lost, %" PRId64
                         " rows are there",
                         who, w, o->acked[w], count);
    }
    return wrong;
}

static int check_read(const struct options *o, struct rows *r, const char *who)
{
    struct sl_err err;
    struct sl_log *l = NULL;
    sl_err_init(&err);
    if (read_log(o, 0, r, &l, &err) < 0) {
        failed(&err);
        return bad("%s: cannot read", who);
    }
    int wrong = judge(o, r, l, who);
    sl_log_free(l);
    return wrong;
}

/* After a commit to every partition nothing lies behind the committed length of an open segment. */
static int tell_longer(void *arg, const struct sl_log_segment_info *s)
{
    const struct sl_log *l = arg;
    struct sl_buf path = SL_BUF_INIT;
    struct stat st;
    int wrong = 0;
    sl_path_join(&path, sl_log_path(l), s->file);
    if (s->end == sl_log_end(l, s->partition) && path.data && stat(path.data, &st) == 0 &&
        st.st_size != s->bytes)
        wrong = bad("%s has %" PRId64 " bytes, %" PRId64 " are committed", s->file,
                    (int64_t)st.st_size, s->bytes);
    sl_buf_release(&path);
    return wrong;
}

static int check_lengths(const struct options *o)
{
    struct sl_err err;
    struct sl_log *l;
    sl_err_init(&err);
    if (sl_log_open_as(o->log, o->boot, &l, &err) < 0)
        return failed(&err);
    int wrong = sl_log_segments(l, tell_longer, l, &err);
    sl_log_free(l);
    return wrong != 0;
}

/*
 * What a crash may leave. In this order: a reader is right; verify is content; a writer opens the
 * log (which recovers it) and commits on; a reader finds what the first one found, and that; verify
 * is content still. A log that never came to be is right if nothing was acknowledged.
 */
static int check(const struct options *o)
{
    struct rows *r = calloc(2, sizeof(*r));
    struct options more = *o;
    struct sl_err err;
    struct sl_log_writer *w = NULL;
    struct sl_schema *schema;
    int64_t moved = 0;
    int wrong = 0;

    sl_err_init(&err);
    if (!r || !(schema = make_schema(&err)))
        return 1;
    if (sl_path_is_log(o->log)) {
        wrong += check_read(o, &r[0], "before");
        wrong += verify(o) != 0;
    } else {
        rows_init(&r[0], o->partitions ? o->partitions : 1);
        for (int i = 0; i < WRITERS; i++)
            wrong += o->acked[i] >= 0 ? bad("there is no log") : 0;
    }
    more.writer = CHECKER;
    more.sync = SL_SYNC_COMMIT;
    more.note = 0;
    if (!wrong && (open_writer(&more, schema, &w, &moved, &err) < 0 ||
                   commit_rows(w, schema, &more, 0, r[0].parts, &err) < 0 ||
                   sl_log_writer_close(w, &err) < 0)) {
        failed(&err);
        wrong += bad("cannot go on");
    } else if (!wrong) {
        more.acked[CHECKER] = r[0].parts - 1;
        wrong += check_read(&more, &r[1], "after");
        for (int i = 0; i < CHECKER; i++) {
            if (r[0].count[i] != r[1].count[i])
                wrong +=
                    bad("writer %d: a reader saw %" PRId64 " rows, after the recovery %" PRId64, i,
                        r[0].count[i], r[1].count[i]);
        }
        wrong += check_lengths(o);
        wrong += verify(o) != 0;
    }
    if (!wrong)
        printf("good %" PRId64 " rows, %" PRId64 " bytes moved\n", r[0].total, moved);
    sl_schema_unref(schema);
    free(r);
    return wrong != 0;
}

/* ---- flipping bits ---- */

static int count_problem(void *arg, const struct sl_log_problem *p)
{
    (void)p;
    ++*(int64_t *)arg;
    return 0;
}

/* Everything that reads gives as one checksum; < 0 if something is noticed. */
static int64_t look(const struct options *o, struct rows *r)
{
    struct sl_err err;
    struct sl_log *l = NULL;
    int64_t problems = 0;
    uint32_t sum = 0;
    int64_t extra[2 * WRITERS];

    sl_err_init(&err);
    if (read_log(o, 0, r, &l, &err) < 0)
        return -1;
    for (int w = 0; w < WRITERS; w++) {
        extra[2 * w] = position(l, w);
        extra[2 * w + 1] = sl_log_commit_number(l);
    }
    sl_log_free(l);
    if (!o->only_read && (sl_log_verify(o->log, count_problem, &problems, &err) < 0 || problems))
        return -2;
    sum = sl_crc32c(sum, r->last, sizeof(r->last));
    sum = sl_crc32c(sum, r->count, sizeof(r->count));
    return sl_crc32c(sl_crc32c(sum, extra, sizeof(extra)), &r->content, sizeof(r->content));
}

/*
 * Turns each bit of a file over, reads and verifies the log, turns it back. No flip may go unnoticed;
 * where verify is left out (--only-read), none may change what is read.
 */
static int flip(const struct options *o)
{
    struct rows *r = calloc(1, sizeof(*r));
    struct stat st;
    int64_t counts[3] = {0}; /* noticed, harmless, silent */
    unsigned char byte;
    int fd = open(o->file, O_RDWR), out = dup(1);
    if (!r || fd < 0 || fstat(fd, &st) < 0 || out < 0 || !freopen("/dev/null", "w", stdout))
        return 1;
    int64_t want = look(o, r);
    for (off_t at = 0; want >= 0 && at < st.st_size; at++) {
        if (pread(fd, &byte, 1, at) != 1)
            return 1;
        for (int bit = 0; bit < 8; bit++) {
            unsigned char turned = (unsigned char)(byte ^ 1u << bit);
            if (pwrite(fd, &turned, 1, at) != 1)
                return 1;
            int64_t got = look(o, r);
            counts[got < 0 ? 0 : got == want ? 1 : 2]++;
            if (got >= 0 && got != want)
                dprintf(out, "BAD silent: %s byte %lld bit %d\n", o->file, (long long)at, bit);
        }
        if (pwrite(fd, &byte, 1, at) != 1)
            return 1;
    }
    dprintf(out, "%s: %" PRId64 " flips noticed, %" PRId64 " harmless, %" PRId64 " silent\n",
            o->file, counts[0], counts[1], counts[2]);
    close(fd);
    close(out);
    free(r);
    return want < 0 || !counts[0] || counts[2] || (counts[1] && !o->only_read);
}

/* ---- the command line ---- */

static int number(const char *s, int64_t *out)
{
    return s && sl_num_parse_int(s, strlen(s), out) == 1;
}

static int take_option(struct options *o, const char *name, const char *value)
{
    const struct {
        const char *name;
        int64_t *to;
    } numbers[] = {
        {"--writer", &o->writer},   {"--first", &o->first}, {"--count", &o->count},
        {"--batch", &o->batch},     {"--pad", &o->pad},     {"--note", &o->note},
        {"--segment", &o->segment}, {"--until", &o->until}, {"--interval", &o->interval},
        {"--from", &o->from},
    };
    int64_t v, w;
    for (size_t i = 0; i < SL_COUNT(numbers); i++) {
        if (strcmp(name, numbers[i].name) == 0)
            return number(value, numbers[i].to);
    }
    if (strcmp(name, "--partitions") == 0 && number(value, &v) && v > 0 && v <= PARTITIONS) {
        o->partitions = (int)v;
        return 1;
    }
    if (strcmp(name, "--file") == 0 && value) {
        o->file = value;
        return 1;
    }
    if (strcmp(name, "--boot") == 0 && value && strlen(value) == 36) {
        o->boot = value;
        return 1;
    }
    if (strcmp(name, "--sync") == 0 && value) {
        o->sync = strcmp(value, "commit") == 0 ? SL_SYNC_COMMIT
                  : strcmp(value, "none") == 0 ? SL_SYNC_NONE
                                               : SL_SYNC_INTERVAL;
        return 1;
    }
    if (strcmp(name, "--acked") == 0 && value) { /* WRITER:ROW */
        const char *colon = strchr(value, ':');
        if (colon && sl_num_parse_int(value, (size_t)(colon - value), &w) == 1 && w >= 0 &&
            w < WRITERS && number(colon + 1, &v)) {
            o->acked[w] = v;
            return 1;
        }
    }
    return 0;
}

static int usage(void)
{
    fputs("usage: driver append|read|follow|check|verify|flip LOG [--writer W] [--first N] "
          "[--count N]\n"
          "  [--batch N] [--pad N] [--note BYTES] [--segment BYTES] [--partitions N] [--boot ID]\n"
          "  [--sync commit|none|interval] [--interval MICROSECONDS] [--acked W:ROW]...\n"
          "  [--until ROWS] [--from OFFSET] [--resume] [--abandon] [--file NAME] [--only-read]\n"
          "  [--hold]\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    struct options o = {.count = 10, .batch = 1, .until = INT64_MAX, .sync = SL_SYNC_COMMIT};
    if (argc < 3)
        return usage();
    o.log = argv[2];
    memset(o.acked, -1, sizeof(o.acked));
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "--resume") == 0)
            o.resume = 1;
        else if (strcmp(argv[i], "--abandon") == 0)
            o.abandon = 1;
        else if (strcmp(argv[i], "--only-read") == 0)
            o.only_read = 1;
        else if (strcmp(argv[i], "--hold") == 0)
            o.hold = 1;
        else if (i + 1 >= argc || !take_option(&o, argv[i], argv[i + 1]))
            return usage();
        else
            i++;
    }
    if (o.batch < 1 || o.writer < 0 || o.writer >= WRITERS)
        return usage();
    if (strcmp(argv[1], "append") == 0)
        return append(&o);
    if (strcmp(argv[1], "read") == 0)
        return print_rows(&o, 0);
    if (strcmp(argv[1], "follow") == 0)
        return print_rows(&o, 1);
    if (strcmp(argv[1], "check") == 0)
        return check(&o);
    if (strcmp(argv[1], "verify") == 0)
        return verify(&o);
    if (strcmp(argv[1], "flip") == 0 && o.file)
        return flip(&o);
    return usage();
}
