# SPDX-License-Identifier: Apache-2.0
# What every file here needs.  ROTOR_BIN is the folder of the programs.

bats_require_minimum_version 1.5.0

: "${ROTOR_BIN:=build/app}"
ROTOR_BIN=$(cd "$ROTOR_BIN" && pwd)
ROTOR=$ROTOR_BIN/rotor
ANY_NONCE=$(printf 'ab%.0s' {1..32})

# Runs rotor; $status, $output (stdout) and $stderr are set.
rotor() {
    run --separate-stderr "$ROTOR" "$@"
}

exits() {
    if [ "$status" -ne "$1" ]; then
        echo "exit code $status, wanted $1"
        echo "stdout: $output"
        echo "stderr: $stderr"
        return 1
    fi
}

says() { # on stderr
    case "$stderr" in
    *"$1"*) ;;
    *)
        echo "stderr does not say: $1"
        echo "stderr: $stderr"
        return 1
        ;;
    esac
}

prints() { # on stdout
    case "$output" in
    *"$1"*) ;;
    *)
        echo "stdout does not have: $1"
        echo "stdout: $output"
        return 1
        ;;
    esac
}

# A member of the JSON object on stdout; fails unless it is one whole object.
member() {
    printf '%s' "$output" | python3 -c '
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1].split("."):
    value = value[int(key)] if isinstance(value, list) else value[key]
print(json.dumps(value) if not isinstance(value, str) else value)
' "$1"
}

# The object is a failure with this code, and stderr is empty.
fails_in_json() {
    [ "$(member ok)" = false ] || return 1
    if [ "$(member error.code)" != "$1" ]; then
        echo "code $(member error.code), wanted $1"
        return 1
    fi
    [ -n "$(member error.message)" ] || return 1
    case "$(member error.retryable)" in
    true | false) ;;
    *) return 1 ;;
    esac
}

# Standard output is what that rule of doc/verify.cddl says.
fits() {
    local root=${BATS_TEST_DIRNAME%/test/*}
    printf '%s' "$output" | python3 "$root/test/interop/cddl.py" "${2:-$root/doc/verify.cddl}" "$1" -
}

free_port() {
    python3 -c '
import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# make_device FOLDER: a state folder with images of this build.
make_device() {
    local state=$1 keys=$1.keys name
    mkdir -p "$keys"
    "$ROTOR" image keygen --out "$keys/dev.pem" >"$keys/messages" 2>&1 || return 1
    "$ROTOR" image keyring --out "$keys/dev.keyring" "$keys/dev.pem" \
        >>"$keys/messages" 2>&1 || return 1
    for name in rtp enclave; do
        "$ROTOR" image sign --key "$keys/dev.pem" --component $name \
            --version 0.1.0 --security-version 1 --out "$keys/$name.img" \
            "$ROTOR_BIN/rotor-$name" >>"$keys/messages" 2>&1 || return 1
        "$ROTOR" image install --state "$state" --keyring "$keys/dev.keyring" \
            --activate "$keys/$name.img" >>"$keys/messages" 2>&1 || return 1
    done
}

# Waits until a command holds, at most 20 s.
await() { # command...
    local tries=200
    until "$@"; do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ]; then
            echo "never: $*"
            return 1
        fi
        sleep 0.1
    done
}

status_says() { # folder text
    "$ROTOR" status --state "$1" --json 2>/dev/null | grep -q "$2"
}
is_gone() { ! kill -0 "$1" 2>/dev/null; } # pid

# start_device FOLDER PORT [limits]: runs until stop_device.  Lines of
# FOLDER.more go into its configuration.
start_device() {
    local state=$1 port=$2
    if [ "${3:-}" = limits ]; then
        : >"$state.conf"
    else
        printf '[rotation]\nmin-interval = 0\nmax-per-day = 0\n' >"$state.conf"
    fi
    [ ! -f "$state.more" ] || cat "$state.more" >>"$state.conf"
    "$ROTOR_BIN/rotord" --state "$state" --listen "127.0.0.1:$port" \
        --config "$state.conf" >"$state.out" 2>"$state.err" 3>&- &
    echo $! >"$state.pid"
    await status_says "$state" '"phase":"current"' || { cat "$state.err" && return 1; }
}

stop_device() {
    local pid
    pid=$(cat "$1.pid" 2>/dev/null) || return 0
    kill "$pid" 2>/dev/null
    await is_gone "$pid" || { kill -9 "$pid" && return 1; }
}
