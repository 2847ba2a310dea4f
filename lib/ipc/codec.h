/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * codec: zstd for body buffers, and lz4 where others used it.
 *
 * Contexts cost much more to make than to use, so each thread keeps its own pair; they die with the
 * thread. The process has no other state here.
 */
#ifndef SL_IPC_CODEC_H
#define SL_IPC_CODEC_H

#include "base/buf.h"

enum sl_codec_kind { SL_CODEC_BYTES, SL_CODEC_NUMBERS };

/* Appends src compressed: 1, 0 if it would not shrink (nothing is appended), or < 0. kind says what
 * src holds: text, or numbers of one width. */
int sl_codec_compress(struct sl_buf *out, const void *src, size_t n, int level,
                      enum sl_codec_kind kind, struct sl_err *err);
/* Decompresses the first want bytes of what src holds; claimed is the whole size that its writer
 * noted (>= want). 0 or < 0 (SL_EFORMAT). */
int sl_codec_decompress(void *dst, size_t want, size_t claimed, const void *src, size_t n,
                        struct sl_err *err);
/* The same of a frame of lz4, once sl_lz4_need has said 0: that its library is there. */
int sl_codec_decompress_lz4(void *dst, size_t want, size_t claimed, const void *src, size_t n,
                            struct sl_err *err);

#endif
