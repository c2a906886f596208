/* SPDX-License-Identifier: Apache-2.0
 *
 * A recovery that races a rotation (doc/PROTOCOL.rot 6.5, 7.4): RECOVER at any
 * time, twice; the authority signs what it was shown, whenever it likes; what it
 * signed is sent at any time, also again; ROTATE and COMMIT go on beside.  A
 * kill of either side at every durable step; the file `recover` is not anchored,
 * so a start may find any candidate that there ever was, or none.
 *
 *     step here               in the code
 *     enclave, RECOVER        enclave_serve_recover, is_beyond
 *     enclave, SIGNED         enclave_serve_recover_signed, find_candidate,
 *                             check_authority; approve (P1)
 *     enclave, finish         enclave_recover_finish (P2, P3), at a start too
 *     enclave, start          load_candidate, enclave_candidate_settle
 *     enclave, ROTATE, COMMIT as in rotation_atomic.pml
 *     RTP, RECOVER            rtp/recover.c: next_epoch
 *     RTP, LOG_ENTRIES        run_catch_up, chain_accept_recovery; R1 and R2
 *                             in one; or run_advance for what is pending
 *
 * Covers, for one recovery: one body of an incarnation is signed (S2); in one
 * incarnation the enclave's epoch is one that the RTP accepts (S3); the
 * enclave's epoch goes up with every switch, so an epoch names one root (S4);
 * both agree in the end (L1), whatever was prepared or pending.
 *
 * Not covered: the signatures of the authority and its own rotation
 * (test/spec/chain_recovery.c), an AP without a store, HELLO.
 *
 * run-trace gives the model what the code did, step by step (TRACE).
 */
#ifndef EPOCHS
#define EPOCHS 2
#endif
#ifndef KILLS
#define KILLS 2
#endif
#define CANDIDATES 2
#define SLOTS      3
#define NONE       0
#define ALL(n)     ((1 << ((n) + 1)) - 2) /* the set of 1 to n */

mtype = { ROTATE, PREPARED, COMMIT, DONE, RECOVER, BODY, SIGNED, LOG_GET,
          LOG_ENTRIES };
chan to_enclave = [SLOTS] of { mtype, byte };
chan to_rtp = [SLOTS] of { mtype, bit, byte }; /* incarnation; epoch or candidate */

/* Candidates: what each is, and the sets of those made, shown and signed. */
byte place[CANDIDATES + 1], supersedes[CANDIDATES + 1], ordered;
byte made, shown, approved;
byte answered; /* what the RTP has no open order for */

/* Durable.  Incarnation 0 is the first; 1 begins with `recovered`. */
bit enclave_inc, rtp_inc;
byte enclave_cur, enclave_prepared, enclave_rec, recovered;
byte candidate; /* the file `recover` */
byte rtp_cur, rtp_pend;

/* What only the properties look at. */
byte signatures; /* recovery bodies that were signed */
bool S2_broken, S4_broken;

byte kills = KILLS;
bool is_killed;

/* Both queues are made anew when a side starts; what lay in them may be read
 * first. */
inline drain_queues()
{
    do :: nempty(to_enclave) -> to_enclave?_, _ :: else -> break od;
    do :: nempty(to_rtp) -> to_rtp?_, _, _ :: else -> break od
}

/* What run-trace sees beside frames. */
#define P1 11
#define P3 12
#define R1 13
#define R2 14
#define KILL_ENCLAVE 15
#define KILL_RTP 16
#define P1R 18 /* a recovery's: its candidate */
#define P3R 19 /* and its epoch */
#define R2R 20
#ifdef TRACE
#define ASSERT_NOT(broken) skip /* the list of steps is what is judged */
#define IS_AT_REST \
    (enclave_inc == 1 && rtp_inc == 1 && enclave_cur == rtp_cur && \
     enclave_prepared == NONE && rtp_pend == NONE)
inline reset_device()
{
    drain_queues();
    enclave_inc = 0; enclave_cur = 0; enclave_prepared = 0; enclave_rec = 0;
    recovered = 0; candidate = 0;
    rtp_inc = 0; rtp_cur = 0; rtp_pend = 0;
    ordered = 0; made = 0; shown = 0; approved = 0; answered = 0; signatures = 0;
    place[1] = 0; place[2] = 0; supersedes[1] = 0; supersedes[2] = 0
}
#include "replay.pml"
/* When code meets its timer is not the model's to say, nor what it does then. */
#define TIMER_IS_DUE nfull(to_enclave)
#define OTHERWISE true
#else
#define ASSERT_NOT(broken) assert(!broken)
#define observe(step, epoch, body) skip
#define TIMER_IS_DUE empty(to_rtp) && empty(to_enclave)
#define OTHERWISE else
#endif

inline must(broken, condition)
{
    if
    :: condition
    :: else -> broken = true; ASSERT_NOT(broken)
    fi
}

inline be_killed(side)
{
#ifndef TRACE
    kills--;
#endif
    is_killed = true; observe(side, 0, 0)
}

inline may_be_killed(side)
{
    if
    :: !is_killed && kills > 0 -> be_killed(side)
    :: true
    fi
}

inline ask(kind, x)
{
    if
    :: !is_killed && nfull(to_enclave) -> observe(kind, x, 0); to_enclave!kind(x)
    :: else
    fi
}

inline answer(kind, x)
{
    if
    :: !is_killed && nfull(to_rtp) ->
           observe(kind, x, 0); to_rtp!kind(enclave_inc, x)
    :: else
    fi
}

/* Not shown to run-trace. */
inline tell(kind, x)
{
    if
    :: !is_killed && nfull(to_rtp) -> to_rtp!kind(enclave_inc, x)
    :: else
    fi
}

#define is_beyond(n) (enclave_inc == 0 && place[n] > enclave_cur && place[n] > enclave_prepared)

inline start()
{
    if :: drain_queues() :: true fi;
    if
    :: candidate = NONE
    :: made & (1 << 1) -> candidate = 1
    :: made & (1 << 2) -> candidate = 2
    fi;
    if
    :: candidate != NONE && !is_beyond(candidate) -> candidate = NONE
    :: else
    fi
}

inline end_of_enclave_step()
{
    if :: is_killed -> start() :: else fi;
    is_killed = false; x = 0
}

inline end_of_rtp_step()
{
    if
    :: is_killed -> if :: drain_queues() :: true fi
    :: else
    fi;
    is_killed = false; i = 0; x = 0
}

inline switch_to(epoch) /* P3 */
{
    must(S4_broken, (epoch) > enclave_cur);
    enclave_cur = epoch
}

inline approve(n) /* P1 */
{
    enclave_rec = n; observe(P1R, n, 0);
#ifndef BUG_KEEP_PREPARED
    enclave_prepared = NONE;
#endif
    may_be_killed(KILL_ENCLAVE)
}

inline finish()
{
    if
    :: is_killed || enclave_rec == NONE
    :: else ->
           signatures = signatures | (1 << enclave_rec); /* P2 */
           must(S2_broken, signatures != ALL(CANDIDATES));
           may_be_killed(KILL_ENCLAVE);
           if
           :: is_killed
           :: else ->
                  recovered = enclave_rec; enclave_rec = NONE; candidate = NONE;
                  switch_to(place[recovered]);
                  enclave_inc = 1; observe(P3R, enclave_cur, 0);
                  may_be_killed(KILL_ENCLAVE)
           fi
    fi
}

active proctype enclave()
{
    byte x;
    do
    :: atomic { to_enclave?ROTATE(x) -> may_be_killed(KILL_ENCLAVE);
           if
           :: is_killed || enclave_inc == 1 || enclave_rec != NONE
           :: else ->
                  if
                  :: enclave_prepared == NONE && x == enclave_cur + 1 ->
                         enclave_prepared = x; observe(P1, x, 0);
                         may_be_killed(KILL_ENCLAVE);
                         answer(PREPARED, x)
                  :: enclave_prepared == x -> answer(PREPARED, x)
                  :: else
                  fi
           fi;
           end_of_enclave_step() }
    :: atomic { to_enclave?COMMIT(x) -> may_be_killed(KILL_ENCLAVE);
           if
           :: is_killed || enclave_rec != NONE
           :: else ->
                  if
                  :: enclave_prepared == x ->
                         switch_to(x); enclave_prepared = NONE; observe(P3, x, 0);
                         may_be_killed(KILL_ENCLAVE);
                         answer(DONE, x)
                  :: else
                  fi
           fi;
           end_of_enclave_step() }
    :: atomic { to_enclave?RECOVER(x) -> may_be_killed(KILL_ENCLAVE);
           if
           :: !is_killed && enclave_rec == NONE && is_beyond(x) ->
                  candidate = x; made = made | (1 << x);
                  may_be_killed(KILL_ENCLAVE);
                  answer(BODY, x)
           :: else
           fi;
           end_of_enclave_step() }
    :: atomic { to_enclave?SIGNED(x) -> may_be_killed(KILL_ENCLAVE);
           if
           :: is_killed || enclave_inc == 1
           :: else ->
                  if
#ifdef BUG_UNFITTING
                  :: enclave_rec == NONE && candidate == x -> approve(x)
#else
                  :: enclave_rec == NONE && candidate == x && is_beyond(x) ->
                         approve(x)
#endif
#ifdef BUG_ANOTHER_WHILE_REC
                  :: enclave_rec != NONE && enclave_rec != x -> approve(x)
#endif
                  :: else
                  fi
           fi;
           end_of_enclave_step() }
    /* A start, which finishes a recovery, comes sooner or later; here, before
     * the RTP has asked for ever. */
    :: atomic { to_enclave?LOG_GET(x) -> may_be_killed(KILL_ENCLAVE);
           finish();
           if
           :: enclave_inc == 0 -> tell(LOG_ENTRIES, enclave_cur)
           :: else -> tell(LOG_ENTRIES, recovered)
           fi;
           end_of_enclave_step() }
    :: atomic { kills > 0 -> be_killed(KILL_ENCLAVE); end_of_enclave_step() }
    :: atomic { enclave_rec != NONE -> finish(); end_of_enclave_step() }
    od
}

/* Behind all that the RTP knows. */
inline choose_place(n)
{
    supersedes[n] = rtp_cur;
    place[n] = (rtp_pend > rtp_cur -> rtp_pend : rtp_cur) + 1;
    if
    :: place[n]++ /* the enclave has shown one prepared */
    :: true
    fi
}

active proctype rtp()
{
    bit i;
    byte x;
    do
    :: atomic { to_rtp?PREPARED(i, x) -> may_be_killed(KILL_RTP);
           if
           :: !is_killed && rtp_inc == 0 && rtp_pend == NONE && x == rtp_cur + 1 ->
                  rtp_pend = x; observe(R1, x, 0);
                  may_be_killed(KILL_RTP);
                  ask(COMMIT, x)
           :: else
           fi;
           end_of_rtp_step() }
    :: atomic { to_rtp?DONE(i, x) -> may_be_killed(KILL_RTP);
           if
           :: !is_killed && rtp_inc == i && rtp_pend == x ->
                  rtp_cur = x; rtp_pend = NONE; observe(R2, x, 0)
           :: else
           fi;
           end_of_rtp_step() }
    :: atomic { to_rtp?BODY(i, x) -> may_be_killed(KILL_RTP);
           if
           :: !is_killed -> shown = shown | (1 << x); answered = answered | (1 << x)
           :: else
           fi;
           end_of_rtp_step() }
    :: atomic { to_rtp?LOG_ENTRIES(i, x) -> may_be_killed(KILL_RTP);
           if
           :: !is_killed && rtp_inc == 0 && i == 0 && x == rtp_pend && x != NONE ->
                  rtp_cur = x; rtp_pend = NONE; observe(R2, x, 0)
           :: !is_killed && rtp_inc == 0 && i == 1 &&
              supersedes[x] <= rtp_cur && place[x] > supersedes[x] ->
                  rtp_inc = 1; rtp_cur = place[x]; observe(R2R, rtp_cur, 0);
#ifndef BUG_KEEP_PEND
                  rtp_pend = NONE
#endif
           :: else
           fi;
           end_of_rtp_step() }
    /* The timer: what the enclave has, what is pending, and one more order. */
    :: atomic { TIMER_IS_DUE ->
           if :: nfull(to_enclave) -> to_enclave!LOG_GET(0) :: else fi;
           if :: rtp_pend != NONE -> ask(COMMIT, rtp_pend) :: OTHERWISE fi;
           if
           :: rtp_pend == NONE && rtp_inc == 0 && rtp_cur < EPOCHS ->
                  ask(ROTATE, rtp_cur + 1)
           :: rtp_inc == 0 && ordered < CANDIDATES ->
                  ordered++;
                  choose_place(ordered);
                  ask(RECOVER, ordered)
           /* No answer yet: the same order again, as things are now. */
           :: rtp_inc == 0 && ordered != 0 && !(answered & (1 << ordered)) ->
                  if
                  :: !(made & (1 << ordered)) -> choose_place(ordered)
                  :: else
                  fi;
                  ask(RECOVER, ordered)
           :: approved & (1 << 1) -> ask(SIGNED, 1)
           :: approved & (1 << 2) -> ask(SIGNED, 2)
           :: true
           fi }
    :: atomic { kills > 0 -> be_killed(KILL_RTP); end_of_rtp_step() }
    od
}

active proctype authority()
{
end:
    do
    :: atomic { shown & (1 << 1) -> shown = shown - (1 << 1);
           approved = approved | (1 << 1) }
    :: atomic { shown & (1 << 2) -> shown = shown - (1 << 2);
           approved = approved | (1 << 2) }
    od
}

ltl S3 { [] (enclave_inc != rtp_inc || enclave_cur == rtp_cur || (rtp_pend != 0 && enclave_cur == rtp_pend)) }
ltl L1 { <> [] (enclave_inc == rtp_inc && enclave_cur == rtp_cur && rtp_pend == 0 && enclave_rec == 0) }
