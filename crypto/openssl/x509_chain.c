// SPDX-License-Identifier: Apache-2.0
// Chains of certificates (RFC 5280 6.1), judged by OpenSSL without a store, a
// clock or a network of its own.
//
// Flags: PARTIAL_CHAIN, since an anchor need not sign itself; CRL_CHECK_ALL
// where there are lists.  X509_STRICT is not among them, since AMD's
// certificates name no key identifiers; that issuers are CAs is asked without
// it.  Security level 2: 112 bits, no SHA-1, no MD5.
#include "crypto/x509.h"

#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "crypto/openssl/internal.h"
#include "crypto/openssl/x509_internal.h"

#define SECURITY_LEVEL 2
#define ISSUERS_MAX    64u // that a caller may bring of each kind
// A certificate may have several issuers of one name, of which one fits.
#define TRIES_MAX 8u

struct judging {
    const struct crypto_chain *chain;
    X509 *leaf;
    STACK_OF(X509) * anchors;
    STACK_OF(X509) * intermediates;
    STACK_OF(X509_CRL) * crls;
    X509 *misfit; // of the last try: did not sign, or leads nowhere
};

static const struct {
    int error;
    enum crypto_chain_fault fault;
} faults[] = {
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, CRYPTO_CHAIN_NO_ISSUER    },
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,         CRYPTO_CHAIN_NO_ISSUER    },
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,   CRYPTO_CHAIN_NO_ISSUER    },
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,       CRYPTO_CHAIN_NO_ISSUER    },
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,         CRYPTO_CHAIN_NO_ISSUER    },
    {X509_V_ERR_CERT_UNTRUSTED,                    CRYPTO_CHAIN_NO_ISSUER    },
    {X509_V_ERR_CERT_SIGNATURE_FAILURE,            CRYPTO_CHAIN_SIGNATURE    },
    {X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE,  CRYPTO_CHAIN_SIGNATURE    },
    {X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH,      CRYPTO_CHAIN_SIGNATURE    },
    {X509_V_ERR_CERT_NOT_YET_VALID,                CRYPTO_CHAIN_NOT_YET_VALID},
    {X509_V_ERR_CERT_HAS_EXPIRED,                  CRYPTO_CHAIN_EXPIRED      },
    {X509_V_ERR_INVALID_CA,                        CRYPTO_CHAIN_NOT_A_CA     },
    {X509_V_ERR_KEYUSAGE_NO_CERTSIGN,              CRYPTO_CHAIN_NOT_A_CA     },
    {X509_V_ERR_PATH_LENGTH_EXCEEDED,              CRYPTO_CHAIN_TOO_LONG     },
    {X509_V_ERR_CERT_CHAIN_TOO_LONG,               CRYPTO_CHAIN_TOO_LONG     },
    {X509_V_ERR_CERT_REVOKED,                      CRYPTO_CHAIN_REVOKED      },
    {X509_V_ERR_UNABLE_TO_GET_CRL,                 CRYPTO_CHAIN_CRL_MISSING  },
    {X509_V_ERR_DIFFERENT_CRL_SCOPE,               CRYPTO_CHAIN_CRL_MISSING  },
    {X509_V_ERR_CRL_HAS_EXPIRED,                   CRYPTO_CHAIN_CRL_EXPIRED  },
    {X509_V_ERR_CRL_NOT_YET_VALID,                 CRYPTO_CHAIN_CRL_EXPIRED  },
    {X509_V_ERR_CRL_SIGNATURE_FAILURE,             CRYPTO_CHAIN_CRL_SIGNATURE},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE,   CRYPTO_CHAIN_CRL_SIGNATURE},
    {X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER,          CRYPTO_CHAIN_CRL_SIGNATURE},
    {X509_V_ERR_CRL_PATH_VALIDATION_ERROR,         CRYPTO_CHAIN_CRL_SIGNATURE},
    {X509_V_ERR_KEYUSAGE_NO_CRL_SIGN,              CRYPTO_CHAIN_CRL_SIGNATURE},
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION,      CRYPTO_CHAIN_EXTENSION    },
    {X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION,  CRYPTO_CHAIN_EXTENSION    },
    {X509_V_ERR_EE_KEY_TOO_SMALL,                  CRYPTO_CHAIN_WEAK         },
    {X509_V_ERR_CA_KEY_TOO_SMALL,                  CRYPTO_CHAIN_WEAK         },
    {X509_V_ERR_CA_MD_TOO_WEAK,                    CRYPTO_CHAIN_WEAK         },
};

static enum crypto_chain_fault fault_of(int error)
{
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        if (faults[i].error == error) {
            return faults[i].fault;
        }
    }
    return CRYPTO_CHAIN_OTHER;
}

const char *crypto_chain_fault_text(enum crypto_chain_fault fault)
{
    switch (fault) {
    case CRYPTO_CHAIN_UNKNOWN:
        return "not verified";
    case CRYPTO_CHAIN_GOOD:
        return "good";
    case CRYPTO_CHAIN_NO_ISSUER:
        return "leads to no trusted root";
    case CRYPTO_CHAIN_SIGNATURE:
        return "not signed by its issuer";
    case CRYPTO_CHAIN_NOT_YET_VALID:
        return "not yet valid";
    case CRYPTO_CHAIN_EXPIRED:
        return "expired";
    case CRYPTO_CHAIN_NOT_A_CA:
        return "issued by one that may not issue";
    case CRYPTO_CHAIN_TOO_LONG:
        return "longer than an issuer allows";
    case CRYPTO_CHAIN_REVOKED:
        return "revoked";
    case CRYPTO_CHAIN_CRL_MISSING:
        return "no revocation list of its issuer";
    case CRYPTO_CHAIN_CRL_EXPIRED:
        return "the revocation list is not current";
    case CRYPTO_CHAIN_CRL_SIGNATURE:
        return "the revocation list is not signed by the issuer";
    case CRYPTO_CHAIN_EXTENSION:
        return "a critical extension that is not understood";
    case CRYPTO_CHAIN_WEAK:
        return "a hash or key that is too weak";
    case CRYPTO_CHAIN_OTHER:
        break;
    }
    return "refused by the library";
}

// ---- rules of our own ------------------------------------------------------

static bool is_about_crl(int error)
{
    enum crypto_chain_fault fault = fault_of(error);
    return fault == CRYPTO_CHAIN_CRL_MISSING ||
           fault == CRYPTO_CHAIN_CRL_EXPIRED ||
           fault == CRYPTO_CHAIN_CRL_SIGNATURE || fault == CRYPTO_CHAIN_REVOKED;
}

// A list of that issuer is there, and OpenSSL says that none is for this
// certificate: one that it could not use must not count as none.
static bool has_list_for(const struct judging *judging, const X509 *certificate)
{
    const X509_NAME *issuer = X509_get_issuer_name(certificate);
    for (int i = 0; i < sk_X509_CRL_num(judging->crls); i++) {
        const X509_CRL *list = sk_X509_CRL_value(judging->crls, i);
        if (X509_NAME_cmp(X509_CRL_get_issuer(list), issuer) == 0) {
            return true;
        }
    }
    return false;
}

// OpenSSL wants a list for the anchor too.  Nobody has to vouch for an anchor,
// and a list by somebody above one is not ours to judge.
static int excuse(int ok, X509_STORE_CTX *context)
{
    const struct judging *judging = X509_STORE_CTX_get_app_data(context);
    int error = X509_STORE_CTX_get_error(context);
    if (ok == 1 || !is_about_crl(error)) {
        return ok;
    }
    bool is_missing = error == X509_V_ERR_UNABLE_TO_GET_CRL;
    STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(context);
    int top = sk_X509_num(path) - 1;
    bool is_anchor = X509_STORE_CTX_get_error_depth(context) == top;
    bool is_root =
        (X509_get_extension_flags(sk_X509_value(path, top)) & EXFLAG_SS) != 0;
    bool may_miss =
        !judging->chain->needs_crls &&
        !has_list_for(judging, X509_STORE_CTX_get_current_cert(context));
    return (is_missing && may_miss) || (is_anchor && (is_missing || !is_root));
}

// Policies are not followed; a certificate that asks for them to be is not
// understood.
static bool wants_policies(const X509 *x509)
{
    int at = X509_get_ext_by_NID(x509, NID_policy_constraints, -1);
    return at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(x509, at)) == 1;
}

static struct crypto_chain_verdict judge_path(STACK_OF(X509) * path)
{
    struct crypto_chain_verdict verdict = {.fault = CRYPTO_CHAIN_GOOD};
    int count = sk_X509_num(path);
    for (int i = 0; i < count; i++) {
        X509 *x509 = sk_X509_value(path, i);
        verdict.depth = (size_t)i;
        if (i < count - 1 && wants_policies(x509)) {
            verdict.fault = CRYPTO_CHAIN_EXTENSION;
            return verdict;
        }
    }
    return verdict;
}

// The hash of a list's signature, which OpenSSL does not hold to the level.
static int hash_of_crl(const X509_CRL *crl)
{
    const X509_ALGOR *algorithm = NULL;
    int hash = NID_undef;
    X509_CRL_get0_signature(crl, NULL, &algorithm);
    int nid = X509_CRL_get_signature_nid(crl);
    if (nid != NID_rsassaPss) {
        return OBJ_find_sigid_algs(nid, &hash, NULL) == 1 ? hash : NID_undef;
    }
    RSA_PSS_PARAMS *pss = ASN1_TYPE_unpack_sequence(
        ASN1_ITEM_rptr(RSA_PSS_PARAMS), algorithm->parameter);
    hash = pss == NULL || pss->hashAlgorithm == NULL
               ? NID_sha1
               : OBJ_obj2nid(pss->hashAlgorithm->algorithm);
    RSA_PSS_PARAMS_free(pss);
    return hash;
}

static bool is_weak(const X509_CRL *crl)
{
    int hash = hash_of_crl(crl);
    return hash != NID_sha256 && hash != NID_sha384 && hash != NID_sha512 &&
           X509_CRL_get_signature_nid(crl) != NID_ED25519;
}

static bool uses_weak_crl(STACK_OF(X509) * path, STACK_OF(X509_CRL) * crls,
                          size_t *depth)
{
    for (int i = 0; i < sk_X509_CRL_num(crls); i++) {
        const X509_CRL *crl = sk_X509_CRL_value(crls, i);
        for (int at = 1; is_weak(crl) && at < sk_X509_num(path); at++) {
            const X509 *issuer = sk_X509_value(path, at);
            if (X509_NAME_cmp(X509_get_subject_name(issuer),
                              X509_CRL_get_issuer(crl)) == 0) {
                *depth = (size_t)at - 1;
                return true;
            }
        }
    }
    return false;
}

static bool find_anchor(const struct crypto_chain *chain, const X509 *x509,
                        size_t *index)
{
    for (size_t i = 0; i < chain->anchor_count; i++) {
        const struct openssl_certificate *anchor = chain->anchors[i].impl;
        if (X509_cmp(anchor->x509, x509) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

// A path that OpenSSL takes.
static struct crypto_chain_verdict judge_taken(const struct judging *judging,
                                               STACK_OF(X509) * path)
{
    struct crypto_chain_verdict verdict = judge_path(path);
    if (verdict.fault != CRYPTO_CHAIN_GOOD) {
        return verdict;
    }
    if (uses_weak_crl(path, judging->crls, &verdict.depth)) {
        verdict.fault = CRYPTO_CHAIN_WEAK;
        return verdict;
    }
    const X509 *top = sk_X509_value(path, sk_X509_num(path) - 1);
    if (!find_anchor(judging->chain, top, &verdict.anchor)) {
        verdict.fault = CRYPTO_CHAIN_NO_ISSUER;
    }
    return verdict;
}

// ---- one try ---------------------------------------------------------------

static bool set_up(X509_STORE_CTX *context, struct judging *judging)
{
    const struct crypto_chain *chain = judging->chain;
    if (X509_STORE_CTX_init(context, NULL, judging->leaf,
                            judging->intermediates) != 1) {
        return false;
    }
    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
    if (chain->needs_crls || chain->crl_count > 0) {
        flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    }
    X509_STORE_CTX_set0_trusted_stack(context, judging->anchors);
    X509_STORE_CTX_set0_crls(context, judging->crls);
    X509_STORE_CTX_set_app_data(context, judging);
    X509_STORE_CTX_set_verify_cb(context, excuse);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(param, (time_t)chain->now_s);
    X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
    // OpenSSL counts neither the leaf nor the anchor.
    X509_VERIFY_PARAM_set_depth(param, (int)CRYPTO_CHAIN_DEPTH_MAX - 2);
    return X509_VERIFY_PARAM_set_flags(param, flags) == 1;
}

static struct crypto_chain_verdict judge_refused(struct judging *judging,
                                                 X509_STORE_CTX *context)
{
    STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(context);
    int depth = X509_STORE_CTX_get_error_depth(context);
    struct crypto_chain_verdict verdict = {
        .fault = fault_of(X509_STORE_CTX_get_error(context)),
        .depth = depth < 0 ? 0 : (size_t)depth,
    };
    if (verdict.fault == CRYPTO_CHAIN_SIGNATURE) {
        judging->misfit = sk_X509_value(path, depth + 1);
    }
    if (verdict.fault == CRYPTO_CHAIN_NO_ISSUER && depth > 0) {
        judging->misfit = sk_X509_value(path, depth);
    }
    return verdict;
}

static enum rotor_status try_once(struct judging *judging,
                                  struct crypto_chain_verdict *verdict)
{
    judging->misfit = NULL;
    X509_STORE_CTX *context =
        X509_STORE_CTX_new_ex(openssl_library()->context, NULL);
    bool is_set_up = context != NULL && set_up(context, judging);
    int answer = is_set_up ? X509_verify_cert(context) : -1;
    bool no_memory = !is_set_up ||
                     X509_STORE_CTX_get_error(context) == X509_V_ERR_OUT_OF_MEM;
    if (answer == 1) {
        *verdict = judge_taken(judging, X509_STORE_CTX_get0_chain(context));
    } else if (!no_memory) {
        *verdict = judge_refused(judging, context);
    }
    X509_STORE_CTX_free(context);
    no_memory = openssl_forget_errors() || no_memory;
    return answer != 1 && no_memory ? ROTOR_PORT_FAILED : ROTOR_OK;
}

// The next try is without an issuer that has the name and not the key.
static bool drop_misfit(struct judging *judging)
{
    STACK_OF(X509) * stacks[] = {judging->anchors, judging->intermediates};
    bool dropped = false;
    for (size_t s = 0; judging->misfit != NULL && s < COUNT_OF(stacks); s++) {
        for (int i = sk_X509_num(stacks[s]) - 1; i >= 0; i--) {
            if (sk_X509_value(stacks[s], i) == judging->misfit) {
                (void)sk_X509_delete(stacks[s], i);
                dropped = true;
            }
        }
    }
    return dropped;
}

// ---- the port --------------------------------------------------------------

static bool push_all(STACK_OF(X509) * stack,
                     const struct crypto_certificate *certificates,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct openssl_certificate *handle = certificates[i].impl;
        if (sk_X509_push(stack, handle->x509) == 0) {
            return false;
        }
    }
    return true;
}

static bool gather(struct judging *judging)
{
    const struct crypto_chain *chain = judging->chain;
    if (judging->anchors == NULL || judging->intermediates == NULL ||
        judging->crls == NULL ||
        !push_all(judging->anchors, chain->anchors, chain->anchor_count) ||
        !push_all(judging->intermediates, chain->intermediates,
                  chain->intermediate_count)) {
        return false;
    }
    for (size_t i = 0; i < chain->crl_count; i++) {
        const struct openssl_crl *handle = chain->crls[i].impl;
        if (sk_X509_CRL_push(judging->crls, handle->crl) == 0) {
            return false;
        }
    }
    return true;
}

static enum rotor_status judge(struct judging *judging,
                               struct crypto_chain_verdict *verdict)
{
    TRY(try_once(judging, verdict));
    for (size_t i = 1; i < TRIES_MAX && drop_misfit(judging); i++) {
        struct crypto_chain_verdict other;
        TRY(try_once(judging, &other));
        if (other.fault == CRYPTO_CHAIN_GOOD) {
            *verdict = other;
        }
    }
    return ROTOR_OK;
}

static bool is_empty_handle(const struct crypto_chain *chain)
{
    for (size_t i = 0; i < chain->anchor_count; i++) {
        if (chain->anchors[i].impl == NULL) {
            return true;
        }
    }
    for (size_t i = 0; i < chain->intermediate_count; i++) {
        if (chain->intermediates[i].impl == NULL) {
            return true;
        }
    }
    for (size_t i = 0; i < chain->crl_count; i++) {
        if (chain->crls[i].impl == NULL) {
            return true;
        }
    }
    return false;
}

static void judge_validity(const struct crypto_certificate_facts *facts,
                           int64_t now_s, struct crypto_chain_verdict *verdict)
{
    verdict->fault = CRYPTO_CHAIN_GOOD;
    if (now_s < facts->not_before_s) {
        verdict->fault = CRYPTO_CHAIN_NOT_YET_VALID;
    } else if (now_s > facts->not_after_s) {
        verdict->fault = CRYPTO_CHAIN_EXPIRED;
    }
}

enum rotor_status crypto_chain_verify(const struct crypto_certificate *leaf,
                                      const struct crypto_chain *chain,
                                      struct crypto_chain_verdict *verdict)
{
    *verdict = (struct crypto_chain_verdict){0};
    const struct openssl_certificate *handle = leaf->impl;
    if (handle == NULL || is_empty_handle(chain) ||
        chain->anchor_count > ISSUERS_MAX ||
        chain->intermediate_count > ISSUERS_MAX ||
        chain->crl_count > ISSUERS_MAX) {
        return ROTOR_INVALID;
    }
    if (find_anchor(chain, handle->x509, &verdict->anchor)) {
        judge_validity(&handle->facts, chain->now_s, verdict);
        return ROTOR_OK;
    }
    struct judging judging = {
        .chain = chain,
        .leaf = handle->x509,
        .anchors = sk_X509_new_null(),
        .intermediates = sk_X509_new_null(),
        .crls = sk_X509_CRL_new_null(),
    };
    struct crypto_chain_verdict found = {0};
    enum rotor_status status =
        gather(&judging) ? judge(&judging, &found) : ROTOR_PORT_FAILED;
    sk_X509_free(judging.anchors);
    sk_X509_free(judging.intermediates);
    sk_X509_CRL_free(judging.crls);
    if (status == ROTOR_OK) {
        *verdict = found;
    }
    return status;
}
