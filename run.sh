#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, and shows rotor at work.
#
#   ./run.sh          a tour: the real programs in a fresh state folder, 30 s
#   ./run.sh --json   the same, one JSON object a line
#   ./run.sh up       keeps the system running in the foreground instead
set -eu
cd "$(dirname "$0")"
case "$*" in
'' | --json | up) ;;
*)
    echo "rotor: error: unknown: $*" >&2
    echo "rotor: hint: ./run.sh, ./run.sh --json or ./run.sh up" >&2
    exit 2
    ;;
esac

# shellcheck disable=SC2046 # words are wanted
tool/install $(sed -n 's/^run: *//p' tool/packages)
mkdir -p build
{
    [ -f build/release/build.ninja ] || meson setup build/release --buildtype=release -Dtests=false
    ninja -C build/release
} >build/log 2>&1 || {
    tail -30 build/log >&2
    echo "rotor: error: the build failed; all of it is in build/log" >&2
    exit 3
}

case "${1:-}" in
up) exec build/release/app/rotor tour --up ;;
*) exec build/release/app/rotor tour ${1:+"$1"} ;;
esac
