// SPDX-License-Identifier: Apache-2.0
// The running device: RTP and enclave as children of rotord, started through
// stage 0, watched, restarted.
//
//     rotord --fork--> stage 0 --becomes--> enclave   (seconds-long backoff)
//        |  `--fork--> stage 0 --becomes--> RTP
//        `- socket: queue and bell of each new enclave; "attested"; events
//
// An enclave that dies gets a new queue and the RTP pairs with it again; when
// the RTP dies, both start over.  Requests of clients wait in their sockets.
#ifndef ROTOR_APP_ROTORD_DEVICE_H
#define ROTOR_APP_ROTORD_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "app/rotord/config.h"
#include "app/rotord/stage0.h"

struct child {
    enum boot_component component;
    pid_t pid;  // 0: not running
    int report; // of its stage 0; -1: read, or none
    uint64_t started_ms;
    uint64_t restart_ms; // when to start it again; 0: not waiting
    uint64_t backoff_ms;
    struct stage0_report running; // what stage 0 measured
    bool is_measured;
};

struct device {
    const struct config *config;
    int state_folder;
    int boot_folder;
    int enclave_store;
    int rtp_store;
    int clients;  // listening Unix socket
    int remote;   // listening TCP socket, or -1
    int plugged;  // entropy, or -1
    int hwrng;    // /dev/hwrng, or -1
    int starter;  // our end of the socket to the RTP
    int queue;    // memfd of the running enclave's queue, or -1
    int bell;     // reading end: for the RTP
    int bell_end; // writing end: for the enclave
    // Of programs; -1 once the RTP has them, or the enclave.
    int pairs[LAUNCH_PAIRS];
    int pair_bells[LAUNCH_PAIRS];     // reading ends: for the programs
    int pair_bell_ends[LAUNCH_PAIRS]; // writing ends: for the enclave
    uint32_t queue_seed;
    uint8_t settings[512];
    size_t settings_size;
    uid_t enclave_uid, rtp_uid;
    gid_t enclave_gid, rtp_gid;
    struct child rtp;
    struct child enclave;
    bool is_ready; // the service manager was told
    bool is_ending;
};

// Opens folders and sockets, makes the UDS of a new device.  False: said on
// stderr why not and what to do.
bool device_open(struct device *device, const struct config *config);

// Ends the root of trust and its log: app/rotord/reset.h.  False: said on
// stderr why not.
bool device_reset(const struct config *config);

// Starts what is due now; gives the ms until the next start, -1: none waits.
int device_start_due(struct device *device);

// A child ended; `status` as waitpid gave it.
void device_child_ended(struct device *device, pid_t pid, int status);

// Something to read: a stage 0 report, or a record of the RTP.
void device_take_report(struct device *device, struct child *child);
void device_take_record(struct device *device);

// Tells the RTP of a security event.
void device_event(struct device *device, uint32_t reason, const char *text);

// New images: the enclave starts over, through stage 0.
void device_reload(struct device *device);

// Ends the children: the RTP first, so that it finishes what is durable.
void device_end(struct device *device);

// Closes and removes what device_open made for others to connect to.
void device_close(struct device *device);

#endif
