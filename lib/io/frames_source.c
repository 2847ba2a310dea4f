/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * frames_source: an Arrow IPC stream from a pipe or a file (an Arrow IPC file too: it is a stream
 * between two magic words).
 *
 * A stream of ours says in its schema that it ends with an `end` message: an end of file without it
 * means that the stage before died, and is an error. A stream without our schema key is foreign; its
 * end cannot be verified, which is said once. Batches are decoded here, in order, because
 * dictionaries replace one another; their columns stay undecoded until an operator touches them.
 *
 * Every message is gathered in a buffer of its own, which its batch keeps.
 *
 * A file has positions as text files have, behind each batch. To go on behind one, the file is read
 * from its start, because later batches need the schema and the dictionaries; what is committed is
 * left out.
 */
#include "base/compat.h"
#include "arrow/hidden.h"
#include "base/crc32c.h"
#include "base/num.h"
#include "file/bytes.h"
#include "file/seen.h"
#include "io/connect.h"

enum { STAGING = 64 << 10, FILE_MAGIC = 8 };

struct frames_source {
    struct sl_source base;
    struct sl_buf barrier; /* the last one, as it was written */
    struct sl_bytes *bytes;
    struct sl_ipc_decoder *decoder;
    char *time_column;
    int stop_fd, file_format;
    int ended;             /* the stream; what follows it is still to be looked at */
    int closed;            /* the input, too: nothing follows */
    int have_dictionaries; /* all of them, from the end of the file */
    int64_t rows;
    const struct sl_checkpoint
        *from; /* what the sink has of the file; NULL: it keeps no positions */
    enum sl_again again;
    struct sl_seen *seen;
    struct sl_taken *taken; /* of a file, if its positions are recorded */
    int64_t upto;           /* so many bytes of it are committed */
    int64_t byte;           /* behind the last message */
    uint32_t crc;           /* of all bytes before */
    void (*say)(void *arg, const char *text);
    void *say_arg;
    /* bytes not yet part of a message */
    char *staging;
    size_t start, fill;
    /* the message being gathered */
    struct sl_buffer *message;
    size_t have, need;
    size_t bare; /* bytes in front that the input does not have */
};

struct sl_schema *sl_source_time(struct sl_schema *s, const char *name, struct sl_err *err)
{
    assert(sl_schema_is_sound(s));
    int index;
    if (name)
        index = sl_schema_lookup(s, name, strlen(name), err);
    else
        index = sl_schema_time_index(s) >= 0 ? sl_schema_time_index(s) : sl_schema_guess_time(s);
    if (name && index < 0)
        return NULL;
    if (index < 0 || (!name && index == sl_schema_time_index(s)))
        return sl_schema_ref(s);
    if (s->fields[index].type.kind != SL_TIMESTAMPTZ) {
        struct sl_buf type = SL_BUF_INIT;
        sl_type_print(s->fields[index].type, &type);
        sl_err_set(err, SL_EUSAGE, "--time %s: the column is %s, not timestamptz", name,
                   type.data ? type.data : "?");
        sl_err_hint(err, "declare it with --types, or compute it with transform --set");
        sl_buf_release(&type);
        return NULL;
    }
    struct sl_schema *copy = sl_schema_copy(s);
    if (!copy || sl_schema_set_meta(copy, SL_META_TIME, s->fields[index].name) < 0) {
        sl_schema_unref(copy);
        sl_err_nomem(err, "a schema");
        return NULL;
    }
    return copy;
}

/* ---- positions ---- */

static void discard(struct sl_morsel *m)
{
    free(m->arg); /* the mark behind it, of a file */
}

static int attach_mark(struct frames_source *f, struct sl_morsel *m, struct sl_err *err)
{
    struct sl_file_mark *k = f->taken ? sl_malloc(sizeof(*k)) : NULL;
    if (!k)
        return f->taken ? sl_err_nomem(err, "a morsel") : 0;
    m->arg = k;
    *k = (struct sl_file_mark){.byte = f->byte, .line = 1, .crc = f->crc};
    return sl_taken_keep(f->taken, f->bytes, k, err);
}

/* A file goes on behind a whole batch only. The rows of a pipe are taken one by one. */
static int source_shorten(struct sl_source *s SL_UNUSED, struct sl_morsel *m,
                          const struct sl_reject *before SL_UNUSED, struct sl_err *err SL_UNUSED)
{
    return m->arg == NULL;
}

static int source_resume(struct sl_source *s, const struct sl_checkpoint *from, enum sl_again again,
                         struct sl_err *err SL_UNUSED)
{
    struct frames_source *f = (struct frames_source *)s;
    f->from = from;
    f->again = again;
    return 0;
}

static int source_delivered(struct sl_source *s, struct sl_morsel *m, struct sl_err *err SL_UNUSED)
{
    struct frames_source *f = (struct frames_source *)s;
    if (m->arg)
        sl_seen_deliver(f->seen, f->taken, m->arg, (int64_t)m->batch->selected);
    return 0;
}

static int source_positions(struct sl_source *s, struct sl_positions *out, struct sl_err *err)
{
    struct frames_source *f = (struct frames_source *)s;
    return f->seen ? sl_seen_positions(f->seen, out, err) : 0;
}

static int source_durable(struct sl_source *s, int is_checkpoint, struct sl_err *err)
{
    struct frames_source *f = (struct frames_source *)s;
    return f->seen && is_checkpoint ? sl_seen_sync(f->seen, err) : 0;
}

/* What the sink has of the file already. */
static int look_up(struct frames_source *f, struct sl_err *err)
{
    const struct sl_taken *of;
    if (!f->from || !sl_bytes_is_regular(f->bytes))
        return 0;
    int rc = sl_seen_new(f->from->positions, &f->seen, err);
    if (rc == 0)
        rc = sl_seen_open(f->seen, f->bytes, f->again == SL_AGAIN_ALL ? SL_SEEN_ALL : 0, &f->taken,
                          &of, err);
    if (rc > SL_SEEN_NEW && f->again == SL_AGAIN_REFUSE)
        return sl_again_refuse(f->taken->rows, sl_bytes_name(f->bytes), err);
    if (rc > SL_SEEN_NEW)
        f->upto = f->taken->mark.byte;
    return SL_MIN(rc, 0);
}

/* ---- gathering ---- */

static void take_staged(struct frames_source *f, size_t n)
{
    assert(n <= f->fill - f->start);
    f->start += n;
    if (f->start == f->fill)
        f->start = f->fill = 0;
}

static int read_staging(struct frames_source *f, struct sl_err *err)
{
    size_t got;
    if (f->start) {
        memmove(f->staging, f->staging + f->start, f->fill - f->start);
        f->fill -= f->start;
        f->start = 0;
    }
    int rc = sl_bytes_read(f->bytes, f->staging + f->fill, STAGING - f->fill, &got, err);
    f->fill += got;
    assert(f->start <= f->fill && f->fill <= STAGING);
    return rc;
}

/* Starts a message of n bytes with what is staged of it. */
static int begin_message(struct frames_source *f, size_t n, struct sl_err *err)
{
    assert(!f->message && n > 0);
    f->message = sl_buffer_want(f->base.account, n, "a message", err);
    if (!f->message)
        return -SL_ENOMEM;
    f->need = n;
    f->have = SL_MIN(n, f->fill - f->start);
    memcpy(f->message->data, f->staging + f->start, f->have);
    take_staged(f, f->have);
    return 0;
}

/* > 0: enum sl_bytes_next that stopped it; DATA: f->message is whole (need bytes). */
static int gather(struct frames_source *f, struct sl_err *err)
{
    for (;;) {
        if (f->message && f->have == f->need)
            return SL_BYTES_DATA;
        if (f->message) {
            size_t got;
            int rc =
                sl_bytes_read(f->bytes, f->message->data + f->have, f->need - f->have, &got, err);
            if (rc != SL_BYTES_DATA)
                return rc;
            f->have += got;
            continue;
        }
        struct sl_err why = SL_ERR_INIT;
        int64_t n =
            sl_ipc_peek((const uint8_t *)f->staging + f->start, f->fill - f->start, NULL, &why);
        if (n < 0) {
            sl_err_copy(err, &why);
            return sl_err_place(err, "%s", sl_bytes_name(f->bytes));
        }
        int rc = n > 0 ? begin_message(f, (size_t)n, err) : read_staging(f, err);
        if (rc < 0 || (n == 0 && rc != SL_BYTES_DATA))
            return rc;
    }
}

static int upstream_died(struct frames_source *f, struct sl_err *err)
{
    if (sl_bytes_is_regular(f->bytes)) {
        sl_err_set(err, SL_EUPSTREAM, "the stream stops in the middle: the file is not whole");
        sl_err_hint(err, "who wrote it died, or writes yet: make it again");
    } else {
        sl_err_set(err, SL_EUPSTREAM, "the stream stopped in the middle: the stage before it died");
        sl_err_hint(err, "what it printed on stderr says why; run the pipeline again");
    }
    return sl_err_place(err, "%s", sl_bytes_name(f->bytes));
}

static int at_eof(struct frames_source *f, struct sl_err *err)
{
    if (f->fill > f->start || f->message || f->base.end_required || f->file_format)
        return upstream_died(f, err);
    f->ended = f->closed = 1;
    return SL_NEXT_END;
}

/*
 * The stream has ended. Its writer may have to write Arrow's own end yet, and would fail if nobody
 * read it; and what another program writes to the same pipe behind it is not passed over in silence.
 * So the end is where the input ends. (A file of Arrow has its table of contents there.)
 */
static int after_end(struct frames_source *f, struct sl_err *err)
{
    static const char marker[8] = "\xff\xff\xff\xff";
    while (!f->closed && !f->file_format) {
        size_t n = f->fill - f->start;
        const char *p = f->staging + f->start;
        if (n && memcmp(p, marker, SL_MIN(n, sizeof(marker))) != 0) {
            sl_err_set(err, SL_EFORMAT, "something follows the end of the stream");
            sl_err_hint(err, "an input is one stream: join those of several commands as text, "
                             "or ingest each into one log");
            return sl_err_place(err, "%s", sl_bytes_name(f->bytes));
        }
        if (n >= sizeof(marker)) {
            take_staged(f, sizeof(marker));
            continue;
        }
        int rc = read_staging(f, err);
        if (rc < 0 || (rc == SL_BYTES_WAIT && !sl_bytes_is_followed(f->bytes)))
            return rc < 0 ? rc : SL_NEXT_WAIT;
        f->closed = rc != SL_BYTES_DATA;
    }
    return f->base.end_reason == SL_END_END ? SL_NEXT_END : SL_NEXT_STOP;
}

/* ---- opening ---- */

/* Waits for a whole message: 0, or < 0. */
static int wait_for_message(struct frames_source *f, struct sl_err *err)
{
    for (;;) {
        int rc = gather(f, err);
        if (rc < 0 || rc == SL_BYTES_DATA)
            return rc < 0 ? rc : 0;
        if (rc == SL_BYTES_END)
            return upstream_died(f, err);
        rc = sl_bytes_wait(f->bytes, f->stop_fd, -1, err);
        if (rc <= 0)
            return rc < 0 ? rc : sl_err_set(err, SL_ESTOPPED, "ended before the first row");
    }
}

/* Waits until n bytes are staged: 0, or < 0. */
static int stage(struct frames_source *f, size_t n, struct sl_err *err)
{
    while (f->fill - f->start < n) {
        int rc = read_staging(f, err);
        if (rc < 0)
            return rc;
        if (rc == SL_BYTES_END)
            return upstream_died(f, err);
        if (rc == SL_BYTES_WAIT && sl_bytes_wait(f->bytes, f->stop_fd, -1, err) <= 0)
            return sl_err_set(err, SL_ESTOPPED, "ended before the first row");
    }
    return 0;
}

static uint32_t load32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

/* Whether a message may begin with these 12 bytes. */
static int looks_like_message(const char *p)
{
    uint32_t n = load32(p + 4);
    return load32(p) == UINT32_MAX && n % 8 == 0 && n <= INT32_MAX && (!n || load32(p + 8) < n);
}

/*
 * Polars 2 begins a file with a schema message that lacks the marker and the length in front; its
 * readers take the schema from the end of the file. Here it ends where the next message begins, and
 * gets what it lacks.
 */
static int frame_bare_schema(struct frames_source *f, struct sl_err *err)
{
    size_t n = 0;
    int rc = stage(f, 4, err);
    if (rc < 0 || load32(f->staging + f->start) == UINT32_MAX)
        return rc;
    do {
        n += 8;
        if (n + 12 > STAGING)
            return 0; /* it is something else: to be told when it is looked at as a message */
        rc = stage(f, n + 12, err);
        if (rc < 0)
            return rc;
    } while (!looks_like_message(f->staging + f->start + n));
    const uint32_t head[2] = {UINT32_MAX, (uint32_t)n};
    f->message = sl_buffer_new(f->base.account, sizeof(head) + n);
    if (!f->message)
        return sl_err_nomem(err, "a message");
    memcpy(f->message->data, head, sizeof(head));
    memcpy(f->message->data + sizeof(head), f->staging + f->start, n);
    f->have = f->need = sizeof(head) + n;
    f->bare = sizeof(head);
    take_staged(f, n);
    return 0;
}

static int skip_magic(struct frames_source *f, struct sl_err *err)
{
    int rc = stage(f, FILE_MAGIC, err);
    if (rc < 0 || memcmp(f->staging, "ARROW1", 6) != 0)
        return rc;
    f->file_format = 1;
    f->byte = FILE_MAGIC;
    f->crc = sl_crc32c(0, f->staging, FILE_MAGIC);
    take_staged(f, FILE_MAGIC);
    return frame_bare_schema(f, err);
}

static void release_message(struct frames_source *f)
{
    sl_buffer_unref(f->message);
    f->message = NULL;
    f->have = f->need = 0;
}

static int parse_message(struct frames_source *f, struct sl_ipc_message *m, struct sl_err *err)
{
    assert(f->have == f->need && f->bare < f->need);
    int64_t n = sl_ipc_peek(f->message->data, f->need, m, err);
    if (n < 0)
        return sl_err_place(err, "%s", sl_bytes_name(f->bytes));
    f->byte += (int64_t)(f->need - f->bare);
    if (f->taken)
        f->crc = sl_crc32c(f->crc, f->message->data + f->bare, f->need - f->bare);
    f->bare = 0;
    m->owner = f->message;
    return 0;
}

static void learn_stream(struct frames_source *f)
{
    struct sl_schema *s = f->base.schema;
    const char *end = sl_schema_meta(s, SL_META_END);
    const char *live = sl_schema_meta(s, SL_META_LIVE);
    const char *d = sl_schema_meta(s, SL_META_D);
    f->base.end_required = end && strcmp(end, "required") == 0;
    if (!end && !sl_bytes_is_regular(f->bytes) && f->say)
        f->say(f->say_arg, "the stream on standard input is foreign: its end cannot be verified");
    if (live) {
        f->base.live = 1;
        if (!d || !sl_num_parse_int(d, strlen(d), &f->base.out_of_order))
            f->base.out_of_order = -1;
    }
}

static int source_open(struct sl_source *s, struct sl_err *err)
{
    struct frames_source *f = (struct frames_source *)s;
    struct sl_ipc_message m;
    int rc = look_up(f, err);

    if (rc == 0)
        rc = skip_magic(f, err);
    if (rc == 0)
        rc = wait_for_message(f, err);
    if (rc == 0)
        rc = parse_message(f, &m, err);
    if (rc == 0 && m.kind != SL_IPC_SCHEMA) {
        sl_err_set(err, SL_EFORMAT, "an Arrow stream begins with its schema; this one does not");
        rc = sl_err_place(err, "%s", sl_bytes_name(f->bytes));
    }
    if (rc == 0)
        rc = sl_ipc_decoder_schema(f->decoder, &m, err);
    if (rc == 0 && f->file_format)
        rc = sl_frames_late_dictionaries(f->bytes, f->decoder, f->base.account, err);
    if (rc < 0)
        return rc;
    f->have_dictionaries = rc > 0;
    release_message(f);
    s->schema = sl_source_time(sl_ipc_decoder_get_schema(f->decoder), f->time_column, err);
    if (!s->schema)
        return -(int)(err ? err->code : SL_EFAIL);
    if (f->base.out_of_order >= 0 && sl_hidden_wm(s->schema) >= 0) {
        sl_err_set(err, SL_EUSAGE, "--out-of-order: the rows have their watermarks already");
        return sl_err_hint(err, "say it at the head of the pipeline");
    }
    learn_stream(f);
    return 0;
}

/* ---- next ---- */

static int take_end(struct frames_source *f, const struct sl_control *c, struct sl_err *err)
{
    f->ended = 1;
    f->base.end_reason = c->reason;
    if (c->reason == SL_END_ERROR)
        return upstream_died(f, err);
    if (c->rows != f->rows) {
        sl_err_set(err, SL_EUPSTREAM, "the stage before sent %lld %s, %lld arrived",
                   (long long)c->rows, sl_plural(c->rows, "row", "rows"), (long long)f->rows);
        sl_err_hint(err,
                    "a stage between them drops rows: let it write a stream of its own "
                    "(without the schema's %s)",
                    SL_META_END);
        return sl_err_place(err, "%s", sl_bytes_name(f->bytes));
    }
    return 0;
}

/* The control outlives its message. */
static int take_barrier(struct frames_source *f, const char *value, size_t len, struct sl_err *err)
{
    sl_buf_reset(&f->barrier);
    sl_buf_add(&f->barrier, value, len);
    int rc = sl_buf_check(&f->barrier, err);
    if (rc == 0)
        rc = sl_control_parse(f->barrier.data, len, &f->base.control, err);
    return rc < 0 ? rc : SL_NEXT_BARRIER;
}

static int take_batch(struct frames_source *f, const struct sl_ipc_message *m,
                      struct sl_morsel **out, struct sl_err *err)
{
    struct sl_control c = {.kind = SL_CONTROL_ROWS, .watermark = SL_TIME_MIN};
    const char *value;
    size_t len;
    int rc = sl_ipc_message_meta(m, SL_IPC_KEY, &value, &len);

    if (rc == 1)
        rc = sl_control_parse(value, len, &c, err);
    if (rc < 0)
        return sl_err_place(err, "%s", sl_bytes_name(f->bytes));
    if (c.kind == SL_CONTROL_END)
        return take_end(f, &c, err);
    if (c.kind == SL_CONTROL_BARRIER) {
        return take_barrier(f, value, len, err);
    }
    struct sl_morsel *morsel = sl_morsel_new(&f->base);
    if (!morsel)
        return sl_err_nomem(err, "a morsel");
    rc = sl_ipc_decoder_batch(f->decoder, m, &morsel->batch, err);
    if (rc == 0)
        rc = (morsel->place = sl_strdup(sl_bytes_name(f->bytes))) ? 0 : sl_err_nomem(err, "a name");
    if (rc < 0) {
        sl_morsel_free(morsel);
        return sl_err_place(err, "%s", sl_bytes_name(f->bytes));
    }
    /* The schema with its time column settled stands for the stream's own. */
    sl_schema_unref(morsel->batch->schema);
    morsel->batch->schema = sl_schema_ref(f->base.schema);
    morsel->base = f->rows;
    morsel->watermark = c.watermark;
    morsel->records = (int64_t)morsel->batch->selected;
    morsel->len = m->total;
    f->rows += morsel->records;
    if (f->byte <= f->upto) { /* committed before */
        sl_morsel_free(morsel);
        return 0;
    }
    rc = attach_mark(f, morsel, err);
    if (rc < 0) {
        sl_morsel_free(morsel);
        return rc;
    }
    *out = morsel;
    return SL_NEXT_MORSEL;
}

static int source_next(struct sl_source *s, struct sl_morsel **out, struct sl_err *err)
{
    struct frames_source *f = (struct frames_source *)s;
    struct sl_ipc_message m;

    for (;;) {
        if (f->ended)
            return after_end(f, err);
        int rc = gather(f, err);
        if (rc < 0)
            return rc;
        if (rc == SL_BYTES_WAIT)
            return SL_NEXT_WAIT;
        if (rc == SL_BYTES_END)
            return at_eof(f, err);
        rc = parse_message(f, &m, err);
        if (rc == 0 && m.kind == SL_IPC_DICTIONARY) {
            if (!f->have_dictionaries)
                rc = sl_ipc_decoder_dictionary(f->decoder, &m, err);
        } else if (rc == 0 && m.kind == SL_IPC_BATCH) {
            rc = take_batch(f, &m, out, err);
        } else if (rc == 0 && m.kind == SL_IPC_END) {
            /* Arrow's own end: ours comes before it. */
            if (s->end_required)
                rc = upstream_died(f, err);
            else
                f->ended = 1;
        } else if (rc == 0) {
            rc = sl_err_set(err, SL_EFORMAT, "a second schema in the stream of %s",
                            sl_bytes_name(f->bytes));
        }
        release_message(f);
        if (rc)
            return rc;
    }
}

static void source_poll(struct sl_source *s, struct sl_poll_set *p)
{
    sl_bytes_poll(((struct frames_source *)s)->bytes, p);
}

static void source_progress(struct sl_source *s, int64_t *done, int64_t *total)
{
    sl_bytes_progress(((struct frames_source *)s)->bytes, done, total);
}

static void source_free(struct sl_source *s)
{
    struct frames_source *f = (struct frames_source *)s;
    sl_ipc_decoder_free(f->decoder);
    sl_bytes_free(f->bytes);
    sl_buffer_unref(f->message);
    sl_buf_release(&f->barrier);
    sl_schema_unref(s->schema);
    sl_seen_free(f->seen);
    free(f->staging);
    free(f->time_column);
    free(f);
}

static void source_plan(const struct sl_source *base, struct sl_buf *out)
{
    const struct frames_source *f = (const struct frames_source *)base;
    sl_buf_addstr(out, sl_bytes_name(f->bytes));
}

static const struct sl_source_class frames_source_class = {
    .name = "frames",
    .plan = source_plan,
    .resume = source_resume,
    .open = source_open,
    .next = source_next,
    .poll = source_poll,
    .delivered = source_delivered,
    .positions = source_positions,
    .durable = source_durable,
    .shorten = source_shorten,
    .discard = discard,
    .progress = source_progress,
    .free = source_free,
};

int sl_frames_source_new(const struct sl_input_options *o, struct sl_bytes *bytes,
                         struct sl_source **out, struct sl_err *err)
{
    assert(o && bytes && out);
    struct frames_source *f = sl_calloc(1, sizeof(*f));
    *out = NULL;
    if (!f) {
        sl_bytes_free(bytes);
        return sl_err_nomem(err, "a source of frames");
    }
    f->base.class = &frames_source_class;
    f->base.account = o->account;
    f->base.partitions = 1;
    f->base.out_of_order = o->out_of_order;
    f->bytes = bytes;
    f->base.is_once = !sl_bytes_is_regular(bytes);
    f->stop_fd = o->stop_fd;
    f->say = o->say;
    f->say_arg = o->say_arg;
    f->staging = sl_malloc(STAGING);
    f->decoder = sl_ipc_decoder_new(o->account);
    f->time_column = o->time_column ? sl_strdup(o->time_column) : NULL;
    if (!f->staging || !f->decoder || (o->time_column && !f->time_column)) {
        source_free(&f->base);
        return sl_err_nomem(err, "a source of frames");
    }
    *out = &f->base;
    return 0;
}
