/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * aggregate_rows: rows on their way into groups.
 *
 * A batch goes through: (1) windows and lateness, which drop late rows before anything is computed
 * from them; (2) evaluation of keys, filters and arguments, all of them before (3), so that a row
 * that fails anywhere has not been counted somewhere; (3) groups and accumulators.
 */
#include "base/hash.h"
#include "op/aggregate.h"
#include "op/rows.h"

/* ---- (1) windows ---- */

/* Microseconds of a non-null row of a TIMESTAMP (or BIGINT) column. */
static inline int64_t usec_at(const struct sl_column *c, size_t row)
{
    SL_CHECK_THAT(row < c->rows);
    int64_t v = c->form == SL_PLAIN ? ((const int64_t *)c->data)[row] : sl_column_get8(c, row);
    return sl_time_usec(v, c->type.nsec);
}

static int grow_panes(struct sl_aggregate *a, struct sl_err *err)
{
    size_t slots = a->pane_mask ? (a->pane_mask + 1) * 2 : 64;
    int rc = sl_vec_reserve(&a->pane_slots, slots * 4, err);
    if (rc == 0)
        rc = sl_vec_reserve(&a->panes, slots / 2 * sizeof(struct sl_pane), err);
    if (rc < 0)
        return rc;
    uint32_t *slot = a->pane_slots.data;
    const struct sl_pane *p = a->panes.data;
    memset(slot, 0, slots * 4);
    a->pane_mask = slots - 1;
    for (size_t i = 0; i < a->npanes; i++) {
        size_t at = sl_hash_u64((uint64_t)p[i].start, a->seed) & a->pane_mask;
        while (slot[at])
            at = (at + 1) & a->pane_mask;
        slot[at] = (uint32_t)i + 1;
    }
    return 0;
}

static void clear_panes(struct sl_aggregate *a)
{
    a->npanes = 0;
    if (a->pane_mask)
        memset(a->pane_slots.data, 0, (a->pane_mask + 1) * 4);
}

/* Number of the window around t among those of this batch: >= 0; -1 if t is out of range; < -1 on
 * failure. */
static int64_t pane_of(struct sl_aggregate *a, int64_t t, struct sl_err *err)
{
    int64_t start, end;
    if (!sl_window_around(&a->window, t, &start, &end))
        return -1;
    if ((a->npanes + 1) * 2 > a->pane_mask && grow_panes(a, err) < 0)
        return -2;
    uint32_t *slot = a->pane_slots.data;
    struct sl_pane *p = a->panes.data;
    size_t at = sl_hash_u64((uint64_t)start, a->seed) & a->pane_mask;
    for (; slot[at]; at = (at + 1) & a->pane_mask)
        if (p[slot[at] - 1].start == start)
            return slot[at] - 1;
    p[a->npanes] =
        (struct sl_pane){.start = start, .end = end, .closes = sl_time_add(end, a->lateness)};
    slot[at] = (uint32_t)++a->npanes;
    return (int64_t)a->npanes - 1;
}

struct placing {
    const struct sl_column *time, *wm; /* wm NULL: nothing is late */
    uint32_t *kept;                    /* physical rows */
    int32_t *codes;                    /* their windows */
    size_t nkept;
    struct sl_aside_rows bad, late;
    struct sl_aside_rows idle; /* late, but not in their partition, which had been idle */
    struct sl_err why[2];      /* of rows without a time, and with one that no window has */
};

static int bad_time(struct sl_aggregate *a, struct placing *p, uint32_t row, int out_of_range,
                    struct sl_err *err)
{
    struct sl_err *why = &p->why[out_of_range];
    if (!why->code)
        sl_err_set(why, SL_EROW, "the event time %s is %s", a->in->fields[a->time_column].name,
                   out_of_range ? "out of range" : "null");
    return sl_rows_note(&p->bad, (struct sl_aside_row){.row = row, .what = why->what}, err);
}

/* Windows of all rows: kept rows and their codes; late and bad ones are noted. */
static int place_rows(struct sl_aggregate *a, struct sl_batch *b, struct placing *p,
                      struct sl_err *err)
{
    assert(a->windowed && a->time_column >= 0);
    int64_t start = 0, end = 0, closes = 0; /* of the window of the row before */
    int32_t code = 0;

    for (size_t k = 0; k < b->selected; k++) {
        uint32_t row = (uint32_t)sl_batch_row(b, k);
        int rc = 0;
        if (SL_UNLIKELY(sl_column_null(p->time, row))) {
            if ((rc = bad_time(a, p, row, 0, err)) < 0)
                return rc;
            continue;
        }
        int64_t t = usec_at(p->time, row);
        if (t < start || t >= end) {
            int64_t pane = pane_of(a, t, err);
            if (pane == -1 && (rc = bad_time(a, p, row, 1, err)) == 0)
                continue;
            if (pane < 0)
                return rc < 0 ? rc : -SL_ENOMEM;
            const struct sl_pane *now = (const struct sl_pane *)a->panes.data + pane;
            start = now->start;
            end = now->end;
            closes = now->closes;
            code = (int32_t)pane;
        }
        if (p->wm && !sl_column_null(p->wm, row) && closes <= usec_at(p->wm, row)) {
            int64_t wm = usec_at(p->wm, row);
            struct sl_aside_row late = {
                .row = row, .time = t, .watermark = wm, .behind = sl_time_add(wm, -closes)};
            if ((rc = sl_rows_note(&p->late, late, err)) < 0)
                return rc;
            continue;
        }
        if (SL_UNLIKELY(closes <= a->passed)) {
            if ((rc = sl_rows_note(&p->idle, (struct sl_aside_row){.row = row}, err)) < 0)
                return rc;
            continue;
        }
        p->codes[p->nkept] = code;
        p->kept[p->nkept++] = row;
    }
    return 0;
}

/* Drops what is late. *kept: a reference; codes of its rows in a->pane_codes. */
static int place(struct sl_aggregate *a, struct sl_batch *b, struct sl_emit *out,
                 struct sl_batch **kept, struct sl_err *err)
{
    struct sl_column *time = b->columns[a->time_column];
    struct sl_column *wm = a->wm_column < 0 ? NULL : b->columns[a->wm_column];
    int rc = sl_column_load(time, err);
    if (rc >= 0 && wm)
        rc = sl_column_load(wm, err);
    if (rc >= 0)
        rc = sl_vec_reserve(&a->pane_codes, b->selected * 4, err);
    if (rc >= 0)
        rc = sl_vec_reserve(&a->ids, b->selected * 4, err);
    if (rc < 0)
        return rc;
    struct placing p = {.time = time, .wm = wm, .kept = a->ids.data, .codes = a->pane_codes.data};
    clear_panes(a);
    sl_err_init(&p.why[0]);
    sl_err_init(&p.why[1]);
    rc = place_rows(a, b, &p, err);
    if (rc >= 0)
        rc = sl_rows_aside(&p.bad, SL_ASIDE_REJECTED, b, out, err);
    if (rc >= 0)
        rc = sl_rows_aside(&p.late, SL_ASIDE_LATE, b, out, err);
    if (rc >= 0)
        rc = sl_rows_aside(&p.idle, SL_ASIDE_LATE_IDLE, b, out, err);
    free(p.bad.items);
    free(p.late.items);
    free(p.idle.items);
    if (rc < 0)
        return rc;
    if (p.nkept == b->selected)
        *kept = sl_batch_ref(b);
    else
        *kept = sl_batch_pick(b, p.kept, p.nkept, NULL, err);
    return *kept ? 0 : -SL_ENOMEM;
}

/* Codes of the rows of `good`, which are some of kept's, moved to the front. */
static void follow_codes(struct sl_aggregate *a, const struct sl_batch *kept,
                         const struct sl_batch *good)
{
    int32_t *codes = a->pane_codes.data;
    size_t k = 0;
    for (size_t g = 0; kept != good && g < good->selected; g++, k++) {
        while (sl_batch_row(kept, k) != sl_batch_row(good, g))
            k++;
        codes[g] = codes[k];
    }
}

/* ---- (2) evaluation ---- */

void sl_aggregate_drop_inputs(struct sl_aggregate *a)
{
    for (int k = 0; a->by_columns && k <= a->nby; k++) {
        sl_column_unref(a->by_columns[k]);
        a->by_columns[k] = NULL;
    }
    for (int i = 0; a->inputs && i < a->naccs; i++) {
        sl_buffer_unref(a->inputs[i].sel);
        sl_column_unref(a->inputs[i].arg);
        sl_column_unref(a->inputs[i].second);
        memset(&a->inputs[i], 0, sizeof(a->inputs[i]));
    }
}

static int eval_loaded(struct sl_aggregate *a, const struct sl_expr *e, struct sl_batch *b,
                       struct sl_column **out, struct sl_err *err)
{
    assert(out && sl_batch_is_sound(b));
    int rc = sl_expr_eval(a->eval, e, b, out, err);
    return rc < 0 ? rc : sl_column_load(*out, err);
}

static int eval_input(struct sl_aggregate *a, const struct sl_agg_call *call,
                      struct sl_agg_input *in, struct sl_batch *b, struct sl_rows_bad *bad,
                      struct sl_err *err)
{
    struct sl_batch *rows = b;
    int rc = 0;

    in->n = b->selected;
    if (call->filter) {
        rc = sl_expr_filter(a->eval, call->filter, b, &in->sel, &in->n, err);
        if (rc < 0 || !call->arg)
            return sl_rows_failed(bad, rc, a->eval, b, b, call->text, err);
        rows = sl_batch_select(b, sl_buffer_ref(in->sel), in->n, err);
        if (!rows)
            return -SL_ENOMEM;
    }
    if (call->arg)
        rc = eval_loaded(a, call->arg, rows, &in->arg, err);
    if (rc >= 0 && call->second)
        rc = eval_loaded(a, call->second, rows, &in->second, err);
    rc = sl_rows_failed(bad, rc, a->eval, b, rows, call->text, err);
    if (rows != b)
        sl_batch_unref(rows);
    return rc;
}

static int work(void *arg, struct sl_batch *b, struct sl_rows_bad *bad, struct sl_err *err)
{
    struct sl_aggregate *a = arg;
    int rc = 0;
    sl_aggregate_drop_inputs(a);
    if (a->parts == SL_AGGREGATE_MERGE)
        return sl_aggregate_take_parts(a, b, err);
    for (int k = 0; rc >= 0 && k < a->nby; k++)
        rc = sl_rows_failed(bad, eval_loaded(a, a->by_expr[k], b, &a->by_columns[k], err), a->eval,
                            b, b, a->keys->fields[2 * a->windowed + k].name, err);
    for (int i = 0; rc >= 0 && i < a->naccs; i++)
        rc = eval_input(a, a->acc_call[i], &a->inputs[i], b, bad, err);
    return rc < 0 ? rc : 0;
}

/* ---- (3) groups ---- */

/* The windows of this batch as a dictionary column of starts. */
static struct sl_column *pane_column(struct sl_aggregate *a, size_t n, struct sl_err *err)
{
    struct sl_type t = sl_type_of(SL_TIMESTAMPTZ);
    struct sl_buffer *starts = sl_buffer_new(NULL, a->npanes * 8);
    struct sl_buffer *codes = sl_buffer_new(NULL, n * 4);
    struct sl_column *dict = sl_column_new(t, a->npanes), *c = sl_column_new(t, n);
    if (!starts || !codes || !dict || !c) {
        sl_buffer_unref(starts);
        sl_buffer_unref(codes);
        sl_column_unref(dict);
        sl_column_unref(c);
        return sl_err_no_memory(err, "windows");
    }
    const struct sl_pane *p = a->panes.data;
    for (size_t i = 0; i < a->npanes; i++)
        ((int64_t *)starts->data)[i] = p[i].start;
    memcpy(codes->data, a->pane_codes.data, n * 4);
    dict->owner[1] = starts;
    dict->data = starts->data;
    c->form = SL_DICT;
    c->owner[1] = codes;
    c->data = codes->data;
    c->dict = dict;
    return c;
}

int sl_aggregate_admit(struct sl_aggregate *a, struct sl_err *err)
{
    assert(a->ready);
    size_t n = a->nkeys ? a->groups.n : 1;
    int rc = 0;
    if (n > a->reserved) {
        for (int i = 0; rc == 0 && i < a->naccs; i++)
            rc = sl_acc_reserve(a->accs[i], n, err);
        if (rc == 0 && a->windowed)
            rc = sl_vec_reserve(&a->next, n * 4, err);
        if (rc == 0 && a->tracks)
            rc = sl_vec_reserve(&a->changed, n, err);
        if (rc < 0)
            return rc;
        a->reserved = n;
    }
    if (!a->windowed)
        return 0;
    const uint32_t *made = a->groups.created.data;
    uint32_t *next = a->next.data;
    for (size_t i = 0; i < a->groups.ncreated; i++) {
        int64_t start = sl_cells_get8(&a->groups.cells[0], made[i]), s, end;
        size_t at;
        if (!sl_window_around(&a->window, start, &s, &end) || s != start)
            return sl_err_set(err, SL_ECORRUPT, "the saved state has a window that is none");
        rc = sl_aggregate_window(a, start, end, &at, err);
        if (rc < 0)
            return rc;
        next[made[i]] = a->windows[at].groups;
        a->windows[at].groups = made[i] + 1;
        a->windows[at].ngroups++;
    }
    return 0;
}

/* Groups of n rows in a set into a->ids. */
static int find_groups(struct sl_aggregate *a, int set, size_t n, struct sl_err *err)
{
    struct sl_column *keys[SL_AGG_KEYS_MAX], *pane = NULL;
    int nkeys = 0, rc = 0, makes = a->nsets && a->parts != SL_AGGREGATE_MERGE;

    if (!a->nkeys)
        return sl_aggregate_admit(a, err);
    if (a->windowed) {
        pane = pane_column(a, n, err);
        if (!pane)
            return -SL_ENOMEM;
        keys[nkeys++] = pane;
    }
    if (makes)
        rc = sl_aggregate_set_keys(a, set, n, keys + nkeys, err);
    for (int k = 0; !makes && k < a->nkeys - a->windowed; k++)
        keys[nkeys + k] = a->by_columns[k];
    makes &= rc == 0;
    if (rc == 0)
        rc = sl_vec_reserve(&a->ids, n * 4, err);
    if (rc == 0)
        rc = sl_group_find(&a->groups, keys, n, a->ids.data, err);
    if (rc == 0)
        rc = sl_aggregate_admit(a, err);
    for (int k = 0; makes && k < a->nkeys - a->windowed; k++)
        sl_column_unref(keys[nkeys + k]);
    sl_column_unref(pane);
    return rc;
}

static int count_panes(struct sl_aggregate *a, size_t n, struct sl_err *err)
{
    struct sl_pane *p = a->panes.data;
    const int32_t *codes = a->pane_codes.data;
    for (size_t i = 0; i < n; i++)
        p[codes[i]].rows++;
    for (size_t i = 0; i < a->npanes; i++) {
        size_t at;
        if (!p[i].rows)
            continue;
        int rc = sl_aggregate_window(a, p[i].start, p[i].end, &at, err);
        if (rc < 0)
            return rc;
        a->windows[at].rows += p[i].rows;
        a->windows[at].changed = 1;
    }
    return 0;
}

/* The groups of n rows are not as they were saved. */
static void mark_changed(struct sl_aggregate *a, size_t n)
{
    assert(!n || a->changed.bytes >= a->reserved);
    uint8_t *changed = a->changed.data;
    const uint32_t *ids = a->ids.data;
    if (!a->nkeys && n)
        changed[0] = 1;
    for (size_t i = 0; a->nkeys && i < n; i++)
        changed[ids[i]] = 1;
}

/* Ranks of the rows, for first and last. */
static int rank_rows(struct sl_aggregate *a, struct sl_batch *b, int64_t first,
                     struct sl_acc_rows *r, struct sl_err *err)
{
    assert(a->ranked && first >= 0);
    struct sl_column *time = a->time_column < 0 ? NULL : b->columns[a->time_column];
    int rc = sl_vec_reserve(&a->ranks, b->selected * sizeof(struct sl_rank), err);
    if (rc == 0 && time)
        rc = sl_vec_reserve(&a->times, b->selected * 8, err);
    if (rc == 0 && time)
        rc = sl_column_load(time, err);
    if (rc == 0)
        rc = sl_ranker_rank(&a->ranker, b, first, a->ranks.data, err);
    if (rc < 0)
        return rc;
    int64_t *t = a->times.data;
    for (size_t k = 0; time && k < b->selected; k++) {
        size_t row = sl_batch_row(b, k);
        t[k] = sl_column_null(time, row) ? INT64_MIN : sl_column_get8(time, row);
    }
    r->rank = a->ranks.data;
    r->time = time ? t : NULL;
    r->nsec = time && time->type.nsec;
    return 0;
}

/* The rows that a FILTER lets through, out of all rows r of b. */
static int narrow(struct sl_aggregate *a, const struct sl_batch *b, const struct sl_agg_input *in,
                  const struct sl_acc_rows *r, struct sl_acc_rows *to, struct sl_err *err)
{
    const uint32_t *sel = (const uint32_t *)in->sel->data;
    int rc = 0;
    *to = *r;
    to->n = in->n;
    if (r->group)
        rc = sl_vec_reserve(&a->sub_ids, in->n * 4, err);
    if (rc == 0 && r->rank)
        rc = sl_vec_reserve(&a->sub_ranks, in->n * sizeof(struct sl_rank), err);
    if (rc == 0 && r->time)
        rc = sl_vec_reserve(&a->sub_times, in->n * 8, err);
    if (rc < 0)
        return rc;
    size_t k = 0;
    for (size_t i = 0; i < in->n; i++, k++) {
        while (sl_batch_row(b, k) != sel[i])
            k++;
        if (r->group)
            ((uint32_t *)a->sub_ids.data)[i] = r->group[k];
        if (r->rank)
            ((struct sl_rank *)a->sub_ranks.data)[i] = r->rank[k];
        if (r->time)
            ((int64_t *)a->sub_times.data)[i] = r->time[k];
    }
    to->group = r->group ? a->sub_ids.data : NULL;
    to->rank = r->rank ? a->sub_ranks.data : NULL;
    to->time = r->time ? a->sub_times.data : NULL;
    return 0;
}

/* The groups of one set, of the rows that are ranked. */
static int accumulate_set(struct sl_aggregate *a, struct sl_batch *b, int set,
                          struct sl_acc_rows *all, struct sl_err *err)
{
    struct sl_acc_rows some;
    int rc = find_groups(a, set, b->selected, err);
    if (rc == 0 && a->tracks)
        mark_changed(a, b->selected);
    if (a->parts == SL_AGGREGATE_MERGE)
        return rc < 0 ? rc : sl_aggregate_absorb_parts(a, b->selected, err);
    all->group = a->nkeys ? a->ids.data : NULL;
    for (int i = 0; rc == 0 && i < a->naccs; i++) {
        const struct sl_agg_input *in = &a->inputs[i];
        struct sl_acc_rows *rows = all;
        if (in->sel) {
            rc = narrow(a, b, in, all, &some, err);
            rows = &some;
        }
        rows->second = in->second;
        if (rc == 0)
            rc = a->accs[i]->class->add(a->accs[i], rows, in->arg, err);
    }
    return rc;
}

static int accumulate(struct sl_aggregate *a, struct sl_batch *b, int64_t first, struct sl_err *err)
{
    assert(first >= 0 && sl_batch_is_sound(b));
    struct sl_acc_rows all = {.n = b->selected};
    int merges = a->parts == SL_AGGREGATE_MERGE, sets = a->nsets && !merges ? a->nsets : 1;
    int rc = a->ranked && !merges ? rank_rows(a, b, first, &all, err) : 0;
    for (int set = 0; rc == 0 && set < sets; set++)
        rc = accumulate_set(a, b, set, &all, err);
    return rc == 0 && a->windowed ? count_panes(a, b->selected, err) : rc;
}

int sl_aggregate_rows(struct sl_aggregate *a, struct sl_batch *b, struct sl_emit *out,
                      struct sl_err *err)
{
    assert(sl_aggregate_is_sound(a) && a->out && sl_batch_is_sound(b));
    struct sl_batch *kept = NULL, *good = NULL;
    int64_t first = sl_ranker_take(&a->ranker, b);
    int rc = sl_aggregate_ready(a, err);

    if (rc == 0 && a->windowed)
        rc = place(a, b, out, &kept, err);
    else if (rc == 0)
        kept = sl_batch_ref(b);
    if (rc < 0 || !kept->selected)
        goto out;
    rc = sl_rows_try(kept, work, a, out, &good, err);
    if (rc < 0 || !good)
        goto out;
    if (a->windowed)
        follow_codes(a, kept, good);
    rc = accumulate(a, good, first, err);
    if (rc < 0)
        goto out;
    a->held += (int64_t)good->selected;
    out->fate(out, SL_FATE_USED, (int64_t)good->selected);
    out->fate(out, SL_FATE_ASSIGNED, (int64_t)good->selected);
out:
    sl_aggregate_drop_inputs(a);
    sl_batch_unref(good);
    sl_batch_unref(kept);
    return rc < 0 ? rc : 0;
}
