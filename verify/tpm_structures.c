// SPDX-License-Identifier: Apache-2.0
// TPM 2.0 Library, part 2: 10.12 (attestation), 11.3 (signatures), 12.2
// (public areas).
#include "verify/tpm_structures.h"

#include "verify/cursor.h"

#define SELECT_MAX 4u // bytes of a register bitmap

// Strips the 16-bit size of a TPM2B when it spans all that follows.  Neither
// TPM_GENERATED nor a key's type is such a size for real structures.
static struct rotor_bytes unwrapped(struct rotor_bytes bytes)
{
    struct verify_cursor in = verify_cursor_over(bytes);
    struct rotor_bytes inner = verify_cursor_sized(&in);
    return verify_cursor_finished(&in) ? inner : bytes;
}

// ---- TPMS_ATTEST -----------------------------------------------------------

static bool has_bank(const struct verify_pcr_selection *selection,
                     uint16_t algorithm)
{
    for (size_t i = 0; i < selection->count; i++) {
        if (selection->banks[i].algorithm == algorithm) {
            return true;
        }
    }
    return false;
}

// TPMS_PCR_SELECTION: bit n % 8 of byte n / 8 is PCR n.
static bool read_bank(struct verify_cursor *in,
                      struct verify_pcr_selection *selection)
{
    uint16_t algorithm = verify_cursor_be16(in);
    struct rotor_bytes bitmap = verify_cursor_bytes(in, verify_cursor_u8(in));
    uint32_t registers = 0;
    if (bitmap.size > SELECT_MAX || has_bank(selection, algorithm)) {
        return false;
    }
    for (size_t i = 0; i < bitmap.size; i++) {
        registers |= (uint32_t)bitmap.data[i] << 8 * i;
    }
    selection->banks[selection->count].algorithm = algorithm;
    selection->banks[selection->count].registers = registers;
    selection->count++;
    return registers >> VERIFY_PCR_COUNT == 0;
}

static bool read_selection(struct verify_cursor *in,
                           struct verify_pcr_selection *selection)
{
    uint32_t count = verify_cursor_be32(in);
    bool ok = count <= VERIFY_BANKS_MAX;
    for (uint32_t i = 0; ok && i < count; i++) {
        ok = read_bank(in, selection);
    }
    return ok;
}

enum rotor_status verify_tpm_attest_decode(struct rotor_bytes bytes,
                                           struct rotor_bytes *signed_part,
                                           struct verify_tpm_attest *attest)
{
    struct verify_tpm_attest a = {0};
    struct rotor_bytes inner = unwrapped(bytes);
    struct verify_cursor in = verify_cursor_over(inner);
    a.magic = verify_cursor_be32(&in);
    a.type = verify_cursor_be16(&in);
    a.qualified_signer = verify_cursor_sized(&in);
    a.extra_data = verify_cursor_sized(&in);
    a.clock_ms = verify_cursor_be64(&in);
    a.reset_count = verify_cursor_be32(&in);
    a.restart_count = verify_cursor_be32(&in);
    uint8_t is_safe = verify_cursor_u8(&in);
    a.is_safe = is_safe == 1;
    a.firmware_version = verify_cursor_be64(&in);
    bool ok = !in.has_failed && is_safe <= 1;
    if (a.magic == VERIFY_TPM_GENERATED && a.type == VERIFY_TPM_ST_QUOTE) {
        ok = ok && read_selection(&in, &a.selection);
        a.pcr_digest = verify_cursor_sized(&in);
        ok = ok && verify_cursor_finished(&in);
    }
    if (!ok) {
        return ROTOR_MALFORMED;
    }
    *signed_part = inner;
    *attest = a;
    return ROTOR_OK;
}

// ---- TPMT_SIGNATURE --------------------------------------------------------

static bool scheme_is_read(uint16_t scheme)
{
    return scheme == VERIFY_TPM_RSASSA || scheme == VERIFY_TPM_RSAPSS ||
           scheme == VERIFY_TPM_ECDSA;
}

// HMAC, NULL, ECDAA, SM2, ECSCHNORR: part 2, 6.3.
static bool scheme_is_of_others(uint16_t scheme)
{
    return scheme == 0x0005 || scheme == 0x0010 || scheme == 0x001a ||
           scheme == 0x001b || scheme == 0x001c;
}

enum rotor_status
verify_tpm_signature_decode(struct rotor_bytes bytes,
                            struct verify_tpm_signature *signature)
{
    struct verify_tpm_signature s = {0};
    struct verify_cursor in = verify_cursor_over(bytes);
    s.scheme = verify_cursor_be16(&in);
    if (!scheme_is_read(s.scheme) && !scheme_is_of_others(s.scheme)) {
        return ROTOR_MALFORMED;
    }
    if (scheme_is_read(s.scheme)) {
        s.hash = verify_cursor_be16(&in);
        if (s.scheme == VERIFY_TPM_ECDSA) {
            s.r = verify_cursor_sized(&in);
            s.s = verify_cursor_sized(&in);
        } else {
            s.bytes = verify_cursor_sized(&in);
        }
        if (!verify_cursor_finished(&in)) {
            return ROTOR_MALFORMED;
        }
    }
    *signature = s;
    return ROTOR_OK;
}

// ---- DER -------------------------------------------------------------------

// Room that shrinks from its end: what is inside is written before its head,
// so every length is known when it is due.
struct der {
    uint8_t *at;
    size_t free;
    bool is_full;
};

static void put_front(struct der *out, struct rotor_bytes bytes)
{
    if (bytes.size > out->free) {
        out->is_full = true;
        return;
    }
    out->free -= bytes.size;
    for (size_t i = 0; i < bytes.size; i++) {
        out->at[out->free + i] = bytes.data[i];
    }
}

static void put_byte(struct der *out, uint8_t byte)
{
    put_front(out, bytes_of(&byte, 1));
}

// What was written since `end` bytes were free is the content.
static void put_head(struct der *out, uint8_t tag, size_t end)
{
    size_t size = end - out->free;
    if (size < 0x80) {
        put_byte(out, (uint8_t)size);
    } else if (size < 0x100) {
        put_byte(out, (uint8_t)size);
        put_byte(out, 0x81);
    } else {
        put_byte(out, (uint8_t)size);
        put_byte(out, (uint8_t)(size >> 8));
        put_byte(out, 0x82);
    }
    put_byte(out, tag);
}

// An unsigned big-endian number of whatever padding.
static void put_integer(struct der *out, struct rotor_bytes number)
{
    size_t end = out->free;
    while (number.size > 1 && number.data[0] == 0) {
        number = bytes_of(number.data + 1, number.size - 1);
    }
    put_front(out, number);
    if (number.size == 0 || number.data[0] >= 0x80) {
        put_byte(out, 0);
    }
    put_head(out, 0x02, end);
}

static struct der der_in(struct rotor_room *room)
{
    room->used = 0;
    return (struct der){room->data, room->capacity, false};
}

static enum rotor_status finish(const struct der *out, struct rotor_room *room)
{
    if (out->is_full) {
        return ROTOR_TOO_SMALL;
    }
    size_t size = room->capacity - out->free;
    for (size_t i = 0; i < size; i++) {
        room->data[i] = out->at[out->free + i];
    }
    room->used = size;
    return ROTOR_OK;
}

enum rotor_status
verify_tpm_ecdsa_der(const struct verify_tpm_signature *signature,
                     struct rotor_room *der)
{
    struct der out = der_in(der);
    size_t end = out.free;
    put_integer(&out, signature->s);
    put_integer(&out, signature->r);
    put_head(&out, 0x30, end);
    return finish(&out, der);
}

// ---- TPMT_PUBLIC -----------------------------------------------------------

static void read_symmetric(struct verify_cursor *in,
                           struct verify_tpm_public *key)
{
    key->symmetric = verify_cursor_be16(in);
    if (key->symmetric != VERIFY_TPM_NULL) {
        key->symmetric_bits = verify_cursor_be16(in);
        (void)verify_cursor_be16(in); // mode
    }
}

#define ECDAA 0x001au // has a count behind its hash
#define RSAES 0x0015u // has nothing

static void read_scheme(struct verify_cursor *in, struct verify_tpm_public *key)
{
    key->scheme = verify_cursor_be16(in);
    if (key->scheme != VERIFY_TPM_NULL && key->scheme != RSAES) {
        key->scheme_hash = verify_cursor_be16(in);
    }
    if (key->scheme == ECDAA) {
        (void)verify_cursor_be16(in);
    }
}

static void read_rsa(struct verify_cursor *in, struct verify_tpm_public *key)
{
    key->rsa_bits = verify_cursor_be16(in);
    key->exponent = verify_cursor_be32(in);
    key->exponent = key->exponent == 0 ? 65537 : key->exponent;
    key->modulus = verify_cursor_sized(in);
}

static void read_ecc(struct verify_cursor *in, struct verify_tpm_public *key)
{
    key->curve = verify_cursor_be16(in);
    if (verify_cursor_be16(in) != VERIFY_TPM_NULL) { // key derivation
        (void)verify_cursor_be16(in);
    }
    key->x = verify_cursor_sized(in);
    key->y = verify_cursor_sized(in);
}

enum rotor_status verify_tpm_public_decode(struct rotor_bytes bytes,
                                           struct verify_tpm_public *key)
{
    struct verify_tpm_public k = {.area = unwrapped(bytes)};
    struct verify_cursor in = verify_cursor_over(k.area);
    k.type = verify_cursor_be16(&in);
    k.name_hash = verify_cursor_be16(&in);
    k.attributes = verify_cursor_be32(&in);
    k.policy = verify_cursor_sized(&in);
    if (k.type != VERIFY_TPM_RSA && k.type != VERIFY_TPM_ECC) {
        return ROTOR_MALFORMED;
    }
    read_symmetric(&in, &k);
    read_scheme(&in, &k);
    if (k.type == VERIFY_TPM_RSA) {
        read_rsa(&in, &k);
    } else {
        read_ecc(&in, &k);
    }
    if (!verify_cursor_finished(&in)) {
        return ROTOR_MALFORMED;
    }
    *key = k;
    return ROTOR_OK;
}

enum rotor_status verify_tpm_name(const struct verify_tpm_public *key,
                                  struct rotor_room *name)
{
    uint8_t whole[VERIFY_TPM_NAME_MAX];
    enum crypto_hash hash = verify_hash_of_tpm(key->name_hash);
    name->used = 0;
    if (hash == CRYPTO_HASH_NONE) {
        return ROTOR_MALFORMED;
    }
    bytes_put_be16(whole, key->name_hash);
    TRY(crypto_hash(hash, &key->area, 1, whole + 2));
    return bytes_copy(name, bytes_of(whole, 2 + crypto_hash_size(hash)));
}

// ---- SubjectPublicKeyInfo --------------------------------------------------

// AlgorithmIdentifiers.
static const uint8_t rsa_algorithm[] = {0x30, 0x0d, 0x06, 0x09, 0x2a,
                                        0x86, 0x48, 0x86, 0xf7, 0x0d,
                                        0x01, 0x01, 0x01, 0x05, 0x00};
static const uint8_t p256_algorithm[] = {
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t p384_algorithm[] = {0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
                                         0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                         0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
static const uint8_t p521_algorithm[] = {0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
                                         0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                         0x05, 0x2b, 0x81, 0x04, 0x00, 0x23};

static const struct curve {
    uint16_t id; // TPM_ECC_CURVE
    size_t size; // bytes of a coordinate
    struct rotor_bytes algorithm;
} curves[] = {
    {3, 32, {p256_algorithm, sizeof p256_algorithm}},
    {4, 48, {p384_algorithm, sizeof p384_algorithm}},
    {5, 66, {p521_algorithm, sizeof p521_algorithm}},
};

static const struct curve *curve_of(uint16_t id)
{
    for (size_t i = 0; i < COUNT_OF(curves); i++) {
        if (curves[i].id == id) {
            return &curves[i];
        }
    }
    return NULL;
}

// BIT STRING around what was written since `end`, the algorithm, the whole.
static void put_around_key(struct der *out, struct rotor_bytes algorithm,
                           size_t end)
{
    put_byte(out, 0); // no unused bits
    put_head(out, 0x03, end);
    put_front(out, algorithm);
    put_head(out, 0x30, end);
}

static enum rotor_status put_rsa(const struct verify_tpm_public *key,
                                 struct der *out)
{
    uint8_t exponent[4];
    size_t end = out->free;
    if (key->modulus.size * 8 != key->rsa_bits || key->modulus.size == 0) {
        return ROTOR_MALFORMED;
    }
    bytes_put_be32(exponent, key->exponent);
    put_integer(out, BYTES_OF(exponent));
    put_integer(out, key->modulus);
    put_head(out, 0x30, end);
    put_around_key(out, BYTES_OF(rsa_algorithm), end);
    return ROTOR_OK;
}

// Padded on the left to the size of the curve.
static void put_coordinate(struct der *out, struct rotor_bytes number,
                           size_t size)
{
    put_front(out, number);
    for (size_t i = number.size; i < size; i++) {
        put_byte(out, 0);
    }
}

static enum rotor_status put_ecc(const struct verify_tpm_public *key,
                                 struct der *out)
{
    const struct curve *curve = curve_of(key->curve);
    size_t end = out->free;
    if (curve == NULL || key->x.size > curve->size ||
        key->y.size > curve->size) {
        return ROTOR_MALFORMED;
    }
    put_coordinate(out, key->y, curve->size);
    put_coordinate(out, key->x, curve->size);
    put_byte(out, 0x04); // uncompressed
    put_around_key(out, curve->algorithm, end);
    return ROTOR_OK;
}

enum rotor_status verify_tpm_spki(const struct verify_tpm_public *key,
                                  struct rotor_room *spki)
{
    struct der out = der_in(spki);
    TRY(key->type == VERIFY_TPM_RSA ? put_rsa(key, &out) : put_ecc(key, &out));
    return finish(&out, spki);
}
