// SPDX-License-Identifier: Apache-2.0
// Who comes in by a listening socket, who he is, and who gives up a place.
#ifndef ROTOR_APP_RTP_WELCOME_H
#define ROTOR_APP_RTP_WELCOME_H

#include "app/rtp/clients.h"

// Takes in some of those who wait at a listener that does not block.
void clients_welcome(struct clients *clients, int listener, bool is_remote,
                     uint64_t now_ms);

// The same process, the same host or, by IPv6, the same site.
bool client_peer_is_same(const struct client_peer *a,
                         const struct client_peer *b);

#endif
