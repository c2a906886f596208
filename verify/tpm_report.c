// SPDX-License-Identifier: Apache-2.0
#include "verify/tpm_report.h"

#include <string.h>

#include "base/bytes.h"
#include "verify/eventlog.h"
#include "wire/cbor.h"

#define PARTS 8u

static size_t count_of(uint32_t registers)
{
    size_t count = 0;
    for (; registers != 0; registers &= registers - 1) {
        count++;
    }
    return count;
}

static void write_bank(struct cbor_writer *out,
                       const struct verify_pcr_bank *bank)
{
    cbor_write_array(out, 3);
    cbor_write_uint(out, bank->algorithm);
    cbor_write_uint(out, bank->known);
    cbor_write_array(out, count_of(bank->known));
    for (unsigned pcr = 0; pcr < VERIFY_PCR_COUNT; pcr++) {
        if ((bank->known >> pcr & 1u) != 0) {
            cbor_write_bytes(out, bytes_of(bank->values[pcr], bank->size));
        }
    }
}

enum rotor_status
verify_tpm_report_encode(const struct verify_tpm_report *report,
                         struct rotor_room *bytes)
{
    struct cbor_writer out;
    cbor_writer_init(&out, bytes);
    cbor_write_array(&out, PARTS);
    cbor_write_bytes(&out, report->quote);
    cbor_write_bytes(&out, report->signature);
    cbor_write_bytes(&out, report->ak_public);
    cbor_write_array(&out, report->pcrs.bank_count);
    for (size_t i = 0; i < report->pcrs.bank_count; i++) {
        write_bank(&out, &report->pcrs.banks[i]);
    }
    cbor_write_bytes(&out, report->event_log);
    cbor_write_bytes(&out, report->ak_certificate);
    cbor_write_bytes(&out, report->ek_public);
    cbor_write_bytes(&out, report->ek_certificate);
    return cbor_writer_finish(&out);
}

static void read_bank(struct cbor_reader *in, struct verify_pcrs *pcrs)
{
    cbor_read_array_of(in, 3);
    uint16_t algorithm = (uint16_t)cbor_read_uint_max(in, UINT16_MAX);
    uint32_t registers =
        (uint32_t)cbor_read_uint_max(in, (1u << VERIFY_PCR_COUNT) - 1);
    size_t size = crypto_hash_size(verify_hash_of_tpm(algorithm));
    cbor_read_array_of(in, count_of(registers));
    if (size == 0 || verify_pcr_bank_of(pcrs, algorithm) != NULL) {
        cbor_refuse(in);
        return;
    }
    struct verify_pcr_bank *bank = &pcrs->banks[pcrs->bank_count++];
    bank->algorithm = algorithm;
    bank->size = size;
    bank->known = registers;
    for (unsigned pcr = 0; pcr < VERIFY_PCR_COUNT; pcr++) {
        if ((registers >> pcr & 1u) != 0) {
            cbor_read_bytes_into(in, bank->values[pcr], size);
        }
    }
}

static void read_banks(struct cbor_reader *in, struct verify_pcrs *pcrs)
{
    size_t count = cbor_read_array(in);
    if (count > VERIFY_BANKS_MAX) {
        cbor_refuse(in);
        return;
    }
    for (size_t i = 0; i < count && !cbor_has_failed(in); i++) {
        read_bank(in, pcrs);
    }
}

enum rotor_status verify_tpm_report_decode(struct rotor_bytes bytes,
                                           struct verify_tpm_report *report)
{
    struct cbor_reader in;
    struct verify_tpm_report *r = report;
    memset(r, 0, sizeof *r);
    cbor_reader_init(&in, bytes);
    cbor_read_array_of(&in, PARTS);
    r->quote = cbor_read_bytes_sized(&in, 1, VERIFY_TPM_PART_MAX);
    r->signature = cbor_read_bytes_sized(&in, 1, VERIFY_TPM_PART_MAX);
    r->ak_public = cbor_read_bytes_sized(&in, 1, VERIFY_TPM_PART_MAX);
    read_banks(&in, &r->pcrs);
    r->event_log = cbor_read_bytes_sized(&in, 0, VERIFY_EVENTLOG_MAX);
    r->ak_certificate =
        cbor_read_bytes_sized(&in, 0, VERIFY_TPM_CERTIFICATE_MAX);
    r->ek_public = cbor_read_bytes_sized(&in, 0, VERIFY_TPM_PART_MAX);
    r->ek_certificate =
        cbor_read_bytes_sized(&in, 0, VERIFY_TPM_CERTIFICATE_MAX);
    if (!cbor_finished(&in)) {
        memset(r, 0, sizeof *r);
        return ROTOR_MALFORMED;
    }
    return ROTOR_OK;
}
