// SPDX-License-Identifier: Apache-2.0
// Endorsements: what vendors say of their chips, taken apart into single
// statements.  A file may be one of them or many: DER, PEM bundles, JSON as
// Intel's service hands it out, and collections of all that as Intel's quote
// library makes them, or the table that a host of SEV-SNP hands to its guests.
//
// Nothing here is trusted: a verifier judges each statement under the roots
// that it knows.  doc/PROTOCOL.evidence, Endorsements.
#ifndef ROTOR_ENDORSE_SET_H
#define ROTOR_ENDORSE_SET_H

#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

enum endorse_kind {
    ENDORSE_NONE = 0,
    ENDORSE_CERTIFICATE, // DER
    ENDORSE_CRL,         // DER
    ENDORSE_TCB_INFO,    // JSON, exact bytes
    ENDORSE_QE_IDENTITY, // JSON, exact bytes
    ENDORSE_KEY,         // DER SubjectPublicKeyInfo: for roots only
    ENDORSE_KIND_COUNT,
};

#define ENDORSE_FILE_MAX  (4u * 1024u * 1024u) // bytes
#define ENDORSE_ITEMS_MAX 4096u                // statements of one set
#define ENDORSE_NAME_SIZE 32u                  // SHA-256 of the statement

struct endorse_item {
    enum endorse_kind kind;
    struct rotor_bytes bytes; // on the heap, owned by the set
    uint8_t name[ENDORSE_NAME_SIZE];
};

// All zero is an empty set.
struct endorse_set {
    struct endorse_item *items; // on the heap
    size_t count;
    size_t room;
};

void endorse_set_close(struct endorse_set *set);

// Adds every statement of `content`; one that is there already is not added
// again.  A folder that is read may hold all kinds.
//
// ROTOR_MALFORMED    something in it is no statement; the set is as before.
// ROTOR_TOO_SMALL    more than ENDORSE_ITEMS_MAX.
// ROTOR_PORT_FAILED  no memory, or the crypto library refused.
ROTOR_CALL endorse_set_read(struct endorse_set *set,
                            struct rotor_bytes content);

// Drops what is of another kind.
void endorse_set_keep(struct endorse_set *set, enum endorse_kind kind);

// A word, e.g. "certificate"; never NULL.
const char *endorse_kind_name(enum endorse_kind kind);

#endif
