// SPDX-License-Identifier: Apache-2.0
// The payload of a certificate.  doc/PROTOCOL.boot 5.1.
#include <string.h>

#include "base/bytes.h"
#include "boot/certificate.h"
#include "crypto/suite.h"
#include "wire/cbor.h"

// RFC 8392, and the Open Profile for DICE.  -4670546 and -4670550, the
// descriptors of code and authority, are refused.
enum {
    CLAIM_ISSUER = 1,
    CLAIM_SUBJECT = 2,
    CLAIM_CODE_HASH = -4670545,
    CLAIM_CONFIGURATION_HASH = -4670547,
    CLAIM_CONFIGURATION = -4670548,
    CLAIM_AUTHORITY_HASH = -4670549,
    CLAIM_MODE = -4670551,
    CLAIM_KEY = -4670552,
    CLAIM_USAGE = -4670553,
    CLAIM_PROFILE = -4670554,
};

// RFC 9052 7, RFC 9053 7.
enum {
    KEY_KTY = 1,
    KEY_ALG = 3,
    KEY_OPS = 4,
    KEY_CRV = -1,
    KEY_X = -2,
    KEY_Y = -3,

    KTY_OKP = 1,
    KTY_EC2 = 2,
    OPS_VERIFY = 2,
};

#define KEY_ENCODED_MAX   128u // bytes, COSE_Key of P-384 with alg and key_ops
#define PROFILE_MAX       32u  // bytes
#define CONFIGURATION_MAX 256u

// ---- COSE_Key with alg and key_ops -----------------------------------------

static int64_t curve_of(enum crypto_scheme scheme)
{
    switch (scheme) {
    case CRYPTO_P256:
        return 1;
    case CRYPTO_P384:
        return 2;
    case CRYPTO_ED25519:
        return 6;
    case CRYPTO_X25519:
    case CRYPTO_SCHEME_NONE:
        break;
    }
    return 0;
}

static enum crypto_scheme scheme_of_curve(int64_t curve)
{
    switch (curve) {
    case 1:
        return CRYPTO_P256;
    case 2:
        return CRYPTO_P384;
    case 6:
        return CRYPTO_ED25519;
    default:
        return CRYPTO_SCHEME_NONE;
    }
}

static enum rotor_status encode_key(const struct wire_key *key,
                                    struct rotor_room *encoded)
{
    enum crypto_scheme scheme = wire_key_scheme(key->type);
    struct rotor_bytes bytes = wire_key_bytes(key);
    bool is_okp = scheme == CRYPTO_ED25519;
    size_t coordinate = is_okp ? bytes.size : bytes.size / 2;
    struct cbor_writer out;
    cbor_writer_init(&out, encoded);
    cbor_write_map(&out, is_okp ? 5 : 6);
    cbor_write_int(&out, KEY_KTY);
    cbor_write_int(&out, is_okp ? KTY_OKP : KTY_EC2);
    cbor_write_int(&out, KEY_ALG);
    cbor_write_int(&out, crypto_cose_of_scheme(scheme));
    cbor_write_int(&out, KEY_OPS);
    cbor_write_array(&out, 1);
    cbor_write_int(&out, OPS_VERIFY);
    cbor_write_int(&out, KEY_CRV);
    cbor_write_int(&out, curve_of(scheme));
    cbor_write_int(&out, KEY_X);
    cbor_write_bytes(&out, bytes_of(bytes.data, coordinate));
    if (!is_okp) {
        cbor_write_int(&out, KEY_Y);
        cbor_write_bytes(&out, bytes_of(bytes.data + coordinate, coordinate));
    }
    return cbor_writer_finish(&out);
}

// `key` stays as it is, of no type, unless `encoded` is one.
static void decode_key(struct rotor_bytes encoded, struct wire_key *key)
{
    struct cbor_reader in;
    cbor_reader_init(&in, encoded);
    cbor_read_map(&in);
    cbor_read_key(&in, KEY_KTY);
    int64_t kty = cbor_read_int(&in);
    cbor_read_key(&in, KEY_ALG);
    int64_t alg = cbor_read_int(&in);
    cbor_read_key(&in, KEY_OPS);
    cbor_read_array_of(&in, 1);
    int64_t ops = cbor_read_int(&in);
    cbor_read_key(&in, KEY_CRV);
    enum crypto_scheme scheme = scheme_of_curve(cbor_read_int(&in));
    bool is_okp = scheme == CRYPTO_ED25519;
    size_t size = crypto_sizes(scheme).public_key;
    size_t coordinate = is_okp ? size : size / 2;
    struct wire_key decoded = {.type = wire_key_type_of(scheme)};
    cbor_read_key(&in, KEY_X);
    cbor_read_bytes_into(&in, decoded.bytes, coordinate);
    if (!is_okp) {
        cbor_read_key(&in, KEY_Y);
        cbor_read_bytes_into(&in, decoded.bytes + coordinate, coordinate);
    }
    cbor_end_map(&in);
    bool is_consistent = kty == (is_okp ? KTY_OKP : KTY_EC2) &&
                         alg == crypto_cose_of_scheme(scheme) &&
                         ops == OPS_VERIFY;
    if (cbor_finished(&in) && is_consistent) {
        *key = decoded;
    }
}

// ---- claims ----------------------------------------------------------------

static bool usage_is_known(uint8_t usage)
{
    return usage == BOOT_USAGE_EVIDENCE || usage == BOOT_USAGE_CERTIFICATES;
}

static bool claims_are_sound(const struct boot_claims *claims)
{
    enum crypto_scheme scheme = wire_key_scheme(claims->key.type);
    bool is_configured = claims->has_configuration_hash
                             ? claims->configuration.size <= CONFIGURATION_MAX
                             : claims->configuration.size == BOOT_INPUT_SIZE;
    return curve_of(scheme) != 0 && is_configured &&
           (unsigned)claims->mode <= BOOT_MODE_RECOVERY &&
           usage_is_known((uint8_t)claims->usage) &&
           claims->profile.size <= PROFILE_MAX;
}

static void write_inputs(struct cbor_writer *out,
                         const struct boot_claims *claims)
{
    const uint8_t mode[] = {(uint8_t)claims->mode};
    cbor_write_int(out, CLAIM_CODE_HASH);
    cbor_write_bytes(out, BYTES_OF(claims->code_hash));
    if (claims->has_configuration_hash) {
        cbor_write_int(out, CLAIM_CONFIGURATION_HASH);
        cbor_write_bytes(out, BYTES_OF(claims->configuration_hash));
    }
    cbor_write_int(out, CLAIM_CONFIGURATION);
    cbor_write_bytes(out, claims->configuration);
    cbor_write_int(out, CLAIM_AUTHORITY_HASH);
    cbor_write_bytes(out, BYTES_OF(claims->authority_hash));
    cbor_write_int(out, CLAIM_MODE);
    cbor_write_bytes(out, BYTES_OF(mode));
}

enum rotor_status boot_claims_encode(const struct boot_claims *claims,
                                     struct rotor_room *encoded)
{
    encoded->used = 0;
    if (!claims_are_sound(claims)) {
        return ROTOR_INVALID;
    }
    uint8_t key_memory[KEY_ENCODED_MAX];
    struct rotor_room key = ROOM_OF(key_memory);
    TRY(encode_key(&claims->key, &key));
    const uint8_t usage[] = {(uint8_t)claims->usage};
    bool has_profile = !bytes_are_empty(claims->profile);
    struct cbor_writer out;
    cbor_writer_init(&out, encoded);
    cbor_write_map(&out, 8u + (claims->has_configuration_hash ? 1u : 0u) +
                             (has_profile ? 1u : 0u));
    cbor_write_int(&out, CLAIM_ISSUER);
    cbor_write_text(&out, BYTES_OF(claims->issuer));
    cbor_write_int(&out, CLAIM_SUBJECT);
    cbor_write_text(&out, BYTES_OF(claims->subject));
    write_inputs(&out, claims);
    cbor_write_int(&out, CLAIM_KEY);
    cbor_write_bytes(&out, bytes_in(&key));
    cbor_write_int(&out, CLAIM_USAGE);
    cbor_write_bytes(&out, BYTES_OF(usage));
    if (has_profile) {
        cbor_write_int(&out, CLAIM_PROFILE);
        cbor_write_text(&out, claims->profile);
    }
    return cbor_writer_finish(&out);
}

static void read_id(struct cbor_reader *in, uint8_t id[BOOT_DICE_ID_SIZE])
{
    struct rotor_bytes text = cbor_read_text(in);
    if (text.size != BOOT_DICE_ID_SIZE) {
        cbor_refuse(in);
        return;
    }
    memcpy(id, text.data, BOOT_DICE_ID_SIZE);
}

// A byte string of one byte.
static uint8_t read_byte(struct cbor_reader *in)
{
    uint8_t byte[1];
    cbor_read_bytes_into(in, byte, 1);
    return byte[0];
}

static void read_inputs(struct cbor_reader *in, struct boot_claims *claims)
{
    cbor_read_key(in, CLAIM_CODE_HASH);
    cbor_read_bytes_into(in, claims->code_hash, BOOT_INPUT_SIZE);
    claims->has_configuration_hash =
        cbor_take_key(in, CLAIM_CONFIGURATION_HASH);
    if (claims->has_configuration_hash) {
        cbor_read_bytes_into(in, claims->configuration_hash, BOOT_INPUT_SIZE);
    }
    cbor_read_key(in, CLAIM_CONFIGURATION);
    claims->configuration = cbor_read_bytes(in);
    cbor_read_key(in, CLAIM_AUTHORITY_HASH);
    cbor_read_bytes_into(in, claims->authority_hash, BOOT_INPUT_SIZE);
    cbor_read_key(in, CLAIM_MODE);
    claims->mode = (enum boot_mode)read_byte(in);
}

bool boot_claims_decode(struct rotor_bytes payload, struct boot_claims *claims)
{
    struct boot_claims decoded = {0};
    struct cbor_reader in;
    cbor_reader_init(&in, payload);
    cbor_read_map(&in);
    cbor_read_key(&in, CLAIM_ISSUER);
    read_id(&in, decoded.issuer);
    cbor_read_key(&in, CLAIM_SUBJECT);
    read_id(&in, decoded.subject);
    read_inputs(&in, &decoded);
    cbor_read_key(&in, CLAIM_KEY);
    decode_key(cbor_read_bytes(&in), &decoded.key);
    cbor_read_key(&in, CLAIM_USAGE);
    uint8_t usage = read_byte(&in);
    if (cbor_take_key(&in, CLAIM_PROFILE)) {
        decoded.profile = cbor_read_text(&in);
        // An empty profile would be encoded as none.
        if (bytes_are_empty(decoded.profile)) {
            cbor_refuse(&in);
        }
    }
    cbor_end_map(&in);
    bool is_read = cbor_finished(&in) && usage_is_known(usage);
    decoded.usage = usage == BOOT_USAGE_CERTIFICATES ? BOOT_USAGE_CERTIFICATES
                                                     : BOOT_USAGE_EVIDENCE;
    if (!is_read || !claims_are_sound(&decoded)) {
        return false;
    }
    *claims = decoded;
    return true;
}
