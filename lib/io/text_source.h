/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* text_source: the state of a text source; for the files text_*.c only. */
#ifndef SL_IO_TEXT_SOURCE_H
#define SL_IO_TEXT_SOURCE_H

#include "file/bytes.h"
#include "file/seen.h"
#include "io/connect.h"

struct text_mark {         /* of a morsel */
    struct sl_taken *file; /* NULL: positions are not recorded */
    struct sl_file_mark mark;
    uint32_t crc; /* of the bytes of the file before it */
    int64_t latest;
    int64_t number; /* of the morsel, in the order of the input; parts of one follow on it */
    struct sl_text_map *map;
    int64_t
        length; /* of a record that is too long, without the line's end; 0: the morsel is records */
    int is_measured, is_quoted; /* see struct text_long */
    int follows_zeros;          /* zero bytes before it were skipped: one record more */
};

enum { SL_TEXTIN_FRONT = 4 << 10 };
struct text_long {          /* a record that is too long: its bytes leave the block as they come */
    int64_t byte, line;     /* where it begins */
    uint32_t crc;           /* of the file's bytes up to where it ends so far */
    int64_t length;         /* bytes so far, */
    int line_end;           /* of those, the line's end */
    struct sl_text_cut cut; /* and the state behind them */
    int is_whole;           /* it has its end, or nobody wants to know where that is */
    int is_measured;        /* its length is known */
    int is_quoted;          /* a quote was open at the limit, and was not closed since */
    char last;
    size_t kept;
    char front[SL_TEXTIN_FRONT]; /* its first bytes, for the reject */
};

struct text_source {
    struct sl_source base;
    struct sl_input_options o;
    char **paths;
    struct sl_schema *types;
    const struct sl_checkpoint
        *from; /* what the sink has of the inputs; NULL: it keeps no positions */
    enum sl_again again;
    struct sl_text_reader *reader;
    struct sl_text_scratch **scratch; /* one a worker */
    uint8_t *wanted;
    int64_t morsels; /* made so far */
    /* the file at hand */
    int file, at_end, need_header, resume;
    struct sl_bytes *bytes;
    struct sl_taken *taken; /* what was taken of it; NULL: positions are not recorded */
    struct sl_text_map *map;
    struct sl_buffer *header; /* its line, for the rejects; NULL: there is none */
    struct sl_buffer *block;
    size_t start, fill;
    int is_truncated; /* so was the file: records that were read come first, then it is begun anew */
    struct sl_err failure; /* why no more can be read; records that were read come first */
    struct text_long
        *too_long; /* the record that begins at byte (while types settle, behind the header) */
    struct sl_text_cut cut;
    int64_t byte, line;
    uint32_t crc;                  /* of the file's bytes before byte */
    int64_t latest;                /* see sl_textin_latest; 0 = not known yet */
    int64_t records;               /* of the file at hand: byte where they begin */
    struct sl_seen *seen;          /* what was taken of files; NULL: nobody records it */
    struct sl_textin_watch *watch; /* files are those of a directory */
    int64_t zeros;                 /* bytes skipped before byte, not yet told of to a morsel */
    int is_zeros_said;             /* of the file at hand */
    int was_truncated;             /* the file at hand is what followed a truncation */
    int is_troubled;               /* so was the path that is followed, at the last look */
    int announce;                  /* the position of the file at hand is new, though no row is */
    int64_t least_lines;           /* to settle from at a pause; 0: by the format */
    struct text_sampled { /* of a sample made from several files: where the lines of each begin */
        const char *path;
        int64_t first, line; /* in the sample, and in the file */
    } * sampled;
    int nsampled;
    struct sl_textin_rejects *rejects; /* records are those that an earlier run rejected */
};

enum {
    SL_TEXTIN_MORSEL = 2 << 20, /* bytes: about 30,000 rows of a log */
    SL_TEXTIN_PARTS = 4 << 20,  /* more than it is ever split into */
    SL_TEXTIN_SMALL = 64 << 10, /* below this a morsel gets a copy, not the block */
};

/* For an assert at each door: what stands in the block, and the places that are counted. */
static inline int sl_textin_is_sound(const struct text_source *t)
{
    return t->start <= t->fill && (t->block || !t->fill) && t->byte >= 0 && t->zeros >= 0 &&
           t->morsels >= 0;
}

/* The schema that the destination has already, which rows get if they go there as they are; or NULL. */
static inline struct sl_schema *sl_textin_fixed(const struct text_source *t)
{
    return t->from ? t->from->schema : NULL;
}

/* text_block.c */
/* Passes over zero bytes at the front of the block: a writer that goes on at its old place in a file that
 * was truncated leaves them before its next record. */
void sl_textin_pass_zeros(struct text_source *t);
/* Of n bytes of whole records at the front: those before zero bytes at the front of a record. */
size_t sl_textin_before_zeros(struct text_source *t, size_t n);
/* That the last record of the file at hand has no end yet, and is left. */
void sl_textin_say_unfinished(const struct text_source *t, size_t bytes);
int64_t sl_textin_count_lines(const char *s, size_t n);
size_t sl_textin_pending(const struct text_source *t);    /* bytes gathered */
const char *sl_textin_front(const struct text_source *t); /* the first of them */
/* Makes room for more bytes behind fill. A record over the limit has been taken out before. */
int sl_textin_make_room(struct text_source *t, struct sl_err *err);
/* One read into the block: enum sl_bytes_next, or < 0 with t->failure. After TRUNCATED and after an error
 * the source is broken: nothing more is read until what is in the block has been given, and then
 * sl_textin_go_on begins the truncated file anew (0), or answers the error. */
int sl_textin_read_more(struct text_source *t);
int sl_textin_is_broken(const struct text_source *t);
int sl_textin_go_on(struct text_source *t, struct sl_err *err);

/*
 * What gives times their year that bear none (see struct sl_text_options): the end of the day after
 * the input was last written, in the run's zone. That is when a file was modified, and now for a
 * pipe. So every row that is read less than 363 days after its time gets its year, whenever and in
 * whatever pieces it is read; what --year or a record of the unchanged file says comes first.
 */
int64_t sl_textin_latest(struct text_source *t);

/* text_morsel.c: SL_NEXT_MORSEL or < 0 */
/* The first n bytes of the block; their lines are those of cut. */
int sl_textin_morsel(struct text_source *t, size_t n, struct sl_morsel **out, struct sl_err *err);
/* The record that is too long, whose end is known. */
int sl_textin_long_morsel(struct text_source *t, struct sl_morsel **out, struct sl_err *err);
/* Decodes that: to a reject. */
int sl_textin_reject_long(struct sl_morsel *m, struct sl_err *err);

/* text_long.c: records that are longer than SL_TEXT_RECORD_MAX */
/* The error that something at the place at hand is longer. */
int sl_textin_refuse_long(const struct text_source *t, const char *what, struct sl_err *err);
/* Before more is read: if the block holds no whole record, and more than one may have, that leaves the
 * block. */
int sl_textin_shed(struct text_source *t, struct sl_err *err);
/* After a read: so does what goes on with it. */
void sl_textin_shed_more(struct text_source *t);
/* Of the n bytes at the front, which are whole records: takes the first one out if it is too long: 1. */
int sl_textin_take_long(struct text_source *t, size_t n, struct sl_err *err);

/* text_settle.c */
/* 0; SL_TEXTIN_NOTHING: there is no whole record yet, and the log has the schema. */
int sl_textin_settle(struct text_source *t, struct sl_err *err);
/* The reader's schema, with its time column settled, becomes the source's. */
int sl_textin_take_schema(struct text_source *t, struct sl_err *err);

/* Keeps the first n bytes at hand as the header of the file's records, and passes over them. */
int sl_textin_pass_header(struct text_source *t, size_t n, struct sl_err *err);

/* text_file.c */
/* Opens the file at hand; resume is set, and taken filled, if a part of it is committed. */
int sl_textin_open_file(struct text_source *t, struct sl_err *err);
/* The same with the file behind it. */
int sl_textin_open_next(struct text_source *t, struct sl_err *err);
/* The name that is followed holds another file now: as after opening it, but nothing is refused. */
int sl_textin_anew(struct text_source *t, struct sl_err *err);
/* Files that were taken and are gone leave the log in time, see sl_seen_forget. */
int sl_textin_forget(struct text_source *t, struct sl_err *err);
/* That the file at hand begins as another one. */
void sl_textin_say_copy(const struct text_source *t, const struct sl_taken *of);
/* Whether the log is to be told of the file at hand though no row is new in it. */
int sl_textin_is_news(const struct text_source *t, enum sl_seen_as as);
/* Goes on behind what is committed of the file at hand; its header has been read. */
int sl_textin_resume(struct text_source *t, struct sl_err *err);
/* The end of a file has been reached and its last records are out: > 0 the next one is open, 0 there
 * is none (or, followed, not yet). */
int sl_textin_next_file(struct text_source *t, struct sl_err *err);
/* Header and position of a file just begun: 1 go on, 0 more bytes are needed, < 0. */
int sl_textin_begin(struct text_source *t, struct sl_err *err);
/* The file was cut short and is being written anew: what was not yet a record is gone. */
int sl_textin_truncated(struct text_source *t, struct sl_err *err);

/* text_rejects.c: the block becomes a sample of the records, and is all that there is of it */
int sl_textin_rejects_open(struct text_source *t, struct sl_err *err);

/* text_watch.c: the files of a directory */
enum { SL_TEXTIN_NOTHING = 2 };
int sl_textin_watch_new(const char *dir, int follow, struct sl_textin_watch **out,
                        struct sl_err *err);
void sl_textin_watch_free(struct sl_textin_watch *w);
/* The first file with rows, as sl_textin_open_file; SL_TEXTIN_NOTHING: there is none. */
int sl_textin_watch_open(struct text_source *t, struct sl_err *err);
/* Another file with something to read: > 0 it is open, 0 there is none now. */
int sl_textin_watch_next(struct text_source *t, struct sl_err *err);
/* The format that the name of the file at hand tells, or that of another. */
enum sl_text_format sl_textin_watch_format(const struct text_source *t);
void sl_textin_watch_poll(struct text_source *t, struct sl_poll_set *p);
/* Passes over n bytes at the front of the block. */
void sl_textin_pass(struct text_source *t, size_t n);
/* Closes the file at hand. */
void sl_textin_close(struct text_source *t);
/* Forgets what was gathered: the next byte that is read is at another place, or of another file. */
void sl_textin_clear(struct text_source *t);
/* Whether a record without its end may get it in a later run or visit, and is left until then. A
 * compressed file is whole. */
static inline int sl_textin_waits(const struct text_source *t)
{
    int later = t->watch || (t->taken && t->again == SL_AGAIN_RESUME && !t->o.follow);
    return later && !sl_bytes_is_compressed(t->bytes);
}
/* Whether the end of the file at hand ends its last record. */
static inline int sl_textin_ends(const struct text_source *t)
{
    return t->at_end && !sl_textin_waits(t);
}

#endif
