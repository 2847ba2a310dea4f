/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* ipc_schema: the frame of a message, and the schema message. */
#include "ipc/ipc_write.h"

/* ---- frames ---- */

void sl_ipc_frame_begin(struct sl_ipc_frame *f, struct sl_buf *out, int header, int has_meta)
{
    assert(f && out);
    static const uint8_t prefix[8] = {0xff, 0xff, 0xff, 0xff}; /* and the length, filled in later */
    struct sl_fb_slot slots[] = {
        {.field = FB_MESSAGE_BODY, .width = 8},
        {.field = FB_MESSAGE_HEADER, .width = 4},
        {.field = FB_MESSAGE_VERSION, .width = 2, .value = METADATA_V5},
        {.field = FB_MESSAGE_TYPE, .width = 1, .value = header},
        {.field = FB_MESSAGE_META, .width = 4},
    };
    f->start = out->len;
    sl_buf_add(out, prefix, sizeof prefix);
    sl_fb_begin(&f->w, out);
    sl_fb_point(&f->w, 0, sl_fb_table(&f->w, slots, (int)SL_COUNT(slots) - !has_meta));
    f->body_hole = slots[0].hole;
    f->header = slots[1].hole;
    f->meta_hole = has_meta ? slots[4].hole : 0;
    f->body = 0;
}

/* A key and its value, as the table that the hole points to. Where the value begins. */
static size_t put_pair(struct sl_fb_writer *w, size_t hole, const char *key, size_t nkey,
                       const char *value, size_t nvalue)
{
    struct sl_fb_slot slots[] = {{.field = FB_KV_KEY, .width = 4},
                                 {.field = FB_KV_VALUE, .width = 4}};
    sl_fb_point(w, hole, sl_fb_table(w, slots, 2));
    sl_fb_put_string(w, slots[0].hole, key, nkey);
    return sl_fb_put_string(w, slots[1].hole, value, nvalue);
}

size_t sl_ipc_frame_meta(struct sl_ipc_frame *f, const struct sl_ipc_meta *meta, int n)
{
    assert(meta || !n);
    size_t first = 0, vector = n ? sl_fb_put_vector(&f->w, f->meta_hole, (size_t)n, 4, 4) : 0;
    for (int i = 0; i < n; i++) {
        size_t at = put_pair(&f->w, vector + 4 * (size_t)i, meta[i].key, strlen(meta[i].key),
                             meta[i].value, meta[i].len);
        first = i ? first : f->w.base + at;
    }
    return first;
}

void sl_ipc_frame_body(struct sl_ipc_frame *f)
{
    struct sl_buf *out = f->w.out;
    sl_fb_end(&f->w);
    f->body = out->len;
    uint32_t len = (uint32_t)(f->body - f->w.base);
    if (!out->failed)
        memcpy(out->data + f->start + 4, &len, sizeof len);
}

void sl_ipc_frame_end(struct sl_ipc_frame *f)
{
    assert(f->body || f->w.out->failed);
    sl_fb_set_i64(&f->w, f->body_hole, (int64_t)(f->w.out->len - f->body));
}

void sl_ipc_encode_end(struct sl_buf *out)
{
    static const uint8_t end[8] = {0xff, 0xff, 0xff, 0xff};
    sl_buf_add(out, end, sizeof end);
}

/* ---- types ---- */

static const struct sl_foreign_pair json_pairs[] = {
    {(char *)IPC_EXTENSION, (char *)IPC_EXTENSION_JSON, sizeof IPC_EXTENSION - 1,
     sizeof IPC_EXTENSION_JSON - 1},
    {(char *)"ARROW:extension:metadata", (char *)"", 24, 0},
};
static const struct sl_foreign_pair valueless_pairs[] = {
    {(char *)IPC_VALUES, (char *)IPC_VALUES_NONE, sizeof IPC_VALUES - 1,
     sizeof IPC_VALUES_NONE - 1},
};

/* A type of sluice's as the Arrow schema describes it: into *own, or what a FOREIGN type holds. */
static const struct sl_foreign *describe(struct sl_type type, struct sl_foreign *own)
{
    memset(own, 0, sizeof *own);
    own->nullable = 1;
    switch (type.kind) {
    case SL_BOOL: own->arrow = SL_ARROW_BOOL; break;
    case SL_BIGINT:
        own->arrow = SL_ARROW_INT;
        own->bits = 64;
        own->is_signed = 1;
        break;
    case SL_DOUBLE:
        own->arrow = SL_ARROW_FLOAT;
        own->unit = 2;
        break;
    case SL_NUMERIC:
        own->arrow = SL_ARROW_DECIMAL;
        own->precision = type.precision;
        own->scale = type.scale;
        own->bits = 8 * (int)sl_type_width(type);
        break;
    case SL_TEXT:
        own->arrow = SL_ARROW_UTF8;
        if (sl_type_is_valueless(type)) {
            own->npairs = 1;
            own->pairs = (struct sl_foreign_pair *)valueless_pairs;
        }
        break;
    case SL_BYTEA: own->arrow = SL_ARROW_BINARY; break;
    case SL_TIMESTAMPTZ:
    case SL_WALLTIME:
        own->arrow = SL_ARROW_TIMESTAMP;
        own->unit = type.nsec ? SL_ARROW_NANO : SL_ARROW_MICRO;
        own->zone = type.kind == SL_TIMESTAMPTZ ? (char *)(uintptr_t) "UTC" : NULL;
        break;
    case SL_DATE: own->arrow = SL_ARROW_DATE; break;
    case SL_INTERVAL:
        own->arrow = SL_ARROW_INTERVAL;
        own->unit = 2;
        break;
    case SL_JSONB:
        own->arrow = SL_ARROW_UTF8;
        own->npairs = 2;
        own->pairs = (struct sl_foreign_pair *)json_pairs;
        break;
    default: return type.foreign;
    }
    return own;
}

/* Parameters of a type: slots 0 and up, as Schema.fbs numbers them. */
static void write_type(struct sl_fb_writer *w, size_t hole, const struct sl_foreign *f)
{
    struct sl_fb_slot s[3] = {{.field = 0}, {.field = 1}, {.field = 2}};
    int n = 0;
    switch ((enum sl_arrow_type)f->arrow) {
    case SL_ARROW_INT:
        s[n].width = 4, s[n++].value = f->bits;
        s[n].width = 1, s[n++].value = f->is_signed;
        break;
    case SL_ARROW_DECIMAL:
        s[n].width = 4, s[n++].value = f->precision;
        s[n].width = 4, s[n++].value = f->scale;
        s[n].width = 4, s[n++].value = f->bits;
        break;
    case SL_ARROW_TIME:
        s[n].width = 2, s[n++].value = f->unit;
        s[n].width = 4, s[n++].value = f->bits;
        break;
    case SL_ARROW_FLOAT:
    case SL_ARROW_DATE:
    case SL_ARROW_INTERVAL:
    case SL_ARROW_DURATION: s[n].width = 2, s[n++].value = f->unit; break;
    case SL_ARROW_TIMESTAMP:
    case SL_ARROW_UNION:
        s[n].width = 2, s[n++].value = f->unit;
        if (f->zone || f->type_ids)
            s[n++].width = 4;
        break;
    case SL_ARROW_FIXED_BINARY:
    case SL_ARROW_FIXED_LIST: s[n].width = 4, s[n++].value = f->width; break;
    case SL_ARROW_MAP: s[n].width = 1, s[n++].value = f->is_signed; break;
    default: break;
    }
    sl_fb_point(w, hole, sl_fb_table(w, s, n));
    if (f->arrow == SL_ARROW_TIMESTAMP && f->zone)
        sl_fb_put_string(w, s[1].hole, f->zone, strlen(f->zone));
    if (f->arrow == SL_ARROW_UNION && f->type_ids) {
        size_t at = sl_fb_put_vector(w, s[1].hole, (size_t)f->nchildren, 4, 4);
        for (int i = 0; i < f->nchildren; i++)
            sl_fb_set_i32(w, at + 4 * (size_t)i, f->type_ids[i]);
    }
}

/* ---- fields ---- */

static void write_pairs(struct sl_fb_writer *w, size_t hole, const struct sl_foreign_pair *pairs,
                        int n)
{
    size_t vector = sl_fb_put_vector(w, hole, (size_t)n, 4, 4);
    for (int i = 0; i < n; i++)
        put_pair(w, vector + 4 * (size_t)i, pairs[i].key, pairs[i].key_len, pairs[i].value,
                 pairs[i].value_len);
}

static void write_dictionary(struct sl_fb_writer *w, size_t hole, int code, int64_t id)
{
    struct sl_fb_slot slots[] = {{.field = FB_DICT_ID, .width = 8, .value = id},
                                 {.field = FB_DICT_INDEX, .width = 4}};
    struct sl_foreign index = {.arrow = SL_ARROW_INT, .bits = 8 * code, .is_signed = 1};
    sl_fb_point(w, hole, sl_fb_table(w, slots, 2));
    write_type(w, slots[1].hole, &index);
}

/* Recursion is as deep as the type (SL_FOREIGN_DEPTH). */
static void write_field(struct sl_fb_writer *w, size_t hole, const struct sl_foreign *f,
                        const char *name, int nullable, int code, int64_t id)
{
    struct sl_fb_slot slots[7] = {
        {.field = FB_FIELD_NAME, .width = 4},
        {.field = FB_FIELD_TYPE, .width = 4},
        {.field = FB_FIELD_CHILDREN, .width = 4}, /* readers want it even if it is empty */
        {.field = FB_FIELD_TYPE_TYPE, .width = 1, .value = f->arrow},
        {.field = FB_FIELD_NULLABLE, .width = 1, .value = nullable},
    };
    int n = 5, dictionary = 0, meta = 0;
    if (code)
        slots[dictionary = n++] = (struct sl_fb_slot){.field = FB_FIELD_DICTIONARY, .width = 4};
    if (f->npairs)
        slots[meta = n++] = (struct sl_fb_slot){.field = FB_FIELD_META, .width = 4};
    sl_fb_point(w, hole, sl_fb_table(w, slots, n));
    sl_fb_put_string(w, slots[0].hole, name ? name : "", name ? strlen(name) : 0);
    write_type(w, slots[1].hole, f);
    if (dictionary)
        write_dictionary(w, slots[dictionary].hole, code, id);
    int first = f->run_ends != NULL;
    size_t kids = sl_fb_put_vector(w, slots[2].hole, (size_t)(f->nchildren + first), 4, 4);
    if (first)
        write_field(w, kids, f->run_ends, f->run_ends->name, 0, 0, 0);
    for (int i = 0; i < f->nchildren; i++)
        write_field(w, kids + 4 * (size_t)(first + i), f->children[i], f->children[i]->name,
                    f->children[i]->nullable, 0, 0);
    if (meta)
        write_pairs(w, slots[meta].hole, f->pairs, f->npairs);
}

static void write_schema_meta(struct sl_fb_writer *w, size_t hole, const struct sl_schema *s)
{
    size_t vector = sl_fb_put_vector(w, hole, (size_t)s->nmeta, 4, 4);
    for (int i = 0; i < s->nmeta; i++)
        put_pair(w, vector + 4 * (size_t)i, s->meta[i].key, strlen(s->meta[i].key),
                 s->meta[i].value, strlen(s->meta[i].value));
}

int sl_ipc_encode_schema(const struct sl_schema *s, const struct sl_ipc_form *f, struct sl_buf *out,
                         struct sl_err *err)
{
    assert(sl_schema_is_sound(s) && f && out);
    assert(f->nfields == s->nfields);
    struct sl_ipc_frame frame;
    struct sl_fb_writer *w = &frame.w;
    struct sl_fb_slot slots[] = {{.field = FB_SCHEMA_ENDIAN, .width = 2},
                                 {.field = FB_SCHEMA_FIELDS, .width = 4},
                                 {.field = FB_SCHEMA_META, .width = 4}};
    sl_ipc_frame_begin(&frame, out, HEADER_SCHEMA, 0);
    sl_fb_point(w, frame.header, sl_fb_table(w, slots, 2 + (s->nmeta > 0)));
    size_t fields = sl_fb_put_vector(w, slots[1].hole, (size_t)s->nfields, 4, 4);
    for (int i = 0; i < s->nfields; i++) {
        struct sl_foreign own;
        write_field(w, fields + 4 * (size_t)i, describe(s->fields[i].type, &own), s->fields[i].name,
                    1, f->code[i], i);
    }
    if (s->nmeta)
        write_schema_meta(w, slots[2].hole, s);
    sl_ipc_frame_body(&frame);
    sl_ipc_frame_end(&frame);
    if (frame.body - frame.start > SL_IPC_META_MAX && !out->failed)
        return sl_err_set(err, SL_EUNSUPPORTED, "a schema of more than 16 MiB");
    return sl_buf_check(out, err);
}
