/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* Other programs: the reader of committed rows that sluice-log(5) shows, run by pyarrow. */
#include "rows.h"

/* The lines of the manual, and a sum over what they give. */
static const char program[] =
    "import glob, json, sys, pyarrow as pa, pyarrow.compute as pc\n"
    "log = sys.argv[1]\n"
    "lines = open(max(glob.glob(log + '/commits/*.jsonl')), 'rb').read().split(b'\\n')[:-1]\n"
    "segments = {(s['p'], s['base'], s['by']): s for x in lines"
    " for s in json.loads(x).get('segments', [])}\n"
    "tables = [pa.ipc.open_stream(open(log + '/%04d/%020d-%d.arrows' % k, 'rb').read(s['bytes']))"
    ".read_all() for k, s in sorted(segments.items()) if 'dropped' not in s]\n"
    "n = sum(t.num_rows for t in tables)\n"
    "total = sum(pc.sum(t['n']).as_py() for t in tables)\n"
    "price = sum(pc.sum(t['price'].cast(pa.decimal128(30, 2))).as_py() for t in tables)\n"
    "names = [x for t in tables for x in t['name'].to_pylist()]\n"
    "good = all(x == (None if i % 5 == 4 else 'name %d' % (i % 17)) for i, x in enumerate(names))\n"
    "meta = tables[0].schema.metadata\n"
    "for k, s in segments.items():\n"
    "    if 'closed' in s:\n"
    "        whole = pa.ipc.open_stream(log + '/%04d/%020d-%d.arrows' % k).read_all()\n"
    "        good = good and whole.num_rows == s['end'] - s['base']\n"
    "print(n, total, price, good, len(tables) > 2, meta[b'sluice.format'].decode(),"
    " meta[b'sluice.time'].decode())\n";

int main(void)
{
    const char *python = getenv("SLUICE_ORACLE");
    make_scratch();
    TEST("pyarrow reads what is committed, value for value")
    {
        const char *path = in_scratch("views");
        struct sl_log_options o = {.sync = SL_SYNC_NONE, .segment_bytes = 100000};
        struct sl_log_writer *w = open_writer(path, &o);
        int64_t n = 0;
        int rows[] = {1, 20000, 5, 3000, 20000, 17, 20000, 1};
        for (size_t i = 0; i < SL_COUNT(rows); n += rows[i++])
            CHECK(good(append_rows(w, 0, 0, n, rows[i])));
        CHECK(good(sl_log_writer_close(w, &err)));
        if (!python) {
            SKIP("SLUICE_ORACLE names no python with pyarrow");
        } else {
            char out[400], got[200] = "", want[200];
            snprintf(out, sizeof(out), "%s/out", scratch);
            fflush(stdout);
            pid_t pid = fork();
            if (pid == 0) {
                int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0666);
                dup2(fd, 1);
                execl(python, python, "-c", program, path, (char *)NULL);
                _exit(127);
            }
            int status;
            CHECK(waitpid(pid, &status, 0) == pid && status == 0);
            FILE *f = fopen(out, "r");
            CHECK(f && fgets(got, sizeof(got), f));
            if (f)
                fclose(f);
            int64_t total = n * (n - 1) / 2;
            snprintf(want, sizeof(want),
                     "%" PRId64 " %" PRId64 " %" PRId64 ".%02d True True 1 ts\n", n, total,
                     total * 7 / 100, (int)(total * 7 % 100));
            CHECK_STR(got, want);
        }
    }
    remove_scratch();
    return test_done();
}
