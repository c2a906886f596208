/* SPDX-License-Identifier: Apache-2.0
 *
 * The switch of rotation_atomic.pml, whose head names the code of each step,
 * with every step apart: between taking a frame, the durable write and the
 * answer the other side may run, and a kill may come at each of these points.
 * Same properties, same mistakes.
 *
 * ROTATE and COMMIT of the enclave are cut finer than one message here as they
 * are in enclave/work.c; that an attestation of the same queue comes between
 * two steps of one order is not covered (test/spec/enclave_steps.c is).
 */
#ifndef EPOCHS
#define EPOCHS 2
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef SLOTS
#define SLOTS 2
#endif

#define BOTH_BODIES 3

mtype = { ROTATE, PREPARED, COMMIT, DONE, ATTEST, EVIDENCE };
chan to_enclave = [SLOTS] of { mtype, byte, byte };
chan to_rtp = [SLOTS] of { mtype, byte, byte };

/* Durable. */
byte enclave_cur, enclave_prepared, enclave_body;
byte rtp_cur, rtp_pend, rtp_body;

/* Memory of the RTP. */
bit nonce;
bool is_asking, has_asked;

/* What only the properties look at. */
byte made[EPOCHS + 1], emitted[EPOCHS + 1];
bool S1_broken, S2_broken, S4_broken, S5_broken;

byte kills = KILLS;

inline must(broken, condition)
{
    if
    :: condition
    :: else -> broken = true; assert(!broken)
    fi
}

inline may_lose(queue)
{
    if
    :: true -> do :: nempty(queue) -> queue?_, _, _ :: empty(queue) -> break od
    :: true
    fi
}

/* The guard and the decrement are one step: two sides must not share a kill. */
inline enclave_may_be_killed()
{
    if
    :: atomic { kills > 0 -> kills--; e = 0; b = 0; drawn = 0;
           may_lose(to_enclave); goto enclave_start }
    :: true
    fi
}

inline rtp_may_be_killed()
{
    if
    :: atomic { kills > 0 -> kills--; e = 0; b = 0; may_lose(to_rtp);
           goto rtp_start }
    :: true
    fi
}

inline send(queue, kind, x, y)
{
    if :: nfull(queue) -> queue!kind(x, y) :: full(queue) fi
}

inline emit(epoch, body)
{
    atomic {
        emitted[epoch] = emitted[epoch] | body;
        must(S2_broken, emitted[epoch] != BOTH_BODIES)
    }
}

inline make_durable(epoch, body)
{
    d_step {
        enclave_prepared = epoch; enclave_body = body; made[epoch] = body
    }
}

active proctype enclave()
{
    byte e, b, drawn;
enclave_start:
    do
    :: to_enclave?ATTEST(e, b) -> enclave_may_be_killed();
#ifdef BUG_SWITCH_EARLY
           if
           :: enclave_prepared -> send(to_rtp, EVIDENCE, enclave_prepared, b)
           :: else -> send(to_rtp, EVIDENCE, enclave_cur, b)
           fi
#else
           send(to_rtp, EVIDENCE, enclave_cur, b)
#endif
    :: to_enclave?ROTATE(e, b) -> enclave_may_be_killed();
           if
           :: enclave_prepared == e ->
#ifdef BUG_DRAW_AGAIN
                  d_step { enclave_prepared = 0; enclave_body = 0 }
#else
                  emit(e, enclave_body);
                  send(to_rtp, PREPARED, e, enclave_body)
#endif
           :: enclave_prepared == 0 && e == enclave_cur + 1 ->
                  if :: drawn = 1 :: drawn = 2 fi;
#ifdef BUG_EMIT_BEFORE_P1
                  emit(e, drawn);
                  send(to_rtp, PREPARED, e, drawn);
                  enclave_may_be_killed();
                  make_durable(e, drawn)
#else
                  make_durable(e, drawn); /* P1 */
                  enclave_may_be_killed();
                  emit(e, enclave_body);
                  send(to_rtp, PREPARED, e, enclave_body)
#endif
           :: enclave_prepared != e && e <= enclave_cur ->
                  send(to_rtp, DONE, enclave_cur, 0)
           :: else
           fi
    :: to_enclave?COMMIT(e, b) -> enclave_may_be_killed();
           if
           :: enclave_prepared == e && enclave_body == b ->
                  atomic {
                      must(S4_broken, e == enclave_cur + 1);
                      enclave_cur = e; enclave_prepared = 0; enclave_body = 0 /* P3 */
                  };
                  enclave_may_be_killed();
                  send(to_rtp, DONE, e, 0)
           :: else ->
                  if
                  :: e <= enclave_cur -> send(to_rtp, DONE, enclave_cur, 0)
                  :: else
                  fi
           fi
    :: atomic { kills > 0 -> kills--; may_lose(to_enclave); goto enclave_start }
    od
}

active proctype rtp()
{
    byte e, b;
rtp_start:
    atomic { is_asking = false; has_asked = false; nonce = 1 - nonce };
    do
    :: atomic { !is_asking && !has_asked && nfull(to_enclave) ->
           is_asking = true; has_asked = true };
       to_enclave!ATTEST(0, nonce)
    :: to_rtp?EVIDENCE(e, b) -> rtp_may_be_killed();
           atomic {
               if
               :: is_asking && b == nonce ->
                      must(S5_broken,
                           (e == rtp_cur || (rtp_pend != 0 && e == rtp_pend)));
                      is_asking = false; nonce = 1 - nonce
               :: else
               fi
           }
    :: to_rtp?PREPARED(e, b) -> rtp_may_be_killed();
           if
           :: rtp_pend == 0 && e == rtp_cur + 1 ->
                  must(S1_broken, made[e] == b);
#ifdef BUG_COMMIT_BEFORE_R1
                  send(to_enclave, COMMIT, e, b);
                  rtp_may_be_killed();
                  d_step { rtp_pend = e; rtp_body = b }
#else
                  d_step {
                      rtp_pend = e; rtp_body = b /* R1 */
#ifdef BUG_DROP_OLD_AT_R1
                      ; rtp_cur = e; rtp_pend = 0
#endif
                  };
                  rtp_may_be_killed();
                  send(to_enclave, COMMIT, e, b)
#endif
           :: rtp_pend == e && e != 0 ->
                  must(S2_broken, b == rtp_body);
                  send(to_enclave, COMMIT, e, b)
           :: else
           fi
    :: to_rtp?DONE(e, b) -> rtp_may_be_killed();
           atomic {
               if
               :: rtp_pend != 0 && e == rtp_pend ->
                      must(S4_broken, e == rtp_cur + 1);
                      rtp_cur = e; rtp_pend = 0; rtp_body = 0 /* R2 */
               :: else
               fi
           };
           rtp_may_be_killed()
    /* The timer.  `has_asked` keeps attestations from starving it. */
    :: empty(to_rtp) && empty(to_enclave) ->
           has_asked = false;
           if
           :: rtp_pend != 0 -> send(to_enclave, COMMIT, rtp_pend, rtp_body)
           :: rtp_pend == 0 && rtp_cur < EPOCHS ->
                  send(to_enclave, ROTATE, rtp_cur + 1, 0)
           :: else -> is_asking = false
           fi
    :: atomic { kills > 0 -> kills--; may_lose(to_rtp); goto rtp_start }
    od
}

ltl S3 { [] (enclave_cur == rtp_cur || (rtp_pend != 0 && enclave_cur == rtp_pend)) }
ltl L1 { <> [] (enclave_cur == EPOCHS && rtp_cur == EPOCHS && rtp_pend == 0) }
