// SPDX-License-Identifier: Apache-2.0
// Inside of the relying party: from its own head to that of a device.
#ifndef ROTOR_APP_ROTOR_CATCH_UP_H
#define ROTOR_APP_ROTOR_CATCH_UP_H

#include "app/rotor/relying.h"

// Takes entries until `target` is the head or the device has no more; true
// also then.  What was taken is durable.  False: said why.
bool catch_up(struct relying *party, const struct relying_device *device,
              const struct wire_head *target, struct relying_report *report);

// The device's log does not have our head.  Where do they part, and what does
// that prove?  True: it only ends below.
bool relying_judge_fork(struct relying *party,
                        const struct relying_device *device,
                        struct relying_report *report);

// The entry behind our own head was refused, *outcome says so.  Did one of the
// keys sign it that alone may not?  Then it is kept, and the hint says so.
void relying_note_stray(struct relying *party, struct rotor_bytes entry,
                        struct relying_report *report);
// Takes all entries of a source; the first may be genesis.  What was taken is
// durable.  False: said why, here or in the source.
bool catch_up_with(struct relying *party, const struct ahead_source *source,
                   struct relying_report *report);

// Always false, for `return`.
bool relying_unreadable(const struct relying *party,
                        struct relying_outcome *outcome);
bool relying_damaged(const struct relying *party,
                     const struct wire_digest *log_id,
                     struct relying_outcome *outcome);
bool relying_end(struct relying_outcome *outcome, enum cause cause,
                 const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool relying_no_answer(enum rotor_status status,
                       const struct relying_refusal *refusal,
                       struct relying_outcome *outcome);

// True: the device has another log, *outcome says so.
bool relying_is_other_log(struct relying *party,
                          const struct relying_device *device,
                          struct relying_outcome *outcome);

bool relying_select(struct relying *party, const struct wire_digest *log_id,
                    struct relying_outcome *outcome);
uint64_t relying_now_s(void);

#endif
