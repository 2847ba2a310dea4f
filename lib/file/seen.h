/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * seen: what of which file was taken already, by earlier runs and by this one: one hashed table.
 *
 * A file is the one of a record if all bytes up to the record's place are those that were taken, and its
 * inode, its name or its time says so too:
 *   inode   the same inode, made at the same moment (the number of a removed file is used again)
 *   name    the same path, while the recorded file does not go on beside it under another name; or that
 *           path with something behind it, as rotations do: app.log.1, app.log-20260301.gz
 *   time    written at the same moment, and made later than that: a copy that kept its time
 * Standard input has no name: its bytes alone decide. All else is a file of its own, whatever it holds.
 *
 * The bytes are compared by the CRC32C of all of them. A file of the recorded inode that has the recorded
 * size and time, too, is not read for that. One of that inode that has only grown since, and that this run has
 * read, or an earlier one more than 1 MiB of it, is compared by both ends of what was read.
 *
 * The table owns its files, which live as long as it does. One thread uses it.
 */
#ifndef SL_FILE_SEEN_H
#define SL_FILE_SEEN_H

#include "file/bytes.h"
#include "log/positions.h"

struct sl_file_facts {  /* of a file, as the system tells them; times in ns */
    int64_t dev, inode; /* dev 0: it is not known */
    int64_t born;       /* 0: the file system does not tell */
    int64_t size, mtime;
    int is_regular;
};
/* Of an open file, or (fd < 0) of a path. 0, or -1 with errno set. */
int sl_file_facts(int fd, const char *path, struct sl_file_facts *out);
/* CRC32C of the bytes in [from, to) of an open file, unpacked: 1, 0 if it has fewer, < 0. */
int sl_file_crc(struct sl_bytes *b, int64_t from, int64_t to, int64_t *crc, struct sl_err *err);

struct sl_file_mark {   /* a place in a file, behind whole records */
    int64_t byte, line; /* of the unpacked stream; of the line that comes next, 1-based */
    int64_t latest;     /* what gave times without a year theirs, see text.h; 0: there were none */
    int64_t crc;        /* of all bytes before */
    int64_t tail, tail_len; /* CRC of the last bytes before */
    int64_t end;            /* 1: of a compressed file, and nothing stands behind it */
};

struct sl_taken { /* what was taken of one file */
    char *
        id; /* "file:INODE:HEAD", names it in the log as long as that has it; NULL: not opened yet */
    char *path;               /* absolute, of when it was opened last; "": it has no name */
    char *here;               /* where this run saw it last, as the run names it; NULL: nowhere */
    struct sl_file_mark mark; /* how far it was read; byte 0: nothing was taken */
    struct sl_file_mark delivered; /* how far its rows have come in this run */
    int64_t rows;                  /* so many */
    struct sl_file_facts facts;    /* of when it was opened last */
    int64_t head, head_len;        /* CRC of its first bytes, as they are */
    int64_t packed;                /* 1: it is compressed */
    int64_t gone;                  /* since when it is nowhere, µs; 0: it is somewhere */
    int is_recorded,
        is_forgotten;         /* the log had a position of it when the run began; that leaves it */
    int is_visited, is_said;  /* in this run: it was opened; what is amiss with it was said */
    struct sl_taken *part_of; /* it held no more than the beginning of that file */
    int look;                 /* number of the look that found it last */
    size_t number;            /* in the table */
    struct sl_taken *next;    /* of those that were delivered since positions were asked for */
    int is_moved;             /* it is one of them */
};
void sl_taken_free(struct sl_taken *f);
/* For messages. */
static inline const char *sl_taken_name(const struct sl_taken *f)
{
    return f->here ? f->here : f->path;
}
/* All that the file held when it was opened last was taken. */
static inline int sl_taken_is_whole(const struct sl_taken *f)
{
    return f->packed ? f->mark.end != 0 : f->mark.byte && f->mark.byte == f->facts.size;
}
/* The file has the inode of f, as far as is known; and (unchanged) its size and time. */
int sl_taken_is_inode(const struct sl_taken *f, const struct sl_file_facts *now);
int sl_taken_is_unchanged(const struct sl_taken *f, const struct sl_file_facts *now);
enum { SL_SEEN_HASH = 0xffffff };            /* so much of a CRC is part of a name */
enum { SL_SEEN_DIR = sizeof("dir:123456") }; /* the name of a position that names a directory */
/* What a position of a log says; *out is NULL if it is not of a file. dirs: positions with the directories
 * among them. 0 or < 0. */
int sl_taken_parse(const struct sl_position *p, const struct sl_positions *dirs,
                   struct sl_taken **out, struct sl_err *err);
/* The position for the log, of what was delivered: JSON. path: as it is to stand there. */
void sl_taken_print(const struct sl_taken *f, const char *path, struct sl_buf *out);
/* *best: the one of the n files that goes furthest of those all of which b holds; it stays as it is if none
 * goes further. Reads b once. Sorts the list. */
int sl_taken_pick(struct sl_taken **of, int n, struct sl_bytes *b, const struct sl_file_facts *now,
                  struct sl_taken **best, struct sl_err *err);
/* f is the open file b: learns how that begins. */
int sl_taken_learn(struct sl_taken *f, struct sl_bytes *b, struct sl_err *err);
/* Fills the tail of a mark of f: the n bytes at text are the last before it. */
void sl_taken_mark(const struct sl_taken *f, const char *text, size_t n, struct sl_file_mark *m);
/* f, which is open as b, was read up to that mark. */
int sl_taken_keep(struct sl_taken *f, struct sl_bytes *b, const struct sl_file_mark *m,
                  struct sl_err *err);
/* The error that so many rows of an input are in the log already: -SL_EEXIST. */
int sl_again_refuse(int64_t rows, const char *name, struct sl_err *err);

struct sl_seen;
/* positions: those of the log that is ingested into, or NULL. */
int sl_seen_new(const struct sl_positions *positions, struct sl_seen **out, struct sl_err *err);
void sl_seen_free(struct sl_seen *s);

enum sl_seen_as {
    SL_SEEN_NEW,  /* nothing of it was taken */
    SL_SEEN_SAME, /* it goes on in its own record, */
    SL_SEEN_OLD,  /* ... which tells less than is known now, or what is no longer so */
    SL_SEEN_COPY, /* it begins with all that was taken of another file, and gets a record of its own */
    SL_SEEN_PART, /* it holds no more than the beginning of another file: a copy that is being made? */
};
enum {                    /* flags */
       SL_SEEN_ALL = 1,   /* look for nothing: it is new */
       SL_SEEN_PARTS = 2, /* look for PART, too */
       SL_SEEN_LIVE = 4,  /* its directory may have changed since it was looked at */
};
/* Which file is open: enum sl_seen_as or < 0. The mark of *out says where reading goes on. *of: the other file
 * of a COPY or a PART. */
int sl_seen_open(struct sl_seen *s, struct sl_bytes *b, int flags, struct sl_taken **out,
                 const struct sl_taken **of, struct sl_err *err);
/* Rows of f were delivered, up to that mark. */
void sl_seen_deliver(struct sl_seen *s, struct sl_taken *f, const struct sl_file_mark *m,
                     int64_t rows);
/* Brings the files to their device whose positions would be new now. */
int sl_seen_sync(struct sl_seen *s, struct sl_err *err);
/* The positions of the files that were delivered since this was asked last; null for those that are forgotten. */
int sl_seen_positions(struct sl_seen *s, struct sl_positions *out, struct sl_err *err);
/* Whether nothing is to be read of a file: it has not changed since this run opened it, or since all of it
 * was taken. */
int sl_seen_is_done(const struct sl_seen *s, const struct sl_file_facts *now);
/* Looks at the regular files of a directory whose names do not begin with a dot, and calls fn (if any) once
 * for each. Those that were not known are then, with nothing taken. Stops at the first answer that is not 0
 * and returns it. */
int sl_seen_look(struct sl_seen *s, const char *dir,
                 int (*fn)(void *arg, struct sl_taken *f, const struct sl_file_facts *now),
                 void *arg, struct sl_err *err);
/* Of the files that were wholly taken in a directory: notes which are gone since now (µs), and are there again,
 * and forgets those that have been gone for longer than `after`. */
int sl_seen_forget(struct sl_seen *s, const char *dir, int64_t now, int64_t after,
                   struct sl_err *err);
/* The files that may have been rotated away from where f was opened, as far as they are in its directory:
 * recorded under its path, or named after it. None, and no look, if nothing of another file at that path was
 * taken. A list to be freed. */
int sl_seen_family(struct sl_seen *s, const struct sl_taken *f, struct sl_taken ***out, size_t *n,
                   struct sl_err *err);

#endif
