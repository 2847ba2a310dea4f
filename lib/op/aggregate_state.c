/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * aggregate_state: what an aggregate keeps, as tables.
 *
 *   groups    one row a group: its key, and per accumulator the packed state (bytea); a state too
 *             large for one piece goes on in further rows of the same key
 *   windows   start, rows
 *   meta      watermark that windows were emitted by, rows held, rows that arrived, stays
 *
 * Once it was saved or loaded, an aggregate marks what changes, and can save that alone: the groups and
 * windows that are marked, whole, and that the others stay. Windows that were emitted since need no word:
 * the watermark has passed them. Loading finds or makes the group of each row, forgets what a group was
 * before, and absorbs the states. Merging the copies of threads makes no such tables: groups find their
 * numbers in the other's table, and accumulators combine.
 */
#include "op/aggregate.h"
#include "state/store.h"

enum { PIECE_ROWS = 16384, PIECE_BYTES = 16 << 20 };

int sl_aggregate_ready(struct sl_aggregate *a, struct sl_err *err)
{
    struct sl_type types[SL_AGG_KEYS_MAX];
    int n = 0, rc = 0;

    if (a->ready)
        return 0;
    if (a->windowed)
        types[n++] = sl_type_of(SL_TIMESTAMPTZ);
    for (int k = 0; k < a->nby; k++)
        types[n++] = sl_expr_type(a->by_expr[k]);
    if (a->nsets)
        types[n++] = sl_type_of(SL_BIGINT);
    for (int i = 0; rc == 0 && i < a->naccs; i++)
        if (!a->accs[i])
            rc = sl_acc_new(a->acc_call[i], a->op.account, &a->accs[i], err);
    if (rc == 0 && n)
        rc = sl_group_init(&a->groups, types, n, a->op.account, err);
    a->ready = rc == 0;
    return rc;
}

void sl_aggregate_clear(struct sl_aggregate *a)
{
    if (a->ready && a->nkeys)
        sl_group_release(&a->groups);
    for (int i = 0; a->accs && i < a->naccs; i++) {
        sl_acc_free(a->accs[i]);
        a->accs[i] = NULL;
    }
    sl_vec_release(&a->next);
    sl_vec_release(&a->changed);
    a->tracks = 0;
    a->ready = 0;
    a->reserved = 0;
    sl_aggregate_drop_windows(a, a->nwindows);
    a->held = 0;
}

/* ---- what has changed ---- */

/* From here on what changes is marked: nothing has, or all of it. */
static int track(struct sl_aggregate *a, int changed, struct sl_err *err)
{
    int rc = sl_vec_reserve(&a->changed, SL_MAX(a->reserved, (size_t)1), err);
    if (rc < 0)
        return rc;
    memset(a->changed.data, changed, a->changed.bytes);
    for (size_t w = 0; w < a->nwindows; w++)
        a->windows[w].changed = changed;
    a->tracks = 1;
    return 0;
}

static int is_changed(const struct sl_aggregate *a, uint32_t group)
{
    SL_CHECK_THAT(group < a->changed.bytes);
    return ((const uint8_t *)a->changed.data)[group];
}

/* ---- groups out ---- */

struct export
{
    struct sl_aggregate *a;
    struct sl_schema *schema;
    struct sl_builder *columns;
    int ncolumns;
    size_t rows, bytes;
    struct sl_store *store;
};

static void export_release(struct export *x)
{
    for (int c = 0; c < x->ncolumns; c++)
        sl_builder_release(&x->columns[c]);
    free(x->columns);
    sl_schema_unref(x->schema);
}

static int export_init(struct export *x, struct sl_aggregate *a, struct sl_store *store,
                       struct sl_err *err)
{
    char name[16];
    int rc = 0, n = a->nkeys + a->naccs;
    memset(x, 0, sizeof(*x));
    x->a = a;
    x->store = store;
    x->schema = sl_schema_new();
    x->columns = sl_calloc((size_t)n + 1, sizeof(*x->columns));
    if (!x->schema || !x->columns)
        return sl_err_nomem(err, "state");
    for (int c = 0; rc >= 0 && c < n; c++) {
        struct sl_type t = c < a->nkeys ? a->groups.cells[c].type : sl_type_of(SL_BYTEA);
        int len = snprintf(name, sizeof(name), "%c%d", c < a->nkeys ? 'k' : 'a', c);
        rc = sl_schema_add(x->schema, name, (size_t)len, t, err);
        sl_builder_init(&x->columns[x->ncolumns++], t, NULL, 0); /* on its way out */
    }
    return rc < 0 ? rc : 0;
}

static int export_flush(struct export *x, struct sl_err *err)
{
    if (!x->rows)
        return 0;
    struct sl_batch *b = sl_batch_new(x->schema, x->rows);
    int rc = b ? 0 : sl_err_nomem(err, "state");
    for (int c = 0; rc == 0 && c < x->ncolumns; c++) {
        b->columns[c] = sl_builder_finish(&x->columns[c], err);
        if (!b->columns[c])
            rc = -SL_ENOMEM;
    }
    if (rc == 0)
        rc = x->store->put(x->store, "groups", b, err);
    sl_batch_unref(b);
    x->rows = x->bytes = 0;
    return rc < 0 ? rc : 0;
}

/* One group, in as many rows as its largest state has pieces. */
static int export_group(struct export *x, uint32_t group, uint64_t *cursors, struct sl_buf *piece,
                        struct sl_err *err)
{
    SL_CHECK_THAT(!x->a->nkeys || group < x->a->groups.n);
    struct sl_aggregate *a = x->a;
    int first = 1, more = 1;
    memset(cursors, 0, (size_t)a->naccs * sizeof(*cursors));
    while (more) {
        more = 0;
        for (int k = 0; k < a->nkeys; k++)
            sl_cells_build(&a->groups.cells[k], group, &x->columns[k]);
        for (int i = 0; i < a->naccs; i++) {
            struct sl_builder *b = &x->columns[a->nkeys + i];
            if (!first && !cursors[i]) {
                sl_builder_null(b);
                continue;
            }
            sl_buf_reset(piece);
            sl_acc_pack(a->accs[i], group, &cursors[i], piece);
            int rc = sl_buf_check(piece, err);
            if (rc < 0)
                return rc;
            sl_builder_bytes(b, piece->len ? piece->data : "", piece->len);
            x->bytes += piece->len;
            more |= cursors[i] != 0;
        }
        first = 0;
        if (++x->rows >= PIECE_ROWS || x->bytes >= PIECE_BYTES) {
            int rc = export_flush(x, err);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

int sl_aggregate_export(struct sl_aggregate *a, const struct sl_entry *e, size_t n,
                        struct sl_store *store, struct sl_err *err)
{
    struct export x;
    struct sl_buf piece = SL_BUF_INIT;
    uint64_t *cursors = sl_calloc((size_t)a->naccs + 1, sizeof(*cursors));
    int rc = export_init(&x, a, store, err);
    if (rc == 0 && !cursors)
        rc = sl_err_nomem(err, "state");
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = export_group(&x, e[i].a, cursors, &piece, err);
    if (rc == 0)
        rc = export_flush(&x, err);
    export_release(&x);
    sl_buf_release(&piece);
    free(cursors);
    return rc;
}

static int export_groups(struct sl_aggregate *a, int changes, struct sl_store *store,
                         struct sl_err *err)
{
    struct export x;
    struct sl_buf piece = SL_BUF_INIT;
    uint64_t *cursors = NULL;
    size_t n = a->nkeys ? a->groups.n : SL_MIN(a->reserved, (size_t)1);

    if (!a->nkeys && !a->naccs)
        return 0;
    int rc = export_init(&x, a, store, err);
    if (rc == 0 && !(cursors = sl_calloc((size_t)a->naccs + 1, sizeof(*cursors))))
        rc = sl_err_nomem(err, "state");
    for (uint32_t g = 0; rc == 0 && g < n; g++)
        if ((!changes || is_changed(a, g)) &&
            (!a->nkeys || sl_cells_state(&a->groups.cells[0], g) != SL_CELL_UNSET))
            rc = export_group(&x, g, cursors, &piece, err);
    if (rc == 0)
        rc = export_flush(&x, err);
    export_release(&x);
    sl_buf_release(&piece);
    free(cursors);
    return rc;
}

/* ---- groups in ---- */

/* What the groups of n rows were before is forgotten, once: they go on in other rows. */
static void begin_anew(struct sl_aggregate *a, const uint32_t *ids, size_t n)
{
    uint8_t *begun = a->changed.data;
    for (size_t r = 0; r < n; r++) {
        uint32_t g = ids ? ids[r] : 0;
        for (int i = 0; i < a->naccs && !begun[g]; i++)
            sl_acc_reset(a->accs[i], g);
        begun[g] = 1;
    }
}

static int absorb_rows(struct sl_aggregate *a, const struct sl_batch *b, const uint32_t *ids,
                       struct sl_err *err)
{
    assert(a->tracks);
    begin_anew(a, ids, b->rows);
    for (int i = 0; i < a->naccs; i++) {
        const struct sl_column *c = b->columns[a->nkeys + i];
        for (size_t r = 0; r < b->rows; r++) {
            size_t n;
            if (sl_column_null(c, r))
                continue;
            const char *s = sl_column_bytes(c, r, &n);
            int rc = sl_acc_absorb(a->accs[i], ids ? ids[r] : 0, s, n, err);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

static int import_groups(struct sl_aggregate *a, struct sl_batch *b, struct sl_err *err)
{
    for (int c = 0; c < a->nkeys + a->naccs; c++) {
        struct sl_type t = b->schema->fields[c].type;
        struct sl_type want = c < a->nkeys ? a->groups.cells[c].type : sl_type_of(SL_BYTEA);
        if (!sl_type_equal(t, want))
            return sl_state_damaged("groups", err);
    }
    if (!a->nkeys) {
        int rc = sl_aggregate_admit(a, err);
        return rc < 0 ? rc : absorb_rows(a, b, NULL, err);
    }
    for (size_t r = 0; a->windowed && r < b->rows; r++)
        if (sl_column_null(b->columns[0], r))
            return sl_state_damaged("groups", err);
    int rc = sl_vec_reserve(&a->ids, b->rows * 4, err);
    if (rc == 0)
        rc = sl_group_find(&a->groups, b->columns, b->rows, a->ids.data, err);
    if (rc == 0)
        rc = sl_aggregate_admit(a, err);
    return rc < 0 ? rc : absorb_rows(a, b, a->ids.data, err);
}

static int import_window(void *arg, const int64_t *v, struct sl_err *err)
{
    struct sl_aggregate *a = arg;
    int64_t start, end;
    size_t at;
    if (!a->windowed || !sl_window_around(&a->window, v[0], &start, &end) || start != v[0] ||
        v[1] < 0)
        return sl_state_damaged("windows", err);
    int rc = sl_aggregate_window(a, start, end, &at, err);
    if (rc == 0)
        a->windows[at].rows = v[1];
    return rc;
}

static int import_meta(void *arg, const int64_t *v, struct sl_err *err)
{
    struct sl_aggregate *a = arg;
    int stays = v[3] != 0;
    if (v[1] < 0 || (stays && !a->tracks))
        return sl_state_damaged("meta", err);
    if (!stays)
        sl_aggregate_clear(a);
    a->passed = v[0];
    a->watermark = SL_MAX(a->watermark, a->passed);
    a->held = v[1];
    a->ranker.next = v[2];
    sl_aggregate_sort_windows(a);
    sl_aggregate_forget(a, sl_aggregate_closed(a));
    return 0;
}

/* ---- the operator's calls ---- */

static int save_windows(struct sl_aggregate *a, int changes, struct sl_store *store,
                        struct sl_err *err)
{
    static const char *const names[] = {"start", "rows"};
    int64_t *v = sl_malloc((a->nwindows + 1) * 2 * sizeof(*v));
    size_t n = 0;
    if (!v)
        return sl_err_nomem(err, "state");
    for (size_t w = 0; w < a->nwindows; w++) {
        if (changes && !a->windows[w].changed)
            continue;
        v[2 * n] = a->windows[w].start;
        v[2 * n++ + 1] = a->windows[w].rows;
    }
    int rc = n ? sl_state_put(store, "windows", names, 2, v, n, err) : 0;
    free(v);
    return rc;
}

int sl_aggregate_save(struct sl_op *op, struct sl_store *store, struct sl_err *err)
{
    static const char *const names[] = {"watermark", "held", "arrived", "stays"};
    struct sl_aggregate *a = (struct sl_aggregate *)op;
    assert(sl_aggregate_is_sound(a));
    int changes = store->changes && a->tracks;
    int64_t meta[] = {a->passed, a->held, a->ranker.next, changes};
    int rc = sl_aggregate_ready(a, err);
    if (rc == 0)
        rc = sl_state_put(store, "meta", names, 4, meta, 1, err);
    if (rc == 0)
        rc = save_windows(a, changes, store, err);
    if (rc == 0)
        rc = export_groups(a, changes, store, err);
    return rc < 0 ? rc : track(a, 0, err);
}

int sl_aggregate_load(struct sl_op *op, struct sl_store *store, struct sl_err *err)
{
    struct sl_aggregate *a = (struct sl_aggregate *)op;
    uint64_t cursor = 0;
    struct sl_batch *b;
    int rc = sl_state_get(store, "meta", 4, import_meta, a, err);
    if (rc == 0)
        rc = sl_aggregate_ready(a, err);
    if (rc == 0)
        rc = track(a, 0, err);
    if (rc == 0)
        rc = sl_state_get(store, "windows", 2, import_window, a, err);
    while (rc == 0 && a->nkeys + a->naccs &&
           (rc = sl_state_next(store, "groups", &cursor, a->nkeys + a->naccs, &b, err)) > 0) {
        rc = import_groups(a, b, err);
        sl_batch_unref(b);
    }
    return rc < 0 ? rc : track(a, 0, err);
}

struct sl_op *sl_aggregate_split(const struct sl_op *op, struct sl_err *err)
{
    const struct sl_aggregate *a = (const struct sl_aggregate *)op;
    struct sl_aggregate_options o = {.parts = a->parts,
                                     .select = a->select,
                                     .by = a->by,
                                     .having = a->having,
                                     .sets = a->sets_text,
                                     .window = a->window_text,
                                     .lateness = a->lateness};
    struct sl_op *copy = sl_aggregate_new(&o, a->env, op->account, err);
    if (!copy)
        return NULL;
    /* Of one family: see the rule of emission. */
    struct sl_aggregate *c = (struct sl_aggregate *)copy;
    free(c->family);
    c->family = a->family;
    atomic_fetch_add(c->family, 1);
    return sl_op_bind_copy(copy, a->in, err);
}

#define SWAP(x, y)                                                                                 \
    do {                                                                                           \
        __typeof__(x) swapped_ = (x);                                                              \
        (x) = (y);                                                                                 \
        (y) = swapped_;                                                                            \
    } while (0)

/* Groups, their states and their windows change places. */
static void swap_groups(struct sl_aggregate *a, struct sl_aggregate *b)
{
    SWAP(a->groups, b->groups);
    SWAP(a->reserved, b->reserved);
    SWAP(a->accs, b->accs);
    SWAP(a->windows, b->windows);
    SWAP(a->nwindows, b->nwindows);
    SWAP(a->windows_cap, b->windows_cap);
    SWAP(a->window_mask, b->window_mask);
    SWAP(a->window_slots, b->window_slots);
    SWAP(a->unsorted, b->unsorted);
    SWAP(a->next, b->next);
    SWAP(a->changed, b->changed);
    SWAP(a->seed, b->seed);
    for (int i = 0; i < a->naccs; i++) {
        a->accs[i]->call = a->acc_call[i];
        b->accs[i]->call = b->acc_call[i];
    }
}

/* The groups of b join those of a. */
static int combine_groups(struct sl_aggregate *a, struct sl_aggregate *b, struct sl_err *err)
{
    uint32_t only = 0, *map = &only;
    size_t n = b->reserved;
    int rc = 0;
    if (!n)
        return 0;
    if (a->nkeys) {
        assert(n == b->groups.n);
        rc = sl_vec_reserve(&a->ids, n * 4, err);
        map = a->ids.data;
        if (rc == 0)
            rc = sl_group_combine(&a->groups, &b->groups, map, err);
    }
    if (rc == 0)
        rc = sl_aggregate_admit(a, err);
    for (int i = 0; rc == 0 && i < a->naccs; i++)
        rc = sl_acc_combine(a->accs[i], b->accs[i], map, n, err);
    for (size_t g = 0; rc == 0 && a->tracks && g < n; g++)
        if (map[g] != SL_GROUP_NONE)
            ((uint8_t *)a->changed.data)[map[g]] |= (uint8_t)is_changed(b, (uint32_t)g);
    return rc;
}

static int combine_windows(struct sl_aggregate *a, const struct sl_aggregate *b, struct sl_err *err)
{
    int rc = 0;
    for (size_t w = 0; rc == 0 && w < b->nwindows; w++) {
        size_t at;
        rc = sl_aggregate_window(a, b->windows[w].start, b->windows[w].end, &at, err);
        if (rc < 0)
            return rc;
        a->windows[at].rows += b->windows[w].rows;
        a->windows[at].changed |= b->windows[w].changed;
    }
    return rc;
}

int sl_aggregate_merge(struct sl_op *op, struct sl_op *other, struct sl_err *err)
{
    assert(op != other && op->class == other->class);
    struct sl_aggregate *a = (struct sl_aggregate *)op, *b = (struct sl_aggregate *)other;
    int rc = sl_aggregate_ready(a, err);
    if (rc == 0)
        rc = sl_aggregate_ready(b, err);
    if (rc == 0 && a->tracks)
        rc = track(b, 1, err);
    if (rc < 0)
        return rc;
    assert(a->naccs == b->naccs && a->op.account == b->op.account);
    if (b->reserved > a->reserved) /* the fewer join the more */
        swap_groups(a, b);
    rc = combine_groups(a, b, err);
    if (rc == 0)
        rc = combine_windows(a, b, err);
    if (rc < 0)
        return rc;
    a->watermark = SL_MAX(a->watermark, b->watermark);
    a->ranker.next = SL_MAX(a->ranker.next, b->ranker.next);
    a->held += b->held;
    sl_aggregate_clear(b);
    return 0;
}
