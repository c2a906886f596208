// SPDX-License-Identifier: Apache-2.0
#include "verify/dcap_platform.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/bytes.h"
#include "verify/der.h"

// 1.2.840.113741.1.13.1
static const uint8_t oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf8,
                              0x4d, 0x01, 0x0d, 0x01};
const struct rotor_bytes verify_dcap_platform_oid = {oid, sizeof oid};

// Arcs below it, and below the TCB.
enum {
    ARC_PPID = 1,
    ARC_TCB = 2,
    ARC_PCEID = 3,
    ARC_FMSPC = 4,
    ARC_PCESVN = 17,
    ARC_CPUSVN = 18,
};

#define FIELDS_WANTED                                                          \
    (1u << ARC_PPID | 1u << ARC_TCB | 1u << ARC_PCEID | 1u << ARC_FMSPC)
// 1 to 18.
#define TCB_WANTED 0x7fffeu

// One SEQUENCE of an OID below `prefix` and a value.
struct field {
    uint32_t arc; // 0: of someone else
    struct verify_der_element value;
};

static enum rotor_status take_field(struct rotor_bytes *rest,
                                    struct rotor_bytes prefix,
                                    struct field *field)
{
    struct rotor_bytes pair;
    struct rotor_bytes name;
    TRY(verify_der_take(rest, VERIFY_DER_SEQUENCE, &pair));
    TRY(verify_der_take(&pair, VERIFY_DER_OID, &name));
    TRY(verify_der_next(&pair, &field->value));
    if (pair.size != 0) {
        return ROTOR_MALFORMED;
    }
    bool is_ours = name.size == prefix.size + 1 &&
                   memcmp(name.data, prefix.data, prefix.size) == 0 &&
                   name.data[prefix.size] < 31;
    field->arc = is_ours ? name.data[prefix.size] : 0;
    return ROTOR_OK;
}

static enum rotor_status take_octets(const struct field *field, uint8_t *out,
                                     size_t size)
{
    if (field->value.tag != VERIFY_DER_OCTETS ||
        field->value.content.size != size) {
        return ROTOR_MALFORMED;
    }
    memcpy(out, field->value.content.data, size);
    return ROTOR_OK;
}

static enum rotor_status take_svn(const struct field *field, uint32_t max,
                                  uint32_t *svn)
{
    if (field->value.tag != VERIFY_DER_INTEGER) {
        return ROTOR_MALFORMED;
    }
    TRY(verify_der_number(field->value.content, svn));
    return *svn <= max ? ROTOR_OK : ROTOR_MALFORMED;
}

static enum rotor_status take_tcb_field(const struct field *field,
                                        struct verify_dcap_platform *platform)
{
    uint32_t svn = 0;
    if (field->arc == ARC_CPUSVN) {
        return take_octets(field, platform->cpusvn, sizeof platform->cpusvn);
    }
    if (field->arc == ARC_PCESVN) {
        TRY(take_svn(field, UINT16_MAX, &svn));
        platform->pcesvn = (uint16_t)svn;
        return ROTOR_OK;
    }
    if (field->arc == 0 || field->arc > VERIFY_DCAP_COMPONENTS) {
        return ROTOR_OK;
    }
    TRY(take_svn(field, UINT8_MAX, &svn));
    platform->components[field->arc - 1] = (uint8_t)svn;
    return ROTOR_OK;
}

static bool is_new(uint32_t *seen, uint32_t arc)
{
    uint32_t bit = UINT32_C(1) << arc;
    bool is_first = arc == 0 || (*seen & bit) == 0;
    *seen |= bit;
    return is_first;
}

static enum rotor_status take_tcb(const struct field *field,
                                  struct verify_dcap_platform *platform)
{
    static const uint8_t tcb_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf8,
                                      0x4d, 0x01, 0x0d, 0x01, ARC_TCB};
    if (field->value.tag != VERIFY_DER_SEQUENCE) {
        return ROTOR_MALFORMED;
    }
    struct rotor_bytes rest = field->value.content;
    uint32_t seen = 0;
    while (rest.size != 0) {
        struct field one;
        TRY(take_field(&rest, BYTES_OF(tcb_oid), &one));
        if (!is_new(&seen, one.arc)) {
            return ROTOR_MALFORMED;
        }
        TRY(take_tcb_field(&one, platform));
    }
    return (seen & TCB_WANTED) == TCB_WANTED ? ROTOR_OK : ROTOR_MALFORMED;
}

static enum rotor_status take_platform_field(const struct field *field,
                                             struct verify_dcap_platform *into)
{
    switch (field->arc) {
    case ARC_PPID:
        return take_octets(field, into->ppid, sizeof into->ppid);
    case ARC_TCB:
        return take_tcb(field, into);
    case ARC_PCEID:
        return take_octets(field, into->pceid, sizeof into->pceid);
    case ARC_FMSPC:
        return take_octets(field, into->fmspc, sizeof into->fmspc);
    default:
        return ROTOR_OK; // platform type, instance, configuration
    }
}

enum rotor_status
verify_dcap_platform_read(struct rotor_bytes extension,
                          struct verify_dcap_platform *platform)
{
    struct verify_dcap_platform found = {0};
    struct rotor_bytes rest;
    TRY(verify_der_take(&extension, VERIFY_DER_SEQUENCE, &rest));
    if (extension.size != 0) {
        return ROTOR_MALFORMED;
    }
    uint32_t seen = 0;
    while (rest.size != 0) {
        struct field field;
        TRY(take_field(&rest, verify_dcap_platform_oid, &field));
        if (!is_new(&seen, field.arc)) {
            return ROTOR_MALFORMED;
        }
        TRY(take_platform_field(&field, &found));
    }
    if ((seen & FIELDS_WANTED) != FIELDS_WANTED) {
        return ROTOR_MALFORMED;
    }
    *platform = found;
    return ROTOR_OK;
}
