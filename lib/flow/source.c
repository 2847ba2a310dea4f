/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* source: morsels, see source.h. */
#include "base/compat.h"
#include "flow/source.h"

struct sl_morsel *sl_morsel_new(struct sl_source *s)
{
    assert(s && s->class);
    struct sl_morsel *m = sl_calloc(1, sizeof(*m));
    if (!m)
        return NULL;
    m->source = s;
    m->watermark = SL_TIME_MIN;
    m->first_line = m->byte = m->base = m->upto = -1;
    return m;
}

void sl_morsel_free(struct sl_morsel *m)
{
    if (!m)
        return;
    sl_morsel_free(m->rest);
    if (m->arg && m->source->class->discard)
        m->source->class->discard(m);
    sl_buffer_unref(m->data);
    sl_buffer_unref(m->header);
    sl_batch_unref(m->batch);
    sl_reject_list_release(&m->rejects);
    sl_schema_unref(m->wider);
    free(m->place);
    free(m->places);
    free(m);
}
