/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * open: the one place where the name of a source or a destination becomes a source or a sink.
 *
 *   -  or nothing          standard input, standard output: frames or text
 *   scheme:...             a URL (file:NAME forces a file)
 *   a directory with commits/        a log
 *   as DEST: x/ or no suffix         a log; x.csv, x.json.gz, ... a file
 * A file is taken by its first bytes, then its suffix, else by format.
 */
#ifndef SL_IO_OPEN_H
#define SL_IO_OPEN_H

#include "flow/sink.h"
#include "flow/source.h"
#include "log/log.h"
#include "text/text.h"

struct sl_partition_offset {
    int partition; /* -1 = the only one */
    int64_t offset;
};
/* A point in a log, as --from and --to say it. Zeroed: none. Sources borrow it. */
struct sl_point {
    enum { SL_POINT_NONE, SL_POINT_EARLIEST, SL_POINT_LATEST, SL_POINT_OFFSET, SL_POINT_TIME } kind;
    struct sl_partition_offset *offsets; /* OFFSET: owned */
    int noffsets;
    const char *clock; /* OFFSET: the text (borrowed), which reads as a time of day too: 10:01 */
    int64_t value;     /* TIME: µs */
    int relative;      /* TIME: +1h, from the other end's point; value is a duration */
};
/* earliest | latest | N | P:N[,P:N...] | a time | -1h | +1h (to) | @EPOCH. SL_EUSAGE. out is to be
 * released, also after a failure. */
int sl_point_parse(const char *text, int64_t now, const struct sl_zone *zone, struct sl_point *out,
                   struct sl_err *err);
void sl_point_release(struct sl_point *p);
/* The offset that --to says of each partition; -1: it says nothing of this one. */
int sl_log_point_offsets(struct sl_log *l, const struct sl_point *to, const struct sl_zone *zone,
                         int64_t *out, struct sl_err *err);

struct sl_input_options {
    const char *const *paths; /* none: standard input */
    int npaths;
    const char *format; /* -I, NULL = recognise */
    char delimiter;
    int no_header, header;
    const char *types; /* --types text, NULL */
    int max_columns;   /* of JSON; 0 = SL_TEXT_MAX_COLUMNS */
    const char *time_column, *time_format;
    int64_t latest; /* µs: times without a year are the last at or before it; 0 = by the input */
    const struct sl_zone *zone;
    int follow;
    int resumes; /* a later run goes on where this one ends: the end of the input is not that of the data */
    int stop_fd; /* becomes readable when the run shall end: wakes an open() that waits; -1 none */
    int64_t out_of_order; /* µs: D; < 0 = not said: infinite, or 5 s with follow or resumes */
    int wait_for_log;     /* tail, replay -f: a log that is not there yet is awaited */
    void (*say)(void *arg, const char *text); /* notes for stderr */
    void *say_arg;
    int *is_full_said; /* set when it is said that there are max_columns; NULL: each part says it */
    /* logs */
    struct sl_point from, to;
    int partition;     /* -1 = all */
    int in_time_order; /* several partitions: merge by (event time, partition, offset) */
    int meta;          /* add _partition, _offset */
    int numbered;      /* rows have their numbers, hidden, also those of one partition */
    const char
        *group;      /* shares the log with the processes of this group; NULL = it does not, and */
    int group_looks; /* reads from where it is without being one of them */
    double speed;    /* replay pace, 0 = full speed */
    /* ingest */
    const char *watch; /* a directory, the files of which are read, instead of paths */
    int64_t
        forget; /* µs: positions of files that are gone for longer leave the log; 0: none does */
    const char *from_rejects; /* what --rejects wrote, instead of paths */
    struct sl_account *account;
};
/* Opens the input that begins at path number `from`; *taken says how many of the paths it is (0: there
 * are none). The others are inputs beside it. */
int sl_input_open(const struct sl_input_options *o, int from, struct sl_source **out, int *taken,
                  struct sl_err *err);
/* The error that one of the paths is named twice: a pipe, which gives its bytes once; or a file too. */
enum sl_twice { SL_TWICE_PIPES, SL_TWICE_FILES };
int sl_input_check_twice(const char *const *paths, int n, enum sl_twice what, struct sl_err *err);
/* 1 if the path (as DEST) names a log by the rules above. */
int sl_output_is_log(const char *dest);

struct sl_output_options {
    const char *dest;   /* NULL or "-": standard output */
    const char *format; /* -O, NULL = by suffix; a terminal: table; a pipe: frames */
    char delimiter;
    int no_header, force, append, spreadsheet_safe;
    int width;    /* terminal columns for tables, 0 = do not cut */
    int terminal; /* standard output is one */
    const struct sl_zone *zone;
    struct sl_log_options log; /* for logs */
    int may_create;            /* a missing log is made */
    int beside_log;      /* rejects of a run into what records positions: they share its commits */
    enum sl_again again; /* not REFUSE: a file records positions, too */
    const int
        *branches; /* instead of dest: pipes to write frames to, by the keys and the hash of log; */
    int nbranches; /* they pass to the sink, */
    int ready_fd;  /* and so does this, which gets a byte once the run has begun */
    const char *child;       /* what stands behind each, for the plan */
    const char *resume_from; /* standard output: the log at the end of the pipe, or NULL */
    int only_plan;           /* the sink only says its plan: no file is made */
    const char *from;        /* a log that is copied into a new one, or NULL; and */
    const char *keep_keys, *keep_time;    /* what of it goes on, under its new names; or NULL */
    const char *command;                  /* command line, for the plan */
    const struct sl_input_options *reads; /* NULL, or what is read: no output may feed it */
    struct sl_account *account;
};
int sl_output_open(const struct sl_output_options *o, struct sl_sink **out, struct sl_err *err);

#endif
