/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * checkpoint: what a run leaves in the sink with its rows, and the next one takes up.
 *
 * The sink owns the truth: it is asked first (load), the source goes on from what it says (resume), and
 * rows and positions become true in one step (commit). No source opens the sink.
 */
#ifndef SL_FLOW_CHECKPOINT_H
#define SL_FLOW_CHECKPOINT_H

#include "arrow/schema.h"
#include "base/buf.h"
#include "log/positions.h"
#include "state/state_file.h"

/* How a run takes inputs of which the sink has something. */
enum sl_again {
    SL_AGAIN_REFUSE, /* not at all */
    SL_AGAIN_RESUME, /* behind that */
    SL_AGAIN_ALL,    /* once more */
};

struct sl_checkpoint { /* what it points at is borrowed */
    const char *name;  /* of the pipeline that ends in the sink */
    const char *place; /* where it lies, for messages */
    struct sl_schema
        *schema; /* of the destination; NULL: there is none yet, or it is not the input's */
    const struct sl_positions *positions;
    enum sl_again again; /* how the inputs of these positions were taken */
    int64_t k;           /* commit: number of the barrier; 0: of none */
    int is_light;        /* commit: a barrier for stages without state */
    /* Of a pipeline whose operators keep state: JSON records, NULL: there is none. */
    const char *opened; /* load: of the run that opened it last, with its plan */
    const char *last;   /* load: of its last checkpoint */
    const char *record; /* commit: such a record, either of both; */
    const char *after;  /* what the newest one of the other kind must still be ("": none) */
    const struct sl_state_ref *state; /* and the files that it names, which must be there */
    int nstate;
};

/* A record of a pipeline, read. */
struct sl_run_record {
    char run[SL_RUN_ID + 1];
    int64_t k; /* of a checkpoint */
    struct sl_buf
        plan; /* of the run that opened it: a line for each operator, one for what comes out */
    struct sl_state_ref *state; /* of a checkpoint */
    int nstate;
};
/* Appends what is said in front of a stream: of this run, and where it begins (k 0: nowhere). */
void sl_record_print_front(const char *name, const struct sl_run_record *r,
                           const struct sl_run_record *base, int64_t place, struct sl_buf *out);
/* Of a JSON object: its members run and k (0 if absent). 1, or 0 if they are not such. */
int sl_record_find_run(const char *json, size_t n, struct sl_run_record *r);
/* A list of files as records have it; of r only the list is set. */
int sl_record_parse_state(const char *json, size_t n, struct sl_run_record *r, struct sl_err *err);
void sl_record_print_state(const struct sl_state_ref *state, int n, struct sl_buf *out);
/* Appends the record of a run that opens the pipeline behind `base` (k 0: behind nothing), of a checkpoint. */
void sl_record_print_open(const char *name, const struct sl_run_record *r,
                          const struct sl_run_record *base, struct sl_buf *out);
void sl_record_print(const char *name, const struct sl_run_record *r, struct sl_buf *out);
/* Either of both; r is released first. SL_ECORRUPT if it is neither. */
int sl_record_parse(const char *json, struct sl_run_record *r, struct sl_err *err);
void sl_record_release(struct sl_run_record *r);
/* A name for a run: random. */
int sl_record_new_run(char run[SL_RUN_ID + 1], struct sl_err *err);

#endif
