/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * registry: the list of operators, and the only way to make one.
 *
 * A class is declared by its line in SL_OP_LIST and nowhere else. An operator's file defines it with
 * SL_OP_CLASS(name), which does not compile without that declaration; a line without a definition
 * does not link, because registry.c takes its address. The contract test walks sl_op_classes and
 * refuses a class for which it has no examples, so that no operator escapes it.
 *
 * To add an operator: a line here, a file NAME.c with SL_OP_CLASS(NAME) and its constructor, the
 * constructor's prototype in op/ops.h, examples in tests/unit/op/examples.h.
 */
#ifndef SL_OP_REGISTRY_H
#define SL_OP_REGISTRY_H

#include "op/op.h"

#define SL_OP_LIST(X)                                                                              \
    X(filter)                                                                                      \
    X(project)                                                                                     \
    X(aggregate)                                                                                   \
    X(sort)                                                                                        \
    X(limit)                                                                                       \
    X(last)                                                                                        \
    X(timed)                                                                                       \
    X(merge)

#define SL_OP_DECLARE(name) extern const struct sl_op_class sl_op_class_##name;
SL_OP_LIST(SL_OP_DECLARE)
#undef SL_OP_DECLARE

/* Head of a class's definition: typeof needs the declaration above. */
#define SL_OP_CLASS(name) const __typeof__(sl_op_class_##name) sl_op_class_##name

#endif
