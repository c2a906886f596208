#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A session between two processes, and somebody on the way who alters it.
load device

setup_file() { make_images; }
setup() {
    make_device && start_device --listen 127.0.0.1:0
    PIN=(--trust "$FOLDER/trust" --log-id "$(status log_id)" --measurement "$(status measurement)")
    head -c 6000000 /dev/urandom >"$FOLDER/up"
    head -c 5000000 /dev/urandom >"$FOLDER/down"
    PORT=$((20000 + RANDOM % 20000))
}
teardown() { stop_device; }

listening() { grep -q ":$(printf %04X "$1") 00000000:0000 0A" /proc/net/tcp; }

# The device's end in the background; its exit code comes from `wait`.
listen() { # stdin flags...
    local input=$1
    shift
    rotor session listen 127.0.0.1:$PORT --state "$STATE" "$@" <"$input" >"$FOLDER/got-up" 2>"$FOLDER/listen.err" 3>&- &
    LISTENER=$!
    await 'the session listens' listening $PORT
}

# Everything passes through middle.py, which does what its first word says.
through() { # what
    MIDDLE=$((PORT + 1))
    /usr/bin/python3 "$BATS_TEST_DIRNAME/middle.py" "$1" $MIDDLE $PORT 3>&- &
    await 'somebody is on the way' listening $MIDDLE
}

@test "what goes in on one side comes out on the other, both ways" {
    listen "$FOLDER/down"
    rotor session connect 127.0.0.1:$PORT "${PIN[@]}" <"$FOLDER/up" >"$FOLDER/got-down"
    wait $LISTENER
    cmp "$FOLDER/up" "$FOLDER/got-up"
    cmp "$FOLDER/down" "$FOLDER/got-down"
}

# A run before may have ended between a rename and its sync.
@test "what a trust store says is made to last before it is used" {
    listen /dev/null
    strace -qq -f -o "$FOLDER/trace" -e trace=fsync,openat \
        rotor session connect 127.0.0.1:$PORT "${PIN[@]}" </dev/null >/dev/null
    wait $LISTENER
    read_at=$(grep -n '\.trust", O_RDONLY' "$FOLDER/trace" | head -1 | cut -d: -f1)
    synced_at=$(grep -n 'fsync' "$FOLDER/trace" | head -1 | cut -d: -f1)
    [ "$synced_at" -lt "$read_at" ]
}

has_trust() { ls "$FOLDER"/trust/*.trust; }

@test "who uses a trust store beside an idle session does not wait for it" {
    # Held open here, so that neither end has anything to say or an end to see.
    mkfifo "$FOLDER/quiet" "$FOLDER/silent"
    exec 8<>"$FOLDER/quiet" 9<>"$FOLDER/silent"
    listen "$FOLDER/quiet"
    rotor session connect 127.0.0.1:$PORT "${PIN[@]}" <"$FOLDER/silent" >/dev/null 2>"$FOLDER/connect.err" 3>&- &
    connected=$!
    await 'the far side has verified the device' has_trust
    timeout 20 rotor chain list --trust "$FOLDER/trust" --log-id "$(status log_id)"
    exec 8>&- 9>&-
    kill $connected $LISTENER
    wait $connected $LISTENER || true
}

@test "keys are renewed under way and no byte is lost" {
    listen "$FOLDER/down" --json
    rotor session connect 127.0.0.1:$PORT "${PIN[@]}" --renew-after 10 --json \
        <"$FOLDER/up" >"$FOLDER/got-down" 2>"$FOLDER/connect.err"
    wait $LISTENER
    cmp "$FOLDER/up" "$FOLDER/got-up"
    cmp "$FOLDER/down" "$FOLDER/got-down"
    sessions=$(/usr/bin/python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["sessions"])' "$FOLDER/connect.err")
    [ "$sessions" -ge 5 ]
}

@test "a session outlives a rotation to another suite: the next keys hang on the new root" {
    listen /dev/null
    { cat "$FOLDER/up"; rotor rotate --state "$STATE" --suite 1 --reason algorithm-change >/dev/null; cat "$FOLDER/up"; } |
        rotor session connect 127.0.0.1:$PORT "${PIN[@]}" --renew-after 10 >/dev/null
    wait $LISTENER
    [ "$(wc -c <"$FOLDER/got-up")" -eq 12000000 ]
    at_epoch 1
}

@test "a bit flipped on the way ends the session at both ends" {
    listen "$FOLDER/down"
    through flip
    run rotor session connect 127.0.0.1:$MIDDLE "${PIN[@]}" <"$FOLDER/up"
    [ "$status" -eq 1 ]
    run wait $LISTENER
    [ "$status" -ne 0 ]
    grep -q 'altered, lost or repeated' "$FOLDER/listen.err"
    # What came out before is a prefix, nothing else.
    cmp -n "$(wc -c <"$FOLDER/got-up")" "$FOLDER/up" "$FOLDER/got-up"
}

@test "a record repeated on the way ends the session" {
    listen /dev/null
    through repeat
    run rotor session connect 127.0.0.1:$MIDDLE "${PIN[@]}" <"$FOLDER/up"
    run wait $LISTENER
    grep -q 'altered, lost or repeated' "$FOLDER/listen.err"
}

@test "a connection that is cut is not taken for its end" {
    listen /dev/null
    through cut
    run rotor session connect 127.0.0.1:$MIDDLE "${PIN[@]}" <"$FOLDER/up"
    [ "$status" -eq 1 ]
    run wait $LISTENER
    grep -q 'ended before the peer said that it was done' "$FOLDER/listen.err"
}

@test "a handshake in plain behind the first record is refused: nobody takes a session over" {
    listen /dev/null
    through inject
    run rotor session connect 127.0.0.1:$MIDDLE "${PIN[@]}" <"$FOLDER/up"
    run wait $LISTENER
    grep -q 'does not speak this protocol' "$FOLDER/listen.err"
}

@test "noise on the port is refused and rotord goes on" {
    listen /dev/null
    head -c 100000 /dev/urandom | timeout 5 bash -c "cat >/dev/tcp/127.0.0.1/$PORT" || true
    run wait $LISTENER
    [ "$status" -ne 0 ]
    attested
}

@test "the far side needs to know whom it talks to" {
    run rotor session connect 127.0.0.1:$PORT --trust "$FOLDER/none" --any-measurement
    [ "$status" -eq 2 ]
    [[ $output == *--log-id* ]]
}

@test "another log than the pinned one is refused" {
    listen /dev/null
    run rotor session connect 127.0.0.1:$PORT --trust "$FOLDER/other" --any-measurement \
        --log-id SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA </dev/null
    [ "$status" -ne 0 ]
    run wait $LISTENER
    [ "$status" -ne 0 ]
}
