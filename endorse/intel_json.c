// SPDX-License-Identifier: Apache-2.0
#include "endorse/intel_json.h"

#include <string.h>

#include <jansson.h>

#include "base/bytes.h"
#include "endorse/intel_value.h"

// ---- the envelope ----------------------------------------------------------

static const struct {
    const char *name;
    enum endorse_intel_kind kind;
} KINDS[] = {
    {"tcbInfo",                  ENDORSE_INTEL_TCB_INFO   },
    {"enclaveIdentity",          ENDORSE_INTEL_QE_IDENTITY},
    {"tcbEvaluationDataNumbers", ENDORSE_INTEL_EVALUATIONS},
};

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct rotor_bytes skip(struct rotor_bytes text, size_t size)
{
    text.data += size;
    text.size -= size;
    return text;
}

static struct rotor_bytes skip_space(struct rotor_bytes text)
{
    while (text.size != 0 && is_space(text.data[0])) {
        text = skip(text, 1);
    }
    return text;
}

static bool take(struct rotor_bytes *text, char c)
{
    struct rotor_bytes rest = skip_space(*text);
    if (rest.size == 0 || rest.data[0] != (uint8_t)c) {
        return false;
    }
    *text = skip(rest, 1);
    return true;
}

// A string without escapes: the envelope needs none.
static bool take_plain(struct rotor_bytes *text, struct rotor_bytes *string)
{
    if (!take(text, '"')) {
        return false;
    }
    size_t size = 0;
    while (size < text->size && text->data[size] != '"' &&
           text->data[size] != '\\' && text->data[size] >= 0x20) {
        size++;
    }
    *string = (struct rotor_bytes){text->data, size};
    *text = skip(*text, size);
    return take(text, '"');
}

// The JSON library says how far an object reaches, and finds keys that stand
// twice.
static bool take_object(struct rotor_bytes *text, struct rotor_bytes *object)
{
    struct rotor_bytes rest = skip_space(*text);
    if (rest.size == 0 || rest.data[0] != '{') {
        return false;
    }
    json_error_t error;
    json_t *parsed =
        json_loadb((const char *)rest.data, rest.size,
                   JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &error);
    if (parsed == NULL) {
        return false;
    }
    json_decref(parsed);
    size_t size = (size_t)error.position;
    if (error.position <= 0 || size > rest.size || rest.data[size - 1] != '}') {
        return false;
    }
    *object = (struct rotor_bytes){rest.data, size};
    *text = skip(rest, size);
    return true;
}

static enum endorse_intel_kind kind_of(struct rotor_bytes name)
{
    for (size_t i = 0; i < COUNT_OF(KINDS); i++) {
        if (bytes_equal(name, bytes_of(KINDS[i].name, strlen(KINDS[i].name)))) {
            return KINDS[i].kind;
        }
    }
    return ENDORSE_INTEL_NONE;
}

static bool take_member(struct rotor_bytes *text,
                        struct endorse_intel_envelope *into, bool *is_signed)
{
    struct rotor_bytes name;
    struct rotor_bytes value;
    if (!take_plain(text, &name) || !take(text, ':')) {
        return false;
    }
    if (bytes_equal(name, LABEL("signature"))) {
        bool is_first = !*is_signed;
        *is_signed = true;
        return is_first && take_plain(text, &value) &&
               intel_hex(value, ROOM_OF(into->signature));
    }
    bool is_first = into->kind == ENDORSE_INTEL_NONE;
    into->kind = kind_of(name);
    return is_first && into->kind != ENDORSE_INTEL_NONE &&
           take_object(text, &into->body);
}

enum rotor_status endorse_intel_read(struct rotor_bytes text,
                                     struct endorse_intel_envelope *envelope)
{
    struct endorse_intel_envelope found = {0};
    bool is_signed = false;
    bool is_good = text.size <= ENDORSE_INTEL_TEXT_MAX && take(&text, '{') &&
                   take_member(&text, &found, &is_signed) && take(&text, ',') &&
                   take_member(&text, &found, &is_signed) && take(&text, '}') &&
                   skip_space(text).size == 0;
    if (!is_good) {
        return ROTOR_MALFORMED;
    }
    *envelope = found;
    return ROTOR_OK;
}

// ---- what all bodies have --------------------------------------------------

// NULL unless the body is one object.
static json_t *parse(const struct endorse_intel_envelope *envelope,
                     enum endorse_intel_kind kind)
{
    bool is_wanted = kind == ENDORSE_INTEL_NONE || envelope->kind == kind;
    if (!is_wanted || envelope->body.size > ENDORSE_INTEL_TEXT_MAX) {
        return NULL;
    }
    return json_loadb((const char *)envelope->body.data, envelope->body.size,
                      JSON_REJECT_DUPLICATES, NULL);
}

static struct verify_dcap_statement
read_statement(struct intel_reader *in,
               const struct endorse_intel_envelope *envelope,
               const json_t *body)
{
    struct verify_dcap_statement statement = {
        .body = envelope->body,
        .issued_s = intel_time(in, body, "issueDate"),
        .next_s = intel_time(in, body, "nextUpdate"),
    };
    memcpy(statement.signature, envelope->signature,
           sizeof statement.signature);
    if (envelope->kind != ENDORSE_INTEL_EVALUATIONS) {
        statement.evaluation =
            intel_number(in, body, "tcbEvaluationDataNumber", INT32_MAX);
    }
    return statement;
}

enum rotor_status
endorse_intel_statement(const struct endorse_intel_envelope *envelope,
                        struct verify_dcap_statement *statement)
{
    json_t *body = parse(envelope, ENDORSE_INTEL_NONE);
    struct intel_reader in = {.is_bad = body == NULL};
    struct verify_dcap_statement found = read_statement(&in, envelope, body);
    json_decref(body);
    if (in.is_bad) {
        return ROTOR_MALFORMED;
    }
    *statement = found;
    return ROTOR_OK;
}

static void read_isv_levels(struct intel_reader *in, const json_t *object,
                            struct verify_dcap_isv_levels *levels)
{
    const json_t *list =
        intel_list(in, object, "tcbLevels", COUNT_OF(levels->levels));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *level = json_array_get(list, i);
        const json_t *tcb = intel_object(in, level, "tcb");
        levels->levels[i] = (struct verify_dcap_isv_level){
            .isvsvn = (uint16_t)intel_number(in, tcb, "isvsvn", UINT16_MAX),
            .status = intel_status(in, level),
        };
    }
    levels->count = json_array_size(list);
    in->is_bad |= levels->count == 0;
}

// ---- TCB info --------------------------------------------------------------

static void read_module(struct intel_reader *in, const json_t *object,
                        struct verify_dcap_module *module)
{
    intel_hex_of(in, object, "mrsigner", ROOM_OF(module->mrsigner));
    intel_hex_of(in, object, "attributes", ROOM_OF(module->attributes));
    intel_hex_of(in, object, "attributesMask",
                 ROOM_OF(module->attributes_mask));
}

static void read_modules(struct intel_reader *in, const json_t *body,
                         struct verify_dcap_tcb_info *info)
{
    read_module(in, intel_object(in, body, "tdxModule"), &info->module);
    if (json_object_get(body, "tdxModuleIdentities") == NULL) {
        return; // Intel said nothing of versions until 2023
    }
    const json_t *list =
        intel_list(in, body, "tdxModuleIdentities", COUNT_OF(info->modules));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *object = json_array_get(list, i);
        struct verify_dcap_module *module = &info->modules[i];
        module->version = intel_module_version(in, object);
        read_module(in, object, module);
        read_isv_levels(in, object, &module->levels);
        for (size_t j = 0; j < i; j++) {
            in->is_bad |= info->modules[j].version == module->version;
        }
    }
    info->module_count = json_array_size(list);
}

static void read_tcb(struct intel_reader *in, const json_t *level,
                     const struct verify_dcap_tcb_info *info,
                     struct verify_dcap_tcb_level *into)
{
    const json_t *tcb = intel_object(in, level, "tcb");
    into->pcesvn = (uint16_t)intel_number(in, tcb, "pcesvn", UINT16_MAX);
    if (info->version == 2) {
        intel_numbered_svns(in, tcb, into->sgx);
        return;
    }
    intel_svns(in, tcb, "sgxtcbcomponents", into->sgx);
    if (info->tee == VERIFY_DCAP_TEE_TDX) {
        intel_svns(in, tcb, "tdxtcbcomponents", into->tdx);
    }
}

static void read_levels(struct intel_reader *in, const json_t *body,
                        struct verify_dcap_tcb_info *info)
{
    const json_t *list =
        intel_list(in, body, "tcbLevels", COUNT_OF(info->levels));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *level = json_array_get(list, i);
        read_tcb(in, level, info, &info->levels[i]);
        info->levels[i].status = intel_status(in, level);
        intel_advisories(in, level, info->levels[i].advisories,
                         sizeof info->levels[i].advisories);
    }
    info->level_count = json_array_size(list);
    in->is_bad |= info->level_count == 0;
}

static enum verify_dcap_tee read_tee(struct intel_reader *in,
                                     const json_t *body, uint32_t version)
{
    if (version == 2) {
        return VERIFY_DCAP_TEE_SGX; // there was no other
    }
    const char *id = intel_text(in, body, "id");
    if (strcmp(id, "TDX") == 0) {
        return VERIFY_DCAP_TEE_TDX;
    }
    in->is_bad |= strcmp(id, "SGX") != 0;
    return VERIFY_DCAP_TEE_SGX;
}

static void read_tcb_info(struct intel_reader *in, const json_t *body,
                          struct verify_dcap_tcb_info *info)
{
    info->version = intel_number(in, body, "version", 3);
    in->is_bad |= info->version < 2;
    info->tee = read_tee(in, body, info->version);
    intel_hex_of(in, body, "fmspc", ROOM_OF(info->fmspc));
    intel_hex_of(in, body, "pceId", ROOM_OF(info->pceid));
    // 0: levels are compared one component at a time.  There is no other.
    (void)intel_number(in, body, "tcbType", 0);
    if (info->tee == VERIFY_DCAP_TEE_TDX) {
        read_modules(in, body, info);
    }
    read_levels(in, body, info);
}

enum rotor_status
endorse_intel_tcb_info(const struct endorse_intel_envelope *envelope,
                       struct verify_dcap_tcb_info *info)
{
    json_t *body = parse(envelope, ENDORSE_INTEL_TCB_INFO);
    struct intel_reader in = {.is_bad = body == NULL};
    memset(info, 0, sizeof *info);
    info->statement = read_statement(&in, envelope, body);
    read_tcb_info(&in, body, info);
    json_decref(body);
    if (in.is_bad) {
        memset(info, 0, sizeof *info);
        return ROTOR_MALFORMED;
    }
    return ROTOR_OK;
}

// ---- QE identity -----------------------------------------------------------

static enum verify_dcap_enclave read_enclave(struct intel_reader *in,
                                             const json_t *body)
{
    static const struct {
        const char *id;
        enum verify_dcap_enclave enclave;
    } ids[] = {
        {"QE",    VERIFY_DCAP_QE   },
        {"TD_QE", VERIFY_DCAP_TD_QE},
        {"QVE",   VERIFY_DCAP_QVE  },
    };
    const char *id = intel_text(in, body, "id");
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        if (strcmp(id, ids[i].id) == 0) {
            return ids[i].enclave;
        }
    }
    in->is_bad = true;
    return VERIFY_DCAP_ENCLAVE_NONE;
}

static void read_identity(struct intel_reader *in, const json_t *body,
                          struct verify_dcap_qe_identity *identity)
{
    in->is_bad |= intel_number(in, body, "version", 2) != 2;
    identity->enclave = read_enclave(in, body);
    intel_hex_of(in, body, "miscselect", ROOM_OF(identity->miscselect));
    intel_hex_of(in, body, "miscselectMask",
                 ROOM_OF(identity->miscselect_mask));
    intel_hex_of(in, body, "attributes", ROOM_OF(identity->attributes));
    intel_hex_of(in, body, "attributesMask",
                 ROOM_OF(identity->attributes_mask));
    intel_hex_of(in, body, "mrsigner", ROOM_OF(identity->mrsigner));
    identity->isvprodid =
        (uint16_t)intel_number(in, body, "isvprodid", UINT16_MAX);
    read_isv_levels(in, body, &identity->levels);
}

enum rotor_status
endorse_intel_qe_identity(const struct endorse_intel_envelope *envelope,
                          struct verify_dcap_qe_identity *identity)
{
    json_t *body = parse(envelope, ENDORSE_INTEL_QE_IDENTITY);
    struct intel_reader in = {.is_bad = body == NULL};
    memset(identity, 0, sizeof *identity);
    identity->statement = read_statement(&in, envelope, body);
    read_identity(&in, body, identity);
    json_decref(body);
    if (in.is_bad) {
        memset(identity, 0, sizeof *identity);
        return ROTOR_MALFORMED;
    }
    return ROTOR_OK;
}
