// SPDX-License-Identifier: Apache-2.0
// Intel SGX: quotes of enclaves, versions 3 to 5.  doc/PROTOCOL.dcap
#ifndef ROTOR_VERIFY_SGX_H
#define ROTOR_VERIFY_SGX_H

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "verify/dcap.h"
#include "verify/verdict.h"

// Judges `quote`.  Instance: PPID.  Measurement: MRENCLAVE.  Signer: MRSIGNER.
// Security version: ISVSVN.  TCB: component SVNs and PCESVN of the PCK.
// Evidence, endorsements and `work` outlive the verdict.
//
// ROTOR_MALFORMED  not a quote of an enclave; the verdict says why.
// ROTOR_INVALID    too many certificates given.
ROTOR_CALL verify_sgx(struct verify_verdict *verdict, struct rotor_bytes quote,
                      const struct verify_dcap_endorsements *endorsements,
                      const struct verify_asked *asked,
                      struct verify_dcap_work *work);

#endif
