/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* Positions of inputs: found by name, kept in the order in which they were set. */
#include "rows.h"
#include "log/positions.h"

static void put(struct sl_positions *p, int id, int value)
{
    char name[32], text[32];
    snprintf(name, sizeof(name), "file:%d", id);
    snprintf(text, sizeof(text), "%d", value);
    CHECK_INT(sl_positions_set(p, name, text, strlen(text), &err), 0);
}

static const char *get(const struct sl_positions *p, int id)
{
    char name[32];
    snprintf(name, sizeof(name), "file:%d", id);
    const struct sl_position *x = sl_positions_find(p, name);
    return x ? x->value : "none";
}

int main(void)
{
    TEST("the newest value of each name is found, and nothing else")
    {
        struct sl_positions p = {0};
        CHECK_STR(get(&p, 1), "none");
        for (int round = 0; round < 3; round++)
            for (int i = 0; i < 1000; i++)
                put(&p, i, i + round);
        CHECK_INT(p.n, 1000);
        CHECK(p.cap <= 2048);
        CHECK_STR(get(&p, 0), "2");
        CHECK_STR(get(&p, 999), "1001");
        CHECK_STR(get(&p, 1000), "none");
        sl_positions_release(&p);
        CHECK_INT(p.n, 0);
    }
    TEST("they come in the order in which they were last set")
    {
        struct sl_positions p = {0};
        struct sl_buf order = SL_BUF_INIT;
        for (int i = 0; i < 5; i++)
            put(&p, i, i);
        put(&p, 1, 10);
        put(&p, 3, 30);
        put(&p, 1, 11);
        for (const struct sl_position *x = NULL; (x = sl_positions_next(&p, x));)
            sl_buf_printf(&order, "%s ", x->value);
        CHECK_STR(order.data, "0 2 4 30 11 ");
        sl_buf_release(&order);
        sl_positions_release(&p);
    }
    TEST("what a repair left unplaced stays so until it is settled")
    {
        struct sl_positions p = {0};
        CHECK(!sl_positions_are_unplaced(&p));
        CHECK_INT(sl_positions_set(&p, SL_POSITION_UNPLACED, "{}", 2, &err), 0);
        CHECK(sl_positions_are_unplaced(&p));
        sl_positions_remove(&p, SL_POSITION_UNPLACED);
        CHECK(!sl_positions_are_unplaced(&p));
        sl_positions_release(&p);
    }
    TEST("a position that is removed is gone, and all others are found")
    {
        struct sl_positions p = {0};
        char name[32];
        for (int i = 0; i < 1000; i++)
            put(&p, i, i);
        for (int i = 0; i < 1000; i += 3) {
            snprintf(name, sizeof(name), "file:%d", i);
            sl_positions_remove(&p, name);
            sl_positions_remove(&p, name); /* it is gone already */
        }
        CHECK_INT(p.n, 666);
        for (int i = 0; i < 1000; i++)
            CHECK((strcmp(get(&p, i), "none") == 0) == (i % 3 == 0));
        put(&p, 3, 4);
        CHECK_STR(get(&p, 3), "4");
        sl_positions_release(&p);
    }
    return test_done();
}
