/* SPDX-License-Identifier: Apache-2.0
 *
 * A relying party that was offline while the log grew by BEHIND entries, and
 * still does (doc/PROTOCOL.rot 6.3).  Kills at every write, answers that are
 * lost, a server of the log that leaves entries out.
 *
 *     step here       in the code
 *     ask             relying_attest: the head, Evidence over the own nonce
 *     fetch           next_of_device, take: chain_accept, one at a time
 *     stage, commit   store_stage; store_commit: write_entries, write_head
 *     judge           relying_judge: the mark of the answer is written with the
 *                     head; nothing is used before
 *     give_up         settle: what was taken until then stands
 *     start           store_select, load: what is behind the head of the file
 *                     was of a write that was cut; the next write cuts it off
 *
 * Covers: every entry follows the one before (STEP); the head file never names
 * an entry that is not there (FILES); what was used is durable (USED); with
 * kills and losses finite and a log that can be read, the party gets to the
 * head and stays there (L3).  That it does not take an old head for the head is
 * theft.pml.
 *
 * run-trace gives the model what the code did, step by step (TRACE).
 */
#ifndef BEHIND
#define BEHIND 4
#endif
#ifndef GROWS
#define GROWS 1
#endif
#ifndef CYCLE
#define CYCLE 2 /* entries in one write */
#endif
#ifndef KILLS
#define KILLS 3
#endif
#ifndef LOSSES
#define LOSSES 2
#endif
#define LAST (BEHIND + GROWS)
#define NONE 255

byte log = BEHIND; /* epochs that the device has */

/* Durable, of the party. */
byte entries, head;

/* Memory. */
byte own, target = NONE;

/* What only the properties look at. */
byte used;
bool STEP_broken, FILES_broken, USED_broken;

byte kills = KILLS, losses = LOSSES;

/* What run-trace sees. */
#define GROW 1
#define ASK 2
#define TAKE 3
#define CUT 4
#define ENTRIES 5
#define HEAD 6
#define USE 7
#define GIVE_UP 8
#define KILL 9
#ifdef TRACE
#define ASSERT_NOT(broken) skip /* the list of steps is what is judged */
#define IS_AT_REST (head == log && used == log)
#define MAY_BE_KILLED true
#define MAY_BE_LOST true
#define count_down(left) skip
inline reset_device()
{
    log = BEHIND; entries = 0; head = 0; own = 0; target = NONE; used = 0
}
#include "replay.pml"
#else
#define ASSERT_NOT(broken) assert(!broken)
#define MAY_BE_KILLED (kills > 0)
#define MAY_BE_LOST (losses > 0)
#define count_down(left) left--
#define observe(step, epoch, body) skip
#endif

inline must(broken, condition)
{
    if
    :: condition
    :: else -> broken = true; ASSERT_NOT(broken)
    fi
}

inline may_be_killed()
{
    if
    :: atomic { MAY_BE_KILLED -> count_down(kills); observe(KILL, 0, 0) }; goto start
    :: true
    fi
}

active proctype device()
{
end:
    do
    :: atomic { log < LAST -> log++; observe(GROW, log, 0) }
    od
}

inline write_entries()
{
    atomic { entries = head; observe(CUT, own, 0) };
    may_be_killed();
    atomic { entries = own; observe(ENTRIES, own, 0) }
}
inline write_head() { atomic { head = own; observe(HEAD, own, 0) } }

inline commit()
{
#ifdef BUG_HEAD_FIRST
    write_head();
    may_be_killed();
    write_entries();
#else
    write_entries();
    may_be_killed();
    write_head();
#endif
    may_be_killed()
}

active proctype party()
{
    byte x;
start:
    atomic {
        x = 0; target = NONE;
        must(FILES_broken, entries >= head);
        must(USED_broken, head >= used);
        own = head
    };
    do
    :: atomic { target == NONE -> target = log; observe(ASK, log, 0) }
    :: target == NONE && MAY_BE_LOST -> count_down(losses); goto give_up
    :: target != NONE && own < target ->
           atomic {
               if
               :: x = own + 1
               :: MAY_BE_LOST && own + 2 <= log -> count_down(losses); x = own + 2
               :: MAY_BE_LOST -> count_down(losses); x = 0 /* the answer was lost */
               fi;
               if
#ifdef BUG_GAP
               :: x > own
#else
               :: x == own + 1
#endif
                  -> must(STEP_broken, x == own + 1); own = x; observe(TAKE, own, 0)
               :: else -> goto give_up
               fi;
               x = 0
           };
           may_be_killed();
           if
           :: own - head == CYCLE -> commit()
           :: own - head < CYCLE
           fi
    :: target != NONE && own == target ->
#ifndef BUG_USE_BEFORE_WRITE
           if :: own != head -> commit() :: else fi;
           write_head(); /* the mark of the answer */
           may_be_killed();
#endif
           atomic { used = own; observe(USE, own, 0) };
           goto start
    :: atomic { MAY_BE_KILLED -> count_down(kills); observe(KILL, 0, 0); goto start }
    od;
give_up:
    if :: own != head -> commit() :: else fi;
    atomic { observe(GIVE_UP, 0, 0); goto start }
}

ltl L3 { <> [] (head == LAST && used == LAST) }
