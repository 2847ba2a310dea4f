/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * text_known: the files that a run has read so far, by what they held.
 *
 * What a log has of a file is looked up in the positions that it had when the run began. Rows of this
 * run are not among them, so a file that comes again within it (by another name, as a copy, packed)
 * is found here. Call order: remember a file when it is left, recall when another one is opened.
 */
#include "base/compat.h"
#include "file/bytes.h"
#include "file/fileid.h"
#include "io/text_source.h"

int64_t sl_textin_unpacked_length(const char *path)
{
    struct sl_bytes *b;
    char data[16384];
    int64_t n = 0;
    size_t got;
    if (sl_bytes_open(path, 0, -1, &b, NULL) < 0)
        return -1;
    int rc;
    while ((rc = sl_bytes_read(b, data, sizeof(data), &got, NULL)) == SL_BYTES_DATA)
        n += (int64_t)got;
    sl_bytes_free(b);
    return rc == SL_BYTES_END ? n : -1;
}

int sl_textin_may_be_chance(int64_t bytes, const char *path)
{
    return bytes < SL_TEXTIN_EVIDENCE && sl_textin_unpacked_length(path) != bytes;
}

int sl_textin_remember(struct text_source *t, struct sl_fileid *identity,
                       const struct sl_file_mark *mark, struct sl_err *err)
{
    for (int i = 0; i < t->nknown; i++)
        if (t->known[i].identity == identity) {
            t->known[i].mark = *mark;
            return 0;
        }
    struct text_known *k = sl_realloc(t->known, ((size_t)t->nknown + 1) * sizeof(*k));
    if (!k)
        return sl_err_nomem(err, "files that were read");
    t->known = k;
    k[t->nknown++] = (struct text_known){sl_fileid_ref(identity), *mark};
    return 0;
}

int sl_textin_recall(struct text_source *t, struct sl_fileid *i, const char **as,
                     struct sl_err *err)
{
    struct sl_head head = {.n = -1};
    int found = 0;
    for (int k = 0; k < t->nknown; k++) {
        const struct text_known *x = &t->known[k];
        if (x->mark.byte <= i->byte)
            continue;
        /* Packed files are compared by how they begin and how long they are. */
        if (x->identity->compressed && (!i->compressed || x->identity->size != i->size))
            continue;
        int rc = sl_fileid_is(x->identity, &x->mark, t->bytes, &head, err);
        if (rc < 0)
            return rc;
        if (rc == 0 || (x->identity->ino != i->ino &&
                        sl_textin_may_be_chance(x->mark.byte, sl_bytes_name(t->bytes))))
            continue;
        sl_fileid_continue(i, x->identity, &x->mark);
        if (as)
            *as = x->identity->path;
        found = 1;
    }
    return found;
}
