/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * positions: what was taken of each input: its name and, as JSON, how far it was read.
 *
 * A log keeps a table of them, a checkpoint carries one, and sources fill one when a commit is due. The
 * name and the value mean something to the source of that kind only.
 *
 * Invariants: (1) A name occurs once. (2) Positions are in the order in which they were last set, so that
 * the last one is the newest; a log that is opened again gives them in the same order. (3) A look-up
 * costs the same however many there are.
 *
 * The table owns names and values. Zeroed, it is empty.
 */
#ifndef SL_LOG_POSITIONS_H
#define SL_LOG_POSITIONS_H

#include "base/compat.h"
#include "base/buf.h"
#include "base/err.h"

/* A position under this name says that a repair brought rows back whose inputs' positions are gone. Once that
 * is settled it is removed. */
#define SL_POSITION_UNPLACED "repair"

struct sl_position {
    char *id;    /* NULL: a gap, of one that was set again since */
    char *value; /* JSON, ended by a NUL */
    size_t len;
};

struct sl_positions {
    struct sl_position *list; /* with gaps */
    int n, end, cap; /* positions; entries of the list, gaps among them; room for entries */
    int *slots;      /* hashed: 1 + place in the list, 0: free; twice as many as room */
    uint64_t seed;   /* of the hash */
};

void sl_positions_release(struct sl_positions *p);
/* Records a position, in place of the one of that name if there is one. 0 or < 0: then it is as it was. */
int sl_positions_set(struct sl_positions *p, const char *id, const char *value, size_t len,
                     struct sl_err *err);
/* A JSON object of names and values, set one after the other; n 0: none. SL_EFORMAT if it is no such thing. */
int sl_positions_parse(struct sl_positions *p, const char *json, size_t n, struct sl_err *err);
/* The same, written; what was set last comes last. */
void sl_positions_print(const struct sl_positions *p, struct sl_buf *out);
/* The position of that name is none any more, if there is one. */
void sl_positions_remove(struct sl_positions *p, const char *id);
/* The position of that name, valid until the next is set; NULL: there is none. */
const struct sl_position *sl_positions_find(const struct sl_positions *p, const char *id);
/* The one behind `after` (NULL: the first), in the order in which they were set; NULL: that was the last.
 * for (const struct sl_position *x = NULL; (x = sl_positions_next(p, x));) ... */
const struct sl_position *sl_positions_next(const struct sl_positions *p,
                                            const struct sl_position *after);
/* 1 while nobody can say what of an input was taken: see SL_POSITION_UNPLACED. */
int sl_positions_are_unplaced(const struct sl_positions *p);

#endif
