/* SPDX-License-Identifier: Apache-2.0
 *
 * A relying party that was offline while the log grew by BEHIND entries, and
 * still does (doc/PROTOCOL.rot 6.3).  Kills at every write, answers that are
 * lost, a server of the log that leaves entries out.
 *
 *     step here       in the code
 *     ask             relying_attest: the head, Evidence over the own nonce
 *     fetch           fetch, take_batch, take: chain_accept, one at a time
 *     stage, commit   store_stage; store_commit: write_entries, write_head
 *     judge           relying_judge; nothing is used before
 *     start           store_select, load: what is behind the head of the file
 *                     was of a write that was cut
 *
 * Covers: every entry follows the one before (STEP); the head file never names
 * an entry that is not there (FILES); what was used is durable (USED); with
 * kills and losses finite and a log that can be read, the party gets to the
 * head and stays there (L3).  That it does not take an old head for the head is
 * theft.pml.
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
byte at, target = NONE;

/* What only the properties look at. */
byte used;
bool STEP_broken, FILES_broken, USED_broken;

byte kills = KILLS, losses = LOSSES;

inline must(broken, condition)
{
    if
    :: condition
    :: else -> broken = true; assert(!broken)
    fi
}

inline may_be_killed() { if :: kills > 0 -> kills--; goto start :: true fi }

active proctype device()
{
end:
    do
    :: log < LAST -> log++
    od
}

inline write_entries() { atomic { entries = at } }
inline write_head() { atomic { head = at } }

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
        entries = head; at = head
    };
    do
    :: atomic { target == NONE ->
           if
           :: target = log
           :: losses > 0 -> losses--
           fi }
    :: target != NONE && at < target ->
           atomic {
               if
               :: x = at + 1
               :: losses > 0 && at + 2 <= log -> losses--; x = at + 2
               :: losses > 0 -> losses--; x = 0 /* the answer was lost */
               fi;
               if
#ifdef BUG_GAP
               :: x > at
#else
               :: x == at + 1
#endif
                  -> must(STEP_broken, x == at + 1); at = x
               :: else -> target = NONE
               fi;
               x = 0
           };
           may_be_killed();
           if
           :: at - head == CYCLE -> commit()
           :: at - head < CYCLE
           fi
    :: target != NONE && at == target ->
#ifndef BUG_USE_BEFORE_WRITE
           if :: at != head -> commit() :: else fi;
#endif
           used = at; /* judge */
           may_be_killed();
           target = NONE
    od
}

ltl L3 { <> [] (head == LAST && used == LAST) }
