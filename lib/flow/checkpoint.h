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
#include "log/positions.h"

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
};

#endif
