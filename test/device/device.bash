# SPDX-License-Identifier: Apache-2.0
# A real device for a test: signed images, a fresh state folder, rotord.
# Programs come from PATH (build/release/app).

# Once for a file of tests: keys and images.
make_images() {
    IMAGES=$BATS_FILE_TMPDIR/images
    export IMAGES
    mkdir -p "$IMAGES"
    local apps
    apps=$(dirname "$(command -v rotord)")
    rotor image keygen --out "$IMAGES/key.pem" >/dev/null
    rotor image keyring --out "$IMAGES/ring" "$IMAGES/key.pem" >/dev/null
    for component in rtp enclave; do
        strip -o "$IMAGES/$component.elf" "$apps/rotor-$component"
        make_image "$component" 1 "$IMAGES/$component.img"
    done
}

make_image() { # component security-version file
    rotor image sign --key "$IMAGES/key.pem" --component "$1" --version "1.0.$2" \
        --security-version "$2" --out "$3" "$IMAGES/$1.elf" >/dev/null
}

# A state folder with both images, and a config without limits.
make_device() {
    FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/rotor-device.XXXXXX")
    STATE=$FOLDER/state
    CONF=$FOLDER/conf
    LOG=$FOLDER/log
    printf '[rotation]\nmin-interval = 0\nmax-per-day = 0\n%s\n' "${1:-}" >"$CONF"
    rotor image install --state "$STATE" --keyring "$IMAGES/ring" --activate "$IMAGES/rtp.img" >/dev/null
    rotor image install --state "$STATE" --activate "$IMAGES/enclave.img" >/dev/null
}

start_device() { # rotord flags...
    rotord --config "$CONF" --state "$STATE" "$@" >>"$LOG" 2>&1 3>&- &
    ROTORD=$!
    await 'device ready' attested
}

stop_device() {
    [ -z "${ROTORD:-}" ] || { kill "$ROTORD" && wait "$ROTORD"; } 2>/dev/null || true
    ROTORD=
    [ -z "${FOLDER:-}" ] || rm -rf "$FOLDER"
}

# The same without removing the device.
pause_device() {
    kill "$ROTORD" && wait "$ROTORD" || true
    ROTORD=
}

# Waits until a command holds, at most 20 s; the log tells what happened else.
await() { # what command...
    local what=$1 tries=200
    shift
    until "$@"; do
        tries=$((tries - 1))
        if [ $tries -eq 0 ]; then
            echo "never: $what"
            cat "$LOG"
            return 1
        fi
        sleep 0.05
    done
}

status() { # jq-like path of the JSON status
    rotor status --state "$STATE" --json 2>/dev/null | python3 -c "
import json, sys
value = json.load(sys.stdin)
for key in '$1'.split('.'):
    value = value[int(key)] if isinstance(value, list) else value[key]
print(value)"
}

attested() { [ "$(status ok 2>/dev/null)" = True ] && [ "$(status log_id 2>/dev/null)" != None ] && [ "$(status enclave_is_up 2>/dev/null)" = True ]; }
at_epoch() { [ "$(status epoch 2>/dev/null)" = "$1" ]; }

# The child of this rotord that runs the image of that name.
pid_of() { pgrep -P "$ROTORD" -f "rotor-$1"; }

# The whole log, each step verified by the relying party's code.
chain_is_good() { rotor chain list --state "$STATE" >/dev/null; }
