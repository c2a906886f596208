// SPDX-License-Identifier: Apache-2.0
// Inside of the relying party: entries from an exported log, of any length.
#ifndef ROTOR_APP_ROTOR_LOG_SOURCE_H
#define ROTOR_APP_ROTOR_LOG_SOURCE_H

#include "app/rotor/relying.h"

// Takes what the file has beyond the party's own head, to its end; without a
// head from genesis on.  What was taken is durable cycle by cycle: a run that
// was cut goes on where it was.  Says nothing of freshness.  False: said why.
bool relying_take_file(struct relying *party, const char *path,
                       struct relying_report *report);

#endif
