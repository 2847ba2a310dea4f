/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * oracle: aggregates of random rows, compared with what plain Python with exact fractions makes of
 * the same rows (oracle.py). Needs an interpreter in SLUICE_ORACLE.
 */
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../test.h"
#include "arrow/builder.h"
#include "arrow/hidden.h"
#include "base/hash.h"
#include "base/num.h"
#include "base/time.h"
#include "../op_texts.h"

extern char **environ;

enum { PARTS = 3, PER_BATCH = 400, FIELDS = 9 };

static struct sl_schema *schema;

static void make_schema(void)
{
    static const char *const names[] = {
        "ts", "k", "d", "n", "x", "m", SL_HIDDEN_WM, SL_HIDDEN_PARTITION, SL_HIDDEN_OFFSET};
    struct sl_type types[] = {
        sl_type_of(SL_TIMESTAMPTZ), sl_type_of(SL_TEXT),   sl_type_of(SL_TEXT),
        sl_type_of(SL_BIGINT),      sl_type_of(SL_DOUBLE), sl_type_numeric(12, 2),
        sl_type_of(SL_TIMESTAMPTZ), sl_type_of(SL_BIGINT), sl_type_of(SL_BIGINT)};
    schema = sl_schema_new();
    for (int c = 0; c < FIELDS; c++)
        CHECK(sl_schema_add(schema, names[c], strlen(names[c]), types[c], NULL) == 0);
    CHECK(sl_schema_set_meta(schema, SL_META_TIME, "ts") == 0);
    CHECK(sl_schema_set_meta(schema, SL_META_ORDER, "hidden") == 0);
}

static uint64_t seed_state;
static uint64_t rnd(void)
{
    return sl_hash_u64(++seed_state, 99);
}

static void put_text(struct sl_builder *b, FILE *f, uint64_t h, int kinds)
{
    char s[32];
    int n = snprintf(s, sizeof(s), "v%llu", (unsigned long long)(h % (uint64_t)kinds));
    if (h / 64 % 11 == 0) {
        sl_builder_null(b);
        fprintf(f, "\t\\N");
    } else {
        sl_builder_bytes(b, s, (size_t)n);
        fprintf(f, "\t%s", s);
    }
}

/* One row, into the builders and the oracle's file. */
static void put_row(struct sl_builder *b, FILE *f, int part, int64_t i, int64_t *newest)
{
    int64_t ts = 1700000000000000 + i * 300000 - (int64_t)(rnd() % 20000000);
    double x = (double)(int64_t)(rnd() % 2000001 - 1000000) / 997.0;
    if (rnd() % 4 == 0)
        x *= 1e12;

    fprintf(f, "%d\t%lld", part, (long long)i);
    sl_builder_int(&b[7], part);
    sl_builder_int(&b[8], i);
    if (*newest == INT64_MIN)
        sl_builder_null(&b[6]);
    else
        sl_builder_int(&b[6], *newest - 5 * SL_USEC_PER_SEC);
    if (rnd() % 50 == 0) {
        sl_builder_null(&b[0]);
        fprintf(f, "\t\\N");
    } else {
        sl_builder_int(&b[0], ts);
        fprintf(f, "\t%lld", (long long)ts);
        *newest = SL_MAX(*newest, ts);
    }
    put_text(&b[1], f, rnd(), 5);
    put_text(&b[2], f, rnd(), 9);
    int64_t n = (int64_t)(rnd() % 100) - 30;
    int64_t m = (int64_t)(rnd() % 1000000);
    if (rnd() % 9 == 0) {
        sl_builder_null(&b[3]);
        fprintf(f, "\t\\N");
    } else {
        sl_builder_int(&b[3], n);
        fprintf(f, "\t%lld", (long long)n);
    }
    if (rnd() % 9 == 0) {
        sl_builder_null(&b[4]);
        fprintf(f, "\t\\N");
    } else {
        sl_builder_double(&b[4], x);
        fprintf(f, "\t%a", x);
    }
    if (rnd() % 9 == 0) {
        sl_builder_null(&b[5]);
        fprintf(f, "\t\\N\n");
    } else {
        sl_builder_int(&b[5], m);
        fprintf(f, "\t%lld\n", (long long)m);
    }
}

struct result {
    struct sl_emit emit;
    FILE *f;
};

static void print_cell(struct sl_column *c, size_t row, struct sl_buf *line)
{
    if (sl_column_null(c, row)) {
        sl_buf_addstr(line, "\\N");
    } else if (c->type.kind == SL_TIMESTAMPTZ) {
        const struct sl_column *h;
        size_t k = sl_column_slot(c, row, &h);
        sl_buf_printf(line, "%lld", (long long)((const int64_t *)h->data)[k]);
    } else {
        sl_column_print(c, row, line);
    }
}

static int take(struct sl_emit *e, struct sl_batch *b, struct sl_err *err)
{
    struct sl_buf line = SL_BUF_INIT;
    for (size_t k = 0; k < b->selected; k++) {
        sl_buf_reset(&line);
        for (int c = 0; c < b->schema->nfields; c++) {
            if (c)
                sl_buf_addch(&line, '\t');
            CHECK(sl_column_load(b->columns[c], err) >= 0);
            print_cell(b->columns[c], sl_batch_row(b, k), &line);
        }
        fprintf(((struct result *)e)->f, "%s\n", line.data ? line.data : "");
    }
    sl_buf_release(&line);
    return 0;
}

static int drop(struct sl_emit *e, enum sl_aside_kind kind, struct sl_batch *b,
                const struct sl_aside_row *rows, size_t n, struct sl_err *err)
{
    (void)e, (void)kind, (void)b, (void)rows, (void)n, (void)err;
    return 0;
}

static void ignore(struct sl_emit *e, enum sl_fate fate, int64_t rows)
{
    (void)e, (void)fate, (void)rows;
}

static struct sl_batch *batch_of(FILE *f, int part, int64_t *at, int64_t *newest, int dict)
{
    struct sl_builder b[FIELDS];
    struct sl_batch *batch = sl_batch_new(schema, PER_BATCH);
    for (int c = 0; c < FIELDS; c++)
        sl_builder_init(&b[c], schema->fields[c].type, NULL, dict);
    for (int i = 0; i < PER_BATCH; i++)
        put_row(b, f, part, at[part]++, &newest[part]);
    for (int c = 0; c < FIELDS; c++) {
        batch->columns[c] = sl_builder_finish(&b[c], NULL);
        sl_builder_release(&b[c]);
    }
    return batch;
}

/* Runs the operator over rows that it makes on the way; 0 or the error's text on stdout. */
static int run(struct sl_op *op, int batches, const char *rows, const char *result)
{
    struct result r = {.emit = {.emit = take, .aside = drop, .fate = ignore},
                       .f = fopen(result, "w")};
    FILE *f = fopen(rows, "w");
    int64_t at[PARTS] = {0}, newest[PARTS] = {INT64_MIN, INT64_MIN, INT64_MIN};
    struct sl_schema *out = NULL;
    struct sl_err err;
    int rc = -1;

    sl_err_init(&err);
    if (f && r.f && op)
        rc = sl_op_schema(op, 0, schema, &out, &err);
    for (int i = 0; rc >= 0 && i < batches; i++) {
        struct sl_batch *b = batch_of(f, (int)(rnd() % PARTS), at, newest, i % 2);
        rc = sl_op_push(op, 0, b, i % 5 ? SL_MORE : SL_FLUSH, &r.emit, &err);
        sl_batch_unref(b);
    }
    if (rc >= 0)
        rc = sl_op_push(op, 0, NULL, SL_END, &r.emit, &err);
    if (rc < 0)
        printf("# %s\n", err.what);
    sl_schema_unref(out);
    sl_op_free(op);
    if (f)
        fclose(f);
    if (r.f)
        fclose(r.f);
    return rc;
}

static int compare(const char *python, const char *rows, const char *result, const char *mode)
{
    static const char here[] = __FILE__;
    char script[512];
    snprintf(script, sizeof(script), "%.*s.py", (int)(sizeof(here) - 3), here);
    char *argv[] = {(char *)python, script, (char *)rows, (char *)result, (char *)mode, NULL};
    pid_t pid;
    int status;
    fflush(stdout);
    if (posix_spawn(&pid, python, NULL, NULL, argv, environ) != 0)
        return -1;
    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define SELECT                                                                                     \
    "count(*), count(n), count(distinct n) as dn, sum(n), sum(x), sum(m), avg(n) as an, "          \
    "avg(x) as ax, min(k), max(k), min(x), max(n), p50(n), p99(x), "                               \
    "percentile_cont(0.3) within group (order by x) as pc, first(n), last(x), "                    \
    "count(*) filter (where n > 0) as up"

int main(void)
{
    static const struct {
        const char *mode, *by, *window;
        int batches;
    } cases[] = {{"total", NULL, NULL, 0},
                 {"total", NULL, NULL, 9},
                 {"keys", "k, d", NULL, 20},
                 {"bigint", "n", NULL, 11},
                 {"window", "d", "1 minute", 20}};
    const char *python = getenv("SLUICE_ORACLE");
    char dir[] = "/tmp/sluice-oracle-XXXXXX", rows[64], result[64];
    static char name[64];

    if (!python || !mkdtemp(dir)) {
        TEST("aggregates against an oracle")
        SKIP("SLUICE_ORACLE names no interpreter");
        return test_done();
    }
    snprintf(rows, sizeof(rows), "%s/rows", dir);
    snprintf(result, sizeof(result), "%s/result", dir);
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        test_finish();
        snprintf(name, sizeof(name), "aggregates of %d rows, %s", cases[i].batches * PER_BATCH,
                 cases[i].mode);
        TEST(name)
        {
            static const char *const select[] = {SELECT};
            struct sl_expr_env env = {0};
            struct sl_err err;
            struct text_aggregate_options o = {.select = select,
                                               .nselect = 1,
                                               .by = &cases[i].by,
                                               .nby = cases[i].by != NULL,
                                               .window = cases[i].window,
                                               .lateness = 2 * SL_USEC_PER_SEC};
            sl_err_init(&err);
            seed_state = i * 1000000;
            make_schema();
            CHECK(run(text_aggregate(&o, &env, NULL, &err), cases[i].batches, rows, result) >= 0);
            CHECK_INT(compare(python, rows, result, cases[i].mode), 0);
            sl_schema_unref(schema);
        }
    }
    unlink(rows);
    unlink(result);
    rmdir(dir);
    return test_done();
}
