/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* machine: see machine.h. What cannot be learned is taken as not limited. */
#include "base/compat.h"

#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/num.h"
#include "base/path.h"
#include "machine.h"

#define CGROUP "/sys/fs/cgroup"

int sl_machine_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n < 4096 ? (int)n : 1;
}

/* The least memory.max on the way from our control group (version 2) to the root. */
static int64_t cgroup_limit(void)
{
    struct sl_buf own = SL_BUF_INIT, file = SL_BUF_INIT, path = SL_BUF_INIT;
    int64_t least = INT64_MAX, value;
    const char *group = NULL;
    if (sl_path_read_file("/proc/self/cgroup", 65536, &own, NULL) == 0)
        group = strstr(own.data ? own.data : "", "0::/");
    size_t len = group ? strcspn(group + 3, "\n") : 0;
    while (group) {
        sl_buf_reset(&path);
        sl_buf_reset(&file);
        sl_buf_printf(&path, CGROUP "%.*s/memory.max", (int)len, group + 3);
        if (path.data && sl_path_read_file(path.data, 64, &file, NULL) == 0 && file.len > 1 &&
            sl_num_parse_int(file.data, file.len - 1, &value) && value > 0)
            least = SL_MIN(least, value);
        if (len <= 1)
            break;
        while (len > 1 && group[3 + len - 1] != '/')
            len--;
        len--;
    }
    sl_buf_release(&own);
    sl_buf_release(&file);
    sl_buf_release(&path);
    return least;
}

int64_t sl_machine_memory(void)
{
    int64_t pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    int64_t all = pages > 0 && size > 0 ? pages * size : INT64_MAX;
    int64_t group = cgroup_limit();
    return SL_MIN(all, group);
}

int sl_machine_width(int fd)
{
    struct winsize w;
    if (!isatty(fd))
        return 0;
    return ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
}
