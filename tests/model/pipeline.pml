/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * pipeline: how a named pipeline resumes (sluice-pipelines(7)), as a model for spin.
 *
 * A run is three processes in a pipe: the head reads the source and says where it began, a stage counts
 * rows in its state, the sink commits rows, positions and the name of the state at each barrier. Runs of
 * one pipeline are started at any moment, also beside each other; the file lock that keeps the second one
 * out may be lost. A process may be killed between any two of its steps, and the power may go: then what no
 * sync covered is on the device or not. Another writer appends to the same log and syncs it. Checked:
 *
 *   - whatever a commit says, the rows in the log are those of the source up to its position, each
 *     once, with the counts that one run over all of them would have given;
 *   - what a commit that survives points at survives with it: rows of the source, and state;
 *   - whatever was killed, a last run that is left alone brings all rows into the log.
 *
 * What is left out: how a commit becomes one (commit.pml), several sources and stages, light barriers
 * (they are commits without state), the account of late rows.
 *
 * The environment sets FAULT (0: the protocol as published), KILLS, CUTS, LOSSES of the file lock, OTHERS
 * (commits of the other writer) and STARTS. tests/model/check runs them all.
 */

#define ROWS 2
#define RUNS 3 /* numbered from 1; 0 stands for none */
#define KS 6   /* checkpoints */
#define LINES 12

/* Planted faults. */
#define NO_BASE_CHECK 1          /* the sink opens whatever the head began from */
#define NO_FENCE 2               /* a commit does not look who opened last */
#define STATE_NOT_SYNCED 3       /* before the barrier goes on */
#define STATE_GONE_EARLY 4       /* the last checkpoint's, before the next one is synced */
#define POSITION_NOT_DURABLE 5   /* where the source is */
#define STATE_WITHOUT_RUN 6      /* two runs write files of one name */
#define ROWS_BEFORE_POSITION 7   /* two commits */
#define DEATH_IS_END 8           /* of a pipe: what came until then is committed */
#define NEWEST_STATE 9           /* is loaded, not that which the base names */
#define STATE_UNSEEN 10          /* at the commit: it may have been swept */
#define SWEEP_OUTSIDE_LOCK 11    /* by a list that is old by then */
#define SWEEP_OWN 12             /* state of the run itself, which its stage made meanwhile */

byte fault;
#define is(x) (fault == x)

#define OPEN 1 /* kinds of lines, and of messages */
#define CHECKPOINT 2
#define OTHER 3
#define ROW 4
#define STOP 5

typedef Line {
    byte kind, by;
    byte from, to; /* of the source: rows in it, position behind them */
    byte was;      /* bit i: the row i had been lost once when it was read */
    byte k;
};
Line line[LINES];
byte lines, synced; /* so many, of these on the device */

typedef Saved { /* file of the stage: run and k are its name */
    bit here, durable;
    byte count;
};
Saved state[24]; /* run * KS + k */
#define file(r, k) ((is(STATE_WITHOUT_RUN) -> 0 : (r)) * KS + (k))

byte end, end_synced; /* of the source */
byte was;             /* its rows that were lost and came again, as others */
bit dead[12];         /* run * 3 + part: head 0, stage 1, sink 2 */
bit begun[4];
byte owner;           /* who holds the pipeline's lock */
byte locked;          /* and the log's */
byte kills, cuts, losses, others, starts;

chan pipe[8] = [1] of { byte, byte, byte, byte }; /* run * 2 + 0: to the stage, + 1: to the sink */

#define quits(r, part) dead[(r) * 3 + part] = 1

/* The last checkpoint in the first n lines: its line + 1, 0 = none. */
inline last_checkpoint(n, v)
{
    v = n;
    do
    :: v > 0 && line[v - 1].kind != CHECKPOINT -> v--
    :: else -> break
    od
}

inline last_open(v)
{
    v = lines;
    do
    :: v > 0 && line[v - 1].kind != OPEN -> v--
    :: else -> break
    od
}

#define position(b) ((b) -> line[(b) - 1].to : 0)
#define number(b) ((b) -> line[(b) - 1].k : 0)

proctype head(byte r)
{
    byte base, pos, k;
    bit fresh; /* rows since the last barrier */
    {
    d_step { last_checkpoint(lines, base); pos = position(base); k = number(base) }
    pipe[r * 2]!OPEN, base, 0, 0;
    do
    :: d_step { pos < end && !dead[r * 3 + 1] -> pos++; fresh = 1 }
        pipe[r * 2]!ROW, pos, (was >> pos) & 1, 0
    :: fresh && k + 1 < KS && !dead[r * 3 + 1] ->
        d_step {
            k++;
            fresh = 0;
            if
            :: !is(POSITION_NOT_DURABLE) && end_synced < pos -> end_synced = pos
            :: else
            fi
        }
        pipe[r * 2]!CHECKPOINT, pos, k, 0
    :: pos == ROWS && !fresh -> pipe[r * 2]!STOP, 0, 0, 0; break
    :: dead[r * 3 + 1] -> break /* nobody reads */
    od;
    quits(r, 0)
    } unless {
        atomic { dead[r * 3] -> base = 0; pos = 0; k = 0; fresh = 0 }
    }
}

/* What nobody will read. */
#define drain(c)                                                                                   \
    do                                                                                             \
    :: c?_, _, _, _                                                                                \
    :: empty(c) -> break                                                                           \
    od

/* Waits for a message; the pipe's end without one is its writer's death. */
#define receive(c, writer, dies)                                                                   \
    if                                                                                             \
    :: c?kind, a, b, n                                                                             \
    :: dead[writer] && empty(c) -> dies                                                            \
    fi

proctype stage(byte r)
{
    byte kind, a, b, n, count, k;
    bit over;
    {
    receive(pipe[r * 2], r * 3, goto out);
    d_step {
        /* a is the base; its state is what the base names */
        k = number(a);
        if
        :: a && is(NEWEST_STATE) ->
            k = KS - 1;
            do
            :: !state[file(line[a - 1].by, k)].here && k > 0 -> k--
            :: else -> break
            od
        :: else
        fi;
        count = 0;
        if
        :: a && line[a - 1].kind == CHECKPOINT ->
            if
            :: !state[file(line[a - 1].by, k)].here -> over = 1 /* another run went on meanwhile */
            :: else -> count = state[file(line[a - 1].by, k)].count
            fi
        :: else -> over = (a != 0)
        fi
    }
    if
    :: over -> goto out
    :: else
    fi;
    pipe[r * 2 + 1]!OPEN, a, 0, 0;
    do
    :: receive(pipe[r * 2], r * 3, break);
        if
        :: kind == ROW -> count++; pipe[r * 2 + 1]!ROW, a, b, count
        :: kind == CHECKPOINT ->
            d_step {
                state[file(r, b)].count = count;
                state[file(r, b)].here = 1;
                state[file(r, b)].durable = !is(STATE_NOT_SYNCED)
            }
            pipe[r * 2 + 1]!CHECKPOINT, a, b, 0
        :: kind == STOP -> pipe[r * 2 + 1]!STOP, 0, 0, 0; break
        fi
    :: dead[r * 3 + 2] -> break
    od;
out:
    quits(r, 1)
    } unless {
        atomic {
            dead[r * 3 + 1] ->
            drain(pipe[r * 2]);
            kind = 0; a = 0; b = 0; n = 0; count = 0; k = 0; over = 0
        }
    }
}

/* Appends a line, under the log's lock. */
inline append(what, f, t, w, kk)
{
    assert(lines < LINES);
    line[lines].kind = what;
    line[lines].by = r;
    line[lines].from = f;
    line[lines].to = t;
    line[lines].was = w;
    line[lines].k = kk;
    lines++
}

/* State files of other runs that none of the last two checkpoints among the first `upto` lines names, and
 * one's own that are older: the stage may be ahead. */
inline sweep(upto)
{
    last_checkpoint(upto, x);
    y = 0;
    if
    :: x -> last_checkpoint(x - 1, y)
    :: else
    fi;
    b = 0;
    do
    :: b < 24 ->
        if
        :: (x && b == file(line[x - 1].by, line[x - 1].k)) ||
           (y && b == file(line[y - 1].by, line[y - 1].k)) ||
           (b / KS == r && !is(SWEEP_OWN) && (!x || b % KS > line[x - 1].k))
        :: else -> state[b].here = 0; state[b].durable = 0; state[b].count = 0
        fi;
        b++
    :: else -> break
    od;
    x = 0;
    y = 0;
    b = 0
}

proctype sink(byte r)
{
    byte kind, a, b, n, x, y, from, at, bits;
    bit good = 1;
    {
    if
    :: atomic { owner == 0 -> owner = r }
    :: owner != 0 -> goto out /* exit 75 */
    fi;
    receive(pipe[r * 2 + 1], r * 3 + 1, goto out);
    atomic { locked == 0 -> locked = r }
    d_step {
        x = 0;
        last_checkpoint(lines, x);
        if
        :: x == a || is(NO_BASE_CHECK) ->
            append(OPEN, 0, 0, 0, 0);
            from = position(a);
            at = from;
            if :: !is(SWEEP_OUTSIDE_LOCK) -> sweep(lines) :: else fi
        :: else -> n = 1 /* another run committed meanwhile */
        fi;
        x = 0;
        locked = 0
    }
    if
    :: n -> goto out
    :: else
    fi;
    do
    :: receive(pipe[r * 2 + 1], r * 3 + 1, kind = 0);
        if
        :: kind == ROW ->
            d_step {
                good = good && a == at + 1 && n == a;
                at = a;
                bits = bits | (b << a)
            }
        :: kind == CHECKPOINT || (kind == 0 && is(DEATH_IS_END) && at > from) ->
            d_step { locked == 0 -> locked = r }
            d_step {
                if :: kind == 0 -> a = from; last_checkpoint(lines, x); b = number(x) :: else fi;
                last_open(x);
                if
                :: line[x - 1].by != r && !is(NO_FENCE) -> kind = STOP /* fenced */
                :: !is(STATE_UNSEEN) && !state[file(r, b)].here && kind != 0 -> kind = STOP
                :: else ->
                    last_checkpoint(lines, x);
                    /* what an onlooker demands of each commit */
                    assert(good && at == a && from == position(x));
                    if
                    :: is(ROWS_BEFORE_POSITION) -> append(OTHER, from, at, bits, 0)
                    :: else
                    fi
                fi;
                x = 0
            }
            if
            :: kind == STOP -> locked = 0; break
            :: else
            fi;
            if
            :: is(STATE_GONE_EARLY) ->
                d_step { last_checkpoint(lines, x); if :: x -> state[file(line[x - 1].by, line[x - 1].k)].here = 0 :: else fi; x = 0 }
            :: else
            fi;
            d_step { append(CHECKPOINT, from, a, bits, b); from = a; bits = 0; n = lines }
            d_step { synced = (synced < lines -> lines : synced) }
            d_step { if :: !is(SWEEP_OUTSIDE_LOCK) -> sweep(lines) :: else fi; locked = 0; b = 0; a = 0 }
            if
            :: is(SWEEP_OUTSIDE_LOCK) -> d_step { sweep(n) }
            :: else
            fi;
            n = 0;
            if
            :: kind == 0 -> break
            :: else
            fi
        :: else -> break /* STOP, or the stage died */
        fi
    od;
out:
    atomic { owner = (owner == r -> 0 : owner); quits(r, 2) }
    } unless {
        atomic {
            dead[r * 3 + 2] ->
            drain(pipe[r * 2 + 1]);
            kind = 0; a = 0; b = 0; n = 0; x = 0; y = 0; from = 0; at = 0; bits = 0; good = 0
        }
    }
}

/* Rows in the log without their position: no commit may leave that behind. */
inline check()
{
    i = 0;
    v = 0;
    do
    :: i < lines ->
        if
        :: line[i].kind == CHECKPOINT ->
            assert(line[i].from == v || is(ROWS_BEFORE_POSITION));
            v = line[i].to
        :: line[i].kind == OTHER && line[i].to != 0 ->
            assert(i + 1 < lines && line[i + 1].kind == CHECKPOINT)
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0;
    v = 0
}

/* What a checkpoint that survived points at: rows of the source, and state. */
inline check_reach()
{
    last_checkpoint(lines, i);
    if
    :: i ->
        assert(line[i - 1].to <= end);
        assert(state[file(line[i - 1].by, line[i - 1].k)].here);
        assert(state[file(line[i - 1].by, line[i - 1].k)].count == line[i - 1].to)
    :: else
    fi;
    i = 0
}

inline power_cut()
{
    do
    :: lines > synced -> lines--; line[lines].kind = 0; line[lines].by = 0; line[lines].from = 0;
        line[lines].to = 0; line[lines].was = 0; line[lines].k = 0
    :: true -> break
    od;
    do
    :: end > end_synced -> was = was | (1 << end); end--
    :: true -> break
    od;
    i = 0;
    do
    :: i < 24 && state[i].here && !state[i].durable -> state[i].here = 0; state[i].count = 0; i++
    :: i < 24 -> state[i].durable = state[i].here; i++
    :: else -> break
    od;
    synced = lines;
    end_synced = end;
    owner = 0;
    locked = 0;
    i = 3;
    do
    :: i < 12 ->
        if :: begun[i / 3] -> dead[i] = 1 :: else fi;
        i++
    :: else -> break
    od;
    i = 0
}

inline start()
{
    r++;
    begun[r] = 1;
    run head(r);
    run stage(r);
    run sink(r)
}

active proctype world()
{
    byte r, i, v;
    d_step {
        c_code {
#define BUDGET(name, usual) (getenv(name) ? atoi(getenv(name)) : usual)
            now.fault = BUDGET("FAULT", 0);
            now.kills = BUDGET("KILLS", 1);
            now.cuts = BUDGET("CUTS", 0);
            now.losses = BUDGET("LOSSES", 0);
            now.others = BUDGET("OTHERS", 0);
            now.starts = BUDGET("STARTS", 1);
        };
        end = 1
    }
    atomic { start() }
    do
    :: atomic { r < starts -> start() }
    :: d_step { end < ROWS -> end++ }
    :: d_step { others > 0 && locked == 0 -> others--; assert(lines < LINES); line[lines].kind = OTHER; lines++; synced = lines }
    :: d_step { losses > 0 && owner != 0 -> losses--; owner = 0 }
    :: atomic {
        kills > 0 ->
        kills--;
        if /* any process of any run */
        :: begun[1] && !dead[3] -> dead[3] = 1; i = 1
        :: begun[1] && !dead[4] -> dead[4] = 1; i = 1
        :: begun[1] && !dead[5] -> dead[5] = 1; i = 1; owner = (owner == 1 -> 0 : owner); locked = (locked == 1 -> 0 : locked)
        :: begun[2] && !dead[6] -> dead[6] = 1; i = 1
        :: begun[2] && !dead[7] -> dead[7] = 1; i = 1
        :: begun[2] && !dead[8] -> dead[8] = 1; i = 1; owner = (owner == 2 -> 0 : owner); locked = (locked == 2 -> 0 : locked)
        :: else
        fi;
        i = 0;
        d_step { check() }
    }
    :: atomic {
        cuts > 0 ->
        cuts--;
        power_cut();
        d_step { check(); check_reach() }
    }
    :: timeout ->
        /* at rest: all rows are in, or a run that is left alone brings them in */
        d_step { check(); check_reach(); last_checkpoint(lines, v); i = position(v); v = 0 }
        if
        :: i == ROWS || r == RUNS -> break
        :: else -> i = 0; atomic { start() }
        fi
    od;
    assert(i == ROWS)
}
