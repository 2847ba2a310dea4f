/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* A set of segments by their names. */
#include "rows.h"
#include "log/segset.h"

/* A name that no two numbers share: segments of a few partitions, or of one offset, as in a log. */
static struct sl_seg_key key_of(int kind, int i)
{
    if (kind == 0)
        return (struct sl_seg_key){.partition = i, .base = 0, .by = 2};
    if (kind == 1)
        return (struct sl_seg_key){.partition = 3, .base = (int64_t)i << 16, .by = 7};
    return (struct sl_seg_key){.partition = 0, .base = 100, .by = 1 + i};
}

int main(void)
{
    TEST("what was added is found with what is kept of it, nothing else is")
    {
        struct sl_segset s = {0};
        CHECK(!sl_segset_find(&s, key_of(0, 0)));
        for (int kind = 0; kind < 3; kind++) {
            for (int i = 1; i <= 1000; i++)
                sl_segset_add(&s, key_of(kind, i))->at = kind * 10000 + i;
        }
        CHECK_INT(s.n, 3000);
        for (int kind = 0; kind < 3; kind++) {
            for (int i = 1; i <= 1000; i++) {
                struct sl_segset_item *it = sl_segset_find(&s, key_of(kind, i));
                CHECK(it && it->at == kind * 10000 + i && it->fd == -1);
            }
            CHECK(!sl_segset_find(&s, key_of(kind, 1001)));
        }
        sl_segset_reset(&s);
        CHECK(!sl_segset_find(&s, key_of(0, 1)));
        CHECK_INT(s.n, 0);
        sl_segset_release(&s);
    }
    TEST("a look-up costs the same among 60,000 as among a few")
    {
        enum { MANY = 60000 };
        for (int kind = 0; kind < 3; kind++) {
            struct sl_segset s = {0};
            for (int i = 0; i < MANY; i++)
                sl_segset_add(&s, key_of(kind, i));
            s.probes = 0;
            for (int i = 0; i < 2 * MANY; i++)
                sl_segset_find(&s, key_of(kind, i));
            CHECK(s.probes < 3 * 2 * MANY);
            sl_segset_release(&s);
        }
    }
    return test_done();
}
