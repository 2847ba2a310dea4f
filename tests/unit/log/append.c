/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* Appending and reading back. */
#include "rows.h"

int main(void)
{
    make_scratch();
    TEST("rows of a commit come back, value for value")
    {
        const char *path = in_scratch("one");
        struct sl_log_writer *w = open_writer(path, NULL);
        CHECK(w != NULL);
        CHECK(good(append_rows(w, 0, 0, 0, 1)));
        CHECK_INT(count_rows(path, 0), 1);
        CHECK(good(append_rows(w, 0, 0, 1, 10)));
        CHECK(good(append_rows(w, 0, 0, 11, 20000)));
        CHECK(good(append_rows(w, 0, 0, 20011, 3)));
        CHECK_INT(count_rows(path, 0), 20014);
        CHECK(good(sl_log_writer_close(w, &err)));
        CHECK_INT(count_rows(path, 0), 20014);
        CHECK_INT(sl_log_verify(path, NULL, NULL, &err), 0);
    }
    remove_scratch();
    return test_done();
}
