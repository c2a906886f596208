// SPDX-License-Identifier: Apache-2.0
// Asynchronous client of rotord: several requests in flight, each with a
// deadline, answers in any order.
//
//     rotor_client_open(&client, NULL);
//     rotor_client_submit(client, &request, &id);     // does not wait
//     ... poll() on rotor_client_fd(client) ...
//     rotor_client_poll(client, &completion);         // does not wait
//
// The same calls work over a queue pair of the program's own (open_queue): then
// requests go to the enclave through shared memory and the daemon is not on
// their way.
//
// One thread per client.  Payloads are the messages of doc/PROTOCOL.client.
#ifndef ROTOR_CLIENT_H
#define ROTOR_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#define ROTOR_CLIENT_MESSAGE_MAX 17408u // bytes
#define ROTOR_CLIENT_OUTSTANDING 32u    // requests in flight of one client
#define ROTOR_CLIENT_ANY         0u     // no id: the next one, whichever
#define ROTOR_DEFAULT_SOCKET     "/var/lib/rotor/control.sock"

struct rotor_client; // made by open, freed by close

// Connects to the Unix socket `path`; NULL is ROTOR_DEFAULT_SOCKET.
//
// ROTOR_PORT_FAILED  errno says why, e.g. ECONNREFUSED: rotord does not run.
ROTOR_CALL rotor_client_open(struct rotor_client **client, const char *path);

// The same over TCP, for a relying party: only attestation, sessions, log and
// head are served there.  Connecting is bounded to five seconds.
//
// ROTOR_INVALID      `address` is not HOST:PORT.
// ROTOR_PORT_FAILED  errno says why.
ROTOR_CALL rotor_client_connect(struct rotor_client **client,
                                const char *address);

// Asks the daemon at `path` for a queue pair and takes it.  Attestation, key
// agreement, signatures, log and head go over it, in strict order; answers come
// in the order of the requests.  For root and the RTP's own user.  The pair
// belongs to this client until it is closed, and is used by nobody after it: an
// enclave has a fixed number of them for its life.
//
// ROTOR_FORBIDDEN    this user may not.
// ROTOR_AGAIN        none is left, or no attested enclave runs.
// ROTOR_MALFORMED    the daemon does not know queue pairs.
// ROTOR_PORT_FAILED  errno says why.
ROTOR_CALL rotor_client_open_queue(struct rotor_client **client,
                                   const char *path);

// Takes a connected TCP or Unix SEQPACKET socket over.
//
// ROTOR_PORT_FAILED  no memory.
ROTOR_CALL rotor_client_adopt(struct rotor_client **client, int fd,
                              bool is_stream);

// Unanswered requests are forgotten.  NULL is allowed.
void rotor_client_close(struct rotor_client *client);

// Readable when rotor_client_poll has something to do.  Before each poll() on
// it call rotor_client_arm.
int rotor_client_fd(const struct rotor_client *client);

// Before sleeping on rotor_client_fd.  False: call rotor_client_poll first.
// Over a queue pair no poll() may last longer than ten milliseconds: liveness
// never depends on the other side's bell.
bool rotor_client_arm(struct rotor_client *client);

struct rotor_request {
    uint64_t op;                // wire_op: doc/PROTOCOL.client 2
    struct rotor_bytes payload; // empty: none
    uint32_t deadline_ms;       // 0: ten seconds, which is the maximum
};

// Sends a request; `id` names it in its completion.
//
// ROTOR_INVALID      payload too long; over a queue pair: not that message.
// ROTOR_FORBIDDEN    not an operation of a queue pair.
// ROTOR_AGAIN        the way is full, or ROTOR_CLIENT_OUTSTANDING are in
// flight:
//                    poll for completions first.
// ROTOR_PORT_FAILED  the connection, or the pair, is gone.
ROTOR_CALL rotor_client_submit(struct rotor_client *client,
                               const struct rotor_request *request,
                               uint64_t *id);

// Asks for the end of a request; its completion comes all the same.  What lies
// in a queue already is still worked on, and its answer dropped.
//
// ROTOR_INVALID  over a queue pair: none such is in flight.
ROTOR_CALL rotor_client_cancel(struct rotor_client *client, uint64_t id);

// An answered request.  Views are good until the next call with this client.
struct rotor_completion {
    uint64_t id;
    uint64_t op;
    uint64_t code;              // 0 done; else wire_client_code
    struct rotor_bytes payload; // empty: none
    struct rotor_bytes text;    // for people; empty: none
    uint64_t error;             // of the enclave: wire_error
    uint64_t detail;            // of it
};

// ROTOR_AGAIN        no answer is there.
// ROTOR_MALFORMED    the other side does not speak this protocol: close.
// ROTOR_PORT_FAILED  the connection is gone.
ROTOR_CALL rotor_client_poll(struct rotor_client *client,
                             struct rotor_completion *completion);

// Waits for the answer to `id`, or with ROTOR_CLIENT_ANY for the next one, at
// most `timeout_ms`; answers to others that come meanwhile are dropped.  For
// programs with one request at a time.
//
// ROTOR_AGAIN  time is over; the request may still be answered.
ROTOR_CALL rotor_client_wait(struct rotor_client *client, uint64_t id,
                             uint32_t timeout_ms,
                             struct rotor_completion *completion);

// ---- slow work, handed over -------------------------------------------------

// Key agreement with the DH share of a far side: the enclave answers with its
// own share, signed and confirmed.  doc/PROTOCOL.rot 8.1.
struct rotor_agreement {
    struct rotor_bytes log_id;       // 32 or 48 bytes, as status shows it
    struct rotor_bytes sid;          // 16 bytes, new for each
    struct rotor_bytes nonce;        // 32 bytes of the far side
    struct rotor_bytes share;        // of its suite: 32, 65 or 97 bytes
    uint32_t suite;                  // 1, 2 or 3: that of the current root
    struct rotor_bytes peer_binding; // at most 64 bytes; may be empty
    bool wants_evidence;
    uint32_t deadline_ms;
};

// Its completion's payload: rotor_agreed_decode.
ROTOR_CALL rotor_client_submit_agree(struct rotor_client *client,
                                     const struct rotor_agreement *wanted,
                                     uint64_t *id);

struct rotor_agreed {        // views into the completion
    struct rotor_bytes core; // what the root signed
    struct rotor_bytes share;
    struct rotor_bytes confirmation; // proves that it has the same keys
    struct rotor_bytes signature;    // COSE_Sign1
    struct rotor_bytes evidence;     // empty unless wanted
    uint64_t epoch;
};

// ROTOR_MALFORMED  not the answer to an agreement.
ROTOR_CALL rotor_agreed_decode(struct rotor_bytes payload,
                               struct rotor_agreed *agreed);

// A signature by the service key of the current root, which serves as session
// leaf: suite 1 signs the message, 2 its SHA-256, 3 its SHA-384.  An empty
// input asks for the key alone.
struct rotor_signing {
    struct rotor_bytes log_id; // as above
    struct rotor_bytes input;
    uint32_t deadline_ms;
};
ROTOR_CALL rotor_client_submit_sign(struct rotor_client *client,
                                    const struct rotor_signing *wanted,
                                    uint64_t *id);

struct rotor_signed {             // views into the completion
    struct rotor_bytes key;       // COSE_Key
    struct rotor_bytes signature; // empty if the input was
};

// ROTOR_MALFORMED  not the answer to a signing.
ROTOR_CALL rotor_signed_decode(struct rotor_bytes payload,
                               struct rotor_signed *signature);

#endif
