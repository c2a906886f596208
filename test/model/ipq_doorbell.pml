/* SPDX-License-Identifier: Apache-2.0
 *
 * Sleep and wake of a channel, as in rotor/ipq.h and port/linux/doorbell.c.
 * One side pushes FRAMES frames through a queue of SLOTS slots and sleeps when
 * it is full; the other side pops them, keeps what credit it owes until it
 * finds the queue empty, and sleeps then.
 *
 * Each side has a store buffer: what it stores reaches memory later, in order,
 * while its own loads go ahead (x86-TSO).  So a sender may look at the
 * sleeper's word before its frame is visible.  A barrier on both sides
 * (membarrier) empties the peer's buffer; a sequentially consistent store and a
 * system call empty the caller's own.  (Where membarrier works it does both;
 * that store is what remains where it does not, and then a wake-up is lost
 * until the sleeper looks for itself: the row without BARRIER.)
 *
 * No wait has a time-out here.  So a lost wake-up is a state without a way on,
 * which spin reports as an invalid end state.  Each WITHOUT_... deletes one
 * step of the protocol; each must lose a wake-up (run-ipq).
 */
#ifndef FRAMES
#define FRAMES 3
#endif
#ifndef SLOTS
#define SLOTS 1
#endif

#define PRODUCER 0
#define CONSUMER 1
#define DEPTH    3 /* stores that may be on their way: news, bell, awake */

/* What a store goes to; each word has one writer. */
#define NEWS  0 /* stamp: frames published; or credit: frames given back */
#define SLEEP 1 /* ticket * 2 + asleep */
#define BELL  2

byte memory[6];                        /* word w of side s: memory[s * 3 + w] */
chan buffer[2] = [DEPTH] of { byte, byte };
bool waits[2];                         /* in the futex queue of the peer's bell */

#define WORD(side, word) memory[(side) * 3 + (word)]

inline store(side, word, value) { buffer[side]!word, value }

/* Own stores all visible.  The drain process does the work. */
inline fence(side) { empty(buffer[side]) }

/* One store after another becomes visible, at any time. */
active proctype drain()
{
    byte word, value;
end:
    do
    :: atomic { buffer[PRODUCER]?word, value ->
           WORD(PRODUCER, word) = value; word = 0; value = 0 }
    :: atomic { buffer[CONSUMER]?word, value ->
           WORD(CONSUMER, word) = value; word = 0; value = 0 }
    od
}

/* rotor_ipq_channel_ring and the port's wake.  `news`: is there something for
 * that sleeper?  The producer knows by the credit, which a sleeper has given. */
inline ring(me, peer, news)
{
#ifndef WITHOUT_LOOK
    seen = WORD(peer, SLEEP);
    if
    :: (seen % 2 == 1) && seen != rung && (news) ->
           rung = seen;
#ifndef WITHOUT_BELL
           bell = bell + 1;
           store(me, BELL, bell);
#endif
#ifndef WITHOUT_WAKE
           fence(me);               /* the system call */
           atomic { waits[peer] = false }
#endif
    :: else
    fi;
#endif
    seen = 0
}

#define UNREAD (WORD(CONSUMER, NEWS) != count)

#define PRODUCER_DUE (count - WORD(CONSUMER, NEWS) < SLOTS)
#define CONSUMER_DUE (WORD(PRODUCER, NEWS) > count)

/* sleep_once: snapshot of the bell, announcement, barrier, second look, wait. */
inline sleep(me, peer, due)
{
#ifndef WITHOUT_SNAPSHOT_FIRST
    heard = WORD(peer, BELL);
#endif
#ifndef WITHOUT_TICKET
    ticket = ticket + 1;
#endif
#ifndef WITHOUT_ANNOUNCE
    store(me, SLEEP, ticket * 2 + 1);
#endif
#ifndef WITHOUT_OWN_FENCE
    fence(me);
#endif
#ifndef WITHOUT_BARRIER
    fence(peer);
#endif
#ifdef WITHOUT_SNAPSHOT_FIRST
    if
    :: due -> skip
    :: else ->
           heard = WORD(peer, BELL);
           goto_wait(me, peer)
    fi;
#else
    if
#ifndef WITHOUT_SECOND_LOOK
    :: due -> skip
    :: else ->
#else
    :: true ->
#endif
           goto_wait(me, peer)
    fi;
#endif
    store(me, SLEEP, ticket * 2);
    heard = 0
}

/* doorbell_wait begins so: what is owed is given, and the peer is rung for it. */
inline give_credit()
{
    if
    :: given != count ->
           given = count;
#ifndef WITHOUT_CREDIT
           store(CONSUMER, NEWS, count);
#endif
#ifndef WITHOUT_RING_BEFORE_WAIT
           ring(CONSUMER, PRODUCER, true)
#endif
    :: else
    fi
}

/* FUTEX_WAIT: the kernel compares and queues in one step, under its lock; the
 * system call empties our buffer first only where the kernel happens to, so
 * nothing is assumed of it here. */
inline goto_wait(me, peer)
{
#ifndef WITHOUT_COMPARE
    atomic {
        if
        :: WORD(peer, BELL) == heard -> waits[me] = true
        :: else
        fi
    };
#else
    waits[me] = true;
#endif
    !waits[me]
}

active proctype producer()
{
    byte count, ticket, rung, bell, seen, heard;
    do
    :: count == FRAMES -> break
    :: count < FRAMES ->
           do
           :: PRODUCER_DUE -> break
           :: else -> sleep(PRODUCER, CONSUMER, PRODUCER_DUE)
           od;
           count = count + 1;
           store(PRODUCER, NEWS, count);
           ring(PRODUCER, CONSUMER, UNREAD)
    od
}

active proctype consumer()
{
    byte count, given, ticket, rung, bell, seen, heard;
    do
    :: count == FRAMES -> break
    :: count < FRAMES ->
           do
           :: CONSUMER_DUE -> break
           :: else -> give_credit(); sleep(CONSUMER, PRODUCER, CONSUMER_DUE)
           od;
           count = count + 1
    od;
    assert(count == FRAMES)
}
