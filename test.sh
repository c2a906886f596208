#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds five ways, runs every test.
#
#   ./test.sh            everything that is bounded
#   ./test.sh NAME...    only the suites named: static spec threads clang secrets
#                        powercut second fuzz model cli device soak; and mutants,
#                        which takes minutes
set -u
cd "$(dirname "$0")" || exit 3
suites=${*:-static spec threads clang secrets powercut second fuzz model cli device soak}
export log=build/test-log
passed=0 failed=0 skipped=0

# shellcheck disable=SC2046 # words are wanted
tool/install $(sed -n 's/^\(run\|test\): *//p' tool/packages) || exit 3
mkdir -p "$log"
export ROTOR_VECTORS=${ROTOR_VECTORS:-$PWD/../shared/vectors}
export ASAN_OPTIONS=abort_on_error=0:detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1
export ROTOR_BIN=$PWD/build/release/app ROTOR_FAULTS=$PWD/build/faults/app PATH=$PWD/build/release/app:$PATH

# Counts the TAP lines of a finished program; a program that ended badly
# without saying what failed is one failure.
count() { # name exit-code file
    local good bad skips
    # cmocka marks a skipped sentence `not ok ... # SKIP`, bats `ok ... # skip`.
    skips=$(grep -ciE '^(not )?ok .*# *skip' "$3")
    good=$(grep -E '^ok ' "$3" | grep -cviE '# *skip')
    bad=$(grep -E '^not ok ' "$3" | grep -cviE '# *skip')
    [ "$2" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
    passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + skips))
    printf '%-28s %4d passed, %d failed, %d skipped\n' "$1" "$good" "$bad" "$skips"
    if [ "$bad" -gt 0 ]; then
        grep -vE '^ok ' "$3" | tail -60 | sed 's/^/    /'
    fi
    grep -iE '^ok .*# *skip|^ *skipped:' "$3" | sed 's/^ */    /' | sort -u | head -5
}

# One check is one test: its name, then the command.
check() {
    local name=$1
    shift
    if "$@" >"$log/check" 2>&1; then
        echo "ok - $name" >"$log/check.tap"
        count "$name" 0 "$log/check.tap"
    else
        { echo "not ok - $name" && cat "$log/check"; } >"$log/check.tap"
        count "$name" 1 "$log/check.tap"
    fi
}

# Programs that print TAP, or cmocka's, one after the other.
run() { # name command...
    local name=$1
    shift
    CMOCKA_MESSAGE_OUTPUT=TAP "$@" >"$log/$name.tap" 2>&1
    count "$name" $? "$log/$name.tap"
}

# The same, as many at a time as there are processors.
run_all() { # prefix program...
    local prefix=$1 name
    shift
    # shellcheck disable=SC2016 # of the inner shell
    printf '%s\n' "$@" | CMOCKA_MESSAGE_OUTPUT=TAP xargs -P "$(nproc)" -I % sh -c '
        name=$1/$2$(basename "$3" .bats)
        case $3 in
        *.bats) bats --tap "$3" ;;
        *) "$3" ;;
        esac >"$name.tap" 2>&1
        echo $? >"$name.code"' - "$log" "$prefix" %
    for program; do
        name=$prefix$(basename "$program" .bats)
        count "$name" "$(cat "$log/$name.code")" "$log/$name.tap"
    done
}

# One fuzz target over its corpus, as one test.
replay() { # program
    local name=${1##*replay-} changes=100000 verdict=ok
    [ "$name" != serve ] || changes=2000
    "$1" "test/fuzz/corpus/$name" $changes >"$log/fuzz-$name" 2>&1 || verdict='not ok'
    { echo "$verdict - fuzz $name, $changes changes" && cat "$log/fuzz-$name"; } >"$log/fuzz-$name.tap"
}
export -f replay

programs() { # of these, what can be run
    for program; do
        [ -f "$program" ] && [ -x "$program" ] && echo "$program"
    done
}

build() { # folder meson-options...
    local folder=build/$1
    shift
    { [ -f "$folder/build.ninja" ] || meson setup "$folder" "$@"; } >"$log/build" 2>&1 &&
        ninja -C "$folder" >>"$log/build" 2>&1
}

need() { # folder meson-options...; without the build its suites are one failure
    build "$@" && return
    { echo "not ok - build $1" && tail -40 "$log/build"; } >"$log/check.tap"
    count "build $1" 1 "$log/check.tap"
    return 1
}
release() { need release --buildtype=release -Dtests=false; }

for suite in $suites; do
    case $suite in
    static)
        check 'layers as drawn' tool/check-layers
        check 'layers: planted violations are refused' test/static/layers
        check 'no TRY where something is owned' tool/check-try
        release && check 'pure modules need four functions' tool/check-symbols build/release
        check 'pure modules compile for firmware' tool/cross-compile build/cross
        check 'formatted' test/static/format
        check 'pages name what the programs have' test/static/docs build/release
        check 'conformance: every case has its sentence' test/static/conformance
        check 'settings as they are shipped' test/static/config build/release
        check 'installed, a program outside compiles and runs against it' test/static/install build/release
        check 'nothing of a test build in the release' test/static/release build/release
        ;;
    spec)
        need asan --buildtype=debugoptimized -Db_sanitize=address,undefined || continue
        # shellcheck disable=SC2046 # words are wanted
        run_all '' $(programs build/asan/test/spec/spec-*)
        ;;
    threads)
        need tsan --buildtype=debugoptimized -Db_sanitize=thread || continue
        # shellcheck disable=SC2046 # words are wanted
        run_all tsan- $(programs build/tsan/test/spec/spec-{ipq*,beside,ahead})
        ;;
    clang) CC=clang need clang --buildtype=release -Dtests=true && check 'clang builds without a warning' true ;;
    secrets)
        # Of the two compilers, clang is the one that turns a mask into a branch.
        CC=clang need clang --buildtype=release -Dtests=true || continue
        run secrets valgrind -q build/clang/test/secrets/secrets
        ;;
    powercut)
        CC=clang need clang --buildtype=release -Dtests=true || continue
        check 'power cut at every point, and 2000 schedules' test/powercut/run
        sed 's/^/    /' "$log/check"
        check 'planted defects of a disk are seen' test/powercut/run --prove
        ;;
    second)
        CC=clang need clang --buildtype=release -Dtests=true || continue
        run second-chain sh -c 'build/clang/test/second/second-cases 100 | node test/second/compare.mjs 10000'
        run second-evidence sh -c 'build/clang/test/second/second-evidence 1000 | node test/second/compare.mjs 4000'
        ;;
    fuzz)
        need asan --buildtype=debugoptimized -Db_sanitize=address,undefined || continue
        programs build/asan/test/fuzz/replay-* | xargs -P "$(nproc)" -I % bash -c 'replay %'
        for program in $(programs build/asan/test/fuzz/replay-*); do
            count "fuzz ${program##*replay-}" 0 "$log/fuzz-${program##*replay-}.tap"
        done
        run fuzz-published test/fuzz/published build/asan/test/fuzz 1000
        ;;
    model)
        need asan --buildtype=debugoptimized -Db_sanitize=address,undefined || continue
        for script in test/model/run-*; do
            [ -x "$script" ] && check "model: $(basename "$script")" "$script"
        done
        ;;
    mutants)
        # Each check of the queue is deleted in turn; a sentence must fail.
        check 'queue: no check can be deleted' test/spec/ipq_mutants
        cat "$log/check"
        ;;
    cli)
        release && run_all cli- test/cli/*.bats
        ;;
    device)
        need faults --buildtype=release -Dtests=false -Dfaults=true
        release || continue
        # These two look at times and memory: by themselves.
        alone=(test/device/hostile.bats test/device/tour.bats)
        together=(test/device/storage.bats) # the longest first
        for script in test/device/*.bats; do
            [[ " ${alone[*]} ${together[*]} " == *" $script "* ]] || together+=("$script")
        done
        run_all device- "${together[@]}"
        for script in "${alone[@]}"; do
            run "device-$(basename "$script" .bats)" bats --tap "$script"
        done
        ;;
    soak)
        release && check 'killed and stopped at random under load, 75 s' test/soak/run --seconds 75
        sed 's/^/    /' "$log/check"
        ;;
    *)
        echo "rotor: error: no suite called $suite" >&2
        exit 2
        ;;
    esac
done

echo
[ "$skipped" -eq 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
