/* SPDX-License-Identifier: Apache-2.0
 *
 * The switch of doc/PROTOCOL.rot 7.3, one message handled in one step, with a
 * kill before the durable write, behind it and before the answer, and idle.  A
 * kill loses memory; what lies in either queue may be lost with it.  Attestations run beside; a retry comes from durable state alone.
 *
 *     step here             in the code
 *     enclave, ATTEST       enclave_serve_attest
 *     enclave, ROTATE       enclave_serve_rotate, build_rotation; P1 is
 *                           enclave_save_next to adopt; enclave_answer_entry
 *     enclave, COMMIT       enclave_serve_commit, enclave_entry_switch_begin
 *                           to _end (P3); enclave_answer_done
 *     RTP, EVIDENCE         rtp_serve_take, standing_of
 *     RTP, PREPARED         start_accept, run_accept (R1); want_of_phase
 *     RTP, DONE             start_advance, run_advance (R2)
 *     RTP, timer            rtp_resume, rtp_order_pursue, want_of_phase
 *
 * Covers S1 to S5 and L1: the RTP accepts only what the enclave made durable
 * (S1), one body for each epoch leaves the enclave (S2), the enclave's epoch is
 * one that the RTP accepts (S3), both go up by one (S4), every answer to a
 * challenge is under an epoch that is accepted when it comes (S5), a rotation
 * ends (L1, kills being finite and the timer fair).  Each BUG_... is a mistake
 * that run-rotation wants to be found.  In the model the epoch of ROTATE is the
 * one to be made, and of two bodies one is drawn.
 *
 * HELLO is here only as what the RTP learns by it: behind a kill it may find
 * that the enclave has switched.  Not covered: pairing and emergency
 * (emergency.pml), stores that lie (anchor.pml), forgeries (theft.pml), P2
 * (anchor.pml).
 *
 * run-trace gives the model what the code did, step by step (TRACE): it must be
 * able to do the same, and each mistake above must not be.
 */
#ifndef EPOCHS
#define EPOCHS 2
#endif
#ifndef KILLS
#define KILLS 3
#endif
#ifndef SLOTS
#define SLOTS 2
#endif

/* When code meets its timer is not the model's to say. */
#ifdef TRACE
#define TIMER_IS_DUE nfull(to_enclave)
#else
#define TIMER_IS_DUE empty(to_rtp) && empty(to_enclave)
#endif

#define BOTH_BODIES 3 /* bodies are 1 and 2; a set of them is their sum */

mtype = { ROTATE, PREPARED, COMMIT, DONE, ATTEST, EVIDENCE };
chan to_enclave = [SLOTS] of { mtype, byte, byte };
chan to_rtp = [SLOTS] of { mtype, byte, byte };

/* Durable. */
byte enclave_cur, enclave_prepared, enclave_body;
byte rtp_cur, rtp_pend, rtp_body;

/* Memory of the RTP: two nonces, in turn, stand for fresh ones. */
bit nonce;
bool is_asking, has_asked;

/* What only the properties look at. */
byte made[EPOCHS + 1], emitted[EPOCHS + 1];
bool S1_broken, S2_broken, S4_broken, S5_broken;

byte kills = KILLS;
bool is_killed; /* this step was cut short */
bool was_killed; /* and nothing was learnt by HELLO since */

inline drain(queue)
{
    do :: nempty(queue) -> queue?_, _, _ :: empty(queue) -> break od
}

/* What run-trace sees beside frames. */
#define P1 11
#define P3 12
#define R1 13
#define R2 14
#define KILL_ENCLAVE 15
#define KILL_RTP 16
#ifdef TRACE
#define ASSERT_NOT(broken) skip /* the list of steps is what is judged */
#define IS_AT_REST (enclave_cur == EPOCHS && rtp_cur == EPOCHS && rtp_pend == 0)
inline reset_device()
{
    drain(to_enclave); drain(to_rtp);
    enclave_cur = 0; enclave_prepared = 0; enclave_body = 0;
    rtp_cur = 0; rtp_pend = 0; rtp_body = 0;
    nonce = 0; is_asking = false; has_asked = false; was_killed = false;
    made[1] = 0; made[2] = 0; made[3] = 0;
    emitted[1] = 0; emitted[2] = 0; emitted[3] = 0
}
#include "replay.pml"
#else
#define ASSERT_NOT(broken) assert(!broken)
#define observe(step, epoch, body) skip
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

inline may_lose(queue) { if :: drain(queue) :: true fi }

/* Both are made anew when a side starts, what lay in them may be read first. */
inline lose_queues() { may_lose(to_enclave); may_lose(to_rtp); was_killed = true }

/* A full queue: the frame is dropped, the timer asks again. */
inline send(queue, kind, x, y)
{
    if
    :: !is_killed && nfull(queue) -> observe(kind, x, y); queue!kind(x, y)
    :: else
    fi
}

inline end_of_enclave_step()
{
    if :: is_killed -> lose_queues() :: else fi;
    is_killed = false; e = 0; b = 0; drawn = 0
}

inline end_of_rtp_step()
{
    if
    :: is_killed -> lose_queues();
           is_asking = false; has_asked = false; nonce = 1 - nonce
    :: else
    fi;
    is_killed = false; e = 0; b = 0
}

inline emit(epoch, body)
{
    emitted[epoch] = emitted[epoch] | body;
    must(S2_broken, emitted[epoch] != BOTH_BODIES)
}

inline make_durable(epoch, body)
{
    enclave_prepared = epoch; enclave_body = body; made[epoch] = body;
    observe(P1, epoch, body)
}

/* R2 */
inline advance(epoch)
{
    rtp_cur = epoch; rtp_pend = 0; rtp_body = 0; observe(R2, rtp_cur, 0)
}

active proctype enclave()
{
    byte e, b, drawn;
    do
    :: atomic { to_enclave?ATTEST(e, b) -> may_be_killed(KILL_ENCLAVE);
#ifdef BUG_SWITCH_EARLY
           if
           :: enclave_prepared -> send(to_rtp, EVIDENCE, enclave_prepared, b)
           :: else -> send(to_rtp, EVIDENCE, enclave_cur, b)
           fi;
#else
           send(to_rtp, EVIDENCE, enclave_cur, b);
#endif
           end_of_enclave_step() }
    :: atomic { to_enclave?ROTATE(e, b) -> may_be_killed(KILL_ENCLAVE);
           if
           :: is_killed
           :: !is_killed && enclave_prepared == e ->
#ifdef BUG_DRAW_AGAIN
                  enclave_prepared = 0; enclave_body = 0
#else
                  emit(e, enclave_body);
                  send(to_rtp, PREPARED, e, enclave_body)
#endif
           :: !is_killed && enclave_prepared == 0 && e == enclave_cur + 1 ->
                  if :: drawn = 1 :: drawn = 2 fi;
#ifdef BUG_EMIT_BEFORE_P1
                  emit(e, drawn);
                  send(to_rtp, PREPARED, e, drawn);
                  may_be_killed(KILL_ENCLAVE);
                  if :: !is_killed -> make_durable(e, drawn) :: else fi
#else
                  make_durable(e, drawn); /* P1 */
                  may_be_killed(KILL_ENCLAVE);
                  if :: !is_killed -> emit(e, drawn) :: else fi;
                  send(to_rtp, PREPARED, e, drawn)
#endif
           :: !is_killed && e <= enclave_cur ->
                  send(to_rtp, DONE, enclave_cur, 0)
           :: else
           fi;
           end_of_enclave_step() }
    :: atomic { to_enclave?COMMIT(e, b) -> may_be_killed(KILL_ENCLAVE);
           if
           :: is_killed
           :: !is_killed && enclave_prepared == e && enclave_body == b ->
                  must(S4_broken, e == enclave_cur + 1);
                  enclave_cur = e; enclave_prepared = 0; enclave_body = 0;
                  observe(P3, e, 0);
                  may_be_killed(KILL_ENCLAVE);
                  send(to_rtp, DONE, enclave_cur, 0)
           :: !is_killed && e <= enclave_cur ->
                  send(to_rtp, DONE, enclave_cur, 0)
           :: else
           fi;
           end_of_enclave_step() }
    :: atomic { kills > 0 -> be_killed(KILL_ENCLAVE); end_of_enclave_step() }
    od
}

active proctype rtp()
{
    byte e, b;
    do
    :: atomic { !is_asking && !has_asked && nfull(to_enclave) ->
           is_asking = true; has_asked = true;
           to_enclave!ATTEST(0, nonce) }
    :: atomic { to_rtp?EVIDENCE(e, b) -> may_be_killed(KILL_RTP);
           if
           :: !is_killed && is_asking && b == nonce ->
                  must(S5_broken,
                       (e == rtp_cur || (rtp_pend != 0 && e == rtp_pend)));
                  is_asking = false; nonce = 1 - nonce
           :: else
           fi;
           end_of_rtp_step() }
    :: atomic { to_rtp?PREPARED(e, b) -> may_be_killed(KILL_RTP);
           if
           :: is_killed
           :: !is_killed && rtp_pend == 0 && e == rtp_cur + 1 ->
                  must(S1_broken, made[e] == b);
#ifdef BUG_COMMIT_BEFORE_R1
                  send(to_enclave, COMMIT, e, b);
                  may_be_killed(KILL_RTP);
                  if :: !is_killed -> rtp_pend = e; rtp_body = b; observe(R1, e, b) :: else fi
#else
                  rtp_pend = e; rtp_body = b; observe(R1, e, b);
#ifdef BUG_DROP_OLD_AT_R1
                  rtp_cur = e; rtp_pend = 0;
#endif
                  may_be_killed(KILL_RTP);
                  send(to_enclave, COMMIT, e, b)
#endif
           :: !is_killed && rtp_pend == e && e != 0 ->
                  must(S2_broken, b == rtp_body);
                  send(to_enclave, COMMIT, e, b)
           :: else
           fi;
           end_of_rtp_step() }
    :: atomic { to_rtp?DONE(e, b) -> may_be_killed(KILL_RTP);
           if
           :: !is_killed && rtp_pend != 0 && e == rtp_pend ->
                  must(S4_broken, e == rtp_cur + 1);
                  advance(e);
                  may_be_killed(KILL_RTP)
           :: else
           fi;
           end_of_rtp_step() }
    /* HELLO behind a kill shows what is current: DONE was lost.  What was on
     * its way is of the old channel and dropped, by both. */
    :: atomic { was_killed && rtp_pend != 0 && enclave_cur == rtp_pend ->
           drain(to_enclave); drain(to_rtp); was_killed = false;
           is_asking = false; has_asked = false; nonce = 1 - nonce;
           advance(rtp_pend) }
    /* The timer.  `has_asked` keeps attestations from starving it. */
    :: atomic { TIMER_IS_DUE ->
           has_asked = false; is_asking = false;
           if
#ifdef TRACE
           :: true
#endif
           :: rtp_pend != 0 -> send(to_enclave, COMMIT, rtp_pend, rtp_body)
           :: rtp_pend == 0 && rtp_cur < EPOCHS ->
                  send(to_enclave, ROTATE, rtp_cur + 1, 0)
           :: else
           fi }
    :: atomic { kills > 0 -> be_killed(KILL_RTP); end_of_rtp_step() }
    od
}

ltl S3 { [] (enclave_cur == rtp_cur || (rtp_pend != 0 && enclave_cur == rtp_pend)) }
ltl L1 { <> [] (enclave_cur == EPOCHS && rtp_cur == EPOCHS && rtp_pend == 0) }
