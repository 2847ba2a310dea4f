/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* format: names of formats, and how they are recognised by file name and by first bytes. */
#include "text/text_reader.h"

static const struct {
    const char *name;
    enum sl_text_format format;
} names[] = {
    {"csv", SL_TEXT_CSV},           {"tsv", SL_TEXT_TSV},       {"json", SL_TEXT_JSON},
    {"combined", SL_TEXT_COMBINED}, {"common", SL_TEXT_COMMON}, {"lines", SL_TEXT_LINES},
    {"table", SL_TEXT_TABLE},       {"arrow", SL_TEXT_ARROW},   {"regex", SL_TEXT_REGEX},
    {"ndjson", SL_TEXT_JSON},       {"jsonl", SL_TEXT_JSON},
};

int sl_text_format_parse(const char *name, enum sl_text_format *format, const char **pattern,
                         struct sl_err *err)
{
    assert(name && format);
    if (pattern)
        *pattern = NULL;
    if (strncmp(name, "regex:", 6) == 0) {
        *format = SL_TEXT_REGEX;
        if (pattern)
            *pattern = name + 6;
        return 0;
    }
    for (size_t i = 0; i < SL_COUNT(names); i++)
        if (strcmp(name, names[i].name) == 0 && names[i].format != SL_TEXT_REGEX) {
            *format = names[i].format;
            return 0;
        }
    sl_err_set(err, SL_EUSAGE, "unknown format '%s'", name);
    return sl_err_hint(err, "csv, tsv, json (ndjson, jsonl), combined, common, lines, "
                            "regex:PATTERN, table, arrow");
}

const char *sl_text_format_name(enum sl_text_format f)
{
    for (size_t i = 0; i < SL_COUNT(names); i++)
        if (names[i].format == f)
            return names[i].name;
    return "none";
}

/* n bytes of path without a suffix of compression. */
static size_t without_compression(const char *path, size_t n)
{
    static const char *const suffixes[] = {".gz", ".zst", ".zstd", ".bz2", ".xz", ".lz4", ".Z"};
    for (size_t i = 0; i < SL_COUNT(suffixes); i++) {
        size_t k = strlen(suffixes[i]);
        if (n > k && memcmp(path + n - k, suffixes[i], k) == 0)
            return n - k;
    }
    return n;
}

enum sl_text_format sl_text_format_of_path(const char *path)
{
    assert(path);
    static const struct {
        const char *suffix;
        enum sl_text_format format;
    } suffixes[] = {
        {"csv", SL_TEXT_CSV},     {"tsv", SL_TEXT_TSV},      {"tab", SL_TEXT_TSV},
        {"json", SL_TEXT_JSON},   {"ndjson", SL_TEXT_JSON},  {"jsonl", SL_TEXT_JSON},
        {"arrow", SL_TEXT_ARROW}, {"arrows", SL_TEXT_ARROW}, {"feather", SL_TEXT_ARROW},
    };
    size_t n = without_compression(path, strlen(path)), dot = n;
    while (dot > 0 && path[dot - 1] != '.' && path[dot - 1] != '/')
        dot--;
    if (dot == 0 || path[dot - 1] != '.')
        return SL_TEXT_NONE;
    for (size_t i = 0; i < SL_COUNT(suffixes); i++)
        if (strlen(suffixes[i].suffix) == n - dot &&
            memcmp(path + dot, suffixes[i].suffix, n - dot) == 0)
            return suffixes[i].format;
    return SL_TEXT_NONE;
}

/* Number of delimiters outside quotes in the record at p; *end: behind its line end. */
static size_t count_delims(const char *p, const char *limit, char delim, char eol, const char **end)
{
    enum sl_csv_state s = SL_CSV_START;
    size_t n = 0;
    for (; p < limit; p++) {
        s = sl_csv_step(s, *p, delim, eol);
        if (s == SL_CSV_START && *p == eol)
            break;
        n += s == SL_CSV_START;
    }
    *end = p < limit ? p + 1 : NULL;
    return n;
}

/* Fields in each of the first records, if they all have the same number above 1; else 0. */
static size_t consistent(const char *data, size_t n, char delim, char eol)
{
    const char *p = data, *limit = data + n, *next;
    size_t first = 0;
    for (int i = 0; i < 10 && p < limit; i++, p = next) {
        size_t k = count_delims(p, limit, delim, eol, &next);
        if (!next && i > 0)
            break; /* the last one is cut off */
        if (i == 0)
            first = k;
        else if (next - p > 2 && k != first)
            return 0;
        if (!next)
            break;
    }
    return first ? first + 1 : 0;
}

enum sl_text_format sl_text_format_of_bytes(const char *data, size_t n)
{
    assert(data || !n);
    if (n >= 4 && (memcmp(data, "\xff\xff\xff\xff", 4) == 0 || memcmp(data, "ARRO", 4) == 0))
        return SL_TEXT_ARROW;
    char delim;
    if (sl_csv_sep_line(data, n, &delim))
        return SL_TEXT_CSV;
    if (sl_text_bom(data, n)) {
        data += 3;
        n -= 3;
    }
    size_t i = 0;
    while (i < n && (data[i] == ' ' || data[i] == '\t' || data[i] == '\n' || data[i] == '\r'))
        i++;
    if (i < n && data[i] == '[') /* of objects: what the rows of JSON are not */
        while (++i < n && (data[i] == ' ' || data[i] == '\t' || data[i] == '\n' || data[i] == '\r'))
            ;
    if (i < n && data[i] == '{')
        return SL_TEXT_JSON;
    char eol = sl_csv_sniff_eol(data, n);
    const char *end = memchr(data, eol, n);
    size_t line = end ? (size_t)(end - data) : n;
    struct sl_text_reader probe = {.o.format = SL_TEXT_COMBINED};
    struct sl_span spans[16];
    const char *reason;
    if (line && data[line - 1] == '\r')
        line--;
    spans[SL_ACCESS_COMBINED - 1].p = NULL;
    for (int f = SL_TEXT_COMBINED; f <= SL_TEXT_COMMON; f++) {
        probe.o.format = (enum sl_text_format)f;
        if (sl_text_split_access(&probe, NULL, data, line, spans, &reason, NULL) == 1 ||
            spans[SL_ACCESS_COMBINED - 1].p) /* what goes on behind the agent is named later */
            return (enum sl_text_format)f;
    }
    n = SL_MIN(n, (size_t)SL_CSV_SNIFFED);
    if (consistent(data, n, '\t', eol))
        return SL_TEXT_TSV;
    if (consistent(data, n, ',', eol) || consistent(data, n, ';', eol) ||
        consistent(data, n, '|', eol))
        return SL_TEXT_CSV;
    return SL_TEXT_NONE;
}

const char *sl_text_foreign_encoding(const char *data, size_t n)
{
    assert(data || !n);
    size_t zeros[2] = {0, 0}, most = SL_MIN(n, (size_t)256) & ~(size_t)1;
    if (n >= 4 && (memcmp(data, "\xff\xfe\0", 4) == 0 || memcmp(data, "\0\0\xfe\xff", 4) == 0))
        return "UTF-32";
    if (n >= 2 && (memcmp(data, "\xff\xfe", 2) == 0 || memcmp(data, "\xfe\xff", 2) == 0))
        return "UTF-16";
    for (size_t i = 0; i < most; i++)
        zeros[i % 2] += !data[i];
    if (most < 4 || (zeros[0] && zeros[1]) || zeros[0] + zeros[1] < most * 3 / 8)
        return NULL;
    return zeros[0] ? "UTF-16BE" : "UTF-16LE";
}

int sl_text_foreign_file(const char *data, size_t n, struct sl_err *err)
{
    if (n > 4 && memcmp(data, "PK\3\4", 4) == 0) {
        sl_err_set(err, SL_EFORMAT, "a zip archive, which is not unpacked");
        return sl_err_hint(err, "unzip -p writes what is in it to a pipe, and -I says its format");
    }
    if (n > 4 && memcmp(data, "PAR1\x15", 5) == 0) {
        sl_err_set(err, SL_EFORMAT, "a Parquet file, which is not read");
        return sl_err_hint(err, "make it CSV, or an Arrow stream, by the program that wrote it");
    }
    return 0;
}

char sl_csv_sniff_delim(const char *data, size_t n, char eol)
{
    assert(data || !n);
    static const char candidates[] = {',', ';', '\t', '|'};
    const char *end;
    char best;
    size_t most = 0;
    if (sl_csv_sep_line(data, n, &best))
        return best;
    best = ',';
    n = SL_MIN(n, (size_t)SL_CSV_SNIFFED);
    for (size_t i = 0; i < SL_COUNT(candidates); i++) {
        size_t k = consistent(data, n, candidates[i], eol);
        if (k > most) {
            most = k;
            best = candidates[i];
        }
    }
    for (size_t i = 0; !most && i < SL_COUNT(candidates); i++)
        if (count_delims(data, data + n, candidates[i], eol, &end)) {
            most = 1;
            best = candidates[i];
        }
    return best;
}

char sl_csv_sniff_eol(const char *data, size_t n)
{
    assert(data || !n);
    if (memchr(data, '\n', n))
        return '\n';
    /* Lines ended by CR alone: there is one with something else behind it. */
    const char *cr = memchr(data, '\r', n);
    return cr && cr + 1 < data + n ? '\r' : '\n';
}
