/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* connect: what the connectors share; opened through open.h only. */
#ifndef SL_IO_CONNECT_H
#define SL_IO_CONNECT_H

#include "file/bytes.h"
#include "file/dest.h"
#include "io/open.h"
#include "ipc/ipc.h"

/* Says that keys of JSON were left in `_rest` for want of columns. */
/* Tells who runs the command, if somebody wants to be told. */
void sl_input_say(const struct sl_input_options *o, const char *fmt, ...) SL_PRINTF(2, 3);
void sl_say_full(const struct sl_input_options *o);
/* inputs.c: how many of the paths from `from` on are one input; *mixed: there are several kinds. */
int sl_input_group(const struct sl_input_options *o, int from, int *mixed);
/* ---- sources: opened by the loop. 0 and *out, or < 0 ---- */
/* The out-of-orderness of text and logs: as said, else 5 s for an input without end. */
static inline void sl_source_out_of_order(struct sl_source *s, const struct sl_input_options *o)
{
    s->assumed_order = o->out_of_order < 0 && (o->follow || o->resumes);
    s->out_of_order = s->assumed_order ? 5 * SL_USEC_PER_SEC : o->out_of_order;
}
/* What a log has of the pipeline of that name, and of its inputs; valid as long as the log. */
static inline void sl_log_load(const struct sl_log *l, const char *name, struct sl_checkpoint *out)
{
    size_t n;
    out->schema = sl_log_schema(l);
    out->positions = sl_log_positions(l);
    sl_log_pipeline(l, name, 1, &out->opened, &n);
    sl_log_pipeline(l, name, 0, &out->last, &n);
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

/* ---- stream_sink.c: what sinks that write bytes to a dest share ---- */
enum { SL_STREAM_GATHER = 256 << 10 }; /* bytes to gather before they are written */
struct sl_stream_sink {                /* first member of such a sink */
    struct sl_sink base;
    struct sl_dest *dest;
    struct sl_buf bytes;     /* not written yet, and */
    int64_t rows;            /* the rows in them */
    enum sl_visible visible; /* of text to a terminal; SL_VISIBLE_ALL: it is written as it is */
    int kept;       /* of exact_sink.c, which opens dest before it: a flush is a place to go on
                              * from, and dest has */
    int64_t before; /* rows of earlier runs */
};
/* Counts rows that are in bytes now, or will be before they are written. */
void sl_stream_sink_take(struct sl_stream_sink *s, size_t rows);
/* Writes past what was gathered. SL_PUSH_OK, SL_PUSH_DONE, < 0; and of what was gathered: its rows
 * are committed then. */
int sl_stream_sink_put(struct sl_stream_sink *s, const struct sl_buf *bytes, struct sl_err *err);
int sl_stream_sink_flush(struct sl_stream_sink *s, struct sl_err *err);
/* poll and ready of struct sl_sink_class. */
void sl_stream_sink_poll(struct sl_sink *base, struct sl_poll_set *p);
int sl_stream_sink_ready(struct sl_sink *base, const struct pollfd *fds, size_t n,
                         struct sl_err *err);
void sl_stream_sink_release(struct sl_stream_sink *s);

/* ---- unpack.c: members of the column `_rest` to columns of a log ---- */
struct sl_unpack;
/* For batches with the schema stream into a log that has the schema log (which has all columns of
 * stream). *out NULL: the stream has no `_rest`. zone: of times that bear none, NULL = UTC.
 * max_columns: of the log, see struct sl_text_options. */
int sl_unpack_new(struct sl_schema *stream, struct sl_schema *log, const struct sl_zone *zone,
                  int max_columns, const struct sl_sink *sink, struct sl_unpack **out,
                  struct sl_err *err);
void sl_unpack_free(struct sl_unpack *u);
/* 1 if some row of b has a value in `_rest`. */
int sl_unpack_wanted(const struct sl_unpack *u, struct sl_batch *b, struct sl_err *err);
/* The rows with their members as columns, on any thread: 0 and *out, of the schema that
 * sl_unpack_schema says; SL_TEXT_WIDEN: sl_unpack_widen first. */
int sl_unpack_batch(struct sl_unpack *u, int worker, struct sl_batch *b, struct sl_batch **out,
                    struct sl_schema **wider, struct sl_err *err);
/* While no sl_unpack_batch runs. */
int sl_unpack_widen(struct sl_unpack *u, struct sl_schema *wider, struct sl_err *err);
/* As sl_text_is_full. */
int sl_unpack_is_full(struct sl_unpack *u);
struct sl_schema *sl_unpack_schema(const struct sl_unpack *u); /* borrowed */

/* ---- sinks: opened by the loop. 0 and *out, or < 0 ---- */
int sl_text_sink_new(const struct sl_output_options *o, enum sl_text_format format,
                     struct sl_sink **out, struct sl_err *err);
int sl_frames_sink_new(const struct sl_output_options *o, struct sl_sink **out, struct sl_err *err);
/* Rows to several streams of frames, by the hash of their keys. */
int sl_fan_sink_new(const struct sl_output_options *o, struct sl_sink **out, struct sl_err *err);
int sl_log_sink_new(const struct sl_output_options *o, struct sl_sink **out, struct sl_err *err);
/* A file of such text or frames, with a log beside it (o->again). */
int sl_exact_sink_new(const struct sl_output_options *o, enum sl_text_format format,
                      struct sl_sink **out, struct sl_err *err);
/* Appends the name of that log. */
static inline void sl_exact_beside(const char *file, struct sl_buf *out)
{
    sl_buf_printf(out, "%s.sluice", file);
}
/* Of what such a log records: that of inputs, and how far the file counts (unchanged: nothing says so). */
int sl_exact_positions(const struct sl_positions *all, struct sl_positions *inputs,
                       const struct sl_position **mark, struct sl_err *err);

#endif
