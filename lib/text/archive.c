/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * archive: compressed input and output through libarchive, which is opened on first use.
 *
 * Only filters that libarchive does itself are allowed: it would start programs for others. Input
 * is streamed, so its size costs no memory; what grows beyond RATIO_MAX times its compressed size
 * (behind the first BOMB_MIN bytes) is refused. gzip is read by gunzip.c, since libarchive does not
 * look at its checksums.
 */
#include "base/compat.h"
#include <archive.h>
#include <archive_entry.h>
#include "base/library.h"
#include "base/mem.h"
#include "text/gunzip.h"
#include "text/text.h"

#define BOMB_MIN  (1LL << 30)
#define RATIO_MAX 50000

enum { BLOCK = 256 << 10, MAGIC = 6 /* bytes, at most */ };

/* Functions of libarchive that are used; lib has each under its own name, with its own type. */
/* clang-format off */
#define FUNCTIONS(X)                                                                \
    X(archive_read_new) X(archive_read_free) X(archive_read_open)                   \
    X(archive_read_next_header) X(archive_read_data)                                \
    X(archive_read_support_filter_zstd) X(archive_read_support_filter_bzip2)        \
    X(archive_read_support_filter_xz) X(archive_read_support_filter_lz4)            \
    X(archive_read_support_filter_compress)                                         \
    X(archive_read_support_format_raw) X(archive_read_support_format_empty)         \
    X(archive_write_new) X(archive_write_free) X(archive_write_open)                \
    X(archive_write_add_filter_gzip) X(archive_write_add_filter_zstd)               \
    X(archive_write_set_format_raw) X(archive_write_set_filter_option)              \
    X(archive_write_set_bytes_in_last_block)                                        \
    X(archive_write_header) X(archive_write_data) X(archive_write_close)            \
    X(archive_entry_new) X(archive_entry_free)                                      \
    X(archive_entry_set_filetype) X(archive_entry_set_pathname)                     \
    X(archive_error_string)
/* clang-format on */
#define MEMBER(name) __typeof__(name) *name;
#define SYMBOL(name) SL_SYMBOL(#name, lib, name),
static struct {
    FUNCTIONS(MEMBER)
} lib;
static const struct sl_symbol symbols[] = {FUNCTIONS(SYMBOL)};
static struct sl_library library = SL_LIBRARY("libarchive.so.13", "libarchive13", symbols, &lib);

static int need_library(struct sl_err *err)
{
    return sl_library_need(&library, "compressed text", err);
}

enum sl_compression sl_compression_of_bytes(const uint8_t *data, size_t n)
{
    assert(data || !n);
    static const struct {
        const char *magic;
        size_t n;
        enum sl_compression what;
    } magics[] = {
        {"\x1f\x8b", 2, SL_GZIP},
        {"\x28\xb5\x2f\xfd", 4, SL_ZSTD},
        {"BZh", 3, SL_OTHER_COMPRESSED},
        {"\xfd\x37zXZ", 5, SL_OTHER_COMPRESSED},
        {"\x1f\x9d", 2, SL_OTHER_COMPRESSED},
        {"\x04\x22\x4d\x18", 4, SL_OTHER_COMPRESSED},
    };
    for (size_t i = 0; i < SL_COUNT(magics); i++)
        if (n >= magics[i].n && memcmp(data, magics[i].magic, magics[i].n) == 0)
            return magics[i].what;
    if (n >= 4 && (data[0] & 0xf0) == 0x50 && memcmp(data + 1, "\x2a\x4d\x18", 3) == 0)
        return SL_ZSTD; /* a skippable frame first */
    return SL_RAW;
}

/* ---- reading ---- */

struct sl_decompressor {
    struct archive *a;    /* or */
    struct sl_gunzip *gz; /* neither before the first read */
    int (*read)(void *arg, void *data, size_t n, struct sl_err *err);
    void *arg;
    char *place;
    int64_t in, out;
    int first, ended;  /* first: the bytes of the block that came first and wait to be taken */
    struct sl_err err; /* of read */
    uint8_t block[BLOCK];
};

/* Reads a block: > 0, 0, < 0 with d->err filled. */
static int next_block(struct sl_decompressor *d)
{
    int n = d->first;
    d->first = 0;
    if (!n) {
        n = d->read(d->arg, d->block, sizeof d->block, &d->err);
        d->in += SL_MAX(n, 0);
    }
    return n;
}

static la_ssize_t on_read(struct archive *a, void *arg, const void **data)
{
    struct sl_decompressor *d = arg;
    (void)a;
    *data = d->block;
    int n = next_block(d);
    return n < 0 ? ARCHIVE_FATAL : n;
}

static int64_t on_more(void *arg, const uint8_t **data, struct sl_err *err)
{
    struct sl_decompressor *d = arg;
    (void)err; /* sl_decompressor_read hands d->err on */
    *data = d->block;
    return next_block(d);
}

struct sl_decompressor *sl_decompressor_new(int (*read)(void *arg, void *data, size_t n,
                                                        struct sl_err *err),
                                            void *arg, const char *place, struct sl_err *err)
{
    assert(read && place);
    struct sl_decompressor *d = sl_calloc(1, sizeof *d);
    if (d)
        d->place = sl_strdup(place ? place : "");
    if (!d || !d->place) {
        sl_decompressor_free(d);
        return sl_err_no_memory(err, "decompressing");
    }
    d->read = read;
    d->arg = arg;
    return d;
}

void sl_decompressor_free(struct sl_decompressor *d)
{
    if (!d)
        return;
    if (d->a)
        lib.archive_read_free(d->a);
    sl_gunzip_free(d->gz);
    free(d->place);
    free(d);
}

static int64_t decompress_error(struct sl_decompressor *d, struct sl_err *err)
{
    if (d->err.code) { /* the system's error, not the format's */
        if (err)
            *err = d->err;
        return -(int64_t)d->err.code;
    }
    const char *text = lib.archive_error_string(d->a);
    sl_err_set(err, SL_EFORMAT, "damaged compressed data: %s", text ? text : "unknown");
    return sl_err_offset(err, d->place, d->in);
}

/* 0; < 0 with err filled; d->ended if there is nothing to read. */
static int64_t open_archive(struct sl_decompressor *d, struct sl_err *err)
{
    struct archive_entry *entry;
    if (need_library(err) < 0)
        return -SL_EUNSUPPORTED;
    d->a = lib.archive_read_new();
    if (!d->a)
        return sl_err_nomem(err, "decompressing");
    lib.archive_read_support_filter_zstd(d->a);
    lib.archive_read_support_filter_bzip2(d->a);
    lib.archive_read_support_filter_xz(d->a);
    lib.archive_read_support_filter_lz4(d->a);
    lib.archive_read_support_filter_compress(d->a);
    lib.archive_read_support_format_raw(d->a);
    lib.archive_read_support_format_empty(d->a);
    if (lib.archive_read_open(d->a, d, NULL, on_read, NULL) != ARCHIVE_OK)
        return decompress_error(d, err);
    int rc = lib.archive_read_next_header(d->a, &entry);
    d->ended = rc == ARCHIVE_EOF;
    return rc == ARCHIVE_OK || rc == ARCHIVE_WARN || d->ended ? 0 : decompress_error(d, err);
}

static int64_t open_input(struct sl_decompressor *d, struct sl_err *err)
{
    while (d->first < MAGIC) { /* enough to be known by, however it comes */
        int n = d->read(d->arg, d->block + d->first, sizeof d->block - (size_t)d->first, &d->err);
        if (n < 0)
            return decompress_error(d, err);
        if (n == 0)
            break;
        d->first += n;
        d->in += n;
    }
    if (sl_compression_of_bytes(d->block, (size_t)d->first) != SL_GZIP)
        return open_archive(d, err);
    d->gz = sl_gunzip_new(on_more, d, err);
    return d->gz ? 0 : -(int64_t)(err ? err->code : SL_EFAIL);
}

static int64_t read_plain(struct sl_decompressor *d, void *data, size_t n, struct sl_err *err)
{
    if (!d->gz) {
        la_ssize_t got = lib.archive_read_data(d->a, data, n);
        return got < 0 ? decompress_error(d, err) : got;
    }
    int64_t got = sl_gunzip_read(d->gz, data, n, err);
    if (got >= 0)
        return got;
    return d->err.code ? decompress_error(d, err)
                       : sl_err_offset(err, d->place, sl_gunzip_offset(d->gz));
}

int64_t sl_decompressor_read(struct sl_decompressor *d, void *data, size_t n, struct sl_err *err)
{
    assert(n > 0);
    int64_t got = d->a || d->gz || d->ended ? 0 : open_input(d, err);
    if (got < 0 || d->ended)
        return got;
    got = read_plain(d, data, n, err);
    if (got < 0)
        return got;
    d->ended = got == 0;
    d->out += got;
    if (d->out > BOMB_MIN && d->out / RATIO_MAX > d->in) {
        sl_err_set(err, SL_EFORMAT, "grows to more than %d times its compressed size", RATIO_MAX);
        sl_err_hint(err, "if that is meant, decompress it first");
        return sl_err_offset(err, d->place, d->in);
    }
    return got;
}

/* ---- writing ---- */

struct sl_compressor {
    struct archive *a;
    struct sl_buf *out; /* during a call */
    int closed;
};

static la_ssize_t on_write(struct archive *a, void *arg, const void *data, size_t n)
{
    struct sl_compressor *c = arg;
    (void)a;
    if (!c->out)
        return (la_ssize_t)n; /* freed without an end: nobody wants the rest */
    sl_buf_add(c->out, data, n);
    return c->out->failed ? -1 : (la_ssize_t)n;
}

static int compress_error(struct sl_compressor *c, struct sl_err *err)
{
    const char *text = lib.archive_error_string(c->a);
    return sl_err_set(err, SL_EFAIL, "compressing failed: %s", text ? text : "unknown");
}

static int compressor_open(struct sl_compressor *c, const char *suffix, struct sl_err *err)
{
    struct archive_entry *e = NULL;
    int zstd = strcmp(suffix, "zst") == 0, rc = 0;
    if (!zstd && strcmp(suffix, "gz") != 0)
        return sl_err_set(err, SL_EUSAGE, "cannot compress to .%s; gz and zst are known", suffix);
    c->a = lib.archive_write_new();
    e = lib.archive_entry_new();
    if (!c->a || !e) {
        rc = sl_err_nomem(err, "compressing");
        goto out;
    }
    if ((zstd ? lib.archive_write_add_filter_zstd(c->a) : lib.archive_write_add_filter_gzip(c->a)) <
            ARCHIVE_WARN ||
        lib.archive_write_set_format_raw(c->a) != ARCHIVE_OK ||
        lib.archive_write_set_bytes_in_last_block(c->a, 1) != ARCHIVE_OK) {
        rc = compress_error(c, err);
        goto out;
    }
    if (!zstd) /* the same bytes whenever it is made */
        lib.archive_write_set_filter_option(c->a, "gzip", "timestamp", NULL);
    lib.archive_entry_set_filetype(e, AE_IFREG);
    lib.archive_entry_set_pathname(e, "data");
    if (lib.archive_write_open(c->a, c, NULL, on_write, NULL) != ARCHIVE_OK ||
        lib.archive_write_header(c->a, e) != ARCHIVE_OK)
        rc = compress_error(c, err);
out:
    if (e)
        lib.archive_entry_free(e);
    return rc;
}

struct sl_compressor *sl_compressor_new(const char *suffix, struct sl_err *err)
{
    assert(suffix);
    if (need_library(err) < 0)
        return NULL;
    struct sl_compressor *c = sl_calloc(1, sizeof *c);
    if (!c)
        return sl_err_no_memory(err, "compressing");
    if (compressor_open(c, suffix, err) < 0) {
        sl_compressor_free(c);
        return NULL;
    }
    return c;
}

int sl_compressor_write(struct sl_compressor *c, const void *data, size_t n, struct sl_buf *out,
                        struct sl_err *err)
{
    assert(c && (data || !n) && out);
    const char *p = data;
    int rc = 0;
    c->out = out;
    while (n > 0 && rc == 0) {
        la_ssize_t k = lib.archive_write_data(c->a, p, n);
        if (k <= 0) {
            rc = compress_error(c, err);
        } else {
            p += k;
            n -= (size_t)k;
        }
    }
    c->out = NULL;
    return rc < 0 ? rc : sl_buf_check(out, err);
}

int sl_compressor_end(struct sl_compressor *c, struct sl_buf *out, struct sl_err *err)
{
    assert(c && out);
    if (c->closed)
        return 0;
    c->closed = 1;
    c->out = out;
    int rc = lib.archive_write_close(c->a) == ARCHIVE_OK ? 0 : compress_error(c, err);
    c->out = NULL;
    return rc < 0 ? rc : sl_buf_check(out, err);
}

void sl_compressor_free(struct sl_compressor *c)
{
    if (!c)
        return;
    if (c->a)
        lib.archive_write_free(c->a);
    free(c);
}
