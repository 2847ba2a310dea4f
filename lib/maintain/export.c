/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* export: a log as one Arrow IPC stream, see sluice-log(5), EXPORT. */
#include "base/compat.h"
#include <inttypes.h>
#include "ipc/control.h"
#include "maintain/maintain.h"
#include "maintain/mend.h"

struct exporting {
    struct sl_log *l;
    struct sl_schema *schema;
    struct sl_ipc_form form;
    struct sl_buf bytes;
    struct sl_buf positions, settings; /* as the log had them with the rows */
    int64_t rows;
    int (*write)(void *arg, const void *data, size_t n, struct sl_err *err);
    void *arg;
};

static int put(struct exporting *x, struct sl_err *err)
{
    int rc = sl_buf_check(&x->bytes, err);
    if (rc == 0)
        rc = x->write(x->arg, x->bytes.data, x->bytes.len, err);
    sl_buf_reset(&x->bytes);
    return rc;
}

static int begin(struct exporting *x, struct sl_err *err)
{
    struct sl_buf starts = SL_BUF_INIT;
    x->schema = sl_schema_copy(sl_log_schema(x->l));
    for (int i = 0; i < sl_log_partitions(x->l); i++)
        sl_buf_printf(&starts, "%s%" PRId64, i ? " " : "", sl_log_start(x->l, i));
    sl_positions_print(sl_log_positions(x->l), &x->positions);
    sl_positions_print(sl_log_settings(x->l), &x->settings);
    int rc = sl_buf_check(&starts, err);
    if (rc == 0)
        rc = sl_buf_check(&x->positions, err);
    if (rc == 0)
        rc = sl_buf_check(&x->settings, err);
    if (rc == 0 && (!x->schema || sl_schema_set_meta(x->schema, SL_META_END, "required") < 0 ||
                    sl_schema_set_meta(x->schema, SL_META_STARTS, starts.data) < 0))
        rc = sl_err_nomem(err, "a schema");
    sl_buf_release(&starts);
    if (rc == 0)
        rc = sl_ipc_form_init(&x->form, x->schema, err);
    x->form.zstd = 1;
    x->form.level = 1;
    if (rc == 0)
        rc = sl_ipc_encode_schema(x->schema, &x->form, &x->bytes, err);
    return rc < 0 ? rc : put(x, err);
}

static int put_batch(struct exporting *x, struct sl_log_chunk *c, struct sl_err *err)
{
    struct sl_log_chunk_info info = sl_log_chunk_info(c);
    const struct sl_control control = {.kind = SL_CONTROL_ROWS, .watermark = SL_TIME_MIN};
    struct sl_buf line = SL_BUF_INIT;
    struct sl_batch *b = NULL;
    struct sl_ipc_layout layout;
    char place[64];
    int n = snprintf(place, sizeof(place), "%d:%" PRId64, info.partition, info.base);
    sl_control_print(&control, &line);
    const struct sl_ipc_meta meta[] = {{SL_IPC_KEY, line.data, line.len},
                                       {SL_META_PLACE, place, (size_t)n}};
    int rc = sl_buf_check(&line, err);
    if (rc == 0)
        rc = sl_log_chunk_decode(c, &b, err);
    if (rc == 0)
        rc = sl_ipc_encode_batch(b, &x->form, meta, 2, &x->bytes, &layout, NULL, err);
    if (rc == 0)
        x->rows += (int64_t)b->selected;
    sl_batch_unref(b);
    sl_buf_release(&line);
    return rc < 0 ? rc : put(x, err);
}

/* Each partition's reader has the ends of the same view: it is not refreshed unless a segment is gone. */
static int put_partition(struct exporting *x, const struct sl_log_range *ranges, int partition,
                         struct sl_err *err)
{
    const struct sl_log_read_options o = {.only = partition + 1, .ranges = ranges};
    struct sl_log_reader *r = NULL;
    struct sl_log_chunk *c;
    int rc = sl_log_reader_open(x->l, &o, &r, err);
    while (rc == 0 && (rc = sl_log_reader_next(r, &c, err)) == SL_LOG_CHUNK) {
        rc = put_batch(x, c, err);
        sl_log_chunk_free(c);
    }
    sl_log_reader_free(r);
    return rc < 0 ? rc : 0;
}

static int put_partitions(struct exporting *x, struct sl_err *err)
{
    int n = sl_log_partitions(x->l), rc = 0;
    struct sl_log_range *ranges = sl_calloc((size_t)n, sizeof(*ranges));
    if (!ranges)
        return sl_err_nomem(err, "exporting a log");
    for (int i = 0; i < n; i++)
        ranges[i] = (struct sl_log_range){sl_log_start(x->l, i), sl_log_end(x->l, i)};
    for (int i = 0; i < n && rc == 0; i++)
        rc = put_partition(x, ranges, i, err);
    free(ranges);
    return rc;
}

static int end(struct exporting *x, struct sl_err *err)
{
    const struct sl_control c = {
        .kind = SL_CONTROL_END, .rows = x->rows, .watermark = SL_TIME_MIN, .reason = SL_END_END};
    struct sl_buf line = SL_BUF_INIT;
    sl_control_print(&c, &line);
    const struct sl_ipc_meta meta[] = {{SL_IPC_KEY, line.data, line.len},
                                       {SL_META_INPUTS, x->positions.data, x->positions.len},
                                       {SL_META_SETTINGS, x->settings.data, x->settings.len}};
    int rc = sl_buf_check(&line, err);
    if (rc == 0)
        rc = sl_ipc_encode_control(x->schema, &x->form, meta, SL_COUNT(meta), &x->bytes, err);
    sl_ipc_encode_end(&x->bytes);
    sl_buf_release(&line);
    return rc < 0 ? rc : put(x, err);
}

int64_t sl_log_export(const char *path,
                      int (*write)(void *arg, const void *data, size_t n, struct sl_err *err),
                      void *arg, struct sl_err *err)
{
    assert(path && write);
    struct exporting x = {.write = write, .arg = arg};
    int rc = sl_log_open(path, &x.l, err);
    if (rc == 0)
        rc = begin(&x, err);
    if (rc == 0)
        rc = put_partitions(&x, err);
    if (rc == 0)
        rc = end(&x, err);
    sl_ipc_form_release(&x.form);
    sl_schema_unref(x.schema);
    sl_buf_release(&x.bytes);
    sl_buf_release(&x.positions);
    sl_buf_release(&x.settings);
    sl_log_free(x.l);
    return rc < 0 ? rc : x.rows;
}
