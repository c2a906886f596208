#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0

load common

COMMANDS="status rotate event attest verify chain policy endorse doctor"

@test "help names every command and an example, on stdout" {
    rotor help
    exits 0
    [ -z "$stderr" ]
    for command in $COMMANDS image; do
        prints "  $command "
    done
    prints "Example:"
    rotor --help
    exits 0
    prints "Example:"
    rotor help --json
    exits 0
    [ "$(member ok)" = true ]
    [ "$(member commands.0.name)" = status ]
    rotor help --json nonsense
    exits 2
}

@test "every command has a help page with its flags and an example" {
    for command in $COMMANDS; do
        rotor "$command" --help
        exits 0
        prints "usage: rotor $command"
        prints "--json"
        prints "Example:"
        rotor help "$command"
        exits 0
        prints "usage: rotor $command"
    done
}

@test "version, as text and as JSON" {
    rotor version
    exits 0
    prints "rotor 0."
    rotor --version
    exits 0
    rotor version --json
    exits 0
    [ "$(member schema)" = rotor/version/1 ]
}

@test "an unknown command is a usage error with a hint" {
    rotor frobnicate
    exits 2
    says "rotor: error: unknown command frobnicate"
    says "rotor: hint: "
    [ -z "$output" ]
    rotor frobnicate --json
    exits 2
    fails_in_json USAGE
    [ -z "$stderr" ]
}

@test "a mistyped flag is a usage error of every command" {
    for command in $COMMANDS; do
        rotor "$command" --jsn
        exits 2
        says "unknown flag --jsn"
        [ -z "$output" ]
        rotor "$command" --frob --json
        exits 2
        fails_in_json USAGE
        [ "$(member schema)" = "rotor/$command/1" ]
        [ -z "$stderr" ]
    done
}

@test "a flag without its value is a usage error" {
    for flag in --state --socket; do
        rotor status $flag
        exits 2
        says "$flag needs"
    done
    rotor attest --nonce
    exits 2
    rotor attest --nonce --json
    exits 2
    fails_in_json USAGE
    rotor rotate --suite
    exits 2
    rotor verify --trust
    exits 2
}

@test "a switch takes no value" {
    rotor status --json=yes
    exits 2
}

@test "a flag that wants a number takes no word" {
    rotor rotate --suite two
    exits 2
    says "--suite two: expected a whole number"
    rotor rotate --suite -1
    exits 2
    rotor rotate --suite 99999999999999999999999
    exits 2
    rotor event key-compromise --distrust-from x
    exits 2
}

@test "arguments that a command does not take are refused" {
    rotor status now
    exits 2
    rotor rotate now
    exits 2
    rotor attest now --nonce "$ANY_NONCE"
    exits 2
    rotor doctor now
    exits 2
    rotor chain frobnicate
    exits 2
    rotor chain show
    exits 2
    rotor chain show x
    exits 2
    rotor chain export
    exits 2
    rotor verify a b --any-measurement
    exits 2
}

@test "event wants one of three reasons" {
    rotor event
    exits 2
    says "which event"
    rotor event lunch
    exits 2
    says "unknown reason lunch"
    says "security-event, key-compromise or firmware-change"
    rotor event scheduled
    exits 2
    rotor event security-event --distrust-from 3
    exits 2
    says "belongs to key-compromise only"
    rotor event security-event --text "$(printf 'x%.0s' {1..300})"
    exits 2
}

@test "rotate takes reasons and suites that there are" {
    rotor rotate --reason boredom
    exits 2
    says "unknown reason boredom"
    rotor rotate --reason recovery
    exits 2
    rotor rotate --suite 4
    exits 2
}

@test "closing a log needs --yes" {
    rotor rotate --close
    exits 2
    says "--yes"
}

@test "without a daemon: exit 3, DAEMON_DOWN, how to start it" {
    for command in status rotate "event security-event" chain \
        "attest --nonce $ANY_NONCE"; do
        rotor $command --state "$BATS_TEST_TMPDIR/none"
        exits 3
        says "rotord --state DIR"
        [ -z "$output" ]
        rotor $command --state "$BATS_TEST_TMPDIR/none" --json
        exits 3
        fails_in_json DAEMON_DOWN
        [ "$(member error.retryable)" = true ]
        [ -z "$stderr" ]
    done
}

@test "rotor alone is status, with its flags" {
    rotor --state "$BATS_TEST_TMPDIR/none" --json
    exits 3
    [ "$(member schema)" = rotor/status/1 ]
    rotor --state "$BATS_TEST_TMPDIR/none" chain --json
    exits 3
    [ "$(member schema)" = rotor/chain/1 ]
}

@test "a socket path that is too long is said so" {
    rotor status --socket "/$(printf 'x%.0s' {1..200})"
    exits 3
    says "File name too long"
}

@test "output that cannot be written is a failure" {
    run bash -c "$ROTOR help >/dev/full"
    exits 3
}

@test "output into a pipe or a device works, and never removes it" {
    cd "$BATS_TEST_TMPDIR"
    rotor authority init --keys 1 --threshold 1 --out keys
    exits 0
    mkfifo pipe
    cat pipe >got 3>&- &
    rotor authority set --threshold 1 --out pipe keys/key-1.pem
    exits 0
    wait $!
    [ -p pipe ]
    cmp got keys/set
    [ "$(id -u)" -eq 0 ] || return 0
    mknod full c 1 7 2>/dev/null || return 0
    rotor authority set --threshold 1 --out full keys/key-1.pem
    exits 3
    [ -c full ]
}

@test "doctor without a daemon: every line, exit 1, CHECK_FAILED" {
    rotor doctor --state "$BATS_TEST_TMPDIR/none"
    exits 1
    prints "FAIL"
    prints "mend it: "
    says "checks failed"
    rotor doctor --state "$BATS_TEST_TMPDIR/none" --json
    exits 1
    fails_in_json CHECK_FAILED
    [ "$(member schema)" = rotor/doctor/1 ]
    [ "$(member checks.0.check)" = clock ]
}

@test "doctor sees a folder that others may write, and one that is a file" {
    mkdir -p "$BATS_TEST_TMPDIR/open"
    chmod 0777 "$BATS_TEST_TMPDIR/open"
    rotor doctor --state "$BATS_TEST_TMPDIR/open"
    exits 1
    prints "others may write there"
    touch "$BATS_TEST_TMPDIR/file"
    rotor doctor --state "$BATS_TEST_TMPDIR/file"
    exits 1
    prints "FAIL"
}

@test "the manual names every code of a JSON error with its exit code" {
    source=$BATS_TEST_DIRNAME/../../app/rotor/command.c
    manual=$BATS_TEST_DIRNAME/../../doc/man/rotor.1.scd
    number() { case $1 in REFUSED) echo 1 ;; USAGE) echo 2 ;; *) echo 3 ;; esac; }
    codes=$(sed -nE 's/.*\{"([A-Z_]+)", *EXIT_([A-Z]+),.*/\1 \2/p' "$source")
    [ "$(printf '%s\n' "$codes" | wc -l)" -ge 19 ]
    while read -r name exit; do
        grep -A1 -Fx "*$name*" "$manual" | grep -q "exit $(number "$exit")" || {
            echo "$name: not in the manual with exit $(number "$exit")"
            return 1
        }
    done <<<"$codes"
}
