/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* library: found, missing, and not what it was thought to be. */
#include "../test.h"
#include "base/buf.h"
#include "base/library.h"
#include "base/thread.h"

static struct {
    double (*cosine)(double);
    double (*sine)(double);
} table;

static const struct sl_symbol symbols[] = {
    SL_SYMBOL("cos", table, cosine),
    SL_SYMBOL("sin", table, sine),
};
static const struct sl_symbol odd[] = {
    SL_SYMBOL("cos", table, cosine),
    SL_SYMBOL("no_such_function_of_libm", table, sine),
};

static const char *line(const struct sl_err *err)
{
    static char out[512];
    struct sl_buf b = SL_BUF_INIT;
    sl_err_format(err, &b);
    snprintf(out, sizeof(out), "%s", b.data ? b.data : "");
    sl_buf_release(&b);
    return out;
}

struct caller {
    struct sl_task task;
    struct sl_library *library;
    int rc;
    double (*seen)(double);
};

static void call(struct sl_task *t, int worker SL_UNUSED)
{
    struct caller *c = (struct caller *)t;
    c->rc = sl_library_need(c->library, "a test", NULL);
    c->seen = table.sine;
}

int main(void)
{
    struct sl_err err;

    TEST("many threads that ask at once all find the whole table")
    {
        static struct sl_library m = SL_LIBRARY("libm.so.6", "libc6", symbols, &table);
        struct caller callers[16];
        struct sl_pool *pool = sl_pool_new(4, NULL);
        memset(callers, 0, sizeof(callers));
        for (size_t i = 0; pool && i < SL_COUNT(callers); i++) {
            callers[i].task.run = call;
            callers[i].library = &m;
            sl_pool_submit(pool, &callers[i].task);
        }
        for (size_t i = 0; pool && i < SL_COUNT(callers); i++) {
            sl_pool_wait(pool, &callers[i].task);
            CHECK_INT(callers[i].rc, 0);
            CHECK(callers[i].seen && callers[i].seen == table.sine);
        }
        CHECK(pool && table.cosine(0) == 1.0);
        sl_pool_free(pool);
    }
    TEST("a library that is missing is named, and its package")
    {
        static struct sl_library gone =
            SL_LIBRARY("libno-such-thing.so.9", "libthing9", symbols, &table);
        for (int i = 0; i < 2; i++) {
            CHECK_INT(sl_library_need(&gone, "a thing", &err), -SL_EUNSUPPORTED);
            CHECK_STR(line(&err), "a thing needs libno-such-thing.so.9; apt install libthing9");
        }
        CHECK_INT(sl_library_need(&gone, "a thing", NULL), -SL_EUNSUPPORTED);
    }
    TEST("a library that lacks one of the functions is as good as missing")
    {
        static struct sl_library other = SL_LIBRARY("libm.so.6", "libc6", odd, &table);
        CHECK_INT(sl_library_need(&other, "a thing", &err), -SL_EUNSUPPORTED);
        CHECK_STR(line(&err), "a thing needs libm.so.6; apt install libc6");
    }
    return test_done();
}
