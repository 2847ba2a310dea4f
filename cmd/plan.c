/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* plan: see plan.h. */
#include "plan.h"

#include "base/mem.h"
#include "io/open.h"

static int plan_open(struct sl_sink *s, struct sl_schema *schema, struct sl_err *err)
{
    (void)s, (void)schema, (void)err;
    return 0;
}

static int plan_write(struct sl_sink *s, struct sl_batch *b, void *encoded, struct sl_err *err)
{
    (void)s, (void)b, (void)encoded, (void)err;
    return SL_PUSH_OK;
}

static int plan_control(struct sl_sink *s, enum sl_directive d, const struct sl_control *c,
                        struct sl_err *err)
{
    (void)s, (void)d, (void)c, (void)err;
    return 0;
}

static void plan_free(struct sl_sink *s)
{
    free(s);
}

#define PLAN_CLASS(text)                                                                           \
    {                                                                                              \
        .name = text, .promise = SL_PROMISE_AT_LEAST, .open = plan_open, .write = plan_write,      \
        .control = plan_control, .free = plan_free                                                 \
    }

static const struct sl_sink_class to_log = PLAN_CLASS("log"), to_file = PLAN_CLASS("file"),
                                  to_stdout = PLAN_CLASS("standard output");

int sl_plan_sink(const char *dest, struct sl_sink **out, struct sl_err *err)
{
    struct sl_sink *s = sl_calloc(1, sizeof(*s));
    if (!s)
        return sl_err_nomem(err, "making the plan");
    int plain = !dest || strcmp(dest, "-") == 0;
    s->class = plain ? &to_stdout : sl_output_is_log(dest) ? &to_log : &to_file;
    s->may_widen = s->class == &to_log;
    *out = s;
    return 0;
}
