/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* text_source: the state of a text source; text_source.c only. */
#ifndef SL_IO_TEXT_SOURCE_H
#define SL_IO_TEXT_SOURCE_H

#include "io/internal.h"

struct text_mark { /* of a morsel */
    struct sl_fileid *identity;
    struct sl_mark mark;
    struct sl_text_map *map;
};

struct text_source {
    struct sl_source base;
    struct sl_input_options o;
    char **paths;
    struct sl_schema *types;
    struct sl_log *log; /* that is ingested into */
    struct sl_text_reader *reader;
    struct sl_text_scratch **scratch; /* one a worker */
    uint8_t *wanted;
    /* the file at hand */
    int file, at_end, need_header, resume;
    struct sl_bytes *bytes;
    struct sl_fileid *identity;
    struct sl_text_map *map;
    struct sl_buffer *block;
    size_t start, fill;
    struct sl_text_cut cut;
    int64_t byte, line, least_lines;
};

#endif
