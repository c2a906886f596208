// SPDX-License-Identifier: Apache-2.0
// Evidence of SEV-SNP and what comes with it.  The first byte picks:
//
//     0  be16 size, certificate (DER), report     3  firmware image
//     1  Oak's evidence                           4  ID block, authentication
//     2  the same as text                         5  Oak's endorsements
//                                                 6  a host's certificates
//
// Nothing here is signed by a root that is trusted: nothing is ever accepted.
#include <string.h>

#include "base/bytes.h"
#include "test/fuzz/fuzz.h"
#include "verify/oak.h"
#include "verify/snp.h"
#include "verify/snp_launch.h"

#define NOW 1800000000 // the seeds' certificate is valid

static struct verify_verdict verdict;

// The reason is the why of the first row that failed, and some row failed.
static void check_refused(void)
{
    bool has_failed = false;
    for (size_t i = 0; i < verdict.row_count; i++) {
        has_failed |= verdict.rows[i].finding == VERIFY_FAILED;
        FUZZ_CHECK(verdict.rows[i].check != NULL);
    }
    FUZZ_CHECK(has_failed);
    FUZZ_CHECK(verdict.reason != NULL);
    FUZZ_CHECK(!verify_verdict_is_accepted(&verdict));
    FUZZ_CHECK(verdict.level == VERIFY_LEVEL_NONE);
}

// The certificate is its own anchor, so that everything behind it is reached.
static void judge(struct rotor_bytes report,
                  const struct crypto_certificate *certificate, size_t count)
{
    const struct verify_snp_endorsements endorsements = {
        .certificates = certificate,
        .certificate_count = count,
        .anchors = certificate,
        .anchor_count = count,
    };
    const struct verify_asked asked = {.now_s = NOW};
    struct verify_snp_report read;
    FUZZ_CHECK(verify_snp(report, &endorsements, &asked, &verdict) == ROTOR_OK);
    check_refused();
    if (verify_snp_read(report, &read) == ROTOR_OK) {
        FUZZ_CHECK(read.signed_part.size + read.signature.size == report.size);
        FUZZ_CHECK(read.version >= 3 || read.cpu_family == 0);
    }
}

// A certificate and what it was opened from; NULL inside: it is none.
struct opened {
    struct crypto_certificate certificate;
    uint8_t bytes[4096];
    size_t size;
};

static bool is_of(const struct opened *opened, struct rotor_bytes der)
{
    return opened->size != 0 &&
           bytes_equal(bytes_of(opened->bytes, opened->size), der);
}

static void judge_alone(const struct crypto_certificate *certificate)
{
    const struct verify_snp_endorsements none = {0};
    FUZZ_CHECK(verify_snp_certificate(certificate, &none, NOW, &verdict) ==
               ROTOR_OK);
    check_refused();
}

// Opening one costs more than all the rest: the first, which is the seeds', and
// the last one are kept.
static const struct crypto_certificate *open_once(struct rotor_bytes der)
{
    static struct opened kept[2];
    struct opened *place = &kept[kept[0].size != 0 && !is_of(&kept[0], der)];
    if (der.size > sizeof place->bytes) {
        return NULL;
    }
    if (!is_of(place, der)) {
        crypto_certificate_close(&place->certificate);
        memcpy(place->bytes, der.data, der.size);
        place->size = der.size;
        if (crypto_certificate_open(&place->certificate, der) == ROTOR_OK) {
            judge_alone(&place->certificate);
        } else {
            place->certificate = (struct crypto_certificate){0};
        }
    }
    return place->certificate.impl != NULL ? &place->certificate : NULL;
}

static void try_report(struct rotor_bytes input)
{
    if (input.size < 2 || bytes_be16(input.data) > input.size - 2) {
        return;
    }
    size_t size = bytes_be16(input.data);
    struct rotor_bytes report =
        bytes_of(input.data + 2 + size, input.size - 2 - size);
    const struct crypto_certificate *certificate =
        open_once(bytes_of(input.data + 2, size));
    judge(report, certificate, certificate != NULL ? 1 : 0);
}

static void try_oak(struct rotor_bytes input)
{
    const struct verify_snp_endorsements none = {0};
    const struct verify_asked asked = {.now_s = NOW};
    struct verify_oak_evidence evidence;
    FUZZ_CHECK(verify_oak(input, &none, &asked, &verdict) == ROTOR_OK);
    check_refused();
    if (verify_oak_read(input, &evidence) != ROTOR_OK) {
        return;
    }
    FUZZ_CHECK(evidence.layer_count <= VERIFY_OAK_LAYERS_MAX);
    // As if a report had named the key: the layers above are reached.
    uint8_t named[64] = {0};
    FUZZ_CHECK(crypto_hash(CRYPTO_SHA256, &evidence.root_key, 1, named) ==
               ROTOR_OK);
    verify_begin(&verdict, VERIFY_BACKEND_SNP);
    FUZZ_CHECK(verify_oak_layers(&evidence, BYTES_OF(named), &verdict) ==
               ROTOR_OK);
}

static void try_text(struct rotor_bytes input)
{
    static uint8_t memory[4096];
    struct rotor_room room = ROOM_OF(memory);
    if (verify_oak_from_text(input, &room) == ROTOR_OK) {
        FUZZ_CHECK(room.used <= input.size);
        try_oak(bytes_in(&room));
    }
}

static void try_firmware(struct rotor_bytes input)
{
    struct verify_snp_firmware firmware;
    if (verify_snp_read_firmware(input, &firmware) != ROTOR_OK) {
        FUZZ_CHECK(firmware.section_count == 0);
        return;
    }
    FUZZ_CHECK(firmware.section_count <= VERIFY_SNP_SECTIONS_MAX);
    uint64_t total = 0;
    for (size_t i = 0; i < firmware.section_count; i++) {
        total += firmware.sections[i].size;
    }
    // What is measured of a section is its size alone: keep it short.
    if (total <= 16u * VERIFY_SNP_PAGE) {
        const struct verify_snp_guest guest = {.firmware = &firmware};
        struct verify_snp_launch launch;
        enum rotor_status status = verify_snp_measure(&guest, &launch);
        FUZZ_CHECK(status == ROTOR_OK || status == ROTOR_INVALID ||
                   status == ROTOR_MALFORMED);
    }
}

static void try_identity(struct rotor_bytes input)
{
    size_t size = input.size < VERIFY_SNP_ID_BLOCK_SIZE
                      ? input.size
                      : VERIFY_SNP_ID_BLOCK_SIZE;
    FUZZ_CHECK(
        verify_snp_identity(bytes_of(input.data, size),
                            bytes_of(input.data + size, input.size - size),
                            &verdict) == ROTOR_OK);
    check_refused();
}

static void try_endorsements(struct rotor_bytes input)
{
    struct rotor_bytes der;
    if (verify_oak_certificate(input, &der) == ROTOR_OK) {
        FUZZ_CHECK(der.size > 0 && der.data >= input.data &&
                   der.data + der.size <= input.data + input.size);
    }
}

static void try_table(struct rotor_bytes input)
{
    struct verify_snp_table table;
    if (verify_snp_read_table(input, &table) != ROTOR_OK) {
        FUZZ_CHECK(table.count == 0);
        return;
    }
    for (size_t i = 0; i < table.count; i++) {
        const struct rotor_bytes *entry = &table.entries[i];
        FUZZ_CHECK(entry->data >= input.data && entry->size <= input.size &&
                   entry->data + entry->size <= input.data + input.size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[])(struct rotor_bytes) = {
        try_report,   try_oak,          try_text, try_firmware,
        try_identity, try_endorsements, try_table};
    if (size > 0) {
        tries[data[0] % COUNT_OF(tries)](bytes_of(data + 1, size - 1));
    }
    return 0;
}
