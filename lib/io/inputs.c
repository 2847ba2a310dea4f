/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * inputs: several sources of one command as inputs, each of one kind.
 *
 * Files of text that stand beside each other are one input: they have one header form and one set of
 * types, and are read one after the other. A log, and a file of frames, is one by itself; so is a pipe
 * where such stand beside it, for it may be frames too.
 */
#include "base/compat.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "io/connect.h"

enum kind { TEXT, PIPE, FRAMES, LOG };

static enum kind kind_of(const struct sl_input_options *o, const char *path)
{
    struct stat st;
    char head[8];
    if (strcmp(path, "-") == 0)
        return PIPE;
    if (sl_path_is_log(path))
        return LOG;
    if (o->format && strcmp(o->format, "arrow") == 0)
        return FRAMES;
    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
        return PIPE;
    if (o->format)
        return TEXT;
    if (sl_text_format_of_path(path) == SL_TEXT_ARROW)
        return FRAMES;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);
    if (fd >= 0)
        close(fd);
    return n > 0 && sl_text_format_of_bytes(head, (size_t)n) == SL_TEXT_ARROW ? FRAMES : TEXT;
}

int sl_input_group(const struct sl_input_options *o, int from, int *mixed)
{
    assert(o && from >= 0 && (from < o->npaths || !from));
    int n = 1;
    *mixed = 0;
    for (int i = 0; i < o->npaths && !*mixed; i++)
        *mixed = o->npaths > 1 && kind_of(o, o->paths[i]) >= FRAMES;
    if (!*mixed)
        return o->npaths - from;
    while (kind_of(o, o->paths[from]) == TEXT && from + n < o->npaths &&
           kind_of(o, o->paths[from + n]) == TEXT)
        n++;
    return n;
}
