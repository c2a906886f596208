// SPDX-License-Identifier: Apache-2.0
// Forms in which quotes travel.
#include <stdlib.h>
#include <string.h>

#include "test/spec.h"
#include "test/spec/tpm_maker.h"
#include "verify/tpm_forms.h"
#include "verify/tpm_report.h"

static struct rotor_bytes text_of(const char *text)
{
    return bytes_of(text, strlen(text));
}

// ---- values of tpm2-tools --------------------------------------------------

struct tpm2_file {
    uint8_t bytes[4 + 16 * 8 + 4 + 2 * (4 + 8 * 66)];
};

// Registers 0 to 8 of SHA-256, in two lists: the second has one value.
static void fill_file(struct tpm2_file *file)
{
    uint8_t *at = file->bytes;
    memset(file, 0, sizeof *file);
    bytes_put_le32(at, 1);
    bytes_put_le16(at + 4, VERIFY_TPM_SHA256);
    memcpy(at + 6, "\x03\xff\x01\x00", 4);
    at += 4 + 16 * 8;
    bytes_put_le32(at, 2);
    at += 4;
    bytes_put_le32(at, 8);
    bytes_put_le32(at + 4 + 8 * 66, 1);
    for (size_t i = 0; i < 9; i++) {
        uint8_t *value = at + 4 + i * 66 + (i == 8 ? 4 : 0);
        bytes_put_le16(value, 32);
        memset(value + 2, (int)(0xb0 + i), 32);
    }
}

SPEC("a file of register values is read across its lists")
{
    static struct verify_pcrs pcrs;
    struct tpm2_file file;
    fill_file(&file);
    assert_ok(verify_tpm2_pcrs_decode(BYTES_OF(file.bytes), &pcrs));
    assert_int_equal(pcrs.bank_count, 1);
    assert_int_equal(pcrs.banks[0].known, 0x1ff);
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(pcrs.banks[0].values[i][31], 0xb0 + i);
    }
}

SPEC("a file of register values that does not fit its selection is refused")
{
    static const struct {
        size_t at;
        uint8_t value;
    } wrong[] = {
        {0,                0   }, // no bank, but values
        {0,                9   }, // more banks than there are
        {0,                2   }, // the second bank is of no hash
        {4,                0x12}, // SM3
        {6,                5   }, // a bitmap of five bytes
        {7,                0xfe}, // a value too many
        {8,                0x03}, // one too few
        {10,               0x01}, // register 24
        {132,              1   }, // a list too few
        {132,              3   }, // one too many
        {136,              9   }, // more than a list holds
        {140,              31  }, // a value of another size
        {136 + 4 + 8 * 66, 0   }, // an empty list
    };
    static struct verify_pcrs pcrs;
    struct tpm2_file file;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        fill_file(&file);
        file.bytes[wrong[i].at] = wrong[i].value;
        assert_int_equal(verify_tpm2_pcrs_decode(BYTES_OF(file.bytes), &pcrs),
                         ROTOR_MALFORMED);
        assert_int_equal(pcrs.bank_count, 0);
    }
    fill_file(&file); // the same bank twice, the second time without registers
    file.bytes[0] = 2;
    bytes_put_le16(file.bytes + 4 + 8, VERIFY_TPM_SHA256);
    assert_int_equal(verify_tpm2_pcrs_decode(BYTES_OF(file.bytes), &pcrs),
                     ROTOR_MALFORMED);
    bytes_put_le16(file.bytes + 4 + 8, VERIFY_TPM_SHA384);
    assert_ok(verify_tpm2_pcrs_decode(BYTES_OF(file.bytes), &pcrs));
    for (size_t size = 0; size < sizeof file.bytes; size += 11) {
        fill_file(&file);
        uint8_t *cut = malloc(size + 1);
        memcpy(cut, file.bytes, size);
        assert_int_equal(verify_tpm2_pcrs_decode(bytes_of(cut, size), &pcrs),
                         ROTOR_MALFORMED);
        free(cut);
    }
}

SPEC("a quote of keylime comes apart into three parts, not two and not four")
{
    struct verify_keylime_quote quote;
    uint8_t memory[16];
    struct rotor_room room = ROOM_OF(memory);
    assert_ok(
        verify_keylime_decode(text_of("rAQID:BAU=:Bg==\n"), &room, &quote));
    assert_int_equal(quote.quote.size, 3);
    assert_memory_equal(quote.signature.data, "\x04\x05", 2);
    assert_memory_equal(quote.pcrs.data, "\x06", 1);
    static const char *const wrong[] = {"",
                                        "AQID:BAU=:Bg==",
                                        "rAQID:BAU=",
                                        "rAQID::Bg==",
                                        "rAQID:BAU=:Bg==:Bg==",
                                        "dAQID:BAU=:Bg=="};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_int_equal(
            verify_keylime_decode(text_of(wrong[i]), &room, &quote),
            ROTOR_MALFORMED);
    }
}

// ---- the report ------------------------------------------------------------

static const struct verify_tpm_report *some_report(void)
{
    static struct verify_tpm_report report;
    memset(&report, 0, sizeof report);
    report.quote = text_of("quote");
    report.signature = text_of("signature");
    report.ak_public = text_of("area");
    report.event_log = text_of("log");
    report.ek_public = text_of("ek");
    report.ek_certificate = text_of("certificate");
    made_values(&report.pcrs);
    return &report;
}

SPEC("a report is read back as it was written")
{
    static uint8_t memory[4096];
    static struct verify_tpm_report back;
    struct rotor_room room = ROOM_OF(memory);
    const struct verify_tpm_report *report = some_report();
    assert_ok(verify_tpm_report_encode(report, &room));
    assert_ok(verify_tpm_report_decode(bytes_in(&room), &back));
    assert_true(bytes_equal(back.quote, report->quote));
    assert_true(bytes_equal(back.event_log, report->event_log));
    assert_true(bytes_equal(back.ek_certificate, report->ek_certificate));
    assert_int_equal(back.ak_certificate.size, 0);
    assert_memory_equal(&back.pcrs, &report->pcrs, sizeof back.pcrs);
}

SPEC("a report cut anywhere, or with a byte behind, is refused")
{
    static uint8_t memory[4096];
    static struct verify_tpm_report back;
    struct rotor_room room = ROOM_OF(memory);
    assert_ok(verify_tpm_report_encode(some_report(), &room));
    for (size_t size = 0; size <= room.used + 1; size++) {
        assert_int_equal(
            verify_tpm_report_decode(bytes_of(memory, size), &back),
            size == room.used ? ROTOR_OK : ROTOR_MALFORMED);
    }
}

SPEC("a bank twice, of an unknown hash, or of other values is refused")
{
    static uint8_t memory[4096];
    static struct verify_tpm_report report;
    static struct verify_tpm_report back;
    for (int i = 0; i < 4; i++) {
        struct rotor_room room = ROOM_OF(memory);
        report = *some_report();
        if (i == 1) {
            report.pcrs.banks[1] = report.pcrs.banks[0];
            report.pcrs.bank_count = 2;
        } else if (i == 2) {
            report.pcrs.banks[0].algorithm = 0x0012;
        } else if (i == 3) {
            report.pcrs.banks[0].size = 31;
        }
        assert_ok(verify_tpm_report_encode(&report, &room));
        assert_int_equal(verify_tpm_report_decode(bytes_in(&room), &back),
                         i == 0 ? ROTOR_OK : ROTOR_MALFORMED);
    }
}
