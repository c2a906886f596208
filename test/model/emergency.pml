/* SPDX-License-Identifier: Apache-2.0
 *
 * Pairing and the switch, routine and emergency, with kills, lost channels, an
 * RTP whose store was put back by one epoch, and a thief of S who answers HELLO
 * (doc/PROTOCOL.rot 7.3, 7.4).  One message handled in one step, with a kill
 * before the durable write, behind it, and idle.
 *
 *     step here             in the code
 *     enclave, HELLO        enclave_serve_hello_rtp, enclave_serve_hello_fin
 *     enclave, LOG_GET      enclave/log.c
 *     enclave, the others   as in rotation_atomic.pml
 *     RTP, HELLO_AP, meet   rtp_hello_run: check_evidence, find_signer; then
 *                           rtp_resume: COMMIT, EMERGENCY, ADVANCE, CATCH_UP;
 *                           open_channel (RTP_SCOPE_ORDERS)
 *                           start_from_own_log
 *     RTP, ENTRIES          start_reading
 *     RTP, EVIDENCE         rtp_serve_take: standing_of, ask_again
 *     RTP, PREPARED, DONE   start_accept; advance_done, rtp_reset
 *     RTP, jobs             run_accept, run_catch_up
 *     RTP, timer            watch_enclave, rtp_pair_next, want_of_phase
 *
 * Covers S3 (but for an RTP that was put back, until it has read the log), S4,
 * S5; after R2 nothing of e is accepted (S6), nor after R1 of an emergency (S9),
 * by an RTP that was put back neither; no answer of the thief is (S7).  A
 * rotation ends (L1), also where the channel was lost between R1 and P3 of an
 * emergency; every request is answered (L2).
 *
 * A channel is a number; a frame of another one does not open.  HELLO_FIN is
 * part of HELLO here.  One body an epoch: which one, is rotation_atomic.pml.
 *
 * run-trace gives the model what the code did, step by step (TRACE).
 */
#ifndef EPOCHS
#define EPOCHS 2
#endif
#ifndef KILLS
#define KILLS 2
#endif
#ifndef ROLLBACKS
#define ROLLBACKS 1
#endif
#ifndef THEFTS
#define THEFTS 1
#endif
#ifndef SLOTS
#define SLOTS    2
#endif
#define CHANNELS 3 /* more than may be on their way at once */

mtype = { HELLO, HELLO_AP, LOG_GET, ENTRIES, ROTATE, PREPARED, COMMIT, DONE,
          ATTEST, EVIDENCE };
mtype = { CLOSED, MEETING, READING, OPEN };
chan to_enclave = [SLOTS] of { mtype, byte, byte };    /* channel, epoch */
chan to_rtp = [SLOTS] of { mtype, byte, byte, byte };  /* ..., prepared */

/* Durable. */
byte enclave_cur, enclave_prepared;
byte rtp_cur, rtp_pend;
bool is_emergency; /* PENDX */
bool is_logged;    /* of an RTP that is behind: its log is not */

/* Memory. */
byte enclave_channel;
byte rtp_channel;
byte taken;                /* PREPARED of that epoch: a job looks at it */
byte to_read;              /* the same for an entry, of the enclave or its own */
mtype link = CLOSED;
bool orders_only;          /* the channel of the emergency HELLO */
bool is_waiting;           /* a program's request */
bool has_asked, has_ordered;

/* What only the properties look at. */
byte ended_by_R1, ended_by_R2; /* epochs below are over */
bool is_behind, is_thief;
bool S4_broken, S5_broken, S6_broken, S7_broken, S9_broken;

byte kills = KILLS, rollbacks = ROLLBACKS, thefts = THEFTS;
bool is_killed;

inline close()
{
    link = CLOSED; orders_only = false; has_asked = false; has_ordered = false;
    is_thief = false
}

/* What run-trace sees beside frames. */
#define P1 11
#define P3 12
#define R1 13 /* body: 1, or 2 in an emergency */
#define R2 14
#define KILL_ENCLAVE 15
#define KILL_RTP 16
#define CAUGHT 18   /* R2 of an entry that was read */
#define ROLLBACK 19 /* body: 2 where the log was not put back */
#define ANSWER 20   /* a program has its answer, under this epoch */
#define REFUSED 21  /* HELLO or LOG_GET: too many */
#ifdef TRACE
#define ASSERT_NOT(broken) skip /* the list of steps is what is judged */
#define IS_AT_REST (enclave_cur == EPOCHS && rtp_cur == EPOCHS && rtp_pend == 0)
inline reset_device()
{
    do :: nempty(to_enclave) -> to_enclave?_, _, _ :: else -> break od;
    do :: nempty(to_rtp) -> to_rtp?_, _, _, _ :: else -> break od;
    close();
    link = OPEN; rtp_channel = 1; enclave_channel = 1;
    enclave_cur = 0; enclave_prepared = 0;
    rtp_cur = 0; rtp_pend = 0; taken = 0; to_read = 0; is_emergency = false;
    is_waiting = false; is_logged = false;
    ended_by_R1 = 0; ended_by_R2 = 0; is_behind = false
}
#include "replay.pml"
/* When code meets its timer is not the model's to say, nor what it counts. */
#define refuse() !is_killed -> observe(REFUSED, 0, 0)
#define TIMER_IS_DUE nfull(to_enclave)
#else
#define ASSERT_NOT(broken) assert(!broken)
#define observe(step, epoch, body) skip
#define refuse() false /* to the RTP it is a channel that was lost */
#define TIMER_IS_DUE empty(to_rtp) && empty(to_enclave) && taken == 0 && to_read == 0 && \
    !(link == OPEN && !orders_only && is_waiting && !has_asked)
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

inline may_be_killed(side) { if :: kills > 0 -> be_killed(side) :: true fi }

/* Both queues are made anew when a side starts; what lay in them may be read
 * first. */
inline lose_queues()
{
    if
    :: true ->
           do :: nempty(to_enclave) -> to_enclave?_, _, _ :: else -> break od
    :: true
    fi;
    if
    :: true -> do :: nempty(to_rtp) -> to_rtp?_, _, _, _ :: else -> break od
    :: true
    fi
}

inline ask(kind, epoch)
{
    if
    :: !is_killed && nfull(to_enclave) ->
           observe(kind, epoch, 0); to_enclave!kind(rtp_channel, epoch)
    :: else
    fi
}

/* body: of what run-trace sees. */
inline answer(kind, epoch, prepared, body)
{
    if
    :: !is_killed && nfull(to_rtp) ->
           observe(kind, epoch, body); to_rtp!kind(c, epoch, prepared)
    :: else
    fi
}

inline end_of_enclave_step()
{
    if
    :: is_killed -> enclave_channel = 0; lose_queues()
    :: else
    fi;
    is_killed = false; c = 0; e = 0
}

inline end_of_rtp_step()
{
    if
    :: is_killed -> close(); is_waiting = false; taken = 0; to_read = 0; lose_queues()
    :: else
    fi;
    is_killed = false; c = 0; e = 0; p = 0
}

active proctype enclave()
{
    byte c, e;
    do
    :: atomic { to_enclave?HELLO(c, e) -> may_be_killed(KILL_ENCLAVE);
           if
           :: refuse()
           :: true -> enclave_channel = c;
                  answer(HELLO_AP, enclave_cur, enclave_prepared, enclave_prepared + 1)
           fi;
           end_of_enclave_step() }
    :: atomic { to_enclave?LOG_GET(c, e) -> may_be_killed(KILL_ENCLAVE);
           if :: refuse() :: true -> answer(ENTRIES, enclave_cur, 0, 0) fi;
           end_of_enclave_step() }
    :: atomic { to_enclave?ATTEST(c, e) -> may_be_killed(KILL_ENCLAVE);
           if
#ifdef BUG_OLD_BEHIND_R2 /* the enclave keeps S of before, and the RTP takes it */
           :: c == enclave_channel && enclave_cur > 0 ->
                  answer(EVIDENCE, enclave_cur - 1, 0, 0)
#endif
           :: c == enclave_channel -> answer(EVIDENCE, enclave_cur, 0, 0)
           :: else
           fi;
           end_of_enclave_step() }
    :: atomic { to_enclave?ROTATE(c, e) -> may_be_killed(KILL_ENCLAVE);
           if
           :: is_killed || c != enclave_channel
           :: else ->
                  if
                  :: enclave_prepared == 0 && e == enclave_cur + 1 ->
                         enclave_prepared = e; observe(P1, e, 0);
                         may_be_killed(KILL_ENCLAVE);
                         answer(PREPARED, e, 0, 0)
                  :: enclave_prepared == e -> answer(PREPARED, e, 0, 0)
                  :: e <= enclave_cur -> answer(DONE, enclave_cur, 0, 0)
                  :: else
                  fi
           fi;
           end_of_enclave_step() }
    :: atomic { to_enclave?COMMIT(c, e) -> may_be_killed(KILL_ENCLAVE);
           if
           :: is_killed || c != enclave_channel
           :: else ->
                  if
                  :: enclave_prepared == e ->
                         must(S4_broken, e == enclave_cur + 1);
                         enclave_cur = e; enclave_prepared = 0; observe(P3, e, 0);
                         may_be_killed(KILL_ENCLAVE);
                         answer(DONE, enclave_cur, 0, 0)
                  :: e <= enclave_cur -> answer(DONE, enclave_cur, 0, 0)
                  :: else
                  fi
           fi;
           end_of_enclave_step() }
    :: atomic { kills > 0 -> be_killed(KILL_ENCLAVE); end_of_enclave_step() }
    od
}

inline advance() /* R2 */
{
    must(S4_broken, rtp_pend == rtp_cur + 1);
    rtp_cur = rtp_pend; rtp_pend = 0; is_emergency = false;
    observe(R2, rtp_cur, 0);
    if :: rtp_cur > ended_by_R2 -> ended_by_R2 = rtp_cur :: else fi
}

/* R2 of an entry that was read; HELLO_AP is judged again. */
inline catch_up()
{
    rtp_cur = to_read; to_read = 0; is_behind = false; is_logged = false;
    observe(CAUGHT, rtp_cur, 0);
    if :: link == READING -> link = OPEN :: else fi;
    may_be_killed(KILL_RTP)
}

/* What HELLO_AP shows: signed by S of e, p prepared, Evidence that is fresh. */
inline meet()
{
    link = CLOSED;
    if
    :: rtp_pend != 0 && e == rtp_pend -> advance() /* and HELLO again */
    :: rtp_pend == 0 && e == rtp_cur -> link = OPEN
    :: rtp_pend != 0 && e == rtp_cur && p == rtp_pend && !is_emergency ->
           link = OPEN
#ifndef BUG_NO_EXCEPTION
    :: rtp_pend != 0 && e == rtp_cur && p == rtp_pend && is_emergency ->
           link = OPEN; orders_only = true
#endif
#ifndef BUG_NO_CATCH_UP
    :: rtp_pend == 0 && e == rtp_cur + 1 && is_logged ->
           link = READING; to_read = e
    :: rtp_pend == 0 && e == rtp_cur + 1 && !is_logged ->
           link = READING; ask(LOG_GET, e)
#endif
    :: else
    fi
}

inline pass_on() { is_waiting = false; observe(ANSWER, e, 0) }

inline look_at_evidence()
{
    if
    :: rtp_pend != 0 && is_emergency && e == rtp_cur ->
#ifdef BUG_KEEP_OLD
           must(S9_broken, e >= ended_by_R1);
           pass_on()
#else
           true /* asked again, behind COMMIT */
#endif
    :: (rtp_pend == 0 && e == rtp_cur) ||
       (rtp_pend != 0 && !is_emergency && e == rtp_cur) ||
       (rtp_pend != 0 && e == rtp_pend) ->
           must(S6_broken, e >= ended_by_R2);
           must(S9_broken, e >= ended_by_R1);
           must(S7_broken, !is_thief);
           pass_on()
#ifdef BUG_OLD_BEHIND_R2
    :: rtp_pend == 0 && e + 1 == rtp_cur ->
           must(S6_broken, e >= ended_by_R2);
           pass_on()
#endif
    :: else -> must(S5_broken, is_thief)
    fi
}

#define is_ours() (!is_killed && link == OPEN && !is_thief && c == rtp_channel)

active proctype rtp()
{
    byte c, e, p;
    do
    :: atomic { link == OPEN && !orders_only && !has_asked && nfull(to_enclave) ->
           has_asked = true; is_waiting = true;
           to_enclave!ATTEST(rtp_channel, 0) } /* not shown to run-trace */
    :: atomic { to_rtp?EVIDENCE(c, e, p) -> may_be_killed(KILL_RTP);
           if :: is_ours() && is_waiting -> look_at_evidence() :: else fi;
           end_of_rtp_step() }
    /* Judged by a job, too: one at a time. */
    :: atomic { taken == 0 && to_read == 0 && to_rtp?[HELLO_AP, _, _, _] ->
           to_rtp?HELLO_AP(c, e, p); may_be_killed(KILL_RTP);
           if
           :: !is_killed && link == MEETING && c == rtp_channel -> meet()
           :: else
           fi;
           end_of_rtp_step() }
    :: atomic { to_rtp?ENTRIES(c, e, p) -> may_be_killed(KILL_RTP);
           if
           :: !is_killed && link == READING && c == rtp_channel &&
              e == rtp_cur + 1 ->
                  to_read = e
           :: else
           fi;
           end_of_rtp_step() }
    :: atomic { to_rtp?PREPARED(c, e, p) -> may_be_killed(KILL_RTP);
           if
           :: is_ours() && rtp_pend == 0 && taken == 0 && e == rtp_cur + 1 ->
                  taken = e
           :: else
           fi;
           end_of_rtp_step() }
    /* Jobs end, whatever became of the channel meanwhile. */
    :: atomic { to_read != 0 -> may_be_killed(KILL_RTP);
           if
           :: is_killed -> if :: is_logged = true :: true fi /* log before state */
           :: else -> catch_up()
           fi;
           end_of_rtp_step() }
    :: atomic { taken != 0 ->
           if :: is_emergency = true :: is_emergency = false fi;
           rtp_pend = taken; taken = 0;
           observe(R1, rtp_pend, 1 + is_emergency);
           if
           :: is_emergency && rtp_pend > ended_by_R1 -> ended_by_R1 = rtp_pend
           :: else
           fi;
           may_be_killed(KILL_RTP);
           if :: link == OPEN -> ask(COMMIT, rtp_pend) :: else fi;
           end_of_rtp_step() }
    :: atomic { to_rtp?DONE(c, e, p) -> may_be_killed(KILL_RTP);
           if
           :: is_ours() && rtp_pend != 0 && e == rtp_pend ->
                  advance();
                  has_ordered = false; has_asked = false;
                  if :: orders_only -> close() :: else fi;
                  may_be_killed(KILL_RTP)
           :: is_ours() && rtp_pend == 0 && e > rtp_cur -> close()
           :: else
           fi;
           end_of_rtp_step() }
    /* The timer: an order, or a HELLO where there is no channel or no answer.
     * A request that waits goes first. */
    :: atomic { TIMER_IS_DUE ->
           if
           :: link != OPEN || has_ordered || (has_asked && is_waiting) ->
                  close();
                  rtp_channel = rtp_channel % CHANNELS + 1;
                  link = MEETING;
                  ask(HELLO, is_emergency)
           :: else ->
                  has_asked = false;
                  if
                  :: rtp_pend != 0 -> has_ordered = true; ask(COMMIT, rtp_pend)
                  :: rtp_pend == 0 && rtp_cur < EPOCHS ->
                         has_ordered = true; ask(ROTATE, rtp_cur + 1)
                  :: else
                  fi
           fi }
    :: atomic { kills > 0 -> be_killed(KILL_RTP); end_of_rtp_step() }
#ifdef TRACE
    :: atomic { has_asked || has_ordered -> has_asked = false; has_ordered = false }
    :: atomic { link != CLOSED -> close() }
#else
    :: atomic { kills > 0 -> kills--; close() } /* the channel alone is lost */
#endif
    /* The store of the RTP is put back by one; what it was is over all the same. */
    :: atomic { rollbacks > 0 && rtp_pend == 0 && taken == 0 && to_read == 0 && rtp_cur > 0 &&
              rtp_cur == enclave_cur ->
#ifndef TRACE
           rollbacks--;
#endif
           rtp_cur--; is_behind = true;
           if :: is_logged = true :: is_logged = false fi;
           observe(ROLLBACK, rtp_cur, 1 + is_logged);
           is_killed = true; end_of_rtp_step() }
    /* The thief signs with S of any epoch; Evidence he has none. */
    :: atomic { thefts > 0 && link == MEETING ->
           thefts--;
#ifdef BUG_NO_EVIDENCE
           select(e : 0 .. EPOCHS); select(p : 0 .. EPOCHS);
           if :: e <= enclave_cur -> meet() :: else -> close() fi;
           is_thief = (link == OPEN);
#else
           close();
#endif
           end_of_rtp_step() }
    :: atomic { is_thief && is_waiting -> select(e : 0 .. EPOCHS);
           if :: e <= enclave_cur -> look_at_evidence() :: else fi;
           end_of_rtp_step() }
    od
}

ltl S3 { [] (is_behind || enclave_cur == rtp_cur || (rtp_pend != 0 && enclave_cur == rtp_pend)) }
ltl L1 { <> [] (enclave_cur == EPOCHS && rtp_cur == EPOCHS && rtp_pend == 0) }
ltl L2 { [] <> (!is_waiting) }
