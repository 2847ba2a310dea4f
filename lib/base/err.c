/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/* err: see err.h. Nothing here allocates, so that running out of memory can be reported. */
#include "base/compat.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"

void sl_err_init(struct sl_err *err)
{
    if (!err)
        return;
    err->code = SL_OK;
    err->sys_errno = 0;
    err->retryable = 0;
    err->offset = -1;
    err->line = -1;
    err->column = 0;
    err->what[0] = err->place[0] = err->hint[0] = '\0';
}

int sl_err_set(struct sl_err *err, enum sl_code code, const char *fmt, ...)
{
    assert(code > 0 && fmt);
    if (err) {
        sl_err_init(err);
        err->code = code;
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(err->what, sizeof(err->what), fmt, ap);
        va_end(ap);
    }
    return -(int)code;
}

static enum sl_code code_of_errno(int e)
{
    switch (e) {
    case ENOMEM: return SL_ENOMEM;
    case EPIPE: return SL_EPIPE;
    case ENOENT: return SL_ENOENT;
    case EEXIST: return SL_EEXIST;
    default: return SL_EIO;
    }
}

int sl_err_sys(struct sl_err *err, const char *fmt, ...)
{
    assert(fmt);
    int e = errno;
    enum sl_code code = code_of_errno(e);

    if (err) {
        sl_err_init(err);
        err->code = code;
        err->sys_errno = e;
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(err->what, sizeof(err->what), fmt, ap);
        va_end(ap);
        size_t n = strlen(err->what);
        char text[128];
        snprintf(err->what + n, sizeof(err->what) - n, ": %s", strerror_r(e, text, sizeof(text)));
        if (e == ENOSPC || e == EDQUOT)
            sl_err_hint(err, "free some space, then run it again");
        else if (e == EMFILE)
            sl_err_hint(err, "raise the limit of open files: ulimit -n");
        else if (e == EFBIG)
            sl_err_hint(err, "raise the limit of a file's size: ulimit -f");
    }
    return -(int)code;
}

int sl_err_nomem(struct sl_err *err, const char *what)
{
    assert(what);
    return sl_err_set(err, SL_ENOMEM, "out of memory: %s", what);
}

int sl_err_copy(struct sl_err *err, const struct sl_err *from)
{
    if (err)
        *err = *from;
    return -(int)from->code;
}

int sl_err_place(struct sl_err *err, const char *fmt, ...)
{
    assert(fmt);
    if (!err)
        return -SL_EFAIL;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->place, sizeof(err->place), fmt, ap);
    va_end(ap);
    return -(int)err->code;
}

int sl_err_hint(struct sl_err *err, const char *fmt, ...)
{
    assert(fmt);
    if (!err)
        return -SL_EFAIL;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
    va_end(ap);
    return -(int)err->code;
}

int sl_err_at(struct sl_err *err, const char *place, int64_t line, int column)
{
    assert(place);
    if (!err)
        return -SL_EFAIL;
    snprintf(err->place, sizeof(err->place), "%s", place);
    err->line = line;
    err->column = column;
    return -(int)err->code;
}

int sl_err_option(struct sl_err *err, const char *option, const char *text)
{
    assert(option && text);
    enum { SHOWN = 24 }; /* characters */
    if (!err)
        return -SL_EFAIL;
    if (err->column <= 0 || err->place[0])
        return -(int)err->code;
    if (!*text) {
        err->column = 0;
        return sl_err_place(err, "%s", option);
    }
    size_t len = strlen(text), at = 0, tail = 0, end;
    int32_t cp;
    for (int i = 1; i < err->column && at < len; i++) {
        at += sl_utf8_decode(text + at, len - at, &cp);
        if (i > SHOWN)
            tail += sl_utf8_decode(text + tail, len - tail, &cp);
    }
    end = at;
    for (int i = 0; i < SHOWN && end < len; i++)
        end += sl_utf8_decode(text + end, len - end, &cp);
    if (at < len)
        sl_err_place(err, "%s, character %d, at '%.*s%s'", option, err->column, (int)(end - at),
                     text + at, end < len ? "..." : "");
    else
        sl_err_place(err, "%s, character %d, behind '%s%s'", option, err->column, tail ? "..." : "",
                     text + tail);
    err->column = 0;
    return -(int)err->code;
}

int sl_err_offset(struct sl_err *err, const char *place, int64_t offset)
{
    assert(place && offset >= 0);
    if (!err)
        return -SL_EFAIL;
    snprintf(err->place, sizeof(err->place), "%s", place);
    err->offset = offset;
    return -(int)err->code;
}

void sl_err_format(const struct sl_err *err, struct sl_buf *out)
{
    assert(err && out);
    if (err->place[0]) {
        sl_buf_add_visible(out, err->place, strlen(err->place));
        if (err->line >= 0)
            sl_buf_printf(out, ":%lld", (long long)err->line);
        if (err->column > 0)
            sl_buf_printf(out, ":%d", err->column);
        if (err->offset >= 0)
            sl_buf_printf(out, ": byte %lld", (long long)err->offset);
        sl_buf_addstr(out, ": ");
    }
    sl_buf_add_visible(out, err->what, strlen(err->what));
    if (err->hint[0]) {
        sl_buf_addstr(out, "; ");
        sl_buf_add_visible(out, err->hint, strlen(err->hint));
    }
}
