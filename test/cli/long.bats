#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Logs that are longer than what a walk holds in memory: 1,024 entries.
load common

setup_file() {
    export LONG=$BATS_FILE_TMPDIR/long SHORT=$BATS_FILE_TMPDIR/short
    for build in clang asan; do
        make_log=$ROTOR_BIN/../../$build/test/long/make-log
        [ -x "$make_log" ] && break
    done
    for log in "$LONG" "$SHORT"; do mkdir -p "$log.state/rtp"; done
    "$make_log" 1500 "$LONG" --evidence --fork "$LONG.state/rtp/fork"
    "$make_log" 100 "$SHORT" --evidence --fork "$SHORT.state/rtp/fork"
}

# Peak memory in KiB; what was said is in $BATS_TEST_TMPDIR/out.
peak() {
    python3 -c '
import resource, subprocess, sys
with open(sys.argv[1], "wb") as out:
    done = subprocess.run(sys.argv[2:], stdout=out)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)' "$BATS_TEST_TMPDIR/out" "$@"
}

@test "a log of any length is listed, and memory does not grow with it" {
    short=$(peak "$ROTOR" chain list --file "$SHORT")
    long=$(peak "$ROTOR" chain list --file "$LONG")
    [ "$(grep -c ' ok$' "$BATS_TEST_TMPDIR/out")" = 1500 ]
    echo "peak $short KiB for 100 entries, $long KiB for 1500"
    [ $((long - short)) -lt $(($(stat -c %s "$LONG") / 1024 / 2)) ]
    "$ROTOR" chain list --file - <"$LONG" | cmp - "$BATS_TEST_TMPDIR/out"
    rotor chain show 1499 --file "$LONG"
    exits 0
    prints "epoch          1499"
}

@test "a long log that is changed, cut off or followed by something is shown up to there" {
    size=$(stat -c %s "$LONG")
    at=$((size * 9 / 10))
    cp "$LONG" "$LONG.bad"
    printf '\x00\x00\x00\x00\x00\x00\x00\x00' |
        dd of="$LONG.bad" bs=1 seek="$at" conv=notrunc status=none
    rotor chain list --file "$LONG.bad" --json
    [ "$status" -eq 1 ] || [ "$status" -eq 3 ]
    [ "$(member ok)" = false ]
    [ "$(member entries.1300.is_valid)" = true ]
    head -c "$at" "$LONG" >"$LONG.cut"
    rotor chain list --file "$LONG.cut" --json
    exits 3
    [ "$(member error.code)" = UNPARSABLE ]
    [ "$(member entries.1300.is_valid)" = true ]
    { cat "$LONG" && printf x; } >"$LONG.more"
    rotor chain list --file "$LONG.more"
    exits 3
    says "not a log of rotor, or cut off"
}

@test "without room for what memory does not hold a long log is not judged, and a short one is" {
    export TMPDIR=$BATS_TEST_TMPDIR/none
    rotor chain list --file "$SHORT"
    exits 0
    rotor chain list --file "$LONG"
    exits 3
    says "TMPDIR"
}

@test "a trust store of a long log is opened without reading it, and checked in full on demand" {
    trust=$BATS_TEST_TMPDIR/trust
    rotor verify --chain "$LONG" --trust "$trust" --trust-on-first-use --any-measurement
    exits 0
    log_id=$(sed -n 's/.*log \(SHA256:[^ ]*\)$/\1/p' <<<"$output")
    log=$(ls "$trust"/*.log)
    pinned="--log-id $log_id --trust $trust"
    rotor chain list $pinned
    exits 0
    [ "$(grep -c ' ok$' <<<"$output")" = 1500 ]

    # One byte of a signature in the middle: opening does not see it.
    printf X | dd of="$log" bs=1 seek=$(($(stat -c %s "$log") / 2)) conv=notrunc status=none
    rotor verify --chain "$LONG" $pinned --any-measurement
    exits 0
    rotor chain list $pinned
    exits 3
    says "damaged"
    rotor chain show 1499 $pinned --json
    fails_in_json UNPARSABLE
    rotor chain list --file "$LONG" $pinned
    exits 2
}

@test "a proof of a fork is written and judged over a log of any length, and memory does not grow with it" {
    for log in "$SHORT" "$LONG"; do
        made=$(peak "$ROTOR" fork export --state "$log.state" --file "$log" "$log.proof")
        judged=$(peak "$ROTOR" fork check "$log.proof")
        grep -q '^duplicity: ' "$BATS_TEST_TMPDIR/out"
        echo "$log: peak $made KiB to write it, $judged KiB to judge it"
        if [ "$log" = "$SHORT" ]; then short_made=$made short_judged=$judged; fi
    done
    room=$(($(stat -c %s "$LONG") / 1024 / 2))
    [ $((made - short_made)) -lt $room ]
    [ $((judged - short_judged)) -lt $room ]
    "$ROTOR" fork check - <"$LONG.proof" | cmp - "$BATS_TEST_TMPDIR/out"

    # Refused where it breaks, whatever follows.
    at=$(($(stat -c %s "$LONG.proof") / 2))
    cp "$LONG.proof" "$LONG.bad"
    printf X | dd of="$LONG.bad" bs=1 seek=$at conv=notrunc status=none
    rotor fork check "$LONG.bad"
    [ "$status" -eq 1 ] || [ "$status" -eq 3 ]
    head -c $at "$LONG.proof" >"$LONG.cut"
    rotor fork check "$LONG.cut"
    exits 3
    says "not a proof of a fork, or cut off"
    rotor fork check "$LONG"
    exits 3
    says "not a proof of a fork"
    rotor fork export --state "$LONG.state" --file "$SHORT" "$LONG.none"
    exits 3
    says "does not lead to what was kept"
    [ ! -e "$LONG.none" ]
}
