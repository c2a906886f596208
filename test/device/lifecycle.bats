#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# rotord as its operator has it: it starts once, says what is wrong with its
# settings, rotates when told or when due, ends with everything it started.
load device

setup_file() { make_images; }
setup() { make_device; }
teardown() { stop_device; }

NONCE=$(printf 'ab%.0s' {1..32})

gone() { ! kill -0 "$1" 2>/dev/null; }
reasons() { rotor chain list --state "$STATE" --json | grep -o '"reason":"[a-z-]*"' | cut -d'"' -f4; }
last_reason() { reasons | tail -1; }
rotated_by() { [ "$(last_reason 2>/dev/null)" = "$1" ]; }
says() { grep -q -e "$1" "$LOG"; }
# For what ought to end by itself.
run_briefly() { run timeout 10 "$@"; }
children() { pgrep -P "$ROTORD" -f 'rotor-(rtp|enclave)' | wc -l; }

twice() { [ "$(grep -c -e "$1" "$LOG")" -ge 2 ]; }

# ---- settings ----------------------------------------------------------------

@test "an unknown setting is refused with its line" {
    printf '[rotation]\nperiod = 1h\n\n# a slip of the pen\nperoid = 1h\n' >"$CONF"
    run_briefly rotord --config "$CONF" --state "$STATE"
    echo "$output"
    [ "$status" -eq 2 ]
    [[ $output == *"unknown key peroid"* && $output == *"line 5"* && $output == *hint:* ]]
}

@test "a setting in the wrong section, out of bounds or without a value is refused with its line" {
    for wrong in $'[root]\nperiod = 1h' $'[rotation]\nperiod = 0' $'[rotation]\nperiod = 31d' $'[rotation]\nperiod = soon' \
        $'[rotation]\nusage-limit = -1' $'[rotation]\njitter = 99999999999999999999' $'[root]\nsuite = 4' \
        $'[entropy]\nrequired = maybe' $'[rotord]\n'"state = $(printf 'x%.0s' {1..300})" $'[rotation]\nnonsense' \
        $'[rotation\nperiod = 1h' $'[rotord]\n = x'; do
        echo "$wrong" >"$CONF"
        run_briefly rotord --config "$CONF" --state "$STATE" --check-config
        echo "$output"
        [ "$status" -eq 2 ]
        [[ $output == *"line "[12]* && $output == *hint:* ]]
    done
}

@test "a line that continues the one before it is refused, not passed over" {
    printf '[rotord]\nstate = %s\n  listen = 127.0.0.1:7700\n' "$STATE" >"$CONF"
    run_briefly rotord --config "$CONF" --check-config
    echo "$output"
    [ "$status" -eq 2 ]
    [[ $output == *"line 3: the line begins with a blank"* ]]
}

@test "a settings file that is not there or is a folder cannot be run with" {
    for file in "$FOLDER/none" "$FOLDER"; do
        run_briefly rotord --config "$file" --state "$STATE"
        echo "$output"
        [ "$status" -eq 3 ]
        [[ $output == *"rotord: error: $file"* ]]
    done
}

@test "every setting that is printed is accepted when it is read" {
    rotord --print-config >"$CONF"
    rotord --config "$CONF" --check-config
}

@test "a mistyped flag and a stray word are refused" {
    for wrong in --nonsense -z --state --config "--state $STATE word"; do
        run_briefly rotord $wrong
        echo "$output"
        [ "$status" -eq 2 ]
        [[ $output == *hint:* ]]
    done
}

@test "an address that cannot be listened on is named, and no socket stays behind" {
    for address in 127.0.0.1 127.0.0.1:99999 203.0.113.7:7700 nowhere.invalid:7700; do
        run_briefly rotord --config "$CONF" --state "$STATE" --listen "$address"
        echo "$output"
        [ "$status" -eq 3 ]
        [[ $output == *error:* ]]
        [ ! -e "$STATE/control.sock" ]
    done
}

# A start before may have ended between making it and its sync.
@test "the device secret is made to last before it is used" {
    run_briefly rotord --config "$CONF" --state "$STATE" --listen 203.0.113.7:7700
    [ -e "$STATE/uds" ]
    strace -qq -f -o "$FOLDER/trace" -e trace=fsync \
        rotord --config "$CONF" --state "$STATE" --listen 203.0.113.7:7700 || true
    grep -q 'fsync(.*) *= 0' "$FOLDER/trace"
}

@test "a start that is killed while it makes the device secret leaves no copy behind the next one" {
    strace -qq -f -o "$FOLDER/trace" -e trace=renameat,linkat -e inject=renameat,linkat:signal=KILL:when=1 \
        rotord --config "$CONF" --state "$STATE" --listen 203.0.113.7:7700 || true
    ls "$STATE"
    [ -n "$(ls -d "$STATE"/uds*)" ]
    start_device
    [ "$(echo "$STATE"/uds*)" = "$STATE/uds" ]
}

# ---- one of it ---------------------------------------------------------------

@test "a second rotord on the same state folder is refused and harms nothing" {
    start_device
    run_briefly rotord --config "$CONF" --state "$STATE"
    echo "$output"
    [ "$status" -eq 3 ]
    [[ $output == *"another rotord runs"* && $output == *hint:* ]]
    rotor attest --state "$STATE" --nonce "$NONCE" --out "$FOLDER/evidence"
    # What it said of itself is still the first one's.
    [ "$(cat "$STATE/lock")" = "$ROTORD" ]
}

@test "SIGTERM ends everything and removes the socket" {
    start_device
    rtp=$(pid_of rtp) enclave=$(pid_of enclave)
    [ -S "$STATE/control.sock" ]
    kill "$ROTORD"
    wait "$ROTORD"
    gone "$rtp"
    gone "$enclave"
    [ ! -e "$STATE/control.sock" ]
    ROTORD=
    run rotor status --state "$STATE"
    [ "$status" -eq 3 ]
    [[ $output == *hint:* ]]
}

@test "killed at once, rotord takes RTP and enclave along; a restart goes on with the same log" {
    start_device
    log=$(status log_id)
    rotor rotate --state "$STATE"
    rtp=$(pid_of rtp) enclave=$(pid_of enclave)
    kill -9 "$ROTORD"
    wait "$ROTORD" || true
    await 'the RTP is gone' gone "$rtp"
    await 'the enclave is gone' gone "$enclave"
    start_device # over the socket that the first one left
    [ "$(status log_id)" = "$log" ]
    at_epoch 1
    chain_is_good
}

@test "the RTP or the enclave ends: it is started again, with the same log" {
    start_device
    log=$(status log_id)
    for component in enclave rtp; do
        pid=$(pid_of $component)
        kill -9 "$pid"
        await "$component ended" gone "$pid"
        await 'attested again' attested
        [ "$(status log_id)" = "$log" ]
        [ "$(children)" -eq 2 ]
        says "$component ended by signal 9"
        rotor rotate --state "$STATE"
    done
    at_epoch 2
    chain_is_good
}

@test "SIGHUP starts the images anew, with the same log" {
    start_device
    log=$(status log_id)
    rtp=$(pid_of rtp)
    kill -HUP "$ROTORD"
    await 'the RTP ended' gone "$rtp"
    await 'attested again' attested
    [ "$(status log_id)" = "$log" ]
    at_epoch 0
}

@test "the enclave hangs: who asks is told so in time; when it wakes up it goes on" {
    start_device
    log=$(status log_id)
    enclave=$(pid_of enclave)
    rotor attest --state "$STATE" --nonce "$NONCE" --out "$FOLDER/evidence" --json
    kill -STOP "$enclave"
    run rotor attest --state "$STATE" --nonce "$NONCE" --out "$FOLDER/late" --json
    kill -CONT "$enclave"
    echo "$output"
    [ "$status" -eq 3 ]
    [[ $output == *'"code":"TIMEOUT"'* && $output == *'"retryable":true'* ]]
    [ ! -e "$FOLDER/late" ]
    await 'attested again' attested
    rotor attest --state "$STATE" --nonce "$NONCE" --out "$FOLDER/evidence"
    rotor rotate --state "$STATE"
    [ "$(status log_id)" = "$log" ]
    [ "$(pid_of enclave)" = "$enclave" ]
    chain_is_good
}

# ---- rotation ----------------------------------------------------------------

@test "SIGUSR1 is a security event: it rotates" {
    start_device
    kill -USR1 "$ROTORD"
    await 'epoch 1' at_epoch 1
    rotated_by security-event
    says 'SIGUSR1'
    chain_is_good
}

@test "a compromised key is rotated away, and the log says from where on it is void" {
    start_device
    rotor rotate --state "$STATE"
    rotor event key-compromise --state "$STATE" --text 'laptop stolen'
    rotated_by key-compromise
    [ "$(rotor chain list --state "$STATE" --json | grep -o '"distrust_from":[0-9]*' | tail -1)" = '"distrust_from":1' ]
    chain_is_good
    rotor rotate --state "$STATE"
    chain_is_good
}

@test "the period passes: it rotates by itself, again and again" {
    printf 'period = 2s\njitter = 0\n' >>"$CONF"
    start_device
    await 'epoch 2' at_epoch 2
    reasons >"$FOLDER/reasons"
    cat "$FOLDER/reasons"
    [ "$(head -3 "$FOLDER/reasons" | tr '\n' ' ')" = 'initial scheduled scheduled ' ]
    chain_is_good
}

@test "the usage limit is reached: it rotates by itself" {
    printf 'usage-limit = 3\n' >>"$CONF"
    start_device
    for _ in 1 2 3; do
        rotor attest --state "$STATE" --nonce "$NONCE" --out "$FOLDER/evidence"
    done
    await 'epoch 1' at_epoch 1
    rotated_by usage-limit
    chain_is_good
}

@test "a policy with limits refuses a rotation too soon and names the wait; an event is kept until then" {
    printf '[rotation]\nmin-interval = 20s\nmax-per-day = 5\n' >"$CONF"
    start_device
    run rotor rotate --state "$STATE" --json
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *'"code":"RATE_LIMIT"'* && $output == *'"retry_s":'* ]]
    rotor attest --state "$STATE" --nonce "$NONCE" --out "$FOLDER/evidence"
    run rotor event security-event --state "$STATE" --json
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *'"code":"RATE_LIMIT"'* ]]
    await 'epoch 1' at_epoch 1
    rotated_by security-event
    chain_is_good
}

# ---- the service manager -----------------------------------------------------

# Everything that arrives on the manager's socket, a line each.
manage() {
    MANAGER=$FOLDER/manager
    : >"$FOLDER/heard"
    /usr/bin/python3 - "$MANAGER" "$FOLDER/heard" 3>&- <<'EOF' &
import socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
while True:
    text = manager.recv(4096).decode()
    with open(sys.argv[2], "a") as heard:
        heard.write(text + "\n")
EOF
    MANAGING=$!
    await 'a manager' test -S "$MANAGER"
}
heard() { grep -q -e "$1" "$FOLDER/heard"; }
times_ready() { [ "$(grep -c READY=1 "$FOLDER/heard")" -eq "$1" ]; }

@test "a service manager hears READY once the enclave is attested, RELOADING, READY again, STOPPING; no watchdog" {
    manage
    NOTIFY_SOCKET=$MANAGER start_device
    await 'READY=1' times_ready 1
    heard '^STATUS=epoch 0'
    rotor rotate --state "$STATE"
    await 'the epoch' heard '^STATUS=epoch 1'
    times_ready 1
    kill -HUP "$ROTORD"
    await 'RELOADING=1' heard '^RELOADING=1'
    await 'READY=1 again' times_ready 2
    # The children may not speak for the service.
    ! tr '\0' '\n' <"/proc/$(pid_of rtp)/environ" | grep NOTIFY_SOCKET
    kill "$ROTORD"
    wait "$ROTORD"
    ROTORD=
    await 'STOPPING=1' heard '^STOPPING=1'
    ! heard WATCHDOG
    kill $MANAGING
}

@test "a device that never gets ready never says READY" {
    manage
    rm "$STATE"/boot/enclave.a
    NOTIFY_SOCKET=$MANAGER rotord --config "$CONF" --state "$STATE" >>"$LOG" 2>&1 3>&- &
    ROTORD=$!
    await 'a second try' twice 'enclave: no image that may run'
    ! heard READY
    kill $MANAGING
}
