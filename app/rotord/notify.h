// SPDX-License-Identifier: Apache-2.0
// Words to the service manager (sd_notify's datagrams), when there is one.
#ifndef ROTOR_APP_ROTORD_NOTIFY_H
#define ROTOR_APP_ROTORD_NOTIFY_H

// Remembers $NOTIFY_SOCKET and takes it out of the environment.
void notify_init(void);

// Sends e.g. "READY=1\nSTATUS=epoch 41".  Without a manager: nothing.
void notify(const char *state);

#endif
