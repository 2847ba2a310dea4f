/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * judge: an example by every schedule of the contract, and what is wrong with it, if anything.
 *
 * Compared with one run over whole batches that are kept: the rows, the rejects, the fates; what is
 * out after a FLUSH at a point of the input, for all cuts; the consumer's words, which an operator
 * passes on: DONE, a failure, a reject that ends the run.
 */
#ifndef SL_TESTS_OP_JUDGE_H
#define SL_TESTS_OP_JUDGE_H

#include "harness.h"

struct verdict {
    int runs, failures; /* the first failure of a schedule ends them */
    char first[1024];
};

static inline void tell(struct verdict *v, const struct example *x, const char *label,
                        const char *what)
{
    if (!v->failures++)
        snprintf(v->first, sizeof(v->first), "%s %s, %s: %s", x->class, x->name, label, what);
}

static inline void judge(struct verdict *v, struct run *want, struct run *r, const char *label)
{
    char what[768] = "";
    v->runs++;
    if (r->rc < 0)
        snprintf(what, sizeof(what), "failed: %s (%s)", r->err.what, r->err.hint);
    else if (r->trouble[0])
        snprintf(what, sizeof(what), "%s", r->trouble);
    else if (same_lines(&want->gate.rows, &r->gate.rows, r->x->ordered, what) &&
             same_lines(&want->gate.rejects, &r->gate.rejects, 0, what)) {
        what[0] = '\0';
        for (int f = 0; f < SL_FATE_COUNT && !r->gate.done; f++)
            if (r->gate.fate[f] != want->gate.fate[f])
                snprintf(what, sizeof(what), "%lld rows have fate %d, not %lld",
                         (long long)r->gate.fate[f], f, (long long)want->gate.fate[f]);
    }
    if (what[0])
        tell(v, r->x, label, what);
    gate_free(&r->gate);
}

/* The k-th of the ways in which rows come, for a cut. Rows one by one have a barrier behind each but once: a
 * fresh operator costs as much as the rest of the test. */
static inline struct schedule schedule_of(const struct example *x, size_t cut, int k, int form)
{
    int apart = cut == 1 && k != 20 ? 7 : 1;
    return (struct schedule){.cut = cut,
                             .order = x->partitions > 1 ? k % 4 : 0,
                             .form = (enum form)(form % FORMS),
                             .flush_every = k % 3 == 0   ? 0
                                            : k % 3 == 1 ? 1
                                                         : 3,
                             .barrier_every = k < 12 ? 0 : apart * (1 + k % 5),
                             .then = k < 12       ? BARRIER_ONLY
                                     : k % 4 == 3 ? BARRIER_SAVE
                                                  : BARRIER_RELOAD,
                             .disk = k % 6 == 4 && cut > 2,
                             .stop_at = k == 5 ? 4 : 0,
                             .watch = k % 5 == 1 && form % FORMS != FORM_LAZY,
                             .end_with_rows = k % 2,
                             .unasked = k % 3 == 2 ? 0 : 2 + k % 4};
}

static inline void judge_schedules(struct verdict *v, struct run *want, const size_t *cuts,
                                   size_t ncuts)
{
    const struct example *x = want->x;
    char label[200];
    int prompt[PARTITIONS * ROWS + 1];
    memset(prompt, -1, sizeof(prompt));
    for (size_t c = 0; c < ncuts; c++) {
        for (int k = 0; k < 24 && !v->failures; k++) {
            struct run r = {.x = x, .account = want->account, .once = k % 4 != 0};
            struct schedule s = schedule_of(x, cuts[c], k, k + (int)c);
            gate_init(&r.gate);
            s.prompt = s.order == 0 ? prompt : NULL;
            run_schedule(&r, &s);
            snprintf(label, sizeof(label), "cut %zu, order %d, form %d, flush %d, barrier %d",
                     s.cut, s.order, (int)s.form, s.flush_every, s.barrier_every);
            judge(v, want, &r, label);
        }
    }
}

/* How many batches of rows come out by the schedule of judge_consumers. */
static inline int batches_out(const struct run *want, const struct schedule *s)
{
    struct run r = {.x = want->x, .account = want->account};
    gate_init(&r.gate);
    run_schedule(&r, s);
    int n = r.gate.emits;
    gate_free(&r.gate);
    return n;
}

/* A consumer that wants no more, and one that fails, from its first, second ... last batch on. */
static inline void judge_consumers(struct verdict *v, struct run *want)
{
    char label[200];
    struct schedule whole = {.cut = 7, .order = want->x->partitions > 1, .flush_every = 1};
    int most = batches_out(want, &whole);
    for (int n = 1; n <= most + 1; n++) {
        for (int fails = 0; fails < 2; fails++) {
            struct run r = {.x = want->x, .account = want->account};
            struct schedule s = {
                .cut = 7, .order = n == 1 ? 0 : r.x->partitions > 1, .flush_every = 1};
            gate_init(&r.gate);
            if (fails)
                r.gate.fail_at = n;
            else
                r.gate.done_at = n;
            run_schedule(&r, &s);
            v->runs++;
            snprintf(label, sizeof(label), "emit %s at batch %d", fails ? "fails" : "says DONE", n);
            if (r.trouble[0])
                tell(v, r.x, label, r.trouble);
            else if (fails && r.gate.emits >= n && r.rc != -SL_EIO)
                tell(v, r.x, label, "push did not fail");
            else if (fails && r.gate.emits > n)
                tell(v, r.x, label, "emitted after the failure");
            else if (!fails && n <= most && !r.gate.done && n > 1)
                tell(v, r.x, label, "the batch never came");
            else if (!fails && r.rc < 0)
                tell(v, r.x, label, r.err.what);
            gate_free(&r.gate);
        }
    }
    if (!want->gate.rejects.n)
        return;
    struct run r = {.x = want->x, .account = want->account};
    struct schedule s = {.cut = 7};
    gate_init(&r.gate);
    r.gate.fail_reject = 1;
    run_schedule(&r, &s);
    v->runs++;
    if (r.rc != -SL_EFORMAT || r.gate.asides != 1)
        tell(v, r.x, "the first reject ends the run", "push did not fail with it");
    gate_free(&r.gate);
}

/* What the traits and functions of a class say of each other. */
static inline void judge_class(struct verdict *v, const struct example *x,
                               struct sl_account *account)
{
    struct sl_err err;
    struct sl_op *op = bound(x, account, &err);
    if (!op)
        return; /* every run says so */
    const struct sl_op_class *c = op->class;
    if ((op->traits & (SL_OP_ROWWISE | SL_OP_MERGE)) && !(c->split && c->merge))
        tell(v, x, "traits", "row-wise or mergeable without split and merge");
    if ((op->traits & SL_OP_ROWWISE) && (c->save || c->held))
        tell(v, x, "traits", "row-wise with a state");
    if (!c->save != !c->load)
        tell(v, x, "traits", "save without load, or load without save");
    if (inputs_of(x) > 1 && (!c->next_input || op->traits & (SL_OP_ROWWISE | SL_OP_MERGE)))
        tell(v, x, "traits", "several inputs without next_input, or in copies");
    if (c->held && !c->save)
        tell(v, x, "traits", "holds rows and does not save them");
    sl_op_free(op);
}

/* Every schedule of the contract, but for faults of allocation. */
static inline struct verdict judge_example(const struct example *x, struct sl_account *account)
{
    static const size_t cuts[] = {1, 2, 7, 1000000};
    struct verdict v = {0, 0, ""};
    struct run want = {.x = x, .account = account};
    struct schedule s = {.cut = 1000000, .keep = 1};
    char label[200];

    gate_init(&want.gate);
    run_schedule(&want, &s);
    if (want.rc < 0 || want.trouble[0]) {
        v.failures = 1;
        snprintf(v.first, sizeof(v.first), "%s %s: %s %s", x->class, x->name, want.err.what,
                 want.trouble);
        gate_free(&want.gate);
        return v;
    }
    judge_class(&v, x, account);
    judge_schedules(&v, &want, cuts, SL_COUNT(cuts));
    judge_consumers(&v, &want);
    struct sl_op *probe = bound(x, account, NULL);
    int splits = probe && probe->class->split && (probe->traits || probe->class->merge) &&
                 !(probe->traits & SL_OP_ORDERED);
    sl_op_free(probe);
    for (size_t c = 0; splits && c < 2 * SL_COUNT(cuts); c++) {
        struct run r = {.x = x, .account = account};
        size_t cut = cuts[c / 2];
        run_split(&r, cut, c % 2);
        snprintf(label, sizeof(label), "three copies, cut %zu%s", cut, c % 2 ? ", saved" : "");
        judge(&v, &want, &r, label);
    }
    gate_free(&want.gate);
    return v;
}

#endif
