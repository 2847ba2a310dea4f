/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* registry: the table of all operators, made from the list in registry.h. */
#include "op/registry.h"

#define SL_OP_ADDRESS(name) &sl_op_class_##name,
const struct sl_op_class *const sl_op_classes[] = {SL_OP_LIST(SL_OP_ADDRESS) NULL};
