// SPDX-License-Identifier: Apache-2.0
// Reports of a confidential guest through the kernel's configfs-tsm interface
// (Documentation/ABI/testing/configfs-tsm): one entry a report, made by mkdir.
//
// Untested on hardware: the tests speak to a folder that obeys the same ABI.
#ifndef ROTOR_APP_ROTOR_ATTEST_TSM_H
#define ROTOR_APP_ROTOR_ATTEST_TSM_H

#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#define TSM_FOLDER     "/sys/kernel/config/tsm/report"
#define TSM_REPORT_MAX 32768u // bytes
#define TSM_DATA_SIZE  64u
#define TSM_WORD_SIZE  64u

struct tsm_report {
    char provider[TSM_WORD_SIZE]; // "sev_guest", "tdx_guest", ...
    size_t report_size;
    size_t certificates_size;
    uint8_t report[TSM_REPORT_MAX];       // outblob
    uint8_t certificates[TSM_REPORT_MAX]; // auxblob; empty if there is none
    char why[160];                        // of a failure
};

// Asks for one report over `data`.
//
// ROTOR_AGAIN        somebody else wrote to the entry meanwhile.
// ROTOR_FORBIDDEN    this user may not.
// ROTOR_PORT_FAILED  there is no such interface, or it refused.
ROTOR_CALL tsm_take(const char *folder, const uint8_t data[TSM_DATA_SIZE],
                    struct tsm_report *report);

#endif
