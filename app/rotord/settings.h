// SPDX-License-Identifier: Apache-2.0
// What the images are told of rotord.conf, and what is measured with them.
#ifndef ROTOR_APP_ROTORD_SETTINGS_H
#define ROTOR_APP_ROTORD_SETTINGS_H

#include <stdbool.h>

#include <rotor/bytes.h>

#include "app/rotord/config.h"

// Encodes launch_settings, with the digest of the recovery authority's set.
// False: said on stderr what is wrong.
bool settings_encode(const struct config *config, struct rotor_room *settings);

#endif
