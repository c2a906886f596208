// SPDX-License-Identifier: Apache-2.0
// What a file is, by its content and never by its name.
#ifndef ROTOR_APP_ROTOR_FOREIGN_DETECT_H
#define ROTOR_APP_ROTOR_FOREIGN_DETECT_H

#include <stdbool.h>

#include <rotor/bytes.h>

enum foreign_format {
    FOREIGN_UNKNOWN = 0,
    FOREIGN_ROTOR,   // rotor's own bundle: judged elsewhere
    FOREIGN_PROCESS, // rotor's Evidence alone
    FOREIGN_SNP,
    FOREIGN_OAK, // layers of Project Oak above a report of SNP
    FOREIGN_SGX,
    FOREIGN_TDX,
    FOREIGN_TPM,
    FOREIGN_PSA,
    FOREIGN_CCA,
    FOREIGN_EAT,
    FOREIGN_DICE,
    FOREIGN_FORMAT_COUNT,
};

const char *foreign_format_name(enum foreign_format format);
bool foreign_format_named(const char *name, enum foreign_format *format);

// What the content is, by its first bytes and its size.
enum foreign_format foreign_detect(struct rotor_bytes content);

// A report of SEV-SNP and the host's certificates behind it, if any (empty),
// with or without the kernel's head before them.  Views.  False: it is none.
bool foreign_snp_parts(struct rotor_bytes content, struct rotor_bytes *report,
                       struct rotor_bytes *table);

// A clause for evidence that is known by its content and not judged here, e.g.
// "a JSON Web Token; tokens in CBOR are"; NULL: it is not that.
const char *foreign_unsupported(struct rotor_bytes content);

// Takes text (hex, Base64, PEM of certificates, or Oak's) as the bytes that it
// stands for, in place; other content stays as it is.
void foreign_untext(struct rotor_room *content);

#endif
