// SPDX-License-Identifier: Apache-2.0
#include "launch/birth.h"

#include "wire/layout.h"

static const struct wire_field BIRTH[] = {
    UINT(0, launch_birth, component, BOOT_ENCLAVE),
    BYTES(1, launch_birth, cdi_attest, BOOT_CDI_SIZE, BOOT_CDI_SIZE),
    BYTES(2, launch_birth, cdi_seal, BOOT_CDI_SIZE, BOOT_CDI_SIZE),
    BYTES(3, launch_birth, certificate, 1, BOOT_CERTIFICATE_MAX),
    BYTES(4, launch_birth, uds_key, 1, WIRE_KEY_ENCODED_MAX),
    OF(DIGEST, 5, launch_birth, measurement),
    UINT(6, launch_birth, version, UINT32_MAX),
    UINT(7, launch_birth, security_version, UINT32_MAX),
    UINT(8, launch_birth, queue_seed, UINT32_MAX),
    UINT(9, launch_birth, walls, UINT64_MAX),
    ITEM(10, launch_birth, settings, 512),
};
static const struct wire_field SETTINGS[] = {
    UINT(0, launch_settings, suite, UINT16_MAX),
    UINT(1, launch_settings, cryptoperiod_s, UINT32_MAX),
    UINT(2, launch_settings, jitter_percent, 50),
    UINT(3, launch_settings, usage_limit, UINT64_MAX),
    UINT(4, launch_settings, min_interval_s, UINT32_MAX),
    UINT(5, launch_settings, max_per_day, UINT32_MAX),
    UINT(6, launch_settings, grace_s, UINT32_MAX),
    TEXT(7, launch_settings, plugged_entropy, 32),
    UINT(8, launch_settings, plugged_is_required, 1),
    OF(MDIGEST, 9, launch_settings, authority),
    UINT(10, launch_settings, anchor_kind, 1),
    UINT(11, launch_settings, is_sealed, 1),
    UINT(12, launch_settings, seal_registers, 0xffffff),
};

const struct wire_layout LAUNCH_LAYOUT_BIRTH = {
    WIRE_NONE, false, sizeof(struct launch_birth), BIRTH, COUNT_OF(BIRTH)};
const struct wire_layout LAUNCH_LAYOUT_SETTINGS = {
    WIRE_NONE, false, sizeof(struct launch_settings), SETTINGS,
    COUNT_OF(SETTINGS)};
