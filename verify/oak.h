// SPDX-License-Identifier: Apache-2.0
// Evidence of Project Oak: a report of the processor at the root, and layers
// of certificates (CWT in COSE_Sign1, ES256) above it, each signed by the key
// of the one before.  doc/PROTOCOL.evidence 2.6.
#ifndef ROTOR_VERIFY_OAK_H
#define ROTOR_VERIFY_OAK_H

#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "verify/snp.h"

#define VERIFY_OAK_LAYERS_MAX 8u
#define VERIFY_OAK_KEYS       3u // encryption, signing, group encryption

enum verify_oak_platform {
    VERIFY_OAK_SNP = 1,
    VERIFY_OAK_TDX = 2,
};

// Views are into the evidence; what is not there is empty.
struct verify_oak_evidence {
    uint64_t platform;           // enum verify_oak_platform, or another
    struct rotor_bytes report;   // of the platform
    struct rotor_bytes root_key; // COSE_Key that the report data names
    struct rotor_bytes layers[VERIFY_OAK_LAYERS_MAX];
    size_t layer_count;
    struct rotor_bytes application_keys[VERIFY_OAK_KEYS];
    struct rotor_bytes events[VERIFY_OAK_LAYERS_MAX + 1];
    size_t event_count;
};

// ROTOR_MALFORMED  not such a message, a field twice, or more layers.
ROTOR_CALL verify_oak_read(struct rotor_bytes bytes,
                           struct verify_oak_evidence *evidence);

// The same message from its text form.
//
// ROTOR_MALFORMED  not the text of such a message, or more than fits.
ROTOR_CALL verify_oak_from_text(struct rotor_bytes text,
                                struct rotor_room *evidence);

// The processor's certificate (DER) in Oak's endorsements, a view.
//
// ROTOR_MALFORMED  none in there.
ROTOR_CALL verify_oak_certificate(struct rotor_bytes endorsements,
                                  struct rotor_bytes *der);

// Adds the rows of everything above the root, which said `report_data`.  The
// caller concludes.
ROTOR_CALL verify_oak_layers(const struct verify_oak_evidence *evidence,
                             struct rotor_bytes report_data,
                             struct verify_verdict *verdict);

// Judges evidence whose root is SEV-SNP.
ROTOR_CALL verify_oak(struct rotor_bytes bytes,
                      const struct verify_snp_endorsements *endorsements,
                      const struct verify_asked *asked,
                      struct verify_verdict *verdict);

#endif
