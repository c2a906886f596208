// SPDX-License-Identifier: Apache-2.0
// Tokens of PSA, CCA and other EATs, and DICE chains.  The key that they are
// signed with is a root of the user's: nobody else vouches for it.
#include <stdlib.h>
#include <string.h>

#include "app/rotor/foreign.h"
#include "base/bytes.h"
#include "boot/dice.h"
#include "verify/cca.h"
#include "verify/dice.h"
#include "verify/eat.h"
#include "verify/psa.h"

// Rows that tell of the form: what fails there is not evidence.
static bool has_no_form(const struct verify_verdict *verdict)
{
    static const char *const forms[] = {"envelope", "collection",
                                        "bundle",   "claims-set",
                                        "chain",    "certificate"};
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        const struct verify_row *row = verify_row_named(verdict, forms[i]);
        if (row != NULL && row->finding == VERIFY_FAILED) {
            return true;
        }
    }
    return false;
}

// A refusal that is none: another kind of file, or more than is known here.
static bool is_decided(struct foreign *f)
{
    const char *reason = f->verdict.reason;
    if (verify_verdict_is_accepted(&f->verdict)) {
        return true;
    }
    if (strstr(reason, "not supported") != NULL) {
        return foreign_undecided(f, CAUSE_NOT_SUPPORTED, NULL, "%s: %s",
                                 f->target, reason);
    }
    return !has_no_form(&f->verdict) ||
           foreign_undecided(f, CAUSE_UNPARSABLE, NULL, "%s: %s", f->target,
                             reason);
}

static bool no_key(struct foreign *f)
{
    return foreign_undecided(f, CAUSE_NO_ENDORSEMENT,
                             "--root FILE: the public key, as PEM or in a "
                             "certificate",
                             "%s: nobody vouches for the key that signed it",
                             f->target);
}

static bool failed(struct foreign *f, enum rotor_status status)
{
    return foreign_undecided(f, CAUSE_PLATFORM, NULL,
                             "%s: could not be judged: %s", f->target,
                             rotor_status_name(status));
}

// ---- keys of the user ------------------------------------------------------

size_t foreign_root_key_count(const struct foreign *f)
{
    return f->root_set.count;
}

struct rotor_bytes foreign_root_key(const struct foreign *f, size_t which)
{
    const struct endorse_item *item = &f->root_set.items[which];
    for (size_t i = 0; i < f->roots.certificate_count; i++) {
        if (bytes_equal(f->roots.facts[i].der, item->bytes)) {
            return f->roots.facts[i].spki;
        }
    }
    return item->kind == ENDORSE_KEY ? item->bytes : (struct rotor_bytes){0};
}

// ---- tokens ----------------------------------------------------------------

static enum rotor_status judge_token(struct foreign *f,
                                     const struct verify_cose_key *key,
                                     struct rotor_room *scratch)
{
    const struct verify_token_question question = {
        .token = f->evidence,
        .key = key,
        .asked = f->asked,
        .scratch = scratch,
        .any_lifecycle = f->policy.policy.debug == VERIFY_DEBUG_ANY,
    };
    if (f->format == FOREIGN_PSA) {
        return verify_psa(&question, &f->verdict);
    }
    // Who holds the key of another EAT, nobody says: the lowest level.
    return f->format == FOREIGN_CCA
               ? verify_cca(&question, &f->verdict)
               : verify_eat(&question, VERIFY_LEVEL_PROCESS, &f->verdict);
}

static enum rotor_status judge_under(struct foreign *f,
                                     const struct verify_public *root,
                                     struct rotor_room *scratch)
{
    struct verify_cose_key key = {0};
    enum rotor_status status = verify_cose_key_open(&key, root);
    if (status == ROTOR_OK) {
        status = judge_token(f, &key, scratch);
    }
    verify_cose_key_close(&key);
    return status;
}

// With each root, until one is the signer's.
static bool judge_under_roots(struct foreign *f, struct rotor_room *scratch)
{
    bool is_judged = false;
    for (size_t i = 0; i < foreign_root_key_count(f); i++) {
        struct verify_public root;
        bool is_usable =
            verify_public_decode_spki(foreign_root_key(f, i), &root) == NULL;
        if (!is_usable) {
            continue; // of another use
        }
        enum rotor_status status = judge_under(f, &root, scratch);
        if (status != ROTOR_OK) {
            return failed(f, status);
        }
        is_judged = true;
        if (verify_verdict_is_accepted(&f->verdict)) {
            break;
        }
    }
    return is_judged ? is_decided(f) : no_key(f);
}

static bool judge_under_secret(struct foreign *f, struct rotor_room *scratch)
{
    const struct verify_public root = {.kind = VERIFY_PUBLIC_SECRET,
                                       .secret = f->mac_key};
    enum rotor_status status = judge_under(f, &root, scratch);
    return status == ROTOR_OK ? is_decided(f) : failed(f, status);
}

static bool is_authenticated_only(struct rotor_bytes token)
{
    struct verify_cose cose;
    return verify_cose_open(token, &cose) == NULL &&
           cose.kind == VERIFY_COSE_MAC0;
}

bool foreign_judge_token(struct foreign *f)
{
    if (f->flags->mac_key == NULL && is_authenticated_only(f->evidence)) {
        return foreign_undecided(f, CAUSE_NO_ENDORSEMENT,
                                 "--mac-key FILE, which who can check can make",
                                 "%s: authenticated by a secret, not signed",
                                 f->target);
    }
    size_t room = f->evidence.size + 256;
    struct rotor_room scratch = {malloc(room), room, 0};
    if (scratch.data == NULL) {
        return foreign_undecided(f, CAUSE_PLATFORM, NULL, "out of memory");
    }
    bool is_judged = f->flags->mac_key != NULL ? judge_under_secret(f, &scratch)
                                               : judge_under_roots(f, &scratch);
    free(scratch.data);
    return is_judged;
}

// ---- DICE ------------------------------------------------------------------

static bool judge_chain(struct foreign *f, struct rotor_room *scratch)
{
    bool is_judged = false;
    for (size_t i = 0; i < foreign_root_key_count(f); i++) {
        struct verify_public leaf;
        struct verify_dice_question question = {
            .chain = f->evidence,
            .level = VERIFY_LEVEL_TRUSTZONE, // a UDS that firmware keeps
            .asked = f->asked,
            .scratch = scratch,
        };
        if (f->policy.policy.debug == VERIFY_DEBUG_ANY) {
            question.modes_taken = UINT32_C(1) << BOOT_MODE_DEBUG |
                                   UINT32_C(1) << BOOT_MODE_NOT_CONFIGURED;
        }
        bool is_usable = verify_public_decode_spki(foreign_root_key(f, i),
                                                   &question.root) == NULL;
        if (!is_usable) {
            continue;
        }
        enum rotor_status status = verify_dice(&question, &f->verdict, &leaf);
        if (status != ROTOR_OK) {
            return failed(f, status);
        }
        is_judged = true;
        if (verify_verdict_is_accepted(&f->verdict)) {
            break;
        }
    }
    return is_judged ? is_decided(f) : no_key(f);
}

bool foreign_judge_dice(struct foreign *f)
{
    size_t room = f->evidence.size + 256;
    struct rotor_room scratch = {malloc(room), room, 0};
    if (scratch.data == NULL) {
        return foreign_undecided(f, CAUSE_PLATFORM, NULL, "out of memory");
    }
    bool is_judged = judge_chain(f, &scratch);
    free(scratch.data);
    return is_judged;
}
