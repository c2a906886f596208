#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Who can read the enclave's memory: the attack table of doc/THREATS.md, rows
# that are refused and the row where root still wins.  Run as root, so that
# there is a root to win; else the rows of other users are skipped.
load device

setup_file() { make_images; }
setup() { make_device && start_device; }
teardown() { stop_device; }

attack() { # who way
    local pid
    pid=$(pid_of enclave)
    case $1 in
    root) /usr/bin/python3 - "$2" "$pid" <"$BATS_TEST_DIRNAME/attack.py" ;;
    weak-root) setpriv --bounding-set=-all --inh-caps=-all --securebits=+noroot,+noroot_locked \
        /usr/bin/python3 - "$2" "$pid" <"$BATS_TEST_DIRNAME/attack.py" ;;
    same) setpriv --reuid="$(stat -c %u "/proc/$pid")" --clear-groups /usr/bin/python3 - "$2" "$pid" <"$BATS_TEST_DIRNAME/attack.py" ;;
    other) setpriv --reuid=61000 --clear-groups /usr/bin/python3 - "$2" "$pid" <"$BATS_TEST_DIRNAME/attack.py" ;;
    esac
}

# The uid whose processes are "the same" as the enclave.
as_root() { [ "$(id -u)" -eq 0 ] || skip 'needs root to become other users'; }
has_secret_memory() { [[ $(status walls_up) == *secret-memory* ]] || skip 'no memfd_secret on this kernel'; }

@test "a process of the enclave's own user can read none of its pages" {
    if [ "$(id -u)" -eq 0 ]; then who=same; else who=root; fi
    for way in proc-mem vm-readv ptrace-peek pidfd; do
        run attack $who $way
        echo "$output"
        [ "$status" -eq 0 ]
        [[ $output != *leaked* ]]
        [[ $output == *refused* ]]
    done
}

@test "a process of another user can read none of its pages" {
    as_root
    for way in proc-mem vm-readv ptrace-peek pidfd; do
        run attack other $way
        echo "$output"
        [[ $output != *leaked* && $output == *refused* ]]
    done
}

@test "uid 0 without capabilities can read none of its pages" {
    as_root
    for way in proc-mem vm-readv ptrace-peek pidfd; do
        run attack weak-root $way
        echo "$output"
        [[ $output != *leaked* && $output == *refused* ]]
    done
}

@test "root reads ordinary pages, but no page of secret memory as it lies" {
    as_root
    has_secret_memory
    for way in proc-mem vm-readv ptrace-peek; do
        run attack root $way
        echo "$output"
        [[ $output == *"ordinary leaked"* ]]
        [[ $output == *"secret refused"* ]]
    done
}

@test "root finds no descriptor of the secret memory to take" {
    as_root
    has_secret_memory
    run attack root pidfd
    echo "$output"
    [[ $output == *"secret refused"* ]]
}

@test "the RTP has no end of the bell that the enclave writes: it cannot fill it, nor make it block" {
    as_root
    enclave=/proc/$(pid_of enclave) rtp=/proc/$(pid_of rtp)
    bell=$(readlink "$enclave/fd/6")
    [[ $bell == pipe:* ]]
    grep -q '^flags:.*4001$' "$enclave/fdinfo/6" # O_NONBLOCK | O_WRONLY
    ends=0
    for fd in "$rtp"/fd/*; do
        [ "$(readlink "$fd")" = "$bell" ] || continue
        ends=$((ends + 1))
        grep -q '^flags:.*[04]000$' "$rtp/fdinfo/${fd##*/}"
    done
    [ "$ends" = 1 ]
}

@test "known limit: root makes the enclave's own code copy a secret" {
    as_root
    has_secret_memory
    run attack root reuse
    echo "$output"
    [[ $output == *"secret leaked"* ]]
}

@test "known limit: a process of the RTP's user can read the files of its store" {
    as_root
    uid=$(stat -c %u "$STATE/rtp")
    [ "$uid" -ne 0 ] || skip 'rotord was not started as root'
    chmod 711 "$FOLDER" "$STATE"
    run setpriv --reuid="$uid" --clear-groups cat "$STATE/rtp/state"
    [ "$status" -eq 0 ]
}

@test "the enclave dies of a system call that its wall does not allow" {
    as_root
    pid=$(pid_of enclave)
    [ "$(awk '/^Seccomp:/ { print $2 }' "/proc/$pid/status")" -eq 2 ]
    [ "$(awk '/^NoNewPrivs:/ { print $2 }' "/proc/$pid/status")" -eq 1 ]
    [ "$(awk '/^CapPrm:/ { print $2 }' "/proc/$pid/status")" = 0000000000000000 ]
}
