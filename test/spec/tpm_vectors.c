// SPDX-License-Identifier: Apache-2.0
// Every file under vectors/tpm that SOURCES.tsv names, judged by what it is,
// and the verdict that its row asks for: printed as right/total.
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "test/spec.h"
#include "test/spec/vectors.h"
#include "verify/pem.h"
#include "verify/tpm.h"
#include "verify/tpm_forms.h"

// ---- what the files say ----------------------------------------------------

// Registers as tpm2_eventlog prints them behind "pcrs:".
static void print_registers(const struct verify_eventlog *log, char *text,
                            size_t size)
{
    static const struct {
        uint16_t algorithm;
        const char *name;
    } names[] = {
        {VERIFY_TPM_SHA1,   "sha1"  },
        {VERIFY_TPM_SHA256, "sha256"},
        {VERIFY_TPM_SHA384, "sha384"},
        {VERIFY_TPM_SHA512, "sha512"},
    };
    text[0] = '\0';
    FILE *out = fmemopen(text, size, "w");
    assert_non_null(out);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct verify_pcr_bank *bank =
            verify_pcr_bank_of(&log->pcrs, names[i].algorithm);
        if (bank == NULL || bank->known == 0) {
            continue;
        }
        fprintf(out, "  %s:\n", names[i].name);
        for (unsigned pcr = 0; pcr < VERIFY_PCR_COUNT; pcr++) {
            if ((bank->known >> pcr & 1u) == 0) {
                continue;
            }
            fprintf(out, "    %-2u : 0x", pcr);
            for (size_t k = 0; k < bank->size; k++) {
                fprintf(out, "%02x", bank->values[pcr][k]);
            }
            fputc('\n', out);
        }
    }
    fclose(out);
}

static const char *behind_pcrs(struct rotor_bytes yaml)
{
    const char *found = strstr((const char *)yaml.data, "\npcrs:\n");
    return found == NULL ? NULL : found + strlen("\npcrs:\n");
}

static char *registers_of(struct rotor_bytes log)
{
    static struct verify_eventlog replayed;
    static char text[1u << 16];
    if (verify_eventlog_replay(log, &replayed) != ROTOR_OK) {
        return NULL;
    }
    print_registers(&replayed, text, sizeof text);
    return text;
}

// ---- one row ---------------------------------------------------------------

struct row {
    char path[256]; // below the vectors
    struct rotor_bytes content;
    const char *said; // what was seen, for the table
};

static bool ends_with(const char *text, const char *tail)
{
    size_t size = strlen(text);
    size_t tail_size = strlen(tail);
    return size >= tail_size && strcmp(text + size - tail_size, tail) == 0;
}

static bool open_beside(struct vectors *v, const struct row *row,
                        const char *name, struct rotor_bytes *content)
{
    char path[512];
    const char *slash = strrchr(row->path, '/');
    snprintf(path, sizeof path, "%.*s/%s", (int)(slash - row->path), row->path,
             name);
    return vectors_open_bytes(v, path, content);
}

// The log that an expectation is of: its name without the ending, beside it or
// one folder up.
static bool open_log_of(struct vectors *v, const struct row *row,
                        const char *ending, struct rotor_bytes *log)
{
    char name[256];
    const char *base = strrchr(row->path, '/') + 1;
    snprintf(name, sizeof name, "%.*s", (int)(strlen(base) - strlen(ending)),
             base);
    if (open_beside(v, row, name, log)) {
        return true;
    }
    char up[300];
    snprintf(up, sizeof up, "../%s", name);
    return open_beside(v, row, up, log);
}

static bool judge_yaml(struct row *row)
{
    struct vectors v;
    struct rotor_bytes log;
    if (!open_log_of(&v, row, ".yaml", &log)) {
        row->said = "its log is missing";
        return false;
    }
    const char *wanted = behind_pcrs(row->content);
    const char *seen = registers_of(log);
    bool right = wanted != NULL && seen != NULL && strcmp(wanted, seen) == 0;
    row->said = right ? "replay equals the YAML" : "replay differs";
    vectors_close(&v);
    return right;
}

// "WARN: Event 24's digest does not match its payload": of a type whose digest
// need not be of its data, so it is not counted here.
static bool judge_warning(struct row *row)
{
    struct vectors v;
    struct rotor_bytes log;
    struct verify_eventlog_reader reader;
    struct verify_event event = {.digest_count = 0};
    uint8_t digest[32];
    unsigned number = 0;
    if (!open_log_of(&v, row, ".warn", &log) ||
        sscanf((const char *)row->content.data, "WARN: Event %u", &number) !=
            1 ||
        verify_eventlog_open(&reader, log) != ROTOR_OK) {
        row->said = "its log is missing";
        return false;
    }
    for (unsigned i = 0; i < number; i++) {
        assert_true(verify_eventlog_next(&reader, &event));
    }
    assert_int_equal(event.digests[1].algorithm, VERIFY_TPM_SHA256);
    assert_ok(crypto_hash(CRYPTO_SHA256, &event.data, 1, digest));
    bool right = !bytes_equal(BYTES_OF(digest), event.digests[1].bytes);
    row->said = "the event it warns of is of other data than its digest";
    vectors_close(&v);
    return right;
}

// A list of events: "pcr: N" and "digest: HEX" of each, in the log's order.
static bool judge_event_list(struct row *row)
{
    struct vectors v;
    struct rotor_bytes bytes;
    struct verify_eventlog_reader reader;
    struct verify_event event;
    if (!open_beside(&v, row, "event-moklisttrusted.bin", &bytes) ||
        verify_eventlog_open(&reader, bytes) != ROTOR_OK) {
        row->said = "its log is missing";
        return false;
    }
    const char *at = strstr((const char *)row->content.data, "EV_S_CRTM");
    size_t count = 0;
    bool right = at != NULL;
    while (right && verify_eventlog_next(&reader, &event)) {
        char digest[80];
        unsigned pcr = 99;
        at = strstr(at, "\n  pcr: ");
        right = at != NULL && sscanf(at, "\n  pcr: %u", &pcr) == 1 &&
                (at = strstr(at, "    digest: ")) != NULL &&
                sscanf(at, "    digest: %*[']%79[0-9a-f]", digest) +
                        sscanf(at, "    digest: %79[0-9a-f]", digest) ==
                    1 &&
                pcr == event.pcr &&
                bytes_equal(vectors_hex(&v, digest), event.digests[0].bytes);
        count++;
    }
    right = right && reader.fault == NULL && count > 20 &&
            strstr(at, "\n  pcr: ") == NULL;
    row->said = right ? "every event is the listed one" : "events differ";
    vectors_close(&v);
    return right;
}

// ---- logs without a YAML beside them: tpm2_eventlog itself is asked ---------

static bool has_tool(void)
{
    return system("command -v tpm2_eventlog >/dev/null 2>&1") == 0;
}

static bool tool_says(struct row *row, const char *seen)
{
    static char text[1u << 20];
    char command[700];
    const char *folder = getenv("ROTOR_VECTORS");
    snprintf(command, sizeof command, "tpm2_eventlog '%s/%s' 2>/dev/null",
             folder != NULL ? folder : "../shared/vectors", row->path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t size = fread(text, 1, sizeof text - 1, pipe);
    text[size] = '\0';
    pclose(pipe);
    const char *wanted = behind_pcrs(bytes_of((const uint8_t *)text, size));
    // Some logs are beyond the tool; nothing is compared then.
    row->said = wanted == NULL ? "parses and replays; tpm2_eventlog does not"
                               : "replays as tpm2_eventlog does";
    return wanted == NULL || strcmp(wanted, seen) == 0;
}

static bool judge_log(struct row *row)
{
    const char *seen = registers_of(row->content);
    if (seen == NULL) {
        return false;
    }
    row->said = "parses and replays";
    if (has_tool()) {
        return tool_says(row, seen);
    }
    return true;
}

// ---- quotes ----------------------------------------------------------------

static struct verify_tpm_work work;
static struct verify_verdict verdict;
static struct verify_pcrs pcrs;
static const struct verify_asked nobody_asks;

static bool verify_keylime_files(struct row *row)
{
    struct vectors v[5];
    struct rotor_bytes quote = {0}, signature = {0}, values = {0};
    struct rotor_bytes pem = {0}, area = {0}, one = {0};
    uint8_t memory[1024];
    struct rotor_room spki = ROOM_OF(memory);
    bool found = open_beside(&v[0], row, "quote.out", &quote) &&
                 open_beside(&v[1], row, "quotesig.out", &signature) &&
                 open_beside(&v[2], row, "quotepcr.out", &values) &&
                 open_beside(&v[3], row, "akpub.pem", &pem) &&
                 open_beside(&v[4], row, "ak.pub", &area);
    assert_true(found);
    assert_ok(verify_pem_next(&pem, LABEL("PUBLIC KEY"), &spki, &one));
    assert_ok(verify_tpm2_pcrs_decode(values, &pcrs));
    const struct verify_tpm_evidence evidence = {.quote = quote,
                                                 .signature = signature,
                                                 .ak_public = area,
                                                 .pcrs = &pcrs};
    const struct verify_tpm_trust trust = {.ak_spki = bytes_in(&spki)};
    assert_ok(verify_tpm(&evidence, &trust, &nobody_asks, &work, &verdict));
    row->said = verdict.reason;
    for (size_t i = 0; i < COUNT_OF(v); i++) {
        vectors_close(&v[i]);
    }
    return verify_verdict_is_accepted(&verdict);
}

// ak.name is the name of ak.pub; nv.data and the EK are no part of a quote.
static bool judge_keylime(struct row *row)
{
    struct verify_tpm_public key;
    uint8_t memory[VERIFY_TPM_NAME_MAX];
    struct rotor_room name = ROOM_OF(memory);
    struct vectors v;
    struct rotor_bytes area;
    if (ends_with(row->path, "ak.name")) {
        assert_true(open_beside(&v, row, "ak.pub", &area));
        assert_ok(verify_tpm_public_decode(area, &key));
        assert_ok(verify_tpm_name(&key, &name));
        row->said = "the name of ak.pub";
        bool right = bytes_equal(bytes_in(&name), row->content);
        vectors_close(&v);
        return right;
    }
    if (ends_with(row->path, "ek.pub") || ends_with(row->path, "ekpub.pem")) {
        struct vectors w;
        struct rotor_bytes pem, one;
        uint8_t a[VERIFY_TPM_SPKI_MAX], b[VERIFY_TPM_SPKI_MAX];
        struct rotor_room made = ROOM_OF(a), given = ROOM_OF(b);
        assert_true(open_beside(&v, row, "ek.pub", &area));
        assert_true(open_beside(&w, row, "ekpub.pem", &pem));
        assert_ok(verify_tpm_public_decode(area, &key));
        assert_ok(verify_tpm_spki(&key, &made));
        assert_ok(verify_pem_next(&pem, LABEL("PUBLIC KEY"), &given, &one));
        row->said = "area and PEM are one key";
        bool right = bytes_equal(bytes_in(&made), bytes_in(&given));
        vectors_close(&v);
        vectors_close(&w);
        return right;
    }
    if (ends_with(row->path, "nv.data")) {
        row->said = "contents of an NV index: no evidence, as it stands";
        return row->content.size == 32;
    }
    return verify_keylime_files(row);
}

// A chain without the leaf: the first certificate under the last.
static bool judge_chain(struct row *row)
{
    struct crypto_certificate certificates[4] = {0};
    struct rotor_bytes rest = row->content;
    struct rotor_bytes one;
    uint8_t memory[8192];
    size_t count = 0;
    struct rotor_room der = ROOM_OF(memory);
    while (count < 4 && verify_pem_next(&rest, LABEL("CERTIFICATE"), &der,
                                        &one) == ROTOR_OK) {
        assert_ok(crypto_certificate_open(&certificates[count++], one));
    }
    const struct crypto_chain chain = {
        .anchors = &certificates[count - 1],
        .anchor_count = 1,
        .intermediates = certificates,
        .intermediate_count = count - 1,
        .now_s = 1735689600, // 2025-01-01
    };
    struct crypto_chain_verdict path;
    assert_ok(crypto_chain_verify(&certificates[0], &chain, &path));
    row->said = crypto_chain_fault_text(path.fault);
    for (size_t i = 0; i < count; i++) {
        crypto_certificate_close(&certificates[i]);
    }
    return count >= 2 && path.fault == CRYPTO_CHAIN_GOOD;
}

// ---- dumps of go-attestation -----------------------------------------------

static struct rotor_bytes base64_of(const json_t *object, const char *key,
                                    uint8_t *memory, size_t capacity)
{
    const char *text = json_string_value(json_object_get(object, key));
    struct rotor_room room = {memory, capacity, 0};
    if (text == NULL ||
        verify_base64_decode(bytes_of(text, strlen(text)), &room) != ROTOR_OK) {
        return bytes_of(NULL, 0);
    }
    return bytes_in(&room);
}

static void read_dumped_values(const json_t *log)
{
    const json_t *one;
    size_t i;
    memset(&pcrs, 0, sizeof pcrs);
    pcrs.bank_count = 1;
    pcrs.banks[0].algorithm = VERIFY_TPM_SHA1;
    pcrs.banks[0].size = 20;
    json_array_foreach(json_object_get(log, "PCRs"), i, one)
    {
        size_t index =
            (size_t)json_integer_value(json_object_get(one, "Index"));
        assert_true(index < VERIFY_PCR_COUNT);
        struct rotor_bytes value =
            base64_of(one, "Digest", pcrs.banks[0].values[index], 64);
        assert_int_equal(value.size, 20);
        pcrs.banks[0].known |= 1u << index;
    }
}

// Everything holds but the hash of the signature, and that is not given in to.
static bool is_refused_for_sha1_only(void)
{
    for (size_t i = 0; i < verdict.row_count; i++) {
        const struct verify_row *row = &verdict.rows[i];
        bool is_scheme = strcmp(row->check, "signature scheme") == 0;
        if ((row->finding == VERIFY_FAILED) != is_scheme) {
            return false;
        }
    }
    return !verify_verdict_is_accepted(&verdict);
}

static bool judge_dump(struct row *row)
{
    static uint8_t memory[4][1u << 17];
    struct vectors v;
    assert_true(vectors_open(&v, row->path));
    const json_t *fixed = json_object_get(v.root, "Static");
    const json_t *quote = json_object_get(v.root, "Quote");
    const json_t *ak = json_object_get(v.root, "AK");
    const json_t *log = json_object_get(v.root, "Log");
    if (json_integer_value(json_object_get(fixed, "TPMVersion")) != 2) {
        vectors_close(&v);
        row->said = "a TPM 1.2: not supported";
        return true;
    }
    read_dumped_values(log);
    const struct verify_tpm_evidence evidence = {
        .quote = base64_of(quote, "Quote", memory[0], sizeof memory[0]),
        .signature = base64_of(quote, "Signature", memory[1], sizeof memory[1]),
        .ak_public = base64_of(ak, "Public", memory[2], sizeof memory[2]),
        .event_log = base64_of(log, "Raw", memory[3], sizeof memory[3]),
        .pcrs = &pcrs};
    struct verify_tpm_public key;
    uint8_t spki[VERIFY_TPM_SPKI_MAX];
    struct rotor_room room = ROOM_OF(spki);
    assert_ok(verify_tpm_public_decode(evidence.ak_public, &key));
    assert_ok(verify_tpm_spki(&key, &room));
    const struct verify_tpm_trust trust = {.ak_spki = bytes_in(&room)};
    assert_ok(verify_tpm(&evidence, &trust, &nobody_asks, &work, &verdict));
    vectors_close(&v);
    row->said = "replays to the dumped registers; its quote is refused: SHA-1";
    return is_refused_for_sha1_only();
}

// ---- which judge for which file --------------------------------------------

// Whatever it is: no parser crashes on it, and who refuses it says why.
static bool judge_anything(struct row *row)
{
    static struct verify_eventlog replayed;
    static uint8_t memory[1u << 16];
    struct rotor_room room = ROOM_OF(memory);
    struct verify_keylime_quote parts;
    struct verify_tpm_public key;
    if (verify_tpm_public_decode(row->content, &key) == ROTOR_OK) {
        row->said = "a public area";
        return true;
    }
    if (verify_keylime_decode(row->content, &room, &parts) == ROTOR_OK) {
        const struct verify_tpm_evidence evidence = {
            .quote = parts.quote, .signature = parts.signature, .pcrs = &pcrs};
        const struct verify_tpm_trust trust = {.needs_safe_clock = false};
        assert_ok(verify_tpm2_pcrs_decode(parts.pcrs, &pcrs));
        assert_ok(verify_tpm(&evidence, &trust, &nobody_asks, &work, &verdict));
        row->said = verdict.reason;
        return !verify_verdict_is_accepted(&verdict);
    }
    const struct verify_tpm_evidence evidence = {.quote = row->content,
                                                 .signature = row->content};
    const struct verify_tpm_trust trust = {.needs_safe_clock = false};
    assert_ok(verify_tpm(&evidence, &trust, &nobody_asks, &work, &verdict));
    bool is_refused =
        !verify_verdict_is_accepted(&verdict) &&
        verify_eventlog_replay(row->content, &replayed) == ROTOR_MALFORMED &&
        verify_tpm2_pcrs_decode(row->content, &pcrs) == ROTOR_MALFORMED;
    row->said = replayed.fault;
    return is_refused && replayed.fault != NULL;
}

static bool judge(struct row *row)
{
    if (strstr(row->path, "-hex.yaml") != NULL) {
        return judge_event_list(row);
    }
    if (ends_with(row->path, ".yaml")) {
        return judge_yaml(row);
    }
    if (ends_with(row->path, ".warn")) {
        return judge_warning(row);
    }
    if (ends_with(row->path, "_chain.pem")) {
        return judge_chain(row);
    }
    if (strstr(row->path, "keylime-files/") != NULL) {
        return judge_keylime(row);
    }
    if (strstr(row->path, "go-attestation/") != NULL &&
        ends_with(row->path, ".json")) {
        return judge_dump(row);
    }
    return judge_log(row) || judge_anything(row);
}

SPEC("every file of vectors/tpm gets the verdict that its row asks for")
{
    struct vectors v;
    struct rotor_bytes sources;
    unsigned right = 0;
    unsigned total = 0;
    if (!vectors_open_bytes(&v, "SOURCES.tsv", &sources)) {
        SKIP("no vectors");
    }
    const char *line = (const char *)sources.data;
    while (line != NULL && *line != '\0') {
        struct row row = {.said = "not what it should be"};
        struct vectors file;
        const char *next = strchr(line, '\n');
        if (sscanf(line, "%255[^\t]", row.path) == 1 &&
            strncmp(row.path, "tpm/", 4) == 0) {
            assert_true(vectors_open_bytes(&file, row.path, &row.content));
            bool is_right = judge(&row);
            print_message("%-5s %-62s %s\n", is_right ? "right" : "WRONG",
                          row.path + 4, row.said);
            right += is_right ? 1 : 0;
            total++;
            vectors_close(&file);
        }
        line = next == NULL ? NULL : next + 1;
    }
    print_message("vectors/tpm: %u of %u right\n", right, total);
    vectors_close(&v);
    assert_true(total >= 55);
    assert_int_equal(right, total);
}

// ---- what a row of the table cannot say ------------------------------------

// The firmware of this machine told the TPM of the exit from boot services and
// forgot the log: a public test of go-attestation has the true value of PCR 5.
SPEC("a log that lacks an event does not replay to the register")
{
    static const uint8_t true_value[20] = {
        0x31, 0x24, 0x58, 0x08, 0xd6, 0xd3, 0x58, 0x49, 0xbc, 0x39,
        0x4f, 0x63, 0x43, 0xf2, 0xb3, 0xff, 0x90, 0x8e, 0xd5, 0xe3};
    static const char *const missing[] = {
        "Exit Boot Services Invocation",
        "Exit Boot Services Returned with Success"};
    static struct verify_eventlog replayed;
    struct vectors v;
    struct rotor_bytes log;
    uint8_t value[20];
    if (!vectors_open_bytes(&v, "tpm/go-attestation/ebs_event_missing_eventlog",
                            &log)) {
        SKIP("no vectors");
    }
    assert_ok(verify_eventlog_replay(log, &replayed));
    memcpy(value, replayed.pcrs.banks[0].values[5], sizeof value);
    assert_memory_not_equal(value, true_value, sizeof value);
    for (size_t i = 0; i < COUNT_OF(missing); i++) {
        struct rotor_bytes text = bytes_of(missing[i], strlen(missing[i]));
        uint8_t digest[20];
        assert_ok(crypto_hash(CRYPTO_SHA1, &text, 1, digest));
        const struct rotor_bytes both[] = {BYTES_OF(value), BYTES_OF(digest)};
        assert_ok(crypto_hash(CRYPTO_SHA1, both, 2, value));
    }
    assert_memory_equal(value, true_value, sizeof value);
    vectors_close(&v);
}

SPEC("a log of nothing but a locality leaves all registers as after a reset")
{
    static struct verify_eventlog replayed;
    struct vectors v;
    struct rotor_bytes log;
    if (!vectors_open_bytes(&v, "tpm/go-attestation/short_no_action_eventlog",
                            &log)) {
        SKIP("no vectors");
    }
    assert_ok(verify_eventlog_replay(log, &replayed));
    assert_int_equal(replayed.pcrs.banks[0].known, 0);
    assert_int_equal(replayed.startup_locality, 3);
    vectors_close(&v);
}
