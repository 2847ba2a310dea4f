/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* args: see args.h. One line of help each: `-h` is to fit on a screen. */
#include "args.h"

#define AT(member) offsetof(struct sl_args, member)

#define FORMATS_IN  "csv tsv json combined common lines arrow regex:"
#define FORMATS_OUT "csv tsv json table arrow"

const struct sl_option sl_options_input[] = {
    {"input-format", 'I', SL_OPTION_TEXT, SL_COMPLETE_VALUES, "FORMAT",
     "csv tsv json combined common lines arrow regex:RE", AT(input_format), FORMATS_IN},
    {"delimiter", 0, SL_OPTION_TEXT, SL_COMPLETE_NOTHING, "CHAR",
     "between CSV fields (found by itself: , ; | tab)", AT(delimiter), NULL},
    {"no-header", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL,
     "CSV without a header: columns c1, c2, ...", AT(no_header), NULL},
    {"header", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL,
     "... or with one, though it is numbers only", AT(header), NULL},
    {"types", 0, SL_OPTION_LIST, SL_COMPLETE_COLUMN, "LIST",
     "declare types: 'price numeric(12,2), ts date'", AT(types), NULL},
    {"max-columns", 0, SL_OPTION_NUMBER, SL_COMPLETE_NOTHING, "N",
     "JSON: further keys stay in _rest (4096)", AT(max_columns), NULL},
    {"time", 0, SL_OPTION_TEXT, SL_COMPLETE_NAME, "COLUMN", "the column that holds event time",
     AT(time), NULL},
    {"time-format", 0, SL_OPTION_TEXT, SL_COMPLETE_VALUES, "FORM",
     "its form: as strptime's, syslog, epoch:s epoch:ms", AT(time_format),
     "syslog epoch:s epoch:ms epoch:us epoch:ns"},
    {"year", 0, SL_OPTION_TEXT, SL_COMPLETE_NOTHING, "YEAR",
     "of times without one: YYYY, or until YYYY-MM-DD", AT(year), NULL},
    {0},
};

const struct sl_option sl_options_zone[] = {
    {"tz", 0, SL_OPTION_TEXT, SL_COMPLETE_NOTHING, "ZONE",
     "zone of zone-less times, of days, of output (UTC)", AT(tz), NULL},
    {0},
};

const struct sl_option sl_options_live[] = {
    {"follow", 'f', SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL,
     "the input has no end: wait for more", AT(follow), NULL},
    {"out-of-order", 0, SL_OPTION_DURATION, SL_COMPLETE_NOTHING, "DURATION",
     "how late a row may come (5s with -f, else any)", AT(out_of_order), NULL},
    {0},
};

const struct sl_option sl_options_group[] = {
    {"group", 0, SL_OPTION_TEXT, SL_COMPLETE_NOTHING, "NAME",
     "go on where it is; share the log with its others", AT(group), NULL},
    {"commit-on-success", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL,
     "rows go to the command behind --; exit 0 is taken", AT(commit_on_success), NULL},
    {0},
};

const struct sl_option sl_options_output[] = {
    {"output", 'o', SL_OPTION_TEXT, SL_COMPLETE_FILE, "DEST",
     "log (x/ or no suffix) or file (x.csv, x.json.gz)", AT(output), NULL},
    {"output-format", 'O', SL_OPTION_TEXT, SL_COMPLETE_VALUES, "FORMAT", FORMATS_OUT,
     AT(output_format), FORMATS_OUT},
    {"force", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL, "replace a file that is there",
     AT(force), NULL},
    {"append", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL, "add to a file that is there",
     AT(append), NULL},
    {"spreadsheet-safe", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL,
     "CSV: defuse values that begin like formulas", AT(spreadsheet_safe), NULL},
    {0},
};

const struct sl_option sl_options_new_log[] = {
    {"partitions", 0, SL_OPTION_NUMBER, SL_COMPLETE_NOTHING, "N", "partitions of a new log (1)",
     AT(partitions), NULL},
    {"key", 0, SL_OPTION_LIST, SL_COMPLETE_COLUMN, "COLUMNS",
     "columns whose hash picks the partition", AT(key), NULL},
    {"hash", 0, SL_OPTION_TEXT, SL_COMPLETE_VALUES, "NAME", "murmur2 (default) or crc32", AT(hash),
     "murmur2 crc32"},
    {0},
};

const struct sl_option sl_options_log[] = {
    {"sync", 0, SL_OPTION_TEXT, SL_COMPLETE_VALUES, "WHEN",
     "rows reach the disk: commit, none, DURATION (1s)", AT(sync), "commit none 1s"},
    {"segment-size", 0, SL_OPTION_SIZE, SL_COMPLETE_NOTHING, "SIZE",
     "begin another segment file at (256M)", AT(segment_size), NULL},
    {0},
};

const struct sl_option sl_options_again[] = {
    {"again", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL, "take all of it, though -o has it",
     AT(again), NULL},
    {0},
};

const struct sl_option sl_options_resume[] = {
    {"resume", 0, SL_OPTION_OPTIONAL, SL_COMPLETE_NOTHING, "NAME",
     "go on behind what -o has of this input", AT(resume), NULL},
    {"resume-from", 0, SL_OPTION_TEXT, SL_COMPLETE_FILE, "DEST",
     "... in a pipe: what the log at its end has", AT(resume_from), NULL},
    {"wait", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL, "... once another run of it is over",
     AT(wait), NULL},
    {"final", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL,
     "--resume: nothing comes behind: end windows", AT(final), NULL},
    {"checkpoint", 0, SL_OPTION_DURATION, SL_COMPLETE_NOTHING, "DURATION",
     "--resume: commit so often (10s)", AT(checkpoint), NULL},
    {"reset-state", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL, "--resume: go on from no state",
     AT(reset_state), NULL},
    {0},
};

const struct sl_option sl_options_run[] = {
    {"rejects", 0, SL_OPTION_TEXT, SL_COMPLETE_FILE, "DEST",
     "bad rows go there instead of ending the run", AT(rejects), NULL},
    {"max-rejects", 0, SL_OPTION_NUMBER, SL_COMPLETE_NOTHING, "N", "... but stop beyond N of them",
     AT(max_rejects), NULL},
    {"fail-empty", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL, "exit 1 if no row comes out",
     AT(fail_empty), NULL},
    {"threads", 'j', SL_OPTION_NUMBER, SL_COMPLETE_NOTHING, "N",
     "threads (one per CPU, 12 at most)", AT(threads), NULL},
    {"memory", 0, SL_OPTION_SIZE, SL_COMPLETE_NOTHING, "SIZE", "limit (half of the machine's)",
     AT(memory), NULL},
    {"quiet", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL, "only errors on standard error",
     AT(quiet), NULL},
    {"stats", 0, SL_OPTION_OPTIONAL, SL_COMPLETE_VALUES, "json",
     "where every row went, as a table or as JSON", AT(stats), "json"},
    {"explain", 0, SL_OPTION_FLAG, SL_COMPLETE_NOTHING, NULL, "print the plan, do nothing",
     AT(explain), NULL},
    {0},
};

const struct sl_option sl_options_help[] = {
    {"help", 'h', SL_OPTION_HELP, SL_COMPLETE_NOTHING, NULL, "this text", 0, NULL},
    {0},
};
