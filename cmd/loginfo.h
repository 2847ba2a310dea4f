/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* loginfo: what `sluice log info` prints. */
#ifndef SL_CMD_LOGINFO_H
#define SL_CMD_LOGINFO_H

#include "command.h"

int sl_cmd_log_info(const struct sl_cmd *cmd, const char *path); /* the exit status */

#endif
