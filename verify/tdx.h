// SPDX-License-Identifier: Apache-2.0
// Intel TDX: quotes of TDs, versions 4 and 5 (TD 1.0 and 1.5).
// doc/PROTOCOL.dcap
#ifndef ROTOR_VERIFY_TDX_H
#define ROTOR_VERIFY_TDX_H

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "verify/dcap.h"
#include "verify/verdict.h"

// Judges `quote`.  Instance: PPID.  Measurement: MRTD.  Signer: MROWNER, none
// if it is zero.  TCB: component SVNs and PCESVN of the PCK, then TEE_TCB_SVN.
// RTMRs and the module's fields are rows.  Evidence, endorsements and `work`
// outlive the verdict.
//
// ROTOR_MALFORMED  not a quote of a TD; the verdict says why.
// ROTOR_INVALID    too many certificates given.
ROTOR_CALL verify_tdx(struct verify_verdict *verdict, struct rotor_bytes quote,
                      const struct verify_dcap_endorsements *endorsements,
                      const struct verify_asked *asked,
                      struct verify_dcap_work *work);

#endif
