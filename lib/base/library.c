/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* library: see library.h. The table is written before `found` says so, under the lock, once. */
#include "base/library.h"
#include <dlfcn.h>

/* 1: the table is whole; 0: there is no such library, or it is another than was thought. */
static int open_and_fill(struct sl_library *l)
{
    void *handle = dlopen(l->file, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        return 0;
    for (size_t i = 0; i < l->n; i++) {
        void *f = dlsym(handle, l->symbols[i].name);
        if (!f) {
            dlclose(handle);
            return 0;
        }
        memcpy((char *)l->table + l->symbols[i].at, &f, sizeof f);
    }
    return 1;
}

int sl_library_need(struct sl_library *l, const char *what, struct sl_err *err)
{
    assert(what);
    int found = atomic_load_explicit(&l->found, memory_order_acquire);
    if (!found) {
        pthread_mutex_lock(&l->lock);
        found = atomic_load_explicit(&l->found, memory_order_relaxed);
        if (!found) {
            found = open_and_fill(l) ? 1 : -1;
            atomic_store_explicit(&l->found, found, memory_order_release);
        }
        pthread_mutex_unlock(&l->lock);
    }
    if (found > 0)
        return 0;
    int rc = sl_err_set(err, SL_EUNSUPPORTED, "%s needs %s", what, l->file);
    sl_err_hint(err, "apt install %s", l->package);
    return rc;
}
