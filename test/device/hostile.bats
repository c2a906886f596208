#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Peers that mean harm, on the TCP port and on the Unix socket of a real
# rotord.  Whatever they do, another peer is served all the while without one
# refusal, memory stays what it was and the log stays short.
load device

setup_file() { make_images; }
setup() {
    make_device
    PORT=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    start_device --listen "127.0.0.1:$PORT"
    RTP=$(pid_of rtp) ENCLAVE=$(pid_of enclave)
}
teardown() {
    [ -z "${CROWD:-}" ] || { kill -9 "$CROWD" && wait "$CROWD"; } 2>/dev/null || true
    stop_device
}

hostile() { /usr/bin/python3 "$BATS_TEST_DIRNAME/hostile.py" "$@" 3>&-; }
log_hex() { status log_id | cut -d: -f2 | sed 's/$/=/' | base64 -d | od -An -v -tx1 | tr -d ' \n'; }
memory_kib() { awk '/^VmRSS:/ { print $2 }' "/proc/$1/status"; }
files_of() { ls "/proc/$1/fd" | wc -l; }

# Two in peace, so that what is allocated once is allocated; then the harm.
withstands() { # where way [seconds]
    local where=$1 way=$2 log before files lines
    log=$(log_hex)
    hostile served "$where" "$log" 0.5
    before=$(memory_kib "$RTP") files=$(files_of "$RTP") lines=$(wc -l <"$LOG")
    hostile served "$where" "$log" "${3:-4}" >"$FOLDER/served" &
    local serving=$!
    hostile "$way" "$where" "$log" "${3:-4}"
    wait $serving || { cat "$FOLDER/served"; return 1; }
    cat "$FOLDER/served"
    # The same processes, nothing kept of the visitors.
    [ "$(pid_of rtp)" = "$RTP" ] && [ "$(pid_of enclave)" = "$ENCLAVE" ]
    await 'their places are free' places_are_free $((files + 1))
    echo "memory $before -> $(memory_kib "$RTP") KiB, lines $lines -> $(wc -l <"$LOG")"
    # The table of clients is one block, written as they come: 64 x 85 KiB.
    [ "$(memory_kib "$RTP")" -le $((before + 6144)) ]
    [ "$(wc -l <"$LOG")" -le $((lines + 10)) ]
    rotor rotate --state "$STATE" >/dev/null
    chain_is_good
}
places_are_free() { [ "$(files_of "$RTP")" -le "$1" ]; }

for_both() { withstands "127.0.0.1:$PORT" "$@" && withstands "$STATE/control.sock" "$@"; }

@test "garbage" { for_both garbage; }
@test "every beginning of a request" { for_both truncated; }
@test "messages that are too long, or say so" { for_both oversized; }
@test "as many as come in, each with a request that never ends" { for_both loris; }
@test "a flood of requests whose answers nobody reads" { for_both flood; }
@test "one who asks over many connections as fast as he is answered" { for_both greedy; }
@test "one who gives up on each answer at once and asks again" { for_both hasty; }
@test "thousands of connections" { for_both many; }
@test "connections that are half closed, or reset in mid-request" { for_both half_open; }

@test "strangers with a silent connection each, as many as there are places, do not lock the operator out" {
    [ "$(id -u)" -eq 0 ] || skip 'needs root'
    chmod 0711 "$FOLDER" "$STATE"
    chmod 0666 "$STATE/control.sock"
    setpriv --reuid 54321 --clear-groups /usr/bin/python3 -c '
import ctypes, os, signal, socket, sys
silent = os.pipe()
for _ in range(80):
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # goes with its parent
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        peer.connect(sys.argv[1])
        os.write(silent[1], b".")
        signal.pause()
for _ in range(80):
    os.read(silent[0], 1)
print("all are there", flush=True)
signal.pause()' "$STATE/control.sock" >"$FOLDER/crowd" 3>&- &
    CROWD=$!
    await 'the strangers are there' grep -q 'all are there' "$FOLDER/crowd"
    for _ in 1 2 3; do rotor rotate --state "$STATE"; done
    at_epoch 3
}
