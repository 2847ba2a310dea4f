/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * print: the canonical text of a typed tree.
 *
 * Equal text means the same computation. It reads back as the same expression: names that need it are
 * quoted, operators inside operators are in parentheses. Implicit casts are not shown.
 */
#include <strings.h>
#include "base/time.h"
#include "expr/bind.h"

void sl_print_quoted(const char *s, size_t n, char quote, struct sl_buf *out)
{
    assert((s || !n) && out);
    sl_buf_addch(out, quote);
    for (size_t i = 0; i < n; i++) {
        if (s[i] == quote)
            sl_buf_addch(out, quote);
        sl_buf_addch(out, s[i]);
    }
    sl_buf_addch(out, quote);
}

static void print_name(const char *s, struct sl_buf *out)
{
    int plain = (*s >= 'a' && *s <= 'z') || *s == '_';
    for (const char *p = s; *p; p++)
        plain &= (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_' || *p == '.';
    if (plain && !sl_word_reserved(s, strlen(s))) {
        sl_buf_addstr(out, s);
        return;
    }
    sl_print_quoted(s, strlen(s), '"', out);
}

static void print_const(const struct sl_node *n, struct sl_buf *out)
{
    const struct sl_column *c = n->value;
    struct sl_buf text = SL_BUF_INIT;
    if (sl_column_null(c, 0)) {
        sl_buf_addstr(out, "null");
        if (n->type.kind != SL_TEXT) {
            sl_buf_addstr(out, "::");
            sl_type_print(n->type, out);
        }
        return;
    }
    sl_column_print(c, 0, &text);
    switch (n->type.kind) {
    case SL_BOOL: sl_buf_addstr(out, sl_bit(c->data, 0) ? "true" : "false"); break;
    case SL_BIGINT:
    case SL_NUMERIC: sl_buf_add(out, text.data, text.len); break;
    case SL_TEXT: sl_print_quoted(text.data, text.len, '\'', out); break;
    default:
        sl_print_quoted(text.data, text.len, '\'', out);
        sl_buf_addstr(out, "::");
        sl_type_print(n->type, out);
    }
    if (text.failed)
        out->failed = 1;
    sl_buf_release(&text);
}

/* An operand: in parentheses if it is an operator itself. */
static void print_operand(const struct sl_node *n, struct sl_buf *out)
{
    const struct sl_node *m = n;
    while (m->kind == SL_NODE_CALL && m->form == SL_PRINT_IMPLICIT)
        m = m->args[0];
    int bare =
        m->kind == SL_NODE_COLUMN || m->kind == SL_NODE_COALESCE || m->kind == SL_NODE_TRY ||
        m->kind == SL_NODE_CASE ||
        (m->kind == SL_NODE_CALL && (m->form == SL_PRINT_FUNCTION || m->form == SL_PRINT_CAST));
    if (m->kind == SL_NODE_CONST) { /* a negative number in front of :: or ^ would read otherwise */
        struct sl_buf t = SL_BUF_INIT;
        print_const(m, &t);
        bare = t.data && t.data[0] != '-';
        if (t.failed)
            out->failed = 1;
        sl_buf_release(&t);
    }
    if (!bare)
        sl_buf_addch(out, '(');
    sl_node_print(m, out);
    if (!bare)
        sl_buf_addch(out, ')');
}

static void print_args(struct sl_node *const *args, int n, struct sl_buf *out)
{
    for (int i = 0; i < n; i++) {
        if (i)
            sl_buf_addstr(out, ", ");
        sl_node_print(args[i], out);
    }
}

static void print_call(const struct sl_node *n, struct sl_buf *out)
{
    switch (n->form) {
    case SL_PRINT_INFIX:
        print_operand(n->args[0], out);
        sl_buf_printf(out, " %s ", n->name);
        print_operand(n->args[1], out);
        if (n->nargs > 2) {
            sl_buf_addstr(out, " escape ");
            print_operand(n->args[2], out);
        }
        break;
    case SL_PRINT_PREFIX:
        sl_buf_printf(out, "%s%s", n->name, n->name[0] == '-' ? "" : " ");
        print_operand(n->args[0], out);
        break;
    case SL_PRINT_POSTFIX:
        print_operand(n->args[0], out);
        sl_buf_printf(out, " %s", n->name);
        break;
    case SL_PRINT_CAST:
        print_operand(n->args[0], out);
        sl_buf_addstr(out, "::");
        if (n->run == sl_kernel_narrow)
            sl_buf_addstr(out, n->name);
        else
            sl_type_print(n->type, out);
        break;
    case SL_PRINT_IMPLICIT: sl_node_print(n->args[0], out); break;
    case SL_PRINT_IN:
        print_operand(n->args[0], out);
        sl_buf_printf(out, " %s (", n->name);
        print_args(n->items, n->nitems, out);
        sl_buf_addch(out, ')');
        break;
    default:
        if (strcmp(n->name, "current_date") == 0) {
            sl_buf_addstr(out, n->name);
            break;
        }
        sl_buf_printf(out, "%s(", n->name);
        if (strcmp(n->name, "extract") == 0) {
            sl_node_print(n->args[0], out);
            sl_buf_addstr(out, " from ");
            sl_node_print(n->args[1], out);
        } else {
            print_args(n->args, n->nargs, out);
        }
        sl_buf_addch(out, ')');
    }
}

void sl_node_print(const struct sl_node *n, struct sl_buf *out)
{
    assert(n && out);
    switch (n->kind) {
    case SL_NODE_COLUMN: print_name(n->name, out); break;
    case SL_NODE_CONST: print_const(n, out); break;
    case SL_NODE_CALL: print_call(n, out); break;
    case SL_NODE_COALESCE:
    case SL_NODE_TRY:
        sl_buf_addstr(out, n->kind == SL_NODE_TRY ? "try(" : "coalesce(");
        print_args(n->args, n->nargs, out);
        sl_buf_addch(out, ')');
        break;
    case SL_NODE_CASE:
        sl_buf_addstr(out, "case");
        for (int i = 0; i + 1 < n->nargs; i += 2) {
            sl_buf_addstr(out, " when ");
            sl_node_print(n->args[i], out);
            sl_buf_addstr(out, " then ");
            sl_node_print(n->args[i + 1], out);
        }
        sl_buf_addstr(out, " else ");
        sl_node_print(n->args[n->nargs - 1], out);
        sl_buf_addstr(out, " end");
        break;
    default:
        for (int i = 0; i < n->nargs; i++) {
            if (i)
                sl_buf_addstr(out, n->kind == SL_NODE_AND ? " and " : " or ");
            print_operand(n->args[i], out);
        }
    }
}
