/* SPDX-License-Identifier: Apache-2.0
 *
 * The enclave with its store in the hands of an adversary, who keeps every file
 * that was ever sealed and offers any of them at each start; the anchor itself
 * is honest.  doc/PROTOCOL.rot 7.1 and 7.2: P1, P2 and P3 apart, a kill behind
 * every durable step.
 *
 *     -DANCHOR   a cell that is extended: exactly the file that it names
 *     -DBURN     a counter, with the fallback in which A is burnt
 *     neither    a counter whose increment is finished at the start, as one
 *                would write it first: A signs two bodies, and spin must say so
 *
 *     step here             in the code
 *     start                 load_with, find_state, is_named (enclave/store.c)
 *     save                  ANCHORED and COUNTED, fallback_core (enclave/save.c)
 *     P1                    make_rotation, begin_p1, end_p1
 *     P2                    has_signatures, enclave_entry_sign_begin, end_p2
 *     emit                  enclave_entry_emit
 *     P3                    enclave_entry_switch_begin, end_p3
 *
 * Covers: A of an epoch signs one body (S2); no state is used but the one that
 * the anchor names (S10, -DANCHOR); what is emitted has signatures over the
 * body that is prepared, whatever file `attach` is offered (P2).
 *
 * Two files of equal content, following the same state, are one file: the seal
 * is deterministic and so is the digest.  So the index of a file stands for the
 * value that the anchor has behind it.  Not covered: an anchor that lies, a
 * live snapshot, recovery.
 */
#ifndef EPOCHS
#define EPOCHS 2
#endif
#ifndef KILLS
#define KILLS 3
#endif
#ifndef FILES
#define FILES 20
#endif

#define NONE        0 /* no entry is prepared; bodies are 1 and 2 */
#define BOTH_BODIES 3
#define ID(e, b)    (2 * (e) + (b)) /* what a signature is over */

/* All states that were ever sealed. */
byte follows[FILES]; /* the file that it follows; for a counter: its number */
byte epoch[FILES], body[FILES];
bit burnt[FILES];
byte files = 1;

byte attached[EPOCHS + 1]; /* bodies for which an `attach` was ever written */
byte anchor;               /* the file named; for a counter: its number */
byte kills = KILLS;

/* What only the properties look at. */
byte named, signatures[EPOCHS + 1];
bool S2_broken, S10_broken, P2_broken;

/* Memory. */
byte cur, prepared, drawn, i, wrote, shown;
bit is_burnt;

inline must(broken, condition)
{
    if
    :: condition
    :: else -> broken = true; assert(!broken)
    fi
}

inline may_be_killed() { if :: kills > 0 -> kills--; goto start :: true fi }

inline seal(after, e, b, a)
{
    d_step {
        wrote = 0;
        do
        :: (wrote < files && !(wrote > 0 && follows[wrote] == (after) &&
               epoch[wrote] == (e) && body[wrote] == (b) && burnt[wrote] == (a))) ->
               wrote++
        :: else -> break
        od;
        if
        :: wrote == files ->
               assert(files < FILES);
               follows[wrote] = after; epoch[wrote] = e; body[wrote] = b;
               burnt[wrote] = a; files++
        :: else
        fi
    }
}

inline save(e, b)
{
#ifdef ANCHOR
    seal(anchor, e, b, is_burnt);
    may_be_killed();
    anchor = wrote; named = wrote;
#else
#ifdef BURN
#ifdef BUG_FALLBACK_UNBURNT
    seal(anchor + 1, cur, prepared, is_burnt);
#else
    seal(anchor + 1, cur, prepared, 1);
#endif
    may_be_killed();
    anchor++;
    may_be_killed();
    seal(anchor, e, b, is_burnt);
#else
    seal(anchor + 1, e, b, is_burnt);
    may_be_killed();
    anchor++;
#endif
#endif
    may_be_killed();
    cur = e; prepared = b
}

inline sign(b)
{
    signatures[cur] = signatures[cur] | b;
    must(S2_broken, signatures[cur] != BOTH_BODIES)
}

/* The file `attach` that is found: any that was ever written; or none, or a
 * torn one. */
inline offer()
{
    atomic {
        select(i : 0 .. EPOCHS - 1);
        if
        :: attached[i] & 1 -> shown = ID(i, 1)
        :: attached[i] & 2 -> shown = ID(i, 2)
        :: shown = NONE
        fi;
        i = 0
    }
}

#ifdef BUG_ATTACH_UNCHECKED
#define is_ours() (shown != NONE)
#else
#define is_ours() (shown == ID(cur, prepared))
#endif

active proctype enclave()
{
start:
    atomic {
        cur = 0; prepared = NONE; drawn = 0; wrote = 0; is_burnt = 0;
        shown = NONE;
        i = 0;
        do :: i < files - 1 -> i++ :: break od; /* any file */
        if
#ifdef ANCHOR
        :: i == anchor
#ifdef BUG_ONE_BEHIND
        :: (anchor > 0 && i == follows[anchor])
#endif
        :: else -> goto start /* HALTED until the next start */
#else
        :: follows[i] == anchor
#ifndef BURN
        :: follows[i] == anchor + 1 -> anchor++ /* state.next: finish it */
#endif
        :: else -> goto start
#endif
        fi;
#ifdef ANCHOR
        must(S10_broken, i == named);
#endif
        cur = epoch[i]; prepared = body[i]; is_burnt = burnt[i]; i = 0
    };
    do
    :: cur == EPOCHS -> break
    :: cur < EPOCHS && prepared == NONE && is_burnt -> break
    :: cur < EPOCHS && prepared == NONE && !is_burnt ->
           if :: drawn = 1 :: drawn = 2 fi;
#ifdef BUG_SIGN_BEFORE_P1
           sign(drawn);
#endif
           save(cur, drawn) /* P1 */
    :: cur < EPOCHS && prepared != NONE ->
           offer();
           if
           :: is_ours()
           :: !is_ours() && is_burnt -> break
           :: !is_ours() && !is_burnt ->
                  sign(prepared);
                  may_be_killed();
                  attached[cur] = attached[cur] | prepared; /* P2 */
                  shown = ID(cur, prepared);
                  may_be_killed()
           fi;
           must(P2_broken, shown == ID(cur, prepared)); /* emit */
           shown = NONE;
           may_be_killed();
           save(cur + 1, NONE) /* P3 */
    od;
end:
    if :: kills > 0 -> kills--; goto start :: kills == 0 fi
}
