/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * oracle: our streams against pyarrow and polars (tests/oracle/arrow_roundtrip.py, whose TAP
 * becomes ours). SLUICE_ORACLE names the Python that has both; without it there is nothing to
 * compare with. Run from the top of the source tree.
 */
#include <unistd.h>

#include "../test.h"

int main(int argc, char **argv)
{
    const char *python = getenv("SLUICE_ORACLE"), *slash = strrchr(argc ? argv[0] : "", '/');
    char script[] = "tests/oracle/arrow_roundtrip.py", tool[4096];
    if (!python || !*python) {
        printf("1..0 # skip SLUICE_ORACLE is not set\n");
        return 0;
    }
    if (access(script, R_OK) != 0) {
        printf("1..0 # skip not run from the top of the source tree\n");
        return 0;
    }
    snprintf(tool, sizeof tool, "%.*sipc_cat", slash ? (int)(slash - argv[0] + 1) : 0, argv[0]);
    execl(python, python, script, tool, (char *)NULL);
    printf("Bail out! %s: %s\n", python, strerror(errno));
    return 1;
}
