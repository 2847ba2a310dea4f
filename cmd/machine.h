/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* machine: how much of it this process may use. */
#ifndef SL_CMD_MACHINE_H
#define SL_CMD_MACHINE_H

#include "base/compat.h"

int sl_machine_cpus(void);       /* that this process may run on, >= 1 */
int64_t sl_machine_memory(void); /* bytes of the machine, or of the control group if less */
int sl_machine_width(int fd);    /* columns of the terminal at fd, 0 = it is none */

#endif
