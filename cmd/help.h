/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* help: what `sluice` and `sluice CMD -h` say, from the tables of options. */
#ifndef SL_CMD_HELP_H
#define SL_CMD_HELP_H

#include <stdio.h>
#include "command.h"

void sl_help_all(FILE *out);                             /* the commands, grouped */
void sl_help_command(const struct sl_cmd *c, FILE *out); /* one screen */

#endif
