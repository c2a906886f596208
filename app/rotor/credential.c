// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/credential.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "port/linux/tpm.h"
#include "wire/cbor.h"

#define SEALED LABEL("rotor credential/1")
#define KEPT   LABEL("rotor credential secret/1")
#define ANSWER LABEL("rotor credential answer/1")

// ---- files -----------------------------------------------------------------

// [label, * bstr], read or written.
static enum rotor_status encode(struct rotor_bytes label,
                                const struct rotor_bytes *parts, size_t count,
                                struct rotor_room *bytes)
{
    struct cbor_writer out;
    cbor_writer_init(&out, bytes);
    cbor_write_array(&out, count + 1);
    cbor_write_text(&out, label);
    for (size_t i = 0; i < count; i++) {
        cbor_write_bytes(&out, parts[i]);
    }
    return cbor_writer_finish(&out);
}

static bool decode(struct rotor_bytes label, struct rotor_bytes *parts,
                   size_t count, struct rotor_bytes bytes)
{
    struct cbor_reader in;
    cbor_reader_init(&in, bytes);
    cbor_read_array_of(&in, count + 1);
    struct rotor_bytes found = cbor_read_text(&in);
    for (size_t i = 0; i < count; i++) {
        parts[i] = cbor_read_bytes_sized(&in, 1, CREDENTIAL_FILE_MAX);
    }
    return cbor_finished(&in) && bytes_equal(found, label);
}

enum rotor_status
credential_encode_sealed(const struct credential_sealed *sealed,
                         struct rotor_room *bytes)
{
    const struct rotor_bytes parts[] = {sealed->blob, sealed->secret};
    return encode(SEALED, parts, COUNT_OF(parts), bytes);
}

enum rotor_status credential_encode_kept(const struct credential_kept *kept,
                                         struct rotor_room *bytes)
{
    const struct rotor_bytes parts[] = {kept->challenge, kept->key};
    return encode(KEPT, parts, COUNT_OF(parts), bytes);
}

// Reads a file of that label; its parts are views into *content, on the heap.
static bool read_parts(const struct run *run, const char *path,
                       struct rotor_bytes label, struct rotor_bytes *content,
                       struct rotor_bytes parts[2], size_t count, int *code)
{
    if (!read_file(run, path, CREDENTIAL_FILE_MAX, content, code)) {
        return false;
    }
    if (decode(label, parts, count, *content)) {
        return true;
    }
    *code =
        fail(run, CAUSE_UNPARSABLE, "rotor credential makes such files",
             "%s: not a %.*s", path, (int)label.size, (const char *)label.data);
    return false;
}

static void wipe_and_free(struct rotor_bytes content)
{
    secret_wipe((void *)(uintptr_t)content.data, content.size);
    free((void *)(uintptr_t)content.data);
}

// ---- open: on the device ---------------------------------------------------

static bool activate(const struct run *run, const char *tcti,
                     const struct rotor_bytes parts[2],
                     struct rotor_room *found, int *code)
{
    struct linux_tpm tpm;
    // The library would print each index that is not there.
    (void)setenv("TSS2_LOG", "all+NONE", 0);
    enum rotor_status status = linux_tpm_open(&tpm, tcti);
    if (status == ROTOR_OK) {
        status = linux_tpm_activate(&tpm, parts[0], parts[1], found);
        linux_tpm_close(&tpm);
    }
    if (status == ROTOR_OK) {
        return true;
    }
    *code = status == ROTOR_FORBIDDEN
                ? fail(run, CAUSE_EVIDENCE_REFUSED, NULL,
                       "made for another TPM or another key")
                : fail(run, CAUSE_PLATFORM,
                       "its user must be able to open /dev/tpmrm0; or --tcti",
                       "%s", tpm.fault);
    return false;
}

static bool answer(const struct run *run, const char *out,
                   struct rotor_bytes challenge, int *code)
{
    uint8_t memory[CREDENTIAL_FILE_MAX];
    struct rotor_room file = ROOM_OF(memory);
    bool is_written = encode(ANSWER, &challenge, 1, &file) == ROTOR_OK &&
                      write_file(run, out, bytes_in(&file), true, code);
    secret_wipe(memory, sizeof memory);
    return is_written;
}

static int say(const struct run *run, const char *member, const char *path,
               const char *sentence)
{
    if (run->is_json) {
        struct json out;
        begin_json(&out, "credential", true);
        json_text(&out, member, path);
        json_end(&out);
    } else if (strcmp(path, "-") != 0) {
        printf("%s: %s\n", sentence, path);
    }
    return EXIT_ACCEPTED;
}

static int main_open(struct run *run, int count, char **arguments)
{
    const char *tcti = NULL;
    const char *out = NULL;
    int code = EXIT_UNABLE;
    const struct flag flags[] = {
        {"--tcti", "TCTI", FLAG_TEXT, &tcti,
         "how to reach the TPM, as tpm2-tss has it"                  },
        {"--out",  "FILE", FLAG_TEXT, &out,  "a new file: the answer"},
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    if (count != 1 || out == NULL) {
        return fail(run, CAUSE_USAGE,
                    "rotor credential open CREDENTIAL --out FILE",
                    "expected one credential and --out");
    }
    struct rotor_bytes content = {0};
    struct rotor_bytes parts[2];
    uint8_t memory[CREDENTIAL_FILE_MAX];
    struct rotor_room challenge = ROOM_OF(memory);
    bool is_done =
        read_parts(run, arguments[0], SEALED, &content, parts, 2, &code) &&
        activate(run, tcti, parts, &challenge, &code) &&
        answer(run, out, bytes_in(&challenge), &code);
    secret_wipe(memory, sizeof memory);
    wipe_and_free(content);
    return is_done ? say(run, "answer", out, "opened") : code;
}

// ---- check: by the party ---------------------------------------------------

static bool write_key(const struct run *run, const char *path,
                      struct rotor_bytes spki, int *code)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *pem = NULL;
    bool is_made =
        memory != NULL && PEM_write_bio(memory, PEM_STRING_PUBLIC, "",
                                        spki.data, (long)spki.size) > 0;
    long size = is_made ? BIO_get_mem_data(memory, &pem) : 0;
    if (!is_made) {
        *code = fail(run, CAUSE_PLATFORM, NULL, "out of memory");
    }
    bool is_written =
        is_made &&
        write_file(run, path, bytes_of(pem, (size_t)size), false, code);
    BIO_free(memory);
    return is_written;
}

static bool check(const struct run *run, const struct rotor_bytes kept[2],
                  struct rotor_bytes came, const char *out, int *code)
{
    if (came.size != kept[0].size ||
        !secret_equal(came.data, kept[0].data, came.size)) {
        *code = fail(run, CAUSE_EVIDENCE_REFUSED, NULL,
                     "not what the credential holds: no proof of its key");
        return false;
    }
    return write_key(run, out, kept[1], code);
}

static int main_check(struct run *run, int count, char **arguments)
{
    const char *secret = NULL;
    const char *out = NULL;
    int code = EXIT_UNABLE;
    const struct flag flags[] = {
        {"--secret", "FILE", FLAG_TEXT, &secret,
         "what rotor credential make kept"                    },
        {"--out",    "FILE", FLAG_TEXT, &out,
         "the attestation key as PEM, for rotor verify --root"},
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    if (count != 1 || secret == NULL || out == NULL) {
        return fail(run, CAUSE_USAGE,
                    "rotor credential check ANSWER --secret FILE --out KEY.pem",
                    "expected one answer, --secret and --out");
    }
    struct rotor_bytes answer_file = {0};
    struct rotor_bytes secret_file = {0};
    struct rotor_bytes came[2];
    struct rotor_bytes kept[2];
    bool is_good =
        read_parts(run, arguments[0], ANSWER, &answer_file, came, 1, &code) &&
        read_parts(run, secret, KEPT, &secret_file, kept, 2, &code) &&
        check(run, kept, came[0], out, &code);
    wipe_and_free(answer_file);
    wipe_and_free(secret_file);
    return is_good ? say(run, "key", out, "accepted: a key of that TPM") : code;
}

int main_credential(struct run *run, int count, char **arguments)
{
    static const struct verb verbs[] = {
        {"make",  credential_make},
        {"open",  main_open      },
        {"check", main_check     },
    };
    return run_verb(run, verbs, COUNT_OF(verbs), count, arguments);
}
