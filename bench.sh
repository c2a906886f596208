#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures rotor beside what the machine can do: same run, round by round.
#
#   ./bench.sh            everything, as a table
#   ./bench.sh NAME...    JSON lines: attest rotate session start memory ipq
#                         verify realtime, which draws build/bench/realtime.png,
#                         chain: ENTRIES=1000000 ROTATIONS=1000000 for all of it
#   ROUNDS=51 ./bench.sh attest
set -eu
cd "$(dirname "$0")"
known="attest rotate session start memory ipq verify realtime chain"
for name; do
    case " $known " in
    *" $name "*) ;;
    *)
        echo "rotor: error: no bench called $name" >&2
        echo "rotor: hint: ./bench.sh $known" >&2
        exit 2
        ;;
    esac
done

# shellcheck disable=SC2046 # words are wanted
tool/install $(sed -n 's/^\(run\|bench\): *//p' tool/packages)
build=build/bench
mkdir -p build
{
    [ -f $build/build.ninja ] || meson setup $build --buildtype=release -Dtests=false -Dbench=true
    ninja -C $build
} >build/bench-log 2>&1 || {
    tail -30 build/bench-log >&2
    echo "rotor: error: the build failed; all of it is in build/bench-log" >&2
    exit 3
}

work=$(mktemp -d "${TMPDIR:-/tmp}/rotor-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir -m 0711 "$work/template" "$work/run"

# A device's boot folder: the two images, stripped and signed by a key that
# nobody keeps.
image() { # component program
    strip -s -o "$work/$1.elf" "$build/app/$2"
    "$build/app/rotor" image sign --key "$work/key.pem" --component "$1" --version 1.0.0 \
        --security-version 1 --out "$work/$1.img" "$work/$1.elf" >/dev/null
    "$build/app/rotor" image install --state "$work/template" --keyring "$work/keyring" \
        --activate "$work/$1.img" >/dev/null
}
"$build/app/rotor" image keygen --out "$work/key.pem" >/dev/null
"$build/app/rotor" image keyring --out "$work/keyring" "$work/key.pem" >/dev/null
image rtp rotor-rtp
image enclave rotor-enclave

# Ours is several processes, the reference often one: on a busy machine ours
# shares its processors and looks worse than it is.
processors() { # jiffies: idle, all
    awk '/^cpu /{print $5 + $6, $2 + $3 + $4 + $5 + $6 + $7 + $8 + $9}' /proc/stat
}
before=$(processors)
sleep 1
busy=$(echo "$before $(processors)" | awk '{print int(100 - 100 * ($3 - $1) / ($4 - $2))}')
if [ "$busy" -gt 10 ]; then
    echo "rotor: warning: other programs keep the processors $busy % busy: ratios come out too high" >&2
    echo "rotor: hint: measure again when the machine is quiet" >&2
fi

chain() {
    "$build/bench/make-log" 1500 "$work/short" >/dev/null
    "$build/bench/make-log" "${ENTRIES:-20000}" "$work/long" >/dev/null
    "$build/bench/bench-chain" "$work/short" "$work/long" "$work" ${ROUNDS:+"$ROUNDS"}
    "$build/bench/bench-chain-storage" "${ROTATIONS:-2000}"
}

run() { # name: JSON lines
    case $1 in
    chain) chain ;;
    ipq | verify) "$build/bench/bench-$1" ${ROUNDS:+"$ROUNDS"} ;;
    *) "$build/bench/bench-$1" "$build/app" "$work/template" "$work/run" ${ROUNDS:+"$ROUNDS"} ;;
    esac
    [ "$1" != realtime ] || gnuplot -c bench/realtime.plot "$work/run/realtime.tsv" "$build/realtime.png" >&2
}

if [ $# -gt 0 ]; then
    for name; do run "$name"; done
else
    for name in $known; do run "$name"; done | bench/table
fi
