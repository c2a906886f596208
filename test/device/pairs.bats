#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Queue pairs of a running device: programs that talk to the enclave itself.
load device

setup_file() { make_images; }
setup() { make_device "${EXTRA:-}" && start_device; }
teardown() {
    [ -z "${BUSY:-}" ] || kill "$BUSY" 2>/dev/null || true
    stop_device
}

pairs() { # python code on an open connection `c` and its pair `p`
    /usr/bin/python3 "$BATS_TEST_DIRNAME/pairs.py" "$STATE/control.sock" "$@"
}
left_is() { [ "$(status queue_pairs.left)" = "$1" ]; }
out_is() { [ "$(status queue_pairs.out)" = "$1" ]; }
said() { grep -q "$1" "$LOG"; }
field() { /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

# A program that keeps its pair busy in the background.
be_busy() { # work count
    rotor offload "$1" --count "$2" --outstanding 32 --state "$STATE" --json >"$FOLDER/busy" 2>&1 3>&- &
    BUSY=$!
    await 'the program has its pair' out_is 1
}
ends_well() {
    wait "$BUSY"
    BUSY=
    [ "$(field answered <"$FOLDER/busy")" = "$(field requests <"$FOLDER/busy")" ]
    [ "$(field in_order <"$FOLDER/busy")" = True ]
}

# The same without an end: one run after the other until `ends_all_well`.
keep_busy() { # work count-of-a-run
    while [ ! -e "$FOLDER/enough" ]; do
        rotor offload "$1" --count "$2" --outstanding 32 --state "$STATE" --json || exit
    done >"$FOLDER/busy" 2>&1 3>&- &
    BUSY=$!
    await 'the program has its pair' out_is 1
}
ends_all_well() {
    touch "$FOLDER/enough"
    wait "$BUSY"
    BUSY=
    /usr/bin/python3 -c 'import json, sys
for run in map(json.loads, sys.stdin):
    assert run["answered"] == run["requests"] and run["in_order"], run' <"$FOLDER/busy"
}

@test "attestations, agreements and signatures go over a pair as over the socket" {
    for work in attest agree sign; do
        for way in '' --by-socket; do
            rotor offload $work --count 200 --outstanding 32 --state "$STATE" --json $way >"$FOLDER/out"
            [ "$(field answered <"$FOLDER/out")" = 200 ]
        done
    done
}

@test "once it has its pair a program needs the RTP no more" {
    be_busy sign 30000
    rtp=$(pid_of rtp)
    kill -STOP "$rtp"
    ends_well
    kill -CONT "$rtp"
    await 'the RTP goes on' attested
}

@test "rotations end under programs that never stop asking; every answer comes, in order" {
    keep_busy attest 30000
    for _ in 1 2 3; do rotor rotate --state "$STATE" >/dev/null; done
    kill -0 "$BUSY"
    ends_all_well
    at_epoch 3
    chain_is_good
}

@test "a program that writes nonsense loses its pair alone; the enclave says which rule" {
    be_busy sign 60000
    pairs nonsense
    await 'the rule is named' said 'queue pair 2 is condemned: a stamp is neither'
    attested
    kill -0 "$BUSY"
    ends_well
    [ "$(pgrep -c -P "$ROTORD")" -eq 2 ]
    ! said 'enclave ended'
}

@test "a program that floods the bell and the queue with frames of nobody is cut off; others go on" {
    be_busy sign 60000
    pairs flood
    await 'it is condemned' said 'queue pair 2 is condemned: a frame that is not the next of its pair'
    ends_well
    attested
}

@test "a pair is handed out once: when its program dies it is retired" {
    left_is 8
    be_busy attest 100000
    left_is 7
    kill -9 "$BUSY"
    BUSY=
    await 'the RTP sees it' out_is 0
    left_is 7
    first=$(pairs channel)
    second=$(pairs channel)
    [ "$first" -eq 2 ]
    [ "$second" -eq 3 ]
    left_is 5
}

@test "a pair ends with its connection, whoever still has its memory and its bell; others go on" {
    be_busy sign 60000
    [ "$(pairs left)" = over ]
    ends_well
    ! said condemned
}

@test "more programs than places: who comes last takes none of a connection with a pair" {
    [ "$(pairs crowd)" = $'taken\nTrue' ]
}

@test "the ninth program is told that none is left; a new enclave has all of them again" {
    for _ in 1 2 3 4 5 6 7 8; do pairs channel; done
    left_is 0
    run rotor offload sign --count 1 --state "$STATE"
    [ "$status" -eq 3 ]
    [[ $output == *'no queue pair is left'* ]]
    rotor offload sign --count 1 --state "$STATE" --by-socket
    kill -9 "$(pid_of enclave)"
    await 'a new enclave' left_is 8
    await 'it is attested' attested
    rotor offload sign --count 1 --state "$STATE"
}

@test "one connection has one pair" {
    [ "$(pairs twice)" = UNAVAILABLE ]
}

@test "a program whose enclave dies is told at once" {
    be_busy attest 100000
    kill -9 "$(pid_of enclave)"
    code=0
    wait "$BUSY" || code=$?
    BUSY=
    [ "$code" -eq 3 ]
    grep -q '"ok":false' "$FOLDER/busy"
}

@test "RTP, enclave and program are three users; others are denied" {
    [ "$(id -u)" -eq 0 ] || skip 'needs root'
    [ "$(ps -o uid= -p "$(pid_of rtp)")" -ne "$(ps -o uid= -p "$(pid_of enclave)")" ]
    [ "$(ps -o uid= -p "$(pid_of enclave)")" -ne 0 ]
    rotor offload sign --count 100 --state "$STATE"
    chmod 0711 "$FOLDER" "$STATE"
    chmod 0666 "$STATE/control.sock"
    rtp_uid=$(ps -o uid= -p "$(pid_of rtp)")
    cp "$(command -v rotor)" "$FOLDER/rotor"
    setpriv --reuid "$rtp_uid" --clear-groups "$FOLDER/rotor" offload attest --count 100 --state "$STATE"
    run setpriv --reuid 54321 --clear-groups "$FOLDER/rotor" offload attest --count 1 --state "$STATE"
    [ "$status" -eq 3 ]
    [[ $output == *'no queue pair for this user'* ]]
}
