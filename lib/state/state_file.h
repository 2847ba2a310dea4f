/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * state_file: the state of a process at a checkpoint, or what has changed of it, as one file that never changes.
 *
 * RUN/PLACE-K.arrows, below the directory of the pipeline: Arrow IPC streams one after the other, a batch
 * each, whose schema says of which stage and table it is (`sluice.stage`, `sluice.table`). The file has its
 * name when it is whole and on its device, name and all; a checkpoint names it with length and CRC, and
 * what does not agree with that is not read.
 *
 * Call order: sl_state_writer_open, sl_state_writer_stage and puts, sl_state_writer_close or _abort;
 * sl_state_reader_open, sl_state_reader_stage and gets, sl_state_reader_free.
 */
#ifndef SL_STATE_STATE_FILE_H
#define SL_STATE_STATE_FILE_H

#include "state/store.h"

enum { SL_RUN_ID = 32 }; /* hexadecimal digits that name a run */

struct sl_state_ref { /* a file, as a checkpoint names it */
    int64_t place;    /* of the process in its pipe, from the sink: 0 */
    int64_t k;        /* the checkpoint that it is of */
    char run[SL_RUN_ID + 1];
    int64_t bytes;
    uint32_t crc; /* CRC32C of all of it */
};

struct sl_state_writer;
/* dirfd: the pipeline's directory, dir its path for messages; both stay the caller's, and valid. Of ref
 * place, k and run are given. changes: it comes on top of another file. */
int sl_state_writer_open(int dirfd, const char *dir, const struct sl_state_ref *ref, int changes,
                         struct sl_state_writer **out, struct sl_err *err);
/* The store of a stage, by its number in the plan; valid until the next call. */
struct sl_store *sl_state_writer_stage(struct sl_state_writer *w, int stage);
/* The file gets its name; *ref says what a checkpoint is to say. w is freed in any case. */
int sl_state_writer_close(struct sl_state_writer *w, struct sl_state_ref *ref, struct sl_err *err);
void sl_state_writer_abort(struct sl_state_writer *w); /* NULL is allowed */

struct sl_state_reader;
/* Reads the file whole, on the account, and checks it: SL_ECORRUPT, SL_ENOENT. */
int sl_state_reader_open(int dirfd, const char *dir, const struct sl_state_ref *ref,
                         struct sl_account *account, struct sl_state_reader **out,
                         struct sl_err *err);
struct sl_store *sl_state_reader_stage(struct sl_state_reader *r, int stage);
void sl_state_reader_free(struct sl_state_reader *r); /* NULL is allowed */

/* 1 if the file is there with that length. */
int sl_state_is_there(int dirfd, const struct sl_state_ref *ref);
/* Removes what is in the pipeline's directory and is none of the n files, but for what the run `spared`
 * has made behind checkpoint k. What cannot be removed stays. */
void sl_state_sweep(int at, const char *dir, const struct sl_state_ref *keep, int n,
                    const char *spared, int64_t k);

#endif
