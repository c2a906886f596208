// SPDX-License-Identifier: Apache-2.0
// Foreign evidence verified, beside the bare signature checks of the same
// chain.  One file a backend (verify_snp.c, ...), one row in verify.c.
#ifndef ROTOR_BENCH_VERIFY_H
#define ROTOR_BENCH_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>

#include "crypto/x509.h"

struct verify_case {
    const char *name;
    const char *(*open)(void); // NULL, or why the case is skipped
    void (*ours)(void);        // endorsements are parsed
    void (*bare)(void);        // keys imported, signatures checked
    void (*close)(void);
};

extern const struct verify_case verify_case_snp;
extern const struct verify_case verify_case_tpm;
extern const struct verify_case verify_case_psa;
extern const struct verify_case verify_case_eat;
extern const struct verify_case verify_case_dice;
extern const struct verify_case verify_case_sgx;
extern const struct verify_case verify_case_tdx;

// The published file `name` below ROTOR_VECTORS (else ../shared/vectors);
// empty if there is none.  Never freed.
struct rotor_bytes verify_file(const char *name);

// One signature of a reference: key in, check, key out.
struct verify_bare {
    struct rotor_bytes spki;
    enum crypto_signature_form form;
    enum crypto_hash hash;
    struct rotor_bytes message;
    struct rotor_bytes signature;
};
void verify_bare_check(const struct verify_bare *bare);

// The signature under a certificate, by the key of its issuer.
struct verify_bare verify_bare_of(const struct crypto_certificate *certificate,
                                  const struct crypto_certificate *issuer,
                                  enum crypto_signature_form form,
                                  enum crypto_hash hash);

#endif
