// SPDX-License-Identifier: Apache-2.0
// A verdict in detail: every check, what was expected and what was seen.
#ifndef ROTOR_APP_ROTOR_EXPLAIN_H
#define ROTOR_APP_ROTOR_EXPLAIN_H

#include "app/rotor/json.h"
#include "app/rotor/relying.h"

// A table on stdout.
void explain_print(const struct relying_report *report,
                   const struct relying_options *options);

// The same as member `checks`, a list; nothing when no answer was judged.
void explain_json(struct json *out, const struct relying_report *report,
                  const struct relying_options *options);

// Every use of the recovery authority among the entries that were taken now, a
// line each on stderr; also where the answer was refused.
void explain_recoveries(const struct relying_report *report);
void explain_recoveries_json(struct json *out,
                             const struct relying_report *report);

// Who answered, a few lines; only of an accepted answer.
void explain_identity(const struct relying_report *report);
void explain_identity_json(struct json *out,
                           const struct relying_report *report);

#endif
