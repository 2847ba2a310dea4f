/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The sluice authors */
/*
 * commit: the commit protocol of sluice-log(5) as a model for spin.
 *
 * Two writers and a follower share a log of two partitions. A writer may be killed between any two
 * of its steps, the power may go at any moment, a sync may fail. After a power cut each write,
 * truncation and directory entry that no sync covered is on the device or not, independently of all
 * others; a sync that failed leaves what it should have written in the page cache, clean, so that a
 * later sync says "done" and does nothing. Checked:
 *
 *   - an acknowledged commit survives with its own rows (boundary, ghost_check);
 *   - a recovered log is one prefix of the commits, and no row in it is another's;
 *   - the follower, who reads partition 0, sees committed rows only, each once, in the order of
 *     the commits, and all of them when the system comes to rest; a position that it saved after
 *     syncing stays valid;
 *   - nothing that a kill, a power cut or a failed sync leaves behind is called corrupt.
 *
 * What is left out: the bytes of lines and batches (each is whole, torn or absent), retention,
 * several segments per partition, schema changes, a lock file that is removed, a file system that loses
 * what is beyond the mark without a reboot (a bad tail there counts as lost on the same boot too: what
 * reader and writer do then is what they do after a reboot, which is here).
 *
 * Time and space: a batch is one cell and carries the number of the attempt that wrote it (id);
 * cell[p] holds what processes see, dev[p] the set of values that the device may hold. Commit files
 * are numbered in order of creation; file 0 exists from the start and holds commit 1, a snapshot.
 * Snapshots are commits without rows. Steps that cannot be told apart by anybody are merged.
 *
 * The environment sets the run: FAULT is the number of a planted fault (0: the protocol as
 * published), ATTEMPTS, KILLS, CUTS, SAVES, FAILS and EVICTS the budgets. tests/model/check runs them
 * all.
 */

#ifndef MAX_ATTEMPTS
#define MAX_ATTEMPTS 3
#endif
#define ROT 3 /* lines in a file before the next one is begun */

#define FILES (MAX_ATTEMPTS + 4)
#define COMMITS (2 * MAX_ATTEMPTS + 6)
#define CELLS (MAX_ATTEMPTS + 1)
#define SNAP 14 /* id of a commit without rows */
#define NONE 255

/* Planted faults, by the step that is left out or changed. */
#define CONTINUE_TORN_LINE 1
#define NO_SECOND_READ 2
#define SYNC_OWN_SEGMENTS_ONLY 3
#define NO_CUT 4
#define NO_COMMITS_DIRECTORY_SYNC 5
#define NO_PARTITION_DIRECTORY_SYNC 6
#define MARK_BEFORE_COMMIT_FILE_SYNC 7
#define NO_SEGMENT_SYNC 8
#define NO_SNAPSHOT_SYNC 9
#define LINE_DOES_NOT_BIND_BYTES 10
#define MAKER_ALONE_SYNCS_DIRECTORY 11
#define BOOT_ID_BEFORE_RECOVERY 12
#define LIST_BEFORE_LOCK_FILE 13
#define NO_LOCK 14
#define NO_VERIFICATION_AFTER_REBOOT 15
#define SAVE_POSITION_UNSYNCED 16
#define NO_COMMIT_FILE_SYNC 17
#define GAP_IS_CORRUPT 18
#define SNAPSHOT_BEFORE_SEGMENT_SYNC 19
#define ACKNOWLEDGE_AFTER_FAILED_SYNC 20
#define FAILURE_NOT_NOTED 21
#define NO_GENERATION 22
#define NO_DROP_OF_CACHE 23
#define LOST_PAGES_ARE_CORRUPT 24

byte fault;
#define is(x) (fault == x)

typedef File {
    bit here;    /* its name is visible */
    bit durable; /* its name is on the device */
    bit torn;    /* a piece of a line, or rubbish, at its end */
    bit lost;    /* a sync of it failed: its pages are clean, whatever the device holds */
    byte first;  /* number of its first commit: its name */
    byte size;   /* whole lines */
    byte synced; /* of these on the device for sure */
    byte prev;   /* what its snapshot says: the last commit before it, */
    byte e0, e1; /* and the ends of the partitions there */
    byte id[ROT + 1];
    byte mark[ROT + 1]; /* "durable" of each line */
};
typedef Part {
    byte cell[CELLS];
    int dev[CELLS]; /* bit v: the device may hold v */
    bit entry;      /* the directory entry of the segment is durable */
    bit lost;       /* a sync of it failed */
    byte added;     /* commit that added it, 0 = none */
};

File file[FILES];
Part part[2];
byte boot = 1;      /* what the kernel says */
byte lock_boot = 1; /* the lock file: boot id, 0 after a failed sync, */
byte lock_mark = 1; /* durable mark, */
byte lock_gen;      /* count of recoveries, */
bit lock_syncing;   /* and that a sync is under way */
byte locked;        /* who holds the append lock, 0 = nobody */
byte sync_locked;   /* who holds the sync lock */
byte next_id = 1;
byte mask[MAX_ATTEMPTS + 1];   /* partitions that attempt id writes to, */
byte number[MAX_ATTEMPTS + 1]; /* and the commit number it bears */
byte attempts, kills, cuts, saves, fails;
byte evicts; /* how often the kernel drops pages of a failed sync before the recovery does */
bit follow, flagged; /* is there a follower; is a sync noted before it is begun */
bit killed[4];
#define pending (killed[1] || killed[2] || killed[3]) /* the dead start anew before all else */

/* ghosts: what an onlooker knows */
byte truth[COMMITS]; /* id of commit n */
byte acked;          /* highest number that was acknowledged */
byte saved = 1;      /* the follower's position on its own device */
byte seen = 1;       /* the follower's position in this boot */
bit failed;          /* a sync failed in this boot: commits not acknowledged may be taken back */

#define max(a, b) ((a) > (b) -> (a) : (b))
#define rows(x) ((x) != 0 && (x) < SNAP)
#define touches(x, p) (rows(x) && ((mask[x] >> p) & 1))

inline newest(v)
{
    v = FILES - 1;
    do
    :: !file[v].here -> v--
    :: else -> break
    od
}

/* Ends of both partitions after the first `lines` lines of file i. */
inline ends(i, lines, ea, eb)
{
    ea = file[i].e0;
    eb = file[i].e1;
    k = 0;
    do
    :: k < lines ->
        ea = ea + touches(file[i].id[k], 0);
        eb = eb + touches(file[i].id[k], 1);
        k++
    :: else -> break
    od
}

/* The mark as one knows it who has read the lock file and file i. */
inline known_mark(i, v)
{
    v = lock_mark;
    k = 0;
    do
    :: k < file[i].size ->
        if
        :: file[i].id[k] != 0 && file[i].mark[k] > v -> v = file[i].mark[k]
        :: else
        fi;
        k++
    :: else -> break
    od;
    k = 0
}

/* Partitions that the commits in (from, to] wrote to. */
inline touched(from, to, v)
{
    v = 0;
    k = from + 1;
    do
    :: k <= to ->
        if
        :: rows(truth[k]) -> v = v | mask[truth[k]]
        :: else
        fi;
        k++
    :: else -> break
    od;
    k = 0
}

inline put(p, o, v)
{
    part[p].cell[o] = v;
    part[p].dev[o] = part[p].dev[o] | (1 << v)
}

inline cut(p, end)
{
    k = end;
    do
    :: k < CELLS ->
        if
        :: part[p].cell[k] != 0 -> put(p, k, 0)
        :: else
        fi;
        k++
    :: else -> break
    od;
    k = 0
}

inline sync_cells(p)
{
    k = 0;
    do
    :: k < CELLS ->
        if
        :: !part[p].lost -> part[p].dev[k] = 1 << part[p].cell[k]
        :: else /* "done" */
        fi;
        k++
    :: else -> break
    od;
    k = 0
}

inline sync_commits_directory()
{
    k = 0;
    do
    :: k < FILES ->
        file[k].durable = file[k].here;
        k++
    :: else -> break
    od;
    k = 0
}

inline sync_file(i)
{
    if
    :: !file[i].lost -> file[i].synced = file[i].size
    :: else /* "done" */
    fi
}

/* Segments of the partitions in the set t, and directories of those added after commit m. */
inline sync_segments(t, m)
{
    if :: t & 1 -> sync_cells(0) :: else fi;
    if :: t & 2 -> sync_cells(1) :: else fi;
    if
    :: !is(NO_PARTITION_DIRECTORY_SYNC) ->
        if :: (t & 1) && part[0].added > m -> part[0].entry = 1 :: else fi;
        if :: (t & 2) && part[1].added > m -> part[1].entry = 1 :: else fi
    :: else
    fi
}

/* Everything up to commit n is there and is what was committed. */
inline ghost_check(n)
{
    k = 1;
    ga = 0;
    gb = 0;
    do
    :: k <= n ->
        assert(truth[k] != 0);
        if
        :: touches(truth[k], 0) -> assert(part[0].cell[ga] == truth[k]); ga++
        :: else
        fi;
        if
        :: touches(truth[k], 1) -> assert(part[1].cell[gb] == truth[k]); gb++
        :: else
        fi;
        k++
    :: else -> break
    od;
    ga = 0;
    gb = 0;
    k = 0
}

/* Does the batch of line x stand at its place? */
#define stands(x, p, o)                                                                            \
    (!touches(x, p) || part[p].cell[o] == x ||                                                     \
     (is(LINE_DOES_NOT_BIND_BYTES) && rows(part[p].cell[o]) &&                                     \
      number[part[p].cell[o]] == number[x]))

/* The last commit of file i that is good after a power cut: n, and the ends there. */
inline verify(i, n, ea, eb)
{
    known_mark(i, m);
    n = file[i].first - 1;
    ea = file[i].e0;
    eb = file[i].e1;
    k = 0;
    do
    :: k < file[i].size && file[i].id[k] != 0 &&
       (n + 1 <= m || is(NO_VERIFICATION_AFTER_REBOOT) ||
        (stands(file[i].id[k], 0, ea) && stands(file[i].id[k], 1, eb))) ->
        ea = ea + touches(file[i].id[k], 0);
        eb = eb + touches(file[i].id[k], 1);
        n++;
        k++
    :: else -> break
    od;
    assert(n >= m); /* else: corrupt at or below the durable mark */
    if
    :: is(GAP_IS_CORRUPT) && k < file[i].size && file[i].id[k] == 0 ->
        do
        :: k < file[i].size -> assert(file[i].id[k] == 0); k++
        :: else -> break
        od
    :: else
    fi;
    k = 0
}

/* What an onlooker demands of the commit n that a recovery goes back to. */
inline boundary(n)
{
    assert(n >= acked);
    assert(n >= saved);
    assert(n >= seen || failed);
    ghost_check(n);
    k = n + 1;
    do
    :: k < COMMITS -> truth[k] = 0; k++
    :: else -> break
    od;
    k = 0;
    do
    :: k < 2 ->
        if
        :: part[k].added > n -> part[k].added = 0
        :: else
        fi;
        k++
    :: else -> break
    od;
    k = 0
}

/* What is lost with a failed sync, seen when the pages are dropped: atomic, not deterministic. */
inline drop_cache(i)
{
    if
    :: file[i].lost && !is(NO_DROP_OF_CACHE) ->
        k = file[i].synced;
        do
        :: k < file[i].size ->
            if
            :: file[i].id[k] = 0
            :: true
            fi;
            k++
        :: else -> break
        od;
        file[i].lost = 0
    :: else
    fi;
    x = 0;
    do
    :: x < 2 && part[x].lost && !is(NO_DROP_OF_CACHE) ->
        k = 0;
        do
        :: k < CELLS ->
            a = 0;
            do
            :: (part[x].dev[k] >> a) & 1 -> break
            :: part[x].dev[k] >> (a + 1) -> a++
            od;
            part[x].cell[k] = a;
            part[x].dev[k] = 1 << a;
            k++
        :: else -> break
        od;
        part[x].lost = 0;
        x++
    :: x < 2 && (!part[x].lost || is(NO_DROP_OF_CACHE)) -> x++
    :: x >= 2 -> break
    od;
    k = 0;
    x = 0;
    a = 0
}

#define unrecovered (lock_boot != boot || (lock_syncing && sync_locked == 0))

proctype writer(byte me) provided (!pending || killed[_pid])
{
    byte i, j, k, n, a, b, x, m, t, ga, gb, gen;
    bit fresh; /* the log was recovered under this lock */
start:
    {
        d_step { i = 0; j = 0; k = 0; n = 0; a = 0; b = 0; x = 0; m = 0; t = 0; gen = 0; fresh = 0 }
again:
        do
        :: d_step {
            (next_id <= attempts || unrecovered) && (locked == 0 || is(NO_LOCK)) ->
            locked = me;
            /* look for the newest file, catch up */
            newest(i);
            n = file[i].first + file[i].size - 1;
            fresh = unrecovered;
            x = fresh || (file[i].torn && !is(CONTINUE_TORN_LINE)) || file[i].size >= ROT
        }
        if
        :: x -> atomic { sync_locked == 0 || is(NO_LOCK) -> sync_locked = me }
        :: else
        fi;
        if
        :: fresh ->
            lock_boot = (is(BOOT_ID_BEFORE_RECOVERY) -> boot : lock_boot);
            atomic {
                drop_cache(i);
                d_step {
                    verify(i, n, a, b);
                    boundary(n)
                }
            }
        :: else
        fi;
        if
        :: x || fresh ->
            /* the next file: all before it is synced, so that it never needs to be undone */
            d_step {
                lock_syncing = flagged;
                ends(i, n + 1 - file[i].first, a, b);
                m = lock_mark;
                touched(m, n, t);
                if
                :: !is(SNAPSHOT_BEFORE_SEGMENT_SYNC) -> sync_segments(t, m); sync_file(i)
                :: else
                fi;
                if /* its maker may have died before */
                :: file[i].first > m && !is(NO_COMMITS_DIRECTORY_SYNC) -> sync_commits_directory()
                :: else
                fi
            }
            /* temporary name, fsync, rename: from here on it counts */
            d_step {
                j = i + 1;
                assert(!file[j].here);
                n++;
                file[j].here = 1;
                file[j].durable = 0;
                file[j].torn = 0;
                file[j].lost = 0;
                file[j].first = n;
                file[j].prev = n - 1;
                file[j].e0 = a;
                file[j].e1 = b;
                file[j].id[0] = SNAP;
                file[j].mark[0] = n - 1;
                file[j].size = 1;
                file[j].synced = !is(NO_SNAPSHOT_SYNC);
                truth[n] = SNAP;
                i = j;
                j = 0
            }
            d_step { if :: !is(NO_COMMITS_DIRECTORY_SYNC) -> sync_commits_directory() :: else fi }
            d_step {
                lock_mark = (is(NO_LOCK) -> max(lock_mark, n) : n);
                lock_syncing = 0;
                sync_locked = 0;
                if :: fresh -> lock_boot = boot; lock_gen++ :: else fi;
                fresh = 0
            }
        :: else
        fi;
        if
        :: d_step { next_id > attempts -> locked = 0; i = 0; n = 0; a = 0; b = 0; x = 0; m = 0; t = 0 }
            goto again
        :: else
        fi;
        /* append: cut off what no line promises, write the batches */
        atomic {
            x = next_id;
            next_id++;
            gen = lock_gen;
            if
            :: mask[x] = 1
            :: mask[x] = 3
            fi;
            d_step {
                number[x] = n + 1;
                ends(i, file[i].size, a, b);
                if
                :: !is(NO_CUT) ->
                    if :: mask[x] & 1 -> cut(0, a) :: else fi;
                    if :: mask[x] & 2 -> cut(1, b) :: else fi
                :: else -> /* whoever appends at the end of the file */
                    do
                    :: part[0].cell[a] != 0 -> a++
                    :: else -> break
                    od;
                    do
                    :: part[1].cell[b] != 0 -> b++
                    :: else -> break
                    od
                fi;
                k = 0;
                if :: mask[x] & 1 -> put(0, a, x) :: else fi;
                if :: mask[x] & 2 -> put(1, b, x) :: else fi;
                a = 0;
                b = 0
            }
        }
        /* the line, in one write; a kill may leave a piece of it */
        d_step { t = file[i].torn; file[i].torn = 1 }
        d_step {
            n++;
            k = file[i].size;
            file[i].id[k] = (t -> 0 : x); /* after a torn tail: rubbish */
            file[i].mark[k] = lock_mark;
            file[i].size = k + 1;
            file[i].torn = 0;
            truth[n] = x;
            if :: (mask[x] & 1) && part[0].added == 0 -> part[0].added = n :: else fi;
            if :: (mask[x] & 2) && part[1].added == 0 -> part[1].added = n :: else fi;
            k = 0;
            t = 0;
            locked = 0
        }
        /* acknowledge: segments and directories, commit file, mark */
        d_step {
            sync_locked == 0 ->
            m = lock_mark;
            if
            :: lock_boot != boot || (lock_gen != gen && !is(NO_GENERATION)) ||
               lock_syncing -> j = 1 /* who knows: stop */
            :: else -> sync_locked = me; j = 0; lock_syncing = flagged
            fi
        }
        if
        :: j -> skip
        :: !j && m >= n && !is(NO_LOCK) -> d_step { acked = max(acked, n); sync_locked = 0; lock_syncing = 0 }
        :: else ->
            if
            :: d_step {
                touched(m, n, t);
                if
                :: is(SYNC_OWN_SEGMENTS_ONLY) -> t = mask[x]
                :: is(NO_SEGMENT_SYNC) -> t = 0
                :: else
                fi;
                sync_segments(t, m);
                if
                :: file[i].first > m && !is(MAKER_ALONE_SYNCS_DIRECTORY) && !is(NO_COMMITS_DIRECTORY_SYNC) ->
                    sync_commits_directory()
                :: else
                fi
            }
            :: d_step {
                fails > 0 ->
                fails--;
                failed = 1;
                touched(m, n, t);
                if :: t & 1 -> part[0].lost = 1 :: else fi;
                if :: t & 2 -> part[1].lost = 1 :: else fi;
                j = 1
            }
            fi;
            if
            :: !j ->
                if
                :: is(MARK_BEFORE_COMMIT_FILE_SYNC) -> lock_mark = max(lock_mark, n)
                :: else
                fi;
                if
                :: d_step { if :: !is(NO_COMMIT_FILE_SYNC) -> sync_file(i) :: else fi }
                :: d_step { fails > 0 -> fails--; failed = 1; file[i].lost = 1; j = 1 }
                fi
            :: else
            fi;
            if
            :: d_step {
                !j || is(ACKNOWLEDGE_AFTER_FAILED_SYNC) ->
                lock_mark = max(lock_mark, n);
                acked = max(acked, n)
            }
            :: else ->
                if
                :: is(FAILURE_NOT_NOTED)
                :: else -> lock_boot = 0
                fi
            fi;
            d_step { lock_syncing = 0; sync_locked = 0 }
        fi;
        d_step { i = 0; j = 0; k = 0; n = 0; a = 0; b = 0; x = 0; m = 0; t = 0; gen = 0 }
        od
    } unless {
        atomic { killed[me] -> killed[me] = 0; goto start }
    }
}

proctype follower() provided (!pending || killed[_pid])
{
    byte i, j, k, n, a, b, x, m, t, lim;
    bit ended;
    bit careful; /* this boot's recovery was not seen: verify each batch */
start:
    {
        d_step {
            i = 0; j = 0; k = 0; n = saved; a = 0; b = 0; x = 0; m = 0; t = 0; lim = NONE;
            ended = 0;
            careful = 0;
            if
            :: !is(LIST_BEFORE_LOCK_FILE) -> careful = unrecovered
            :: else
            fi
        }
        d_step {
            newest(i);
            do
            :: !file[i].here || file[i].first > n + 1 -> lim = (file[i].here -> file[i].prev : lim); i--
            :: else -> break
            od;
            ends(i, n + 1 - file[i].first, a, b);
            k = 0
        }
        if
        :: is(LIST_BEFORE_LOCK_FILE) -> careful = unrecovered
        :: else
        fi;
        do
        :: d_step {
            n < lim && n + 1 < file[i].first + file[i].size ->
            ended = 0;
            x = file[i].id[n + 1 - file[i].first];
            if
            :: x != 0 && stands(x, 0, a) && (!careful || stands(x, 1, b)) ->
                /* rows of partition 0 go out */
                assert(x == truth[n + 1] || failed);
                if :: touches(x, 0) -> assert(part[0].cell[a] == x); a++ :: else fi;
                b = b + touches(x, 1);
                n++;
                seen = max(seen, n)
            :: careful -> lim = n /* lost with the power: wait for the recovery's file */
            :: else -> j = i + 1 /* looks bad */
            fi;
            x = (j -> x : 0)
        }
            if
            :: !j
            :: d_step {
                j && locked == 0 -> /* look again, under the shared lock */
                x = file[i].id[n + 1 - file[i].first];
                if
                :: x != 0 && stands(x, 0, a)
                :: (unrecovered || lock_syncing) && !is(LOST_PAGES_ARE_CORRUPT) ->
                    careful = 1 /* a sync failed, or may have, or its recovery was killed */
                :: else ->
                    assert(j < FILES && file[j].here); /* else: corrupt */
                    lim = file[j].prev;
                    assert(n >= lim) /* a line that is void now */
                fi;
                j = 0;
                x = 0
            }
            fi
        :: d_step {
            !ended && n + 1 >= file[i].first + file[i].size && n < lim -> ended = 1 /* for now */
        }
        :: d_step {
            (ended || n >= lim) && i + 1 < FILES && file[i + 1].here ->
            j = i + 1;
            ended = 0
        }
            /* a newer file: the older one once more to its end */
            d_step {
                lim = (is(NO_SECOND_READ) -> lim : file[j].prev);
                if
                :: n < lim && n + 1 < file[i].first + file[i].size && !is(NO_SECOND_READ)
                :: n > lim && failed -> killed[3] = 1 /* taken back after a failed sync: it fails */
                :: else ->
                    assert(n == file[j].prev); /* else rows were passed over, or taken back */
                    assert(a == file[j].e0 && b == file[j].e1);
                    i = j;
                    lim = NONE;
                    if
                    :: i + 1 < FILES && file[i + 1].here -> lim = file[i + 1].prev
                    :: else
                    fi
                fi;
                j = 0
            }
        :: d_step { saves > 0 && n > saved && sync_locked == 0 && !unrecovered -> saves--; sync_locked = 3 }
            /* a position is written down only when what it points at is durable */
            d_step {
                m = lock_mark;
                if
                :: !is(SAVE_POSITION_UNSYNCED) && n > m ->
                    touched(m, n, t);
                    sync_segments(t, m);
                    if :: file[i].first > m -> sync_commits_directory() :: else fi
                :: else
                fi;
                t = 0
            }
            d_step {
                if :: !is(SAVE_POSITION_UNSYNCED) && n > m -> sync_file(i) :: else fi;
                m = 0
            }
            d_step { saved = n; sync_locked = 0 }
        od
    } unless {
        atomic { killed[3] -> killed[3] = 0; seen = saved; goto start }
    }
}

/* What the device is left with. */
inline power_cut()
{
    i = 0;
    do
    :: i < FILES ->
        if
        :: file[i].here ->
            if
            :: !file[i].durable -> file[i].here = 0
            :: true
            fi;
            k = file[i].synced;
            do
            :: k < file[i].size ->
                if
                :: file[i].id[k] = 0
                :: true
                fi;
                k++
            :: else -> break
            od;
            /* what is lost at the end, and rubbish there: the recovery begins a new file anyway */
            if
            :: file[i].size > 0 && file[i].id[file[i].size - 1] == 0 ->
                do
                :: file[i].size > 0 && file[i].id[file[i].size - 1] == 0 -> file[i].size--
                :: else -> break
                od;
                file[i].torn = 0
            :: else -> file[i].torn = 0
            fi;
            if
            :: file[i].here -> file[i].durable = 1; file[i].lost = 0; file[i].synced = file[i].size
            :: else ->
                file[i].durable = 0; file[i].torn = 0; file[i].lost = 0; file[i].first = 0; file[i].size = 0;
                file[i].synced = 0; file[i].prev = 0; file[i].e0 = 0; file[i].e1 = 0
            fi
        :: else
        fi;
        i++
    :: else -> break
    od;
    p = 0;
    do
    :: p < 2 ->
        bare = 0;
        part[p].lost = 0;
        if
        :: !part[p].entry -> bare = 1
        :: part[p].added != 0 -> part[p].entry = 1
        :: else
        fi;
        k = 0;
        do
        :: k < CELLS ->
            if
            :: bare -> part[p].cell[k] = 0
            :: else ->
                v = 0;
                do /* any value of the set; a mixture is as good as nothing */
                :: (part[p].dev[k] >> v) & 1 -> break
                :: part[p].dev[k] >> (v + 1) -> v++
                od;
                part[p].cell[k] = v
            fi;
            part[p].dev[k] = 1 << part[p].cell[k];
            k++
        :: else -> break
        od;
        p++
    :: else -> break
    od;
    if
    :: lock_mark = 0 /* the lock file's content was never synced */
    :: true
    fi
}

active proctype world() provided (!pending)
{
    byte i, k, p, v, x, a;
    bit bare;
    byte all;
    d_step {
        c_code {
#define BUDGET(name, usual) (getenv(name) ? atoi(getenv(name)) : usual)
            now.fault = BUDGET("FAULT", 0);
            now.attempts = BUDGET("ATTEMPTS", 2);
            now.kills = BUDGET("KILLS", 1);
            now.cuts = BUDGET("CUTS", 1);
            now.follow = BUDGET("FOLLOW", 1);
            now.flagged = BUDGET("FLAGGED", 1);
            now.saves = BUDGET("SAVES", 0);
            now.fails = BUDGET("FAILS", 0);
            now.evicts = BUDGET("EVICTS", 0);
        };
        file[0].here = 1;
        file[0].durable = 1;
        file[0].first = 1;
        file[0].size = 1;
        file[0].synced = 1;
        file[0].id[0] = SNAP;
        truth[1] = SNAP;
        k = 0;
        do
        :: k < CELLS -> part[0].dev[k] = 1; part[1].dev[k] = 1; k++
        :: else -> break
        od;
        k = 0;
        all = kills
    }
    atomic { run writer(1); run writer(2); if :: follow -> run follower() :: else fi }
    do
    :: d_step { /* the writers are alike: the first is killed first */
        kills > 0 ->
        kills--;
        killed[1] = 1;
        locked = (locked == 1 -> 0 : locked);
        sync_locked = (sync_locked == 1 -> 0 : sync_locked)
    }
    :: d_step {
        kills > 0 && kills < all ->
        kills--;
        killed[2] = 1;
        locked = (locked == 2 -> 0 : locked);
        sync_locked = (sync_locked == 2 -> 0 : sync_locked)
    }
    :: atomic {
        evicts > 0 && (part[0].lost || part[1].lost) ->
        evicts--;
        newest(i);
        drop_cache(i);
        i = 0
    }
    :: atomic {
        cuts > 0 ->
        cuts--;
        power_cut();
        boot++;
        locked = 0;
        sync_locked = 0;
        lock_syncing = 0;
        seen = saved;
        failed = 0;
        d_step { i = 0; k = 0; p = 0; v = 0; bare = 0; killed[1] = 1; killed[2] = 1; killed[3] = follow }
    }
    :: timeout ->
        /* at rest: the follower has seen all */
        newest(i);
        assert(!unrecovered);
        assert(!follow || seen == file[i].first + file[i].size - 1);
        break
    od
}
