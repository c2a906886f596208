// SPDX-License-Identifier: Apache-2.0
// Messages Evidence and Endorsements of oak.attestation.v1.
#include "base/bytes.h"
#include "verify/oak.h"
#include "verify/protobuf.h"

// Evidence: 1 root_layer, 2 layers, 3 application_keys, 4 event_log; 5 and 6
// are not looked at.  Any other field would be a statement that is passed over.
// RootLayerEvidence: 1 platform, 2 report, 3 public key.
// LayerEvidence: 1 certificate.  EventLog: 2 encoded events.
// Endorsements: 1 to 5 one kind of chain each, whose field 1 is the root layer
// with the certificate in field 1; or 8, a variant with the same inside.

#define CHAIN_KINDS_MAX 5u

static bool take(struct rotor_bytes *place, const struct verify_field *field)
{
    if (!field->is_bytes || !bytes_are_empty(*place)) {
        return false;
    }
    *place = field->bytes;
    return true;
}

static bool read_root(struct verify_oak_evidence *evidence,
                      struct rotor_bytes message)
{
    struct verify_protobuf in = {.input = message};
    struct verify_field field;
    bool ok = true;
    while (ok && verify_protobuf_next(&in, &field)) {
        if (field.number == 1) {
            ok = !field.is_bytes;
            evidence->platform = field.value;
        } else if (field.number == 2) {
            ok = take(&evidence->report, &field);
        } else {
            ok = field.number == 3 && take(&evidence->root_key, &field);
        }
    }
    return ok && verify_protobuf_finished(&in);
}

static bool read_layer(struct verify_oak_evidence *evidence,
                       struct rotor_bytes message)
{
    struct verify_protobuf in = {.input = message};
    struct verify_field field;
    if (evidence->layer_count == VERIFY_OAK_LAYERS_MAX) {
        return false;
    }
    struct rotor_bytes *layer = &evidence->layers[evidence->layer_count++];
    bool ok = true;
    while (ok && verify_protobuf_next(&in, &field)) {
        ok = field.number == 1 && take(layer, &field);
    }
    return ok && verify_protobuf_finished(&in);
}

static bool read_keys(struct verify_oak_evidence *evidence,
                      struct rotor_bytes message)
{
    struct verify_protobuf in = {.input = message};
    struct verify_field field;
    bool ok = true;
    while (ok && verify_protobuf_next(&in, &field)) {
        ok = field.number <= VERIFY_OAK_KEYS &&
             take(&evidence->application_keys[field.number - 1], &field);
    }
    return ok && verify_protobuf_finished(&in);
}

static bool read_events(struct verify_oak_evidence *evidence,
                        struct rotor_bytes message)
{
    struct verify_protobuf in = {.input = message};
    struct verify_field field;
    while (verify_protobuf_next(&in, &field)) {
        if (field.number != 2 || !field.is_bytes ||
            evidence->event_count == COUNT_OF(evidence->events)) {
            return false;
        }
        evidence->events[evidence->event_count++] = field.bytes;
    }
    return verify_protobuf_finished(&in);
}

static bool read_part(struct verify_oak_evidence *evidence,
                      const struct verify_field *field)
{
    switch (field->number) {
    case 1:
        return field->is_bytes && bytes_are_empty(evidence->report) &&
               read_root(evidence, field->bytes);
    case 2:
        return field->is_bytes && read_layer(evidence, field->bytes);
    case 3:
        return field->is_bytes && read_keys(evidence, field->bytes);
    case 4:
        return field->is_bytes && evidence->event_count == 0 &&
               read_events(evidence, field->bytes);
    case 5:
    case 6:
        return true;
    default:
        return false;
    }
}

enum rotor_status verify_oak_read(struct rotor_bytes bytes,
                                  struct verify_oak_evidence *evidence)
{
    struct verify_protobuf in = {.input = bytes};
    struct verify_oak_evidence read = {0};
    struct verify_field field;
    bool ok = true;
    *evidence = read;
    while (ok && verify_protobuf_next(&in, &field)) {
        ok = read_part(&read, &field);
    }
    if (!ok || !verify_protobuf_finished(&in) || bytes_are_empty(read.report) ||
        bytes_are_empty(read.root_key)) {
        return ROTOR_MALFORMED;
    }
    *evidence = read;
    return ROTOR_OK;
}

// The first field `number` of `message`; empty if there is none.
static struct rotor_bytes first(struct rotor_bytes message, uint32_t number)
{
    struct verify_protobuf in = {.input = message};
    struct verify_field field;
    while (verify_protobuf_next(&in, &field)) {
        if (field.number == number && field.is_bytes) {
            return field.bytes;
        }
    }
    return (struct rotor_bytes){0};
}

enum rotor_status verify_oak_certificate(struct rotor_bytes endorsements,
                                         struct rotor_bytes *der)
{
    struct rotor_bytes found = {0};
    for (uint32_t kind = 1; kind <= CHAIN_KINDS_MAX; kind++) {
        if (bytes_are_empty(found)) {
            found = first(first(first(endorsements, kind), 1), 1);
        }
    }
    // A variant: 1 its identifier, 2 the root layer.
    if (bytes_are_empty(found)) {
        found = first(first(first(endorsements, 8), 2), 1);
    }
    *der = found;
    return bytes_are_empty(found) ? ROTOR_MALFORMED : ROTOR_OK;
}
