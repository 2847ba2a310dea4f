/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * oracle: random expressions over random rows, compared with DuckDB (oracle.py), where the two agree
 * on what is meant. Needs an interpreter in SLUICE_ORACLE that has duckdb.
 *
 * Not drawn, since the two differ on purpose: division by zero (null there), half-way doubles,
 * positions before the first character, zones.
 */
#include <sys/wait.h>
#include <unistd.h>
#include "expr_test.h"

enum { ROWS = 40, EXPRESSIONS = 1500 };
enum want { BOOLEAN, BIGINT, NUMERIC, DOUBLE, TEXT, TIME };

static const char schema_text[] =
    "a bigint, b bigint, n numeric(12,2), d double precision, t text, "
    "u text, f boolean, g boolean, ts timestamp";
static const char duck_types[] =
    "bigint\tbigint\tdecimal(12,2)\tdouble\tvarchar\tvarchar\tboolean\t"
    "boolean\ttimestamp";
static const char *const kinds[] = {"boolean", "bigint", "numeric", "double", "text"};

static uint64_t seed = 20260304;

static unsigned draw(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

static void gen(struct sl_buf *b, enum want want, int depth);

/* Fills a template: B I N D T Z stand for expressions, # for a small number, anything else (and
 * all but # in quotes) itself. */
static void fill(struct sl_buf *b, const char *form, int depth)
{
    int quoted = 0;
    for (; *form; form++) {
        quoted ^= *form == '\'';
        switch (quoted && *form != '#' ? 0 : *form) {
        case 'B': gen(b, BOOLEAN, depth - 1); break;
        case 'I': gen(b, BIGINT, depth - 1); break;
        case 'N': gen(b, NUMERIC, depth - 1); break;
        case 'D': gen(b, DOUBLE, depth - 1); break;
        case 'T': gen(b, TEXT, depth - 1); break;
        case 'Z': gen(b, TIME, depth - 1); break;
        case '#': sl_buf_printf(b, "%u", draw(9) + 1); break;
        default: sl_buf_addch(b, *form);
        }
    }
}

static const char *const leaves[][10] = {
    {"f", "g", "true", "false", "(f is null)"},
    {"a", "b", "a", "0", "1", "(-7)", "42"},
    {"n", "n", "1.5", "(-0.25)", "100.00"},
    {"d", "d", "1.5::double precision", "(-2)::double precision"},
    {"t", "u", "t", "'ab'", "'Über'", "''", "'x,y,z'"},
    {"ts", "ts", "'2026-02-28 12:30:00'::timestamp", "'1999-12-31 23:59:59.5'::timestamp"},
};

static const char *const forms[][24] = {
    {"(B and B)",
     "(B or B)",
     "(not B)",
     "(I = I)",
     "(I < I)",
     "(I >= I)",
     "(N > N)",
     "(N <= I)",
     "(D < D)",
     "(D = D)",
     "(T = T)",
     "(T < T)",
     "(Z < Z)",
     "(B is true)",
     "(I is not distinct from I)",
     "(T is distinct from T)",
     "(I in (1, I, 42))",
     "(I between -# and #)",
     "(T like '%b%')",
     "(T not like '_b%')",
     "(T in ('ab', 'x', null))",
     "(T is not null)",
     "(case when B then B else B end)",
     "(D > N)"},
    {"(I + I)",
     "(I - I)",
     "(I * #)",
     "(I / #)",
     "(I % #)",
     "(- I)",
     "abs(I)",
     "length(T)",
     "coalesce(I, I)",
     "nullif(I, #)",
     "greatest(I, I)",
     "least(I, #)",
     "(case when B then I else I end)",
     "(case when B then I end)",
     "(case I when 1 then I else 7 end)",
     "extract(year from Z)",
     "extract(month from Z)",
     "extract(day from Z)",
     "extract(hour from Z)",
     "extract(dow from Z)",
     "extract(doy from Z)",
     "extract(week from Z)",
     "extract(minute from Z)",
     "extract(quarter from Z)"},
    {"(N + N)", "(N - N)", "(N + I)", "(n * #)", "(- N)", "abs(N)", "coalesce(N, N)",
     "(case when B then N else N end)", "greatest(N, N)", "round(n, 1)", "floor(n)", "ceil(n)",
     "(n * n)", "nullif(N, 1.5)"},
    {"(D + D)", "(D - D)", "(D * D)", "(- D)", "abs(D)", "I::double precision", "coalesce(D, D)",
     "(case when B then D else D end)", "(D / #)", "sqrt(abs(D))", "greatest(D, D)", "floor(D)",
     "ceil(D)", "(D + I)", "n::double precision"},
    {"lower(T)",
     "upper(T)",
     "(T || T)",
     "substr(T, #)",
     "substr(T, #, #)",
     "left(T, #)",
     "right(T, #)",
     "trim(T)",
     "replace(T, 'b', 'ZZ')",
     "coalesce(T, T)",
     "reverse(T)",
     "concat(T, 'x', T)",
     "split_part(T, ',', #)",
     "I::text",
     "(case when B then T else T end)",
     "nullif(T, 'ab')",
     "lpad(T, #, 'xy')",
     "rpad(T, #, '-')",
     "repeat(T, 2)",
     "ltrim(T, 'a')",
     "greatest(T, T)",
     "least(T, 'M')",
     "concat_ws('-', T, T)",
     "(T || I::text)"},
    {"date_trunc('hour', Z)", "date_trunc('day', Z)", "date_trunc('week', Z)",
     "date_trunc('month', Z)", "date_trunc('quarter', Z)", "date_trunc('year', Z)",
     "(Z + interval '# days')", "(Z - interval '# hours')", "(Z + interval '# months')",
     "coalesce(Z, Z)", "(case when B then Z else Z end)"},
};

static void gen(struct sl_buf *b, enum want want, int depth)
{
    const char *const *list = depth > 0 && draw(6) ? forms[want] : leaves[want];
    unsigned n = 0, max = list == forms[want] ? SL_COUNT(forms[0]) : SL_COUNT(leaves[0]);
    while (n < max && list[n])
        n++;
    fill(b, list[draw(n)], depth);
}

/* A random row: cells separated by '|' for us, tabs for the file. */
static void gen_row(struct sl_buf *ours, struct sl_buf *theirs)
{
    static const char *const texts[] = {"ab", "Über", "", "x,y,z", "abcab", "B", "ünb", "12"};
    static const char *const times[] = {"2026-01-31 10:20:30.123456", "1999-12-31 23:59:59.999999",
                                        "2024-02-29 00:00:00", "1969-12-31 12:00:00.5"};
    static const char *const doubles[] = {"1.5", "NaN", "-0.75", "1e10", "0", "123.456"};
    for (int k = 0; k < 9; k++) {
        char cell[64];
        unsigned r = draw(1000);
        switch (k) {
        case 0:
        case 1: snprintf(cell, sizeof(cell), "%d", (int)(r % 60) - 20); break;
        case 2: snprintf(cell, sizeof(cell), "%d.%02u", (int)(r % 200) - 100, draw(100)); break;
        case 3: snprintf(cell, sizeof(cell), "%s", doubles[r % SL_COUNT(doubles)]); break;
        case 4:
        case 5: snprintf(cell, sizeof(cell), "%s", texts[r % SL_COUNT(texts)]); break;
        case 6:
        case 7: snprintf(cell, sizeof(cell), "%s", r % 2 ? "true" : "false"); break;
        default: snprintf(cell, sizeof(cell), "%s", times[r % SL_COUNT(times)]);
        }
        int null = draw(6) == 0;
        sl_buf_printf(ours, "%s%s", k ? "|" : "", null ? "null" : cell);
        sl_buf_printf(theirs, "%s%s", k ? "\t" : "", null ? "\\N" : cell);
    }
    sl_buf_addch(ours, '\n');
    sl_buf_addch(theirs, '\n');
}

/* One line of the file: kind, text, our values. 0 if a row fails (an overflow). */
static int write_answer(FILE *out, struct sl_schema *s, struct sl_batch *const *batches,
                        const char *text, enum want want)
{
    struct sl_expr_env env = {TEST_NOW, NULL, NULL};
    struct sl_expr *e;
    struct sl_err err;
    struct sl_column *v[2] = {0};
    int ok = 1;
    if (text_expr(text, strlen(text), s, &env, &e, &err) < 0) {
        printf("# %s: %d: %s\n", text, err.column, err.what);
        CHECK(0);
        return 0;
    }
    struct sl_eval *ev = sl_eval_new(NULL, &err);
    for (int k = 0; k < 2 && ok; k++)
        ok = sl_expr_eval(ev, e, batches[k], &v[k], &err) >= 0;
    for (int k = 0; k < 2 && ok && want == BOOLEAN; k++)
        test_filter(e, batches[k], v[k]);
    if (ok) {
        fprintf(out, "%s\t%s", kinds[want], text);
        for (size_t i = 0; i < v[0]->rows; i++) {
            struct sl_buf x = SL_BUF_INIT, y = SL_BUF_INIT;
            if (sl_column_null(v[0], i))
                sl_buf_addstr(&x, "\\N");
            else
                sl_column_print(v[0], i, &x);
            if (sl_column_null(v[1], i))
                sl_buf_addstr(&y, "\\N");
            else
                sl_column_print(v[1], i, &y);
            if (x.len != y.len || (x.len && memcmp(x.data, y.data, x.len) != 0)) {
                printf("# %s: row %zu: %s plain, %s as dictionary\n", text, i, x.data, y.data);
                test_bad = 1;
            }
            fprintf(out, "\t%s", x.data ? x.data : "");
            sl_buf_release(&x);
            sl_buf_release(&y);
        }
        fputc('\n', out);
    }
    for (int k = 0; k < 2; k++)
        sl_column_unref(v[k]);
    sl_eval_free(ev);
    sl_expr_free(e);
    return ok;
}

static int run_python(const char *python, const char *script, const char *file)
{
    fflush(stdout);
    pid_t pid = fork();
    int status = -1;
    if (pid == 0) {
        execl(python, python, script, file, (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

static void compare(const char *python)
{
    char path[] = "/tmp/sluice-oracle-XXXXXX";
    int fd = mkstemp(path), answers = 0;
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    struct sl_buf ours = SL_BUF_INIT, theirs = SL_BUF_INIT;
    CHECK(out != NULL);
    if (!out)
        return;
    for (int i = 0; i < ROWS; i++)
        gen_row(&ours, &theirs);
    fprintf(out, "a\tb\tn\td\tt\tu\tf\tg\tts\n%s\n%s\n", duck_types, theirs.data);
    struct sl_schema *s = test_schema(schema_text);
    struct sl_batch *batches[2] = {test_batch(s, ours.data, SHAPE_PLAIN),
                                   test_batch(s, ours.data, SHAPE_DICT_ALL)};
    for (int i = 0; i < EXPRESSIONS; i++) {
        enum want want = (enum want)(i % 5);
        struct sl_buf text = SL_BUF_INIT;
        gen(&text, want, 1 + (int)draw(4));
        answers += write_answer(out, s, batches, text.data, want);
        sl_buf_release(&text);
    }
    CHECK(answers > EXPRESSIONS / 2);
    CHECK_INT(fclose(out), 0);
    int rc = run_python(python, "tests/unit/expr/oracle.py", path);
    if (rc == 77)
        SKIP("SLUICE_ORACLE has no duckdb");
    else
        CHECK_INT(rc, 0);
    if (!test_bad)
        unlink(path);
    else
        printf("# the questions are in %s\n", path);
    for (int k = 0; k < 2; k++)
        sl_batch_unref(batches[k]);
    sl_schema_unref(s);
    sl_buf_release(&ours);
    sl_buf_release(&theirs);
}

int main(void)
{
    const char *python = getenv("SLUICE_ORACLE");
    TEST("random expressions against DuckDB")
    {
        if (python && access("tests/unit/expr/oracle.py", R_OK) == 0)
            compare(python);
        else
            SKIP("SLUICE_ORACLE names no interpreter");
    }
    return test_done();
}
