/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* internal: what the connectors share; opened through open.h only. */
#ifndef SL_IO_INTERNAL_H
#define SL_IO_INTERNAL_H

#include "arrow/ipc.h"
#include "io/open.h"

/* ---- bytes.c: bytes of one file, pipe or standard input, decompressed, perhaps followed ---- */

struct sl_bytes;

enum sl_bytes_next { SL_BYTES_DATA = 1, SL_BYTES_WAIT, SL_BYTES_END, SL_BYTES_TRUNCATED };

/* path "-" is standard input. follow: the end of a file is not its end; it is followed through
 * rename (the old file is read to its end first), truncation and re-creation. stop_fd: see struct
 * sl_input_options. */
int sl_bytes_open(const char *path, int follow, int stop_fd, struct sl_bytes **out,
                  struct sl_err *err);
void sl_bytes_free(struct sl_bytes *b);
/*
 * Up to n bytes: DATA and *got > 0; WAIT: nothing now; END: nothing more of this file (when followed:
 * it was rotated away, sl_bytes_reopen goes on with its successor); TRUNCATED: the file shrank below
 * what was read, reading goes on at its start.
 */
int sl_bytes_read(struct sl_bytes *b, void *data, size_t n, size_t *got, struct sl_err *err);
/* Gives n bytes back, to be read again first. */
int sl_bytes_unread(struct sl_bytes *b, const void *data, size_t n, struct sl_err *err);
/* Before the first read of a followed file: reads another one first, as if it had just been renamed. */
int sl_bytes_precede(struct sl_bytes *b, const char *older, struct sl_err *err);
/* 1: the successor of a rotated file is open; 0: there is none yet. */
int sl_bytes_reopen(struct sl_bytes *b, struct sl_err *err);
/* Goes to a byte of the (decompressed) stream; regular files and compressed ones only. */
int sl_bytes_seek(struct sl_bytes *b, int64_t offset, struct sl_err *err);
int sl_bytes_poll(struct sl_bytes *b, struct pollfd *fds, int max, int64_t *deadline);
int sl_bytes_is_regular(const struct sl_bytes *b);
/* 1 if its end of file is not its end. */
int sl_bytes_is_followed(const struct sl_bytes *b);
int sl_bytes_is_compressed(const struct sl_bytes *b);
/* Descriptor of the raw bytes, for identity. */
int sl_bytes_fd(const struct sl_bytes *b);
const char *sl_bytes_name(const struct sl_bytes *b); /* for messages */
/* Raw bytes read so far and the file's size (-1 unknown). */
void sl_bytes_progress(const struct sl_bytes *b, int64_t *done, int64_t *total);
/* Waits until there is something to read: 1, or 0 when stop_fd became readable or timeout ran out
 * (µs, -1 = none). */
int sl_bytes_wait(struct sl_bytes *b, int stop_fd, int64_t timeout, struct sl_err *err);

/* ---- fileid.c: which file is this, and how much of it has been committed ---- */

/*
 * The position of a file, as recorded in a log: JSON
 *   {"path":P,"byte":N,"line":L,"rows":R,"head":H,"head_len":K,"tail":T,"tail_len":M}
 * or, if times without a year were read, with "size":S and "latest":U (what gave them their year, µs)
 * behind. byte and line are behind the last committed record of the decompressed stream; head and tail are
 * CRC32Cs of the first K (at most 1 KiB) and of the M (at most 256) raw bytes before byte, so that a
 * file is known again by what it holds, under any name. Compressed files: tail_len is 0. Files of
 * frames, which begin and end alike, have "crc" too: the CRC32C of all bytes before byte.
 */
struct sl_fileid { /* shared by the morsels of a file */
    int refs;
    char *id;                 /* "file:INODE:HEAD": names the input in the log */
    char *path;               /* as it was opened */
    char *was;                /* the position recorded of it when it was opened; NULL = none */
    int any;                  /* ... which does not matter: --again */
    int64_t byte, line, rows; /* committed so far */
    int64_t size;             /* of the file as it is, raw */
    int64_t latest;           /* recorded, if the file has not grown since; else 0 */
    uint64_t ino;
    uint32_t head;
    int head_len, compressed;
};
/* Identity of an open file, as if nothing of it were committed. NULL with err filled. */
struct sl_fileid *sl_fileid_new(struct sl_bytes *b, struct sl_err *err);
struct sl_fileid *sl_fileid_ref(struct sl_fileid *i);
void sl_fileid_unref(struct sl_fileid *i);
/* Looks for the file among the positions of a log: 1 found (id, byte, line and rows are of the
 * record), 0 not. Of several that match, the one of the same inode counts, then the furthest. */
int sl_fileid_find(struct sl_fileid *i, struct sl_bytes *b, const struct sl_log *log,
                   struct sl_err *err);
/* The error that so many rows of an input are in the log already: -SL_EEXIST. */
int sl_again_refuse(int64_t rows, const char *name, struct sl_err *err);

/* As if nothing of the file had been read: it was written anew. */
void sl_fileid_restart(struct sl_fileid *i);
struct sl_mark { /* a point in a file */
    int64_t byte, line;
    int64_t latest; /* what gave times without a year theirs, see text.h; 0: there were none */
    uint32_t tail, crc;
    int tail_len, has_crc;
};
/* The mark behind byte; reads the tail from the file. Also learns more of the head of a file that was
 * shorter than 1 KiB when it was opened. */
int sl_fileid_mark(struct sl_fileid *i, struct sl_bytes *b, int64_t byte, int64_t line,
                   struct sl_mark *out, struct sl_err *err);
struct sl_head { /* the first bytes of a file, for many comparisons; begin with n = -1 */
    int n, nplain;
    char raw[1024], plain[1024]; /* plain: unpacked */
    int len[2];                  /* of raw and of plain: the CRC of so many of them, */
    uint32_t crc[2];
};
/* 1: b holds what the mark of another file (or of this one, earlier) says. */
int sl_fileid_is(const struct sl_fileid *of, const struct sl_mark *m, struct sl_bytes *b,
                 struct sl_head *head, struct sl_err *err);
/* 1: b, which is not compressed, begins as another file did when it was opened. */
int sl_fileid_begins(const struct sl_fileid *of, struct sl_bytes *b, struct sl_head *head,
                     struct sl_err *err);
/* i goes on where the mark of another file with the same content stands. */
void sl_fileid_continue(struct sl_fileid *i, const struct sl_fileid *of, const struct sl_mark *m);
/* 1 if the record that was found is of another inode. */
int sl_fileid_is_copy(const struct sl_fileid *i);
/* Nothing of it is committed, and positions are recorded under a name of its own. log: may be NULL. */
int sl_fileid_begin(struct sl_fileid *i, const struct sl_log *log, struct sl_err *err);
/* The position JSON of a mark with rows committed so far. */
void sl_fileid_print(const struct sl_fileid *i, const struct sl_mark *m, int64_t rows,
                     struct sl_buf *out);

/* ---- rotated.c ---- */
/* Of the files that had this path before, by what a log has of them: next is the oldest that goes on
 * behind that, "" if none does; missed, oldest first with blanks between, are others with rows that
 * are not in the log, as far as names and times tell. 0 or < 0. */
int sl_rotated_find(const char *path, const struct sl_log *log, struct sl_buf *next,
                    struct sl_buf *missed, struct sl_err *err);

struct sl_born {
    char *name;
    int64_t at; /* µs */
};
/* Files that were made since then (µs, wall clock) and bear the name of a rotated one of path (.1,
 * -20260301), oldest first: *out and its names are malloc'ed. Where the file system does not tell when
 * a file was made there are none. */
int sl_rotated_born(const char *path, int64_t since, struct sl_born **out, size_t *n,
                    struct sl_err *err);

/* ---- sources: opened by the loop. 0 and *out, or < 0 ---- */
/* The out-of-orderness of text and logs: as said, else 5 s for an input without end. */
static inline void sl_source_out_of_order(struct sl_source *s, const struct sl_input_options *o)
{
    s->assumed_order = o->out_of_order < 0 && o->follow;
    s->out_of_order = s->assumed_order ? 5 * SL_USEC_PER_SEC : o->out_of_order;
}
/* The schema with its time column settled: name if given (it must be a timestamptz), else what the
 * schema says, else the rule of sl_schema_guess_time. A new reference; NULL with err filled. */
struct sl_schema *sl_source_time(struct sl_schema *s, const char *name, struct sl_err *err);
/* first: the first path, opened; it passes to the source, also on failure. */
int sl_text_source_new(const struct sl_input_options *o, struct sl_bytes *first,
                       struct sl_source **out, struct sl_err *err);
/* Gives the decoder, which has the schema, the dictionaries of a file of Arrow if some come behind the
 * batches: 1 all of them are taken, 0 they come in time, < 0. */
int sl_frames_late_dictionaries(struct sl_bytes *b, struct sl_ipc_decoder *d,
                                struct sl_account *account, struct sl_err *err);
int sl_frames_source_new(const struct sl_input_options *o, struct sl_bytes *bytes,
                         struct sl_source **out, struct sl_err *err);
/* inner's rows at their recorded pace times factor (> 0). inner passes, also on failure. */
int sl_pace_source_new(struct sl_source *inner, double factor, struct sl_source **out,
                       struct sl_err *err);
int sl_log_source_new(const struct sl_input_options *o, struct sl_source **out, struct sl_err *err);
/* The records that o->from_rejects holds, read again. */
int sl_rejects_source_new(const struct sl_input_options *o, struct sl_source **out,
                          struct sl_err *err);

/* ---- dest.c: a descriptor or a file made whole ---- */
struct sl_dest;
struct sl_dest_options {
    const char *dest; /* NULL: standard output */
    int force, append;
    int stop_fd; /* see struct sl_input_options: a FIFO waits for its reader; -1 none */
};
int sl_dest_open(const struct sl_dest_options *o, struct sl_dest **out, struct sl_err *err);
/* SL_PUSH_OK, SL_PUSH_DONE (the reader is gone), < 0. Everything given is written at once. */
int sl_dest_write(struct sl_dest *o, const void *data, size_t n, struct sl_err *err);
/* The end: a file is synced and takes its name. */
int sl_dest_close(struct sl_dest *o, struct sl_err *err);
void sl_dest_free(struct sl_dest *o); /* without close: no half file is left */
int sl_dest_poll(struct sl_dest *o, struct pollfd *fds, int max);
int sl_dest_is_empty(const struct sl_dest *o); /* append: the file had nothing in it */

/* ---- append.c: text behind text ---- */
/* May rows of this schema go behind what the file holds? *unended: its last line has no end. */
int sl_append_check(const char *path, const struct sl_text_write_options *wo,
                    struct sl_schema *rows, int *unended, struct sl_err *err);

/* ---- stream_sink.c: what sinks that write bytes to a dest share ---- */
enum { SL_STREAM_GATHER = 256 << 10 }; /* bytes to gather before they are written */
struct sl_stream_sink {                /* first member of such a sink */
    struct sl_sink base;
    struct sl_dest *dest;
    struct sl_buf bytes; /* not written yet, and */
    int64_t rows;        /* the rows in them */
};
/* Counts rows that are in bytes now, or will be before they are written. */
void sl_stream_sink_take(struct sl_stream_sink *s, size_t rows);
/* Writes past what was gathered. SL_PUSH_OK, SL_PUSH_DONE, < 0; and of what was gathered: its rows
 * are committed then. */
int sl_stream_sink_put(struct sl_stream_sink *s, const struct sl_buf *bytes, struct sl_err *err);
int sl_stream_sink_flush(struct sl_stream_sink *s, struct sl_err *err);
/* poll and ready of struct sl_sink_class. */
int sl_stream_sink_poll(struct sl_sink *base, struct pollfd *fds, int max, int64_t *deadline);
int sl_stream_sink_ready(struct sl_sink *base, const struct pollfd *fds, int n, struct sl_err *err);
void sl_stream_sink_release(struct sl_stream_sink *s);

/* ---- hidden.c: columns that stages keep to themselves (`_wm`) ---- */
/* The schema, and a batch, without them. New references; NULL with err filled. */
struct sl_schema *sl_hidden_schema(struct sl_schema *s, struct sl_err *err);
struct sl_batch *sl_hidden_strip(struct sl_batch *b, struct sl_err *err);

/* ---- unpack.c: members of the column `_rest` to columns of a log ---- */
struct sl_unpack;
/* For batches with the schema stream into a log that has the schema log (which has all columns of
 * stream). *out NULL: the stream has no `_rest`. zone: of times that bear none, NULL = UTC. */
int sl_unpack_new(struct sl_schema *stream, struct sl_schema *log, const struct sl_zone *zone,
                  const struct sl_sink *sink, struct sl_unpack **out, struct sl_err *err);
void sl_unpack_free(struct sl_unpack *u);
/* 1 if some row of b has a value in `_rest`. */
int sl_unpack_wanted(const struct sl_unpack *u, struct sl_batch *b, struct sl_err *err);
/* The rows with their members as columns, on any thread: 0 and *out, of the schema that
 * sl_unpack_schema says; SL_TEXT_WIDEN: sl_unpack_widen first. */
int sl_unpack_batch(struct sl_unpack *u, int worker, struct sl_batch *b, struct sl_batch **out,
                    struct sl_schema **wider, struct sl_err *err);
/* While no sl_unpack_batch runs. */
int sl_unpack_widen(struct sl_unpack *u, struct sl_schema *wider, struct sl_err *err);
struct sl_schema *sl_unpack_schema(const struct sl_unpack *u); /* borrowed */

/* ---- sinks: opened by the loop. 0 and *out, or < 0 ---- */
int sl_text_sink_new(const struct sl_output_options *o, enum sl_text_format format,
                     struct sl_sink **out, struct sl_err *err);
int sl_frames_sink_new(const struct sl_output_options *o, struct sl_sink **out, struct sl_err *err);
int sl_log_sink_new(const struct sl_output_options *o, struct sl_sink **out, struct sl_err *err);

#endif
