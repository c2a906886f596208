// SPDX-License-Identifier: Apache-2.0
// `rotor image reference`: what a verifier should see of signed images, as a
// file that a policy includes.  doc/PROTOCOL.boot names what goes in.
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "app/rotor/image.h"
#include "app/rotord/settings.h"
#include "base/bytes.h"
#include "boot/dice.h"
#include "port/linux/slots.h"

#define REFERENCE_MAX 8192u // bytes

struct reference {
    const char *keyring_path;
    const char *config_path;
    const char *out;
    struct boot_keyring keyring;
    uint8_t settings[512];
    size_t settings_size;
    char text[REFERENCE_MAX];
    size_t size;
};

static void say(struct reference *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct reference *r, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int size =
        vsnprintf(r->text + r->size, sizeof r->text - r->size, format, values);
    va_end(values);
    if (size > 0 && (size_t)size < sizeof r->text - r->size) {
        r->size += (size_t)size;
    }
}

static void say_hex(struct reference *r, struct rotor_bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        say(r, "%02x", bytes.data[i]);
    }
    say(r, "\n");
}

// As stage 0 does it: the code, and how it is configured.
static enum rotor_status measure(const struct reference *r,
                                 const struct boot_header *header,
                                 struct wire_digest *measurement)
{
    uint8_t memory[BOOT_DESCRIPTOR_MAX];
    struct rotor_room descriptor = ROOM_OF(memory);
    const struct rotor_bytes settings = bytes_of(r->settings, r->settings_size);
    struct boot_descriptor content = {
        .component = header->component,
        .version = header->version,
        .security_version = header->security_version,
    };
    TRY(crypto_hash(CRYPTO_SHA512, &settings, 1, content.configuration));
    TRY(boot_descriptor_encode(&content, &descriptor));
    return boot_measure(CRYPTO_SHA256, header->digest, bytes_in(&descriptor),
                        measurement);
}

static int add_verified(const struct run *run, struct reference *r,
                        const char *path, const struct boot_header *header)
{
    struct wire_digest measurement;
    uint8_t authority[64];
    char version[IMAGE_VERSION_SIZE];
    char text[FINGERPRINT_SIZE];
    if (measure(r, header, &measurement) != ROTOR_OK ||
        boot_keyring_hash(&r->keyring, header->component, authority) !=
            ROTOR_OK) {
        return fail(run, CAUSE_PLATFORM, NULL, "%s: cannot be measured", path);
    }
    fingerprint(&measurement, text);
    image_version_text(header->version, version);
    say(r, "; rotor-%s %s, security version %u\n[measurement]\nvalue = %s\n",
        linux_component_name(header->component), version,
        header->security_version, text);
    say(r, "[signer]\nvalue = ");
    say_hex(r, BYTES_OF(authority));
    return EXIT_ACCEPTED;
}

static int add_image(const struct run *run, struct reference *r,
                     const char *path, struct rotor_bytes file)
{
    struct boot_parts parts;
    enum boot_reason reason = BOOT_UNDECIDED;
    uint32_t verdict = BOOT_REJECTED;
    boot_image_decode(file, &parts, &reason);
    if (reason != BOOT_GENUINE) {
        return fail(run, CAUSE_UNPARSABLE, "rotor image sign makes images",
                    "%s: not an image: %s", path, boot_reason_text(reason));
    }
    const struct boot_image_check check = {file, &r->keyring,
                                           parts.header.component, 0};
    if (boot_image_verify(&check, &verdict, &reason, &parts) != ROTOR_OK ||
        !boot_verdict_is_accepted(&verdict)) {
        return fail(run, CAUSE_IMAGE_REFUSED, NULL, "%s: %s", path,
                    boot_reason_text(reason));
    }
    return add_verified(run, r, path, &parts.header);
}

static bool prepare(const struct run *run, struct reference *r, int *code)
{
    struct rotor_room settings = ROOM_OF(r->settings);
    struct rotor_bytes content;
    struct config config;
    config_init(&config);
    if (r->config_path != NULL) {
        enum config_verdict verdict = config_read(&config, r->config_path);
        if (verdict != CONFIG_GOOD) {
            *code = fail(
                run, verdict == CONFIG_WRONG ? CAUSE_USAGE : CAUSE_UNREADABLE,
                NULL, "%s: no settings of rotord", r->config_path);
            return false;
        }
    }
    if (!settings_encode(&config, &settings)) {
        *code = fail(run, CAUSE_UNREADABLE, NULL,
                     "%s: the settings cannot be measured",
                     r->config_path != NULL ? r->config_path : "defaults");
        return false;
    }
    r->settings_size = settings.used;
    if (!read_file(run, r->keyring_path, BOOT_KEYRING_MAX, &content, code)) {
        return false;
    }
    bool is_keyring = boot_keyring_decode(content, &r->keyring) == ROTOR_OK;
    free((void *)(uintptr_t)content.data);
    if (!is_keyring) {
        *code = fail(run, CAUSE_UNPARSABLE, "rotor image keyring makes one",
                     "%s: not a keyring", r->keyring_path);
    }
    return is_keyring;
}

static int hand_out(const struct run *run, const struct reference *r)
{
    int code = EXIT_UNABLE;
    bool is_file = r->out != NULL && strcmp(r->out, "-") != 0;
    if (!is_file && run->is_json) {
        struct json out;
        begin_json(&out, "image", true);
        json_text_of(&out, "reference", bytes_of(r->text, r->size));
        json_end(&out);
        return EXIT_ACCEPTED;
    }
    if (!write_file(run, is_file ? r->out : "-", bytes_of(r->text, r->size),
                    false, &code)) {
        return code;
    }
    return is_file ? image_say(run, "reference values", r->out) : EXIT_ACCEPTED;
}

int image_reference(struct run *run, int count, char **arguments)
{
    static struct reference r;
    int code = 0;
    const struct flag flags[] = {
        {"--keyring", "FILE", FLAG_TEXT, &r.keyring_path,
         "who signs images of that device"                         },
        {"--config",  "FILE", FLAG_TEXT, &r.config_path,
         "rotord.conf of that device; default: every key's default"},
        {"--out",     "FILE", FLAG_TEXT, &r.out,
         "for [include] of a policy; default: standard output"     },
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    if (count == 0 || count > 16 || r.keyring_path == NULL) {
        return fail(run, CAUSE_USAGE,
                    "rotor image reference --keyring ring rtp.img enclave.img",
                    "expected a keyring and signed images");
    }
    if (!prepare(run, &r, &code)) {
        return code;
    }
    for (int i = 0; i < count && code == EXIT_ACCEPTED; i++) {
        struct rotor_bytes file;
        if (read_file(run, arguments[i], IMAGE_FILE_MAX, &file, &code)) {
            code = add_image(run, &r, arguments[i], file);
            free((void *)(uintptr_t)file.data);
        }
    }
    return code == EXIT_ACCEPTED ? hand_out(run, &r) : code;
}
