/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* plan: the sink of --explain. It binds like any other and touches nothing. */
#ifndef SL_CMD_PLAN_H
#define SL_CMD_PLAN_H

#include "flow/sink.h"

int sl_plan_sink(const char *dest, struct sl_sink **out, struct sl_err *err);

#endif
