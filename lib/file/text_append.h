/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* text_append: text behind text that a file holds. */
#ifndef SL_FILE_TEXT_APPEND_H
#define SL_FILE_TEXT_APPEND_H

#include "text/text.h"

/* May rows of this schema go behind what the file holds? *unended: its last line has no end. unended NULL:
 * how it ends is known, only its head is read. */
int sl_append_check(const char *path, const struct sl_text_write_options *wo,
                    struct sl_schema *rows, int *unended, struct sl_err *err);

#endif
