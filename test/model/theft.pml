/* SPDX-License-Identifier: Apache-2.0
 *
 * A thief who holds every S, the current one too, and all of the network (S7).
 * Signatures are symbols: who holds a key can make one over anything; the rest
 * can be repeated once it was seen.
 *
 *     step here             in the code
 *     enclave, rotate       enclave_entry_emit: the honest entry is public
 *     enclave, prove        enclave_serve_attest, purpose 7
 *     party, read           chain_accept_next (chain/rules.c): follows,
 *                           old_key_agrees, is_authorised behind
 *                           reveals_commitment.  The RTP reads so in
 *                           run_accept and run_catch_up, a relying party in
 *                           rotor verify
 *     party, ask and look   verify/attest.c: the nonce is the party's own, the
 *                           Evidence is over it and over the body of the head
 *
 * Covers, for a party that is caught up or any number of epochs behind: it
 * accepts no entry but the enclave's (S7a); it never believes to be at the head
 * when, as it asked, the enclave was further (S7b).  The thief may keep every
 * answer back: then the party knows nothing, and believes nothing.
 *
 *     -DTHIEF_HOLDS_A         A instead of S: S7 holds
 *     -DTHIEF_HOLDS_S_AND_A   both: S7a must break; that is what RA is for
 */
#ifndef EPOCHS
#define EPOCHS 3
#endif
#ifndef ASKS
#define ASKS 2
#endif

#ifdef THIEF_HOLDS_S_AND_A
#define HOLDS_S true
#define HOLDS_A true
#else
#ifdef THIEF_HOLDS_A
#define HOLDS_S false
#define HOLDS_A true
#else
#define HOLDS_S true
#define HOLDS_A false
#endif
#endif

#define HONEST       0 /* bodies of one epoch: the enclave's, and any other */
#define FORGED       1
#define ID(e, b)     (2 * (e) + (b)) /* what a signature is over; 0: nothing */
#define NOTHING      0
#define EPOCH_OF(id) ((id) / 2)
#define IS_FORGED(id) ((id) % 2 == FORGED)

byte head;              /* of the enclave */
byte mine;              /* of the party */
byte asked;             /* nonces drawn by the party: 1 to `asked` */
byte proved[ASKS + 1];  /* per nonce: epochs under which Evidence was made */
bool is_asking;

/* What only the properties look at. */
byte head_when_asked;
bool S7a_broken, S7b_broken;

inline must(broken, condition)
{
    if
    :: condition
    :: else -> broken = true; assert(!broken)
    fi
}

/* Any signature over an entry that the thief can show: one of a key of epoch
 * `key` that he holds, over anything; or one that the enclave made. */
inline any_signature(holds, key, over)
{
    if
    :: key = 1; over = NOTHING
    :: select(key : 1 .. EPOCHS);
       if
       :: key <= head -> over = ID(key, HONEST)
       :: holds -> select(over : 2 .. 2 * EPOCHS + 1)
       :: else -> over = NOTHING
       fi
    fi
}

/* A key of epoch k authorises entry k: A_k, and S of the epoch before it. */
inline read()
{
    select(x : 2 .. 2 * EPOCHS + 1);
    any_signature(HOLDS_S, old_key, old_over);
    any_signature(HOLDS_A, auth_key, auth_over);
    if
    :: (EPOCH_OF(x) == mine + 1
#ifndef BUG_NO_OLD
       && old_key == mine + 1 && old_over == x
#endif
#ifndef BUG_NO_AUTH
       && auth_key == mine + 1
#ifdef BUG_AUTH_OVER_ANYTHING
       && auth_over != NOTHING
#else
       && auth_over == x
#endif
#endif
       ) -> must(S7a_broken, !IS_FORGED(x)); mine++
    :: else
    fi;
    x = 0; old_key = 0; old_over = 0; auth_key = 0; auth_over = 0
}

/* An answer for the head `mine`, signed by S of it, which the thief holds.  The
 * Evidence in it is the enclave's: `nonce` and `epoch` are what it is over. */
inline look()
{
    select(nonce : 1 .. ASKS);
    select(epoch : 0 .. EPOCHS);
    if
#ifdef BUG_SIGN_OF_LIFE
    :: true
#else
    :: ((proved[nonce] & (1 << epoch))
#ifndef BUG_ANY_NONCE
       && nonce == asked
#endif
#ifndef BUG_EVIDENCE_UNBOUND
       && epoch == mine
#endif
       )
#endif
       -> must(S7b_broken, mine >= head_when_asked); is_asking = false
    :: else
    fi;
    nonce = 0; epoch = 0
}

active proctype enclave()
{
    byte nonce;
end:
    do
    :: head < EPOCHS -> head++
    /* For whoever shows it a nonce; nobody knows one before it was drawn. */
    :: atomic { asked > 0 -> select(nonce : 1 .. ASKS);
           if
           :: nonce <= asked -> proved[nonce] = proved[nonce] | (1 << head)
           :: else
           fi;
           nonce = 0 }
    od
}

active proctype party()
{
    byte x, old_key, old_over, auth_key, auth_over, nonce, epoch;
end:
    do
    :: atomic { mine < EPOCHS -> read() }
    :: atomic { asked < ASKS ->
           asked++; is_asking = true; head_when_asked = head }
    :: atomic { is_asking -> look() }
    od
}
