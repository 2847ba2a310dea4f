/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * positions: see positions.h. A list in the order of setting, and a hashed index into it: open
 * addressing, at most half full.
 *
 * A position that is set again moves to the end and leaves a gap. When the list is full the gaps are
 * closed; it grows only if that gave less than half of its room.
 */
#include "log/positions.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"

void sl_positions_release(struct sl_positions *p)
{
    for (int i = 0; i < p->end; i++) {
        free(p->list[i].id);
        free(p->list[i].value);
    }
    free(p->list);
    free(p->slots);
    *p = (struct sl_positions){0};
}

/* The slot of that name, or the free one where it belongs. No slot leads to a gap. */
static int *slot_of(const struct sl_positions *p, const char *id)
{
    int mask = 2 * p->cap - 1;
    assert(p->n < 2 * p->cap);
    assert(p->cap > 0 && (p->cap & (p->cap - 1)) == 0); /* a mask */
    for (int i = (int)(sl_hash_bytes(id, strlen(id), p->seed) & (uint64_t)mask);;
         i = (i + 1) & mask)
        if (!p->slots[i] || strcmp(p->list[p->slots[i] - 1].id, id) == 0)
            return &p->slots[i];
}

/* Closes the gaps, and makes room for more if that did not give enough. */
static int make_room(struct sl_positions *p, struct sl_err *err)
{
    int cap = p->n < p->cap / 2 ? p->cap : SL_MAX(2 * p->cap, 8), n = 0;
    assert(p->end == p->cap && p->n <= p->end);
    struct sl_position *list = sl_malloc((size_t)cap * sizeof(*list));
    int *slots = sl_calloc(2 * (size_t)cap, sizeof(*slots));
    if (!list || !slots) {
        free(list);
        free(slots);
        return sl_err_nomem(err, "positions");
    }
    for (int i = 0; i < p->end; i++)
        if (p->list[i].id)
            list[n++] = p->list[i];
    assert(n == p->n);
    free(p->list);
    free(p->slots);
    p->list = list;
    p->slots = slots;
    p->end = n;
    p->cap = cap;
    p->seed = p->seed ? p->seed : sl_hash_seed();
    for (int i = 0; i < n; i++)
        *slot_of(p, list[i].id) = i + 1;
    return 0;
}

int sl_positions_set(struct sl_positions *p, const char *id, const char *value, size_t len,
                     struct sl_err *err)
{
    assert(id && (value || !len));
    int rc = p->end == p->cap ? make_room(p, err) : 0;
    if (rc < 0)
        return rc;
    int *slot = slot_of(p, id);
    struct sl_position *old = *slot ? &p->list[*slot - 1] : NULL;
    struct sl_position new = {.value = sl_strndup(value, len), .len = len};
    new.id = old ? old->id : sl_strdup(id);
    if (!new.id || !new.value) {
        free(old ? NULL : new.id);
        free(new.value);
        return sl_err_nomem(err, "positions");
    }
    if (old) {
        free(old->value);
        *old = (struct sl_position){0};
    }
    p->n += !old;
    p->list[p->end++] = new;
    *slot = p->end;
    assert(p->n <= p->end && p->end <= p->cap);
    return 0;
}

void sl_positions_remove(struct sl_positions *p, const char *id)
{
    assert(id);
    int mask = 2 * p->cap - 1, *slot = p->n ? slot_of(p, id) : NULL;
    if (!slot || !*slot)
        return;
    struct sl_position *x = &p->list[*slot - 1];
    free(x->id);
    free(x->value);
    *x = (struct sl_position){0};
    p->n--;
    *slot = 0;
    /* Those behind it, up to a free slot, may have been put there because it was taken. */
    for (int i = (int)(slot - p->slots + 1) & mask; p->slots[i]; i = (i + 1) & mask) {
        int at = p->slots[i];
        p->slots[i] = 0;
        *slot_of(p, p->list[at - 1].id) = at;
    }
}

const struct sl_position *sl_positions_find(const struct sl_positions *p, const char *id)
{
    assert(id);
    int at = p->n ? *slot_of(p, id) : 0;
    return at ? &p->list[at - 1] : NULL;
}

const struct sl_position *sl_positions_next(const struct sl_positions *p,
                                            const struct sl_position *after)
{
    assert(!after || (after >= p->list && after < p->list + p->end));
    for (int i = after ? (int)(after - p->list) + 1 : 0; i < p->end; i++)
        if (p->list[i].id)
            return &p->list[i];
    return NULL;
}

int sl_positions_are_unplaced(const struct sl_positions *p)
{
    const struct sl_position *x = sl_positions_find(p, SL_POSITION_UNPLACED);
    return x && strcmp(x->value, "null") != 0;
}

int sl_positions_parse(struct sl_positions *p, const char *json, size_t n, struct sl_err *err)
{
    struct sl_buf id = SL_BUF_INIT;
    struct sl_json j;
    int token, rc = 0;
    sl_json_init(&j, json, n);
    token = n ? sl_json_next(&j, NULL) : SL_JSON_OBJECT;
    int fits = token == SL_JSON_OBJECT;
    while (n && fits && rc == 0 && (token = sl_json_next(&j, NULL)) == SL_JSON_KEY) {
        const char *value;
        size_t len;
        sl_buf_reset(&id);
        fits = sl_json_unescape(j.text, j.len, &id, NULL) == 0 && sl_json_next(&j, NULL) > 0 &&
               sl_json_skip(&j, &value, &len, NULL) == 0;
        sl_buf_addch(&id, '\0');
        if (fits)
            rc = sl_buf_check(&id, err);
        if (fits && rc == 0)
            rc = sl_positions_set(p, id.data, value, len, err);
    }
    sl_buf_release(&id);
    if (rc == 0 && n && (!fits || token != SL_JSON_OBJECT_END))
        rc = sl_err_set(err, SL_EFORMAT, "positions that are no object of names and values");
    return rc;
}

void sl_positions_print(const struct sl_positions *p, struct sl_buf *out)
{
    sl_buf_addch(out, '{');
    for (const struct sl_position *x = NULL; (x = sl_positions_next(p, x));) {
        if (out->len && out->data[out->len - 1] != '{')
            sl_buf_addch(out, ',');
        sl_buf_add_json(out, x->id, strlen(x->id));
        sl_buf_addch(out, ':');
        sl_buf_add(out, x->value, x->len);
    }
    sl_buf_addch(out, '}');
}
