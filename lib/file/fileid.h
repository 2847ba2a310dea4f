/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* fileid: which file this is, and how much of it has been committed. */
#ifndef SL_FILE_FILEID_H
#define SL_FILE_FILEID_H

#include "file/bytes.h"
#include "log/positions.h"

/*
 * The position of a file, as recorded in a log: JSON
 *   {"path":P,"byte":N,"line":L,"rows":R,"head":H,"head_len":K,"tail":T,"tail_len":M}
 * or, if times without a year were read, with "size":S and "latest":U (what gave them their year, µs)
 * behind. byte and line are behind the last committed record of the decompressed stream; head and tail are
 * CRC32Cs of the first K (at most 1 KiB) and of the M (at most 256) raw bytes before byte, so that a
 * file is known again by what it holds, under any name. Compressed files: tail_len is 0. Files of
 * frames, which begin and end alike, have "crc" too: the CRC32C of all bytes before byte.
 */
struct sl_file_mark { /* a point in a file */
    int64_t byte, line;
    int64_t latest; /* what gave times without a year theirs, see text.h; 0: there were none */
    uint32_t tail, crc;
    int tail_len, has_crc;
};
struct sl_fileid { /* shared by the morsels of a file */
    int refs;
    char *id;                 /* "file:INODE:HEAD": names the input in the log */
    char *path;               /* as it was opened */
    char *was;                /* the position recorded of it when it was opened; NULL = none */
    int64_t byte, line, rows; /* committed so far */
    struct sl_file_mark
        delivered; /* the rows so far end there; is_moved: and that is not recorded yet */
    int is_moved;
    int64_t size;   /* of the file as it is, raw */
    int64_t latest; /* recorded, if the file has not grown since; else 0 */
    uint64_t ino;
    uint32_t head;
    int head_len, compressed;
};
/* Identity of an open file, as if nothing of it were committed. NULL with err filled. */
struct sl_fileid *sl_fileid_new(struct sl_bytes *b, struct sl_err *err);
struct sl_fileid *sl_fileid_ref(struct sl_fileid *i);
void sl_fileid_unref(struct sl_fileid *i);
/* Looks for the file among the positions of what was taken: 1 found (id, byte, line and rows are of the
 * record), 0 not. Of several that match, the one of the same inode counts, then the furthest. */
int sl_fileid_find(struct sl_fileid *i, struct sl_bytes *b, const struct sl_positions *taken,
                   struct sl_err *err);
/* The error that so many rows of an input are in the log already: -SL_EEXIST. */
int sl_again_refuse(int64_t rows, const char *name, struct sl_err *err);

/* As if nothing of the file had been read: it was written anew. */
void sl_fileid_restart(struct sl_fileid *i);
/* The mark behind byte; reads the tail from the file. Also learns more of the head of a file that was
 * shorter than 1 KiB when it was opened. */
int sl_fileid_mark(struct sl_fileid *i, struct sl_bytes *b, int64_t byte, int64_t line,
                   struct sl_file_mark *out, struct sl_err *err);
/* The same for a byte before one that was marked. What stands behind it, and may be mended before the
 * file is read again, is no part of the file's head then. */
int sl_fileid_mark_again(struct sl_fileid *i, struct sl_bytes *b, int64_t byte, int64_t line,
                         struct sl_file_mark *out, struct sl_err *err);
/* 1: the file had fewer bytes before the mark than a mark is made of: it was truncated. */
int sl_fileid_is_short(const struct sl_fileid *i, const struct sl_file_mark *m);
/* The mark behind byte, of the n bytes before it. */
void sl_fileid_mark_text(const struct sl_fileid *i, const char *text, size_t n, int64_t byte,
                         int64_t line, struct sl_file_mark *out);
struct sl_head { /* the first bytes of a file, for many comparisons; begin with n = -1 */
    int n, nplain;
    char raw[1024], plain[1024]; /* plain: unpacked */
    int len[2];                  /* of raw and of plain: the CRC of so many of them, */
    uint32_t crc[2];
};
/* 1: b holds what the mark of another file (or of this one, earlier) says. */
int sl_fileid_is(const struct sl_fileid *of, const struct sl_file_mark *m, struct sl_bytes *b,
                 struct sl_head *head, struct sl_err *err);
/* 1: b, which is not compressed, begins as another file did when it was opened. */
int sl_fileid_begins(const struct sl_fileid *of, struct sl_bytes *b, struct sl_head *head,
                     struct sl_err *err);
/* i goes on where the mark of another file with the same content stands. */
void sl_fileid_continue(struct sl_fileid *i, const struct sl_fileid *of,
                        const struct sl_file_mark *m);
/* 1 if the record that was found is of another inode. */
int sl_fileid_is_copy(const struct sl_fileid *i);
/* Nothing of it is committed, and positions are recorded under a name of its own. taken: may be NULL. */
int sl_fileid_begin(struct sl_fileid *i, const struct sl_positions *taken, struct sl_err *err);
/* Records the mark up to which the file was delivered as its position. */
int sl_fileid_position(const struct sl_fileid *i, struct sl_positions *out, struct sl_err *err);

#endif
