// SPDX-License-Identifier: Apache-2.0
// `rotor image`, the signer's half: keys, keyrings, signed images.  Runs where
// the signing keys are, never on the device.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "app/rotor/image.h"
#include "app/rotor/pem.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/lms_sign.h"
#include "port/linux/slots.h"

// ---- ECDSA keys ------------------------------------------------------------

int image_keygen(struct run *run, int count, char **arguments)
{
    const char *path = NULL;
    const char *curve = "p256";
    int code = 0;
    const struct flag flags[] = {
        {"--out",   "FILE", FLAG_TEXT, &path,  "new PEM file, mode 0600"},
        {"--curve", "NAME", FLAG_TEXT, &curve, "p256 (default) or p384" },
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    enum crypto_scheme scheme = pem_curve(curve);
    if (path == NULL || count != 0 || scheme == CRYPTO_SCHEME_NONE) {
        return fail(run, CAUSE_USAGE, "rotor image keygen --out KEY.pem",
                    "expected --out FILE, and p256 or p384");
    }
    return pem_make(run, path, scheme, &code) ? image_say(run, "key made", path)
                                              : code;
}

// ---- LMS key: a file with its next leaf ------------------------------------

// magic 8, next be32, I 16, SEED 32, HSS public key 60.
#define LMS_MAGIC     "ROTRLMS1"
#define LMS_FILE_SIZE (8u + 4u + 16u + 32u + BOOT_LMS_PUBLIC_MAX)
#define LMS_PUBLIC_AT (8u + 4u + 16u + 32u)
#define LMS_H10       6u // LMS_SHA256_M32_H10
#define LMOTS_W4      3u // LMOTS_SHA256_N32_W4
#define LMS_LEAVES    1024u

struct lms_work {
    struct crypto_lms_key key;
    uint8_t file[LMS_FILE_SIZE]; // SECRET
    uint8_t *tree;
};

static bool grow_tree(struct lms_work *work, struct rotor_room *tree)
{
    work->key.type = crypto_lms_type_of(LMS_H10);
    work->key.one_time = crypto_lmots_type_of(LMOTS_W4);
    memcpy(work->key.id, work->file + 12, sizeof work->key.id);
    memcpy(work->key.seed, work->file + 28, sizeof work->key.seed);
    *tree = (struct rotor_room){NULL, crypto_lms_tree_size(&work->key), 0};
    work->tree = malloc(tree->capacity);
    tree->data = work->tree;
    return work->tree != NULL &&
           crypto_lms_make_tree(&work->key, tree) == ROTOR_OK;
}

static void forget(struct lms_work *work)
{
    free(work->tree);
    secret_wipe(work, sizeof *work);
}

static bool make_lms(struct lms_work *work)
{
    struct rotor_room tree;
    struct rotor_room public_key = {work->file + LMS_PUBLIC_AT + 4,
                                    BOOT_LMS_PUBLIC_MAX - 4, 0};
    memcpy(work->file, LMS_MAGIC, 8);
    bytes_put_be32(work->file + 8, 0);
    bytes_put_be32(work->file + LMS_PUBLIC_AT, 1); // HSS of one level
    return getrandom(work->file + 12, 48, 0) == 48 && grow_tree(work, &tree) &&
           crypto_lms_public(&work->key, bytes_in(&tree), &public_key) ==
               ROTOR_OK;
}

int image_lms_keygen(struct run *run, int count, char **arguments)
{
    const char *path = NULL;
    int code = 0;
    struct lms_work work = {0};
    const struct flag flags[] = {
        {"--out", "FILE", FLAG_TEXT, &path, "new key file: 1,024 signatures"},
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    if (path == NULL || count != 0) {
        return fail(run, CAUSE_USAGE, "rotor image lms-keygen --out KEY.lms",
                    "expected --out FILE");
    }
    if (!make_lms(&work)) {
        code = fail(run, CAUSE_PLATFORM, NULL, "no LMS key could be made");
    } else if (write_file(run, path, BYTES_OF(work.file), true, &code)) {
        code = image_say(run,
                         "LMS key made, back it up never: each leaf "
                         "signs once",
                         path);
    }
    forget(&work);
    return code;
}

static bool read_lms(const struct run *run, const char *path,
                     struct lms_work *work, int *code)
{
    struct rotor_bytes file;
    if (!read_file(run, path, LMS_FILE_SIZE, &file, code)) {
        return false;
    }
    bool is_key =
        file.size == LMS_FILE_SIZE && memcmp(file.data, LMS_MAGIC, 8) == 0;
    if (is_key) {
        memcpy(work->file, file.data, file.size);
    }
    secret_wipe((void *)(uintptr_t)file.data, file.size);
    free((void *)(uintptr_t)file.data);
    if (!is_key) {
        *code = fail(run, CAUSE_UNPARSABLE, "rotor image lms-keygen makes one",
                     "%s: not an LMS key", path);
    }
    return is_key;
}

// Takes the next leaf: its use is durable before it signs.
static bool take_leaf(const char *path, struct lms_work *work, uint32_t *leaf)
{
    uint8_t next[4];
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || pread(fd, next, sizeof next, 8) != 4) {
        return false;
    }
    *leaf = bytes_be32(next);
    bytes_put_be32(next, *leaf + 1);
    bool is_taken =
        *leaf < LMS_LEAVES && pwrite(fd, next, 4, 8) == 4 && fsync(fd) == 0;
    memcpy(work->file + 8, next, 4);
    return close(fd) == 0 && is_taken;
}

static bool sign_lms(const char *path, struct lms_work *work,
                     struct rotor_bytes message, struct rotor_room *signature)
{
    struct rotor_room tree;
    uint32_t leaf = 0;
    if (!take_leaf(path, work, &leaf) || !grow_tree(work, &tree) ||
        signature->capacity < 4) {
        return false;
    }
    struct rotor_room lms = {signature->data + 4, signature->capacity - 4, 0};
    bytes_put_be32(signature->data, 0); // HSS: no further levels
    if (crypto_lms_sign(&work->key, bytes_in(&tree), leaf, message, &lms) !=
        ROTOR_OK) {
        return false;
    }
    signature->used = 4 + lms.used;
    return true;
}

// ---- keyring ---------------------------------------------------------------

static bool add_key(const struct run *run, const char *path,
                    struct boot_keyring *keyring, int *code)
{
    struct boot_key *entry = &keyring->keys[keyring->count];
    struct rotor_room public_key = ROOM_OF(entry->public_key);
    if (!pem_public(run, path, &entry->scheme, &public_key, code)) {
        return false;
    }
    keyring->count++;
    return true;
}

static bool add_lms(const struct run *run, const char *path, bool is_required,
                    struct boot_keyring *keyring, int *code)
{
    struct lms_work work = {0};
    struct boot_key *entry = &keyring->keys[0];
    if (path == NULL) {
        return true;
    }
    bool is_read = read_lms(run, path, &work, code);
    if (is_read) {
        entry->has_lms = true;
        entry->lms_required = is_required;
        memcpy(entry->lms_public_key, work.file + LMS_PUBLIC_AT,
               BOOT_LMS_PUBLIC_MAX);
    }
    forget(&work);
    return is_read;
}

int image_keyring(struct run *run, int count, char **arguments)
{
    const char *path = NULL;
    const char *lms = NULL;
    bool is_required = false;
    int code = 0;
    uint8_t memory[BOOT_KEYRING_MAX];
    struct rotor_room encoded = ROOM_OF(memory);
    struct boot_keyring keyring = {0};
    const struct flag flags[] = {
        {"--out",          "FILE", FLAG_TEXT,   &path,        "the keyring"                      },
        {"--lms",          "FILE", FLAG_TEXT,   &lms,         "LMS key paired with the first one"},
        {"--lms-required", NULL,   FLAG_SWITCH, &is_required,
         "images must carry both signatures"                                                     },
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    if (path == NULL || count < 1 || count > (int)BOOT_KEYS_MAX) {
        return fail(run, CAUSE_USAGE,
                    "rotor image keyring --out FILE KEY.pem...",
                    "expected --out FILE and one to eight PEM keys");
    }
    for (int i = 0; i < count; i++) {
        if (!add_key(run, arguments[i], &keyring, &code)) {
            return code;
        }
    }
    if (!add_lms(run, lms, is_required, &keyring, &code)) {
        return code;
    }
    if (boot_keyring_encode(&keyring, &encoded) != ROTOR_OK) {
        return fail(run, CAUSE_USAGE, NULL, "a key is named twice");
    }
    return write_file(run, path, bytes_in(&encoded), false, &code)
               ? image_say(run, "keyring made", path)
               : code;
}

// ---- sign ------------------------------------------------------------------

struct signing {
    const char *key_path;
    const char *lms_path;
    const char *out;
    struct rotor_bytes image;
    struct boot_header header;
    struct crypto_key key;
    struct lms_work lms;
    uint8_t lms_signature[BOOT_LMS_SIGNATURE_MAX];
    uint8_t front[BOOT_FRONT_MAX];
};

static bool parse_version(const char *text, uint32_t *version)
{
    unsigned major = 0;
    unsigned minor = 0;
    unsigned patch = 0;
    int end = 0;
    if (sscanf(text, "%3u.%3u.%5u%n", &major, &minor, &patch, &end) != 3 ||
        text[end] != '\0' || major > 255 || minor > 255 || patch > 65535) {
        return false;
    }
    *version = BOOT_VERSION(major, minor, patch);
    return true;
}

static bool open_signer(const struct run *run, struct signing *signing,
                        int *code)
{
    uint8_t memory[CRYPTO_PUBLIC_MAX];
    struct rotor_room public_key = ROOM_OF(memory);
    if (!pem_private(run, signing->key_path, &signing->key, &public_key,
                     code)) {
        return false;
    }
    enum crypto_scheme scheme = signing->key.scheme;
    signing->header.scheme = scheme;
    if (boot_key_id(scheme, bytes_in(&public_key), signing->header.signer_id) !=
        ROTOR_OK) {
        *code = fail(run, CAUSE_UNPARSABLE, "a private P-256 or P-384 key",
                     "%s: cannot sign with this key", signing->key_path);
        return false;
    }
    return true;
}

static bool open_lms(const struct run *run, struct signing *signing, int *code)
{
    if (signing->lms_path == NULL) {
        return true;
    }
    if (!read_lms(run, signing->lms_path, &signing->lms, code)) {
        return false;
    }
    signing->lms.key.type = crypto_lms_type_of(LMS_H10);
    signing->lms.key.one_time = crypto_lmots_type_of(LMOTS_W4);
    signing->header.lms_size = 4 + crypto_lms_signature_size(&signing->lms.key);
    return boot_lms_key_id(
               bytes_of(signing->lms.file + LMS_PUBLIC_AT, BOOT_LMS_PUBLIC_MAX),
               signing->header.lms_signer_id) == ROTOR_OK;
}

static bool make_front(struct signing *signing, struct rotor_room *front)
{
    uint8_t encoded[BOOT_HEADER_SIZE];
    uint8_t message[BOOT_MESSAGE_SIZE];
    uint8_t signature_memory[CRYPTO_SIGNATURE_MAX];
    struct rotor_room signature = ROOM_OF(signature_memory);
    struct rotor_room lms = ROOM_OF(signing->lms_signature);
    if (boot_image_encode_header(&signing->header, encoded) != ROTOR_OK) {
        return false;
    }
    boot_image_message(encoded, message);
    if (crypto_sign(&signing->key, BYTES_OF(message), &signature) != ROTOR_OK) {
        return false;
    }
    if (signing->lms_path != NULL &&
        !sign_lms(signing->lms_path, &signing->lms, BYTES_OF(message), &lms)) {
        return false;
    }
    return boot_image_encode_front(&signing->header, bytes_in(&signature),
                                   bytes_in(&lms), front) == ROTOR_OK;
}

static int write_image(const struct run *run, struct signing *signing)
{
    int code = 0;
    struct rotor_room front = ROOM_OF(signing->front);
    if (crypto_hash(CRYPTO_SHA512, &signing->image, 1,
                    signing->header.digest) != ROTOR_OK ||
        !make_front(signing, &front)) {
        return fail(run, CAUSE_PLATFORM,
                    "an LMS key has 1,024 signatures; make a new one",
                    "the image could not be signed");
    }
    size_t size = front.used + signing->image.size;
    uint8_t *file = malloc(size);
    if (file == NULL) {
        return fail(run, CAUSE_PLATFORM, NULL, "out of memory");
    }
    memcpy(file, front.data, front.used);
    memcpy(file + front.used, signing->image.data, signing->image.size);
    bool is_written =
        write_file(run, signing->out, bytes_of(file, size), false, &code);
    free(file);
    return is_written ? image_say(run, "signed", signing->out) : code;
}

static int sign_with(const struct run *run, struct signing *signing)
{
    int code = EXIT_UNABLE;
    if (open_signer(run, signing, &code) && open_lms(run, signing, &code)) {
        code = write_image(run, signing);
    }
    crypto_key_close(&signing->key);
    forget(&signing->lms);
    return code;
}

int image_sign(struct run *run, int count, char **arguments)
{
    const char *component = NULL;
    const char *version = "0.0.0";
    uint64_t security_version = 0;
    int code = 0;
    static struct signing signing;
    const struct flag flags[] = {
        {"--key",              "PEM",   FLAG_TEXT,   &signing.key_path, "private ECDSA key"},
        {"--lms",              "FILE",  FLAG_TEXT,   &signing.lms_path, "sign by LMS too"  },
        {"--component",        "NAME",  FLAG_TEXT,   &component,        "rtp or enclave"   },
        {"--version",          "X.Y.Z", FLAG_TEXT,   &version,          "for people"       },
        {"--security-version", "N",     FLAG_NUMBER, &security_version,
         "never falls on a device"                                                         },
        {"--out",              "FILE",  FLAG_TEXT,   &signing.out,      "the image"        },
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    signing.header.component =
        component != NULL ? image_component(component) : BOOT_COMPONENT_NONE;
    signing.header.security_version = (uint32_t)security_version;
    if (count != 1 || signing.key_path == NULL || signing.out == NULL ||
        signing.header.component == BOOT_COMPONENT_NONE ||
        security_version > UINT32_MAX ||
        !parse_version(version, &signing.header.version)) {
        return fail(run, CAUSE_USAGE,
                    "rotor image sign --key KEY.pem --component enclave "
                    "--version 1.0.0 --security-version 1 --out FILE PROGRAM",
                    "expected a key, a component, X.Y.Z and one program");
    }
    if (!read_file(run, arguments[0], BOOT_IMAGE_MAX, &signing.image, &code)) {
        return code;
    }
    signing.header.image_size = signing.image.size;
    code = signing.image.size == 0
               ? fail(run, CAUSE_UNPARSABLE, NULL, "%s: is empty", arguments[0])
               : sign_with(run, &signing);
    free((void *)(uintptr_t)signing.image.data);
    return code;
}
