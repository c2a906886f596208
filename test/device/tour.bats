#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# rotor tour: what it shows, that it can fail, and that it leaves nothing.
# Programs come from PATH (build/release/app).

setup_file() {
    PLACE=$(mktemp -d "${TMPDIR:-/tmp}/tour.XXXXXX")
    chmod 1777 "$PLACE"
    export PLACE
    APPS=$(dirname "$(command -v rotord)")
    export APPS
    TMPDIR=$PLACE rotor tour --json >"$PLACE.out" 2>"$PLACE.err" 3>&- &
    local tour=$!
    # Who runs the programs: looked at while they run.
    for _ in $(seq 400); do
        owners_of_all >>"$PLACE.owners"
        kill -0 $tour 2>/dev/null || break
        sleep 0.1
    done
    wait $tour && echo 0 >"$PLACE.code" || echo $? >"$PLACE.code"
}

teardown_file() { rm -rf "$PLACE" "$PLACE".*; }

# Every process that was started from a folder of the tour, or works in one;
# rotord's children are files in memory, so their program tells nothing.
pids_of_all() {
    for process in /proc/[0-9]*; do
        case "$(readlink "$process/exe") $(readlink "$process/cwd")" in
        *"$PLACE/rotor-tour"*) echo "${process#/proc/}" ;;
        esac
    done 2>/dev/null
}
owners_of_all() { for pid in $(pids_of_all); do stat -c %u "/proc/$pid" 2>/dev/null || true; done; }

nothing_is_left() {
    for _ in $(seq 50); do
        [ -n "$(pids_of_all)$(ls -A "$PLACE")" ] || return 0
        sleep 0.1
    done
    ls -la "$PLACE"
    pids_of_all
    return 1
}

# A member of the object of a step.
fact() { # file step key
    python3 - "$@" <<'EOF'
import json, sys
for line in open(sys.argv[1]):
    step = json.loads(line)
    if step.get("step") == sys.argv[2]:
        print(step[sys.argv[3]])
EOF
}
summary() { # file key
    tail -1 "$1" | python3 -c "import json, sys; print(json.load(sys.stdin)['$2'])"
}

# The programs in a folder of their own, one of them replaced by stdin.
replace() { # name
    FAKE=$(mktemp -d "$PLACE.fake.XXXXXX")
    for name in rotor rotord rotor-enclave rotor-rtp; do
        ln -s "$APPS/$name" "$FAKE/$name"
    done
    rm "$FAKE/$1"
    cat >"$FAKE/$1"
    chmod 755 "$FAKE" "$FAKE/$1"
}

@test "the tour holds" {
    cat "$PLACE.err" "$PLACE.out"
    [ "$(cat "$PLACE.code")" -eq 0 ]
}

@test "every line is one JSON object, each step says ok, the last one is the summary" {
    python3 - "$PLACE.out" <<'EOF'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert all(line["ok"] is True for line in lines), lines
assert all("step" in line for line in lines[:-1])
assert lines[-1]["summary"] is True and lines[-1]["held"] == len(lines) - 1
names = [line["step"] for line in lines[:-1]]
assert len(set(names)) == len(names) == lines[-1]["steps"]
EOF
    [ ! -s "$PLACE.err" ]
}

@test "it takes no more than 30 s" {
    python3 -c "import sys; sys.exit($(summary "$PLACE.out" seconds) > 30)"
}

@test "100 rotations under load, and not one request refused" {
    [ "$(fact "$PLACE.out" rotations rotations)" -eq 100 ]
    [ "$(summary "$PLACE.out" refused)" -eq 0 ]
    [ "$(summary "$PLACE.out" requests)" -gt 200 ]
    [ "$(fact "$PLACE.out" rotations rotating_requests)" -gt 100 ]
}

@test "each refusal names the right reason" {
    [ "$(fact "$PLACE.out" rate-limit retry_s)" -gt 0 ]
    [ "$(fact "$PLACE.out" stolen-key code)" = EVIDENCE_REFUSED ]
    [ "$(fact "$PLACE.out" forged-entry code)" = CHAIN_BROKEN ]
    [ "$(fact "$PLACE.out" duplicity code)" = DUPLICITY ]
    [ "$(fact "$PLACE.out" replay code)" = EVIDENCE_REFUSED ]
    [ "$(fact "$PLACE.out" older-image install_code)" = ROLLED_BACK ]
    [[ $(fact "$PLACE.out" flipped-bit reason) == *"not the signed ones"* ]]
    [[ $(fact "$PLACE.out" rolled-back reason) == *"rolled back"* ]]
}

@test "the attacker was refused where an undefended process was read" {
    [ "$(fact "$PLACE.out" memory refused)" -eq "$(fact "$PLACE.out" memory ways)" ]
    [ "$(fact "$PLACE.out" memory succeed_without_walls)" -gt 0 ]
}

@test "started by root, nothing of it runs as root" {
    [ "$(id -u)" -eq 0 ] || skip 'needs root to be given up'
    [ -s "$PLACE.owners" ]
    sort -u "$PLACE.owners"
    ! grep -qx 0 "$PLACE.owners"
}

@test "nothing is left behind: no folder, no process" { nothing_is_left; }

@test "an interrupt ends it soon, and nothing is left behind" {
    for wait in 0.1 1 3; do
        TMPDIR=$PLACE rotor tour --json >"$PLACE.cut" 2>&1 3>&- &
        local tour=$!
        sleep $wait
        kill -TERM $tour
        code=0 && wait $tour || code=$?
        echo "after $wait s: exit code $code"
        [ "$code" -eq 3 ]
        nothing_is_left
    done
}

@test "a second interrupt does not confuse it" {
    TMPDIR=$PLACE rotor tour --json >"$PLACE.cut" 2>&1 3>&- &
    local tour=$!
    sleep 2
    kill -TERM $tour
    kill -TERM $tour
    wait $tour || true
    nothing_is_left
}

@test "a relying party that accepts whatever comes makes it fail" {
    replace rotor <<'EOF'
#!/bin/sh
"${0%/bin/*}/../real" "$@"
code=$?
[ "$1" = verify ] || exit $code
EOF
    install -m 755 "$APPS/rotor" "$PLACE/real"
    run env TMPDIR="$PLACE" rotor tour --json --programs "$FAKE"
    echo "$output" | tail -1 >"$PLACE.fake"
    [ "$status" -eq 1 ]
    echo "$output" | grep '"step":"stolen-key","ok":false'
    echo "$output" | grep '"step":"duplicity","ok":false'
    echo "$output" | grep '"step":"replay","ok":true'
    [ "$(summary "$PLACE.fake" ok)" = False ]
    rm "$PLACE/real"
    nothing_is_left
}

# The port has been somebody's end of a connection that is over, and the
# listener takes its time.
@test "the session waits for its listener, not for whoever had the port before" {
    replace rotor <<'EOF'
#!/bin/sh
if [ "$1 $2" = "session listen" ]; then
    /usr/bin/python3 - "${3##*:}" <<'END'
import socket, sys, time
server = socket.create_server(("127.0.0.1", 0))
client = socket.socket()
client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
client.bind(("127.0.0.1", int(sys.argv[1])))
client.connect(server.getsockname())
accepted, _ = server.accept()
client.close()
accepted.close()
time.sleep(0.5)
END
fi
exec "${0%/bin/*}/../real" "$@"
EOF
    install -m 755 "$APPS/rotor" "$PLACE/real"
    run env TMPDIR="$PLACE" rotor tour --json --programs "$FAKE"
    rm "$PLACE/real"
    echo "$output" | grep '"step":"session"'
    [ "$status" -eq 0 ]
    nothing_is_left
}

@test "a rotord that does not start ends it at the first step" {
    replace rotord <<'EOF'
#!/bin/sh
echo 'rotord: error: not today' >&2
exit 3
EOF
    run env TMPDIR="$PLACE" rotor tour --json --programs "$FAKE"
    [ "$status" -eq 1 ]
    [[ $output == *"not today"* ]]
    [ "$(echo "$output" | tail -1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["held"])')" -eq 0 ]
    nothing_is_left
}

@test "a missing program is named" {
    replace rotord </dev/null
    rm "$FAKE/rotord"
    cp "$APPS/rotor" "$PLACE.alone"
    run env TMPDIR="$PLACE" "$PLACE.alone" tour --programs "$FAKE"
    [ "$status" -eq 3 ]
    [[ $output == *rotord* ]]
    nothing_is_left
}

@test "a place where it may not be is refused before anything is made" {
    run env TMPDIR=/nowhere/at/all rotor tour
    [ "$status" -eq 3 ]
    [[ $output == *"not a folder"* ]]
}

@test "--up where no folder can be made says why" {
    : >"$PLACE.file"
    run rotor tour --up --state "$PLACE.file/state"
    echo "$output"
    [ "$status" -eq 3 ]
    [[ $output == *"$PLACE.file/state: Not a directory"*hint:* ]]
}

@test "--up sets up a device that stays, and finds it again" {
    local state=$PLACE.up/state log
    mkdir "$PLACE.up"
    for _ in 1 2; do
        rotor tour --up --state "$state" >"$PLACE.up/log" 2>&1 3>&- &
        local rotord=$!
        for _ in $(seq 200); do
            grep -q 'rotord: ready' "$PLACE.up/log" && break
            sleep 0.05
        done
        cat "$PLACE.up/log"
        log=$(rotor status --state "$state" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["log_id"])')
        [ "${first:=$log}" = "$log" ]
        kill -INT $rotord
        wait $rotord
    done
}
