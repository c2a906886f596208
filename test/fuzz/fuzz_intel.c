// SPDX-License-Identifier: Apache-2.0
// JSON of Intel's service.  What is taken is within its bounds, and a level
// that is chosen is one that the platform reaches.
#include <string.h>

#include "base/bytes.h"
#include "endorse/intel_json.h"
#include "test/fuzz/fuzz.h"

static struct verify_dcap_tcb_info info;
static struct verify_dcap_qe_identity identity;

static void check_levels(const struct verify_dcap_isv_levels *levels)
{
    FUZZ_CHECK(levels->count <= VERIFY_DCAP_ISV_LEVELS_MAX);
    for (size_t i = 0; i < levels->count; i++) {
        FUZZ_CHECK((levels->levels[i].status & VERIFY_DCAP_TCB_JUDGED) != 0);
    }
}

static void check_choice(uint8_t svn)
{
    struct verify_dcap_platform platform = {.pcesvn = svn};
    uint8_t tee_tcb_svn[16];
    memset(platform.components, svn, sizeof platform.components);
    memset(tee_tcb_svn, svn, sizeof tee_tcb_svn);
    const struct verify_dcap_tcb_level *level = verify_dcap_level_for(
        &info, &platform, info.tee == VERIFY_DCAP_TEE_TDX ? tee_tcb_svn : NULL);
    if (level == NULL) {
        return;
    }
    FUZZ_CHECK(level >= info.levels && level < info.levels + info.level_count);
    FUZZ_CHECK(level->pcesvn <= svn);
    for (size_t i = 0; i < VERIFY_DCAP_COMPONENTS; i++) {
        FUZZ_CHECK(level->sgx[i] <= svn);
    }
}

static void check_info(void)
{
    FUZZ_CHECK(info.version == 2 || info.version == 3);
    FUZZ_CHECK(info.level_count != 0);
    FUZZ_CHECK(info.level_count <= VERIFY_DCAP_LEVELS_MAX);
    FUZZ_CHECK(info.module_count <= VERIFY_DCAP_MODULES_MAX);
    for (size_t i = 0; i < info.module_count; i++) {
        check_levels(&info.modules[i].levels);
    }
    for (size_t i = 0; i < info.level_count; i++) {
        FUZZ_CHECK(memchr(info.levels[i].advisories, 0,
                          sizeof info.levels[i].advisories) != NULL);
        FUZZ_CHECK((info.levels[i].status & VERIFY_DCAP_TCB_JUDGED) != 0);
    }
    for (unsigned svn = 0; svn < 256; svn += 5) {
        check_choice((uint8_t)svn);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct endorse_intel_envelope envelope;
    struct verify_dcap_statement statement;
    if (endorse_intel_read(bytes_of(data, size), &envelope) != ROTOR_OK) {
        return 0;
    }
    FUZZ_CHECK(envelope.body.data > data);
    FUZZ_CHECK(envelope.body.data + envelope.body.size < data + size);
    FUZZ_CHECK(envelope.body.data[0] == '{');
    FUZZ_CHECK(envelope.body.data[envelope.body.size - 1] == '}');
    bool is_info = endorse_intel_tcb_info(&envelope, &info) == ROTOR_OK;
    bool is_identity =
        endorse_intel_qe_identity(&envelope, &identity) == ROTOR_OK;
    bool is_statement =
        endorse_intel_statement(&envelope, &statement) == ROTOR_OK;
    FUZZ_CHECK(!(is_info && is_identity));
    FUZZ_CHECK(is_statement || (!is_info && !is_identity));
    if (is_info) {
        check_info();
    }
    if (is_identity) {
        check_levels(&identity.levels);
        FUZZ_CHECK(identity.enclave != VERIFY_DCAP_ENCLAVE_NONE);
    }
    return 0;
}
