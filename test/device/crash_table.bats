#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Each row of the crash table (doc/PROTOCOL.rot, 7.4) by its name, on the real
# processes: a test build of port/linux ends the process as it is about to do
# one call on one file.  crash.bats kills at every call of the release build.
# The row BURNT needs an anchor that counts: no program has one, and the
# simulated device does (test/spec/enclave_crash.c).
load device

setup_file() {
    [ -n "${ROTOR_FAULTS:-}" ] || skip 'ROTOR_FAULTS names no test build'
    PATH=$ROTOR_FAULTS:$PATH make_images
}
setup() {
    PATH=$ROTOR_FAULTS:$PATH
    make_device
    mkdir -m 0700 "$STATE/rtp" "$STATE/enclave"
}
teardown() { stop_device; }

# The n-th call from now on; + means all later ones, too.
order() { # component call n kind
    echo "$2 $3 $4" >"$STATE/$1/.order" && chmod 644 "$STATE/$1/.order" && mv "$STATE/$1/.order" "$STATE/$1/faults"
}
# Its process ended there, at a call on that file.
has_ended_at() { # call n file
    grep -qF "disk: $1 $2 $3 fails by order: exit" "$LOG"
}
settled() { attested && [ "$(status state 2>/dev/null)" = current ] && [ "$(status phase 2>/dev/null)" = current ]; }
phase_is() { [ "$(status phase 2>/dev/null)" = "$1" ]; }

# The same log, one body for each epoch, both sides at that one.
goes_on_at() { # log epoch
    await 'settled' settled
    await "epoch $2" at_epoch "$2"
    [ "$(status log_id)" = "$1" ]
    chain_is_good
}

first_boot() { # row component call n file
    echo "row: $1"
    rm -rf "$STATE/rtp" "$STATE/enclave"
    mkdir -m 0700 "$STATE/rtp" "$STATE/enclave"
    : >"$LOG"
    order "$2" "$3" "$4" exit
    start_device
    await 'settled' settled
    has_ended_at "$3" "$4" "$5"
    at_epoch 0
    chain_is_good
    pause_device
}

@test "first boot is cut at each named point of the crash table" {
    first_boot 'EMPTY | NEW: before R0'                    rtp     open   2 state.new
    first_boot 'EMPTY | INTENT0: before P1'                enclave open   1 state.next
    first_boot 'state.next written, anchor not there'      enclave rename 1 anchor.new
    first_boot 'anchor there, state.next not renamed'      enclave rename 2 state.next
    first_boot 'PREP0 at P1 | INTENT0: before P2'          enclave open   3 attach
    first_boot 'PREP0 at P2 | INTENT0: before R1'          rtp     open   3 state.new
    first_boot 'PREP0 | ACC0: before P3'                   enclave open   4 state.next
    first_boot 'PREP0 | ACC0: P3 behind the advance'       enclave rename 4 state.next
    first_boot 'CUR 0 | ACC0: before R2'                   rtp     open   4 log
    first_boot 'CUR 0 | ACC0: logged, the state is not'    rtp     open   5 state.new
}

@test "PREP0 | NEW: the intent is lost; nothing is made, and it says what to do" {
    order rtp open 3+ EIO
    rotord --config "$CONF" --state "$STATE" >>"$LOG" 2>&1 3>&- &
    ROTORD=$!
    await 'R1 fails' grep -q 'disk: open 3 state.new fails' "$LOG"
    pause_device
    rm "$STATE/rtp/state" "$STATE/rtp/faults"
    is_refused 'holds a root of trust that we did not ask for: reset it'

}

# A rotation that ends there and goes on by itself; with 0 nothing began.
row() { # row epochs-on component call n file flags-of-rotate...
    local log epoch on=$2
    echo "row: $1"
    log=$(status log_id)
    epoch=$(status epoch)
    : >"$LOG"
    order "$3" "$4" "$5" exit
    rotor rotate --state "$STATE" "${@:7}" >/dev/null 2>&1 || true
    await 'it ended there' has_ended_at "$4" "$5" "$6"
    goes_on_at "$log" $((epoch + on))
}

@test "a rotation is cut at each named point of the crash table and ends as its row says" {
    start_device
    row 'CUR e | CUR e: before R0'                   0 rtp     open   1 state.new
    row 'CUR e | INTENT: before P1'                  1 enclave open   1 state.next
    row 'state.next written, anchor not advanced'    1 enclave rename 1 anchor.new
    row 'anchor advanced, state.next not renamed'    1 enclave rename 2 state.next
    row 'PREP at P1 | INTENT: before P2'             1 enclave open   3 attach
    row 'PREP at P2 | INTENT: before R1'             1 rtp     open   2 state.new
    row 'PREP | PEND: before P3'                     1 enclave open   4 state.next
    row 'PREP | PEND: P3, the anchor not advanced'   1 enclave rename 3 anchor.new
    row 'PREP | PEND: P3, state.next not renamed'    1 enclave rename 4 state.next
    row 'CUR e+1 | PEND: before R2'                  1 rtp     open   3 log
    row 'CUR e+1 | PEND: logged, the state is not'   1 rtp     open   4 state.new
}

@test "an emergency is cut between R1 and P3, and behind it: PREP | PENDX, CUR e+1 | PENDX" {
    start_device
    row 'PREP | PENDX: before P3'               1 enclave open   4 state.next --reason key-compromise
    row 'PREP | PENDX: state.next not renamed'  1 enclave rename 4 state.next --reason key-compromise
    row 'CUR e+1 | PENDX: before R2'            1 rtp     open   3 log        --reason key-compromise
}

@test "PREP, image updated since P1: the new image makes the evidence again" {
    start_device
    local log
    log=$(status log_id)
    order rtp open 2+ EIO # R1
    timeout 3 rotor rotate --state "$STATE" >/dev/null 2>&1 || true
    grep -q 'disk: open 2 state.new fails' "$LOG"
    pause_device
    rm "$STATE/rtp/faults"
    make_image enclave 2 "$FOLDER/enclave2.img"
    rotor image install --state "$STATE" --activate "$FOLDER/enclave2.img" >/dev/null
    start_device
    goes_on_at "$log" 2 # the one that was prepared, then one for the new image
}

@test "CUR e+1 | CUR e: the RTP's store is put back by one epoch, and catches up" {
    start_device
    local log
    log=$(status log_id)
    pause_device
    cp -a "$STATE/rtp" "$FOLDER/rtp.old"
    start_device
    rotor rotate --state "$STATE" >/dev/null
    pause_device
    rm -rf "$STATE/rtp" && cp -a "$FOLDER/rtp.old" "$STATE/rtp"
    start_device
    goes_on_at "$log" 1
}

is_refused() { # pattern
    : >"$LOG"
    rotord --config "$CONF" --state "$STATE" >>"$LOG" 2>&1 3>&- &
    ROTORD=$!
    await "it says $1" grep -qiE "$1" "$LOG"
    ! settled
    pause_device
}

put_back() { rm -rf "$STATE/enclave" && cp -a "$FOLDER/enclave.old" "$STATE/enclave"; }

@test "CUR e | CUR e+1, CUR e | PEND: the enclave's store is put back, it signs nothing more" {
    start_device
    pause_device
    cp -a "$STATE" "$FOLDER/first"
    cp -a "$STATE/enclave" "$FOLDER/enclave.old"
    start_device
    rotor rotate --state "$STATE" >/dev/null
    pause_device
    put_back
    is_refused 'rolled back'
    rm -rf "$STATE" && mv "$FOLDER/first" "$STATE"
    start_device
    order enclave open 4+ EIO # P3
    timeout 3 rotor rotate --state "$STATE" >/dev/null 2>&1 || true
    await 'R1 is done' phase_is switching
    pause_device
    put_back
    is_refused 'rolled back'
}

@test "PREP with one body, PEND with another: quarantine" {
    start_device
    pause_device
    cp -a "$STATE" "$FOLDER/copy"
    start_device
    order enclave open 4+ EIO # P3
    timeout 3 rotor rotate --state "$STATE" >/dev/null 2>&1 || true
    await 'R1 is done' phase_is switching
    pause_device
    mv "$STATE" "$FOLDER/first" && mv "$FOLDER/copy" "$STATE"
    start_device
    order enclave open 4+ EIO
    timeout 3 rotor rotate --state "$STATE" >/dev/null 2>&1 || true
    await 'R1 is done' phase_is switching
    pause_device
    rm -rf "$STATE/rtp" && cp -a "$FOLDER/first/rtp" "$STATE/rtp"
    rm "$STATE/enclave/faults"
    is_refused 'quarantine|duplicity|another body'
}

# ---- recovery --------------------------------------------------------------------

# Asks for an order and has two of three keys sign it.
ask_authority() {
    rotor recover request --state "$STATE" --authority "$FOLDER/ra/set" --out "$FOLDER/request" >/dev/null || return
    for key in 1 2; do
        rotor authority sign --key "$FOLDER/ra/key-$key.pem" --measurement "$MEASUREMENT" --yes \
            --out "$FOLDER/$key.sig" "$FOLDER/request" >/dev/null || return
    done
}
apply() { rotor recover apply --state "$STATE" --authority "$FOLDER/ra/set" "$FOLDER/request" "$FOLDER/1.sig" "$FOLDER/2.sig" >/dev/null; }
is_recovered() { [ "$(status incarnation 2>/dev/null)" = "$1" ]; }

# The operator does again what was cut; nothing else is needed.
recovery() { # row while component call n file
    local log incarnation
    echo "row: $1"
    log=$(status log_id)
    incarnation=$(status incarnation)
    : >"$LOG"
    [ "$2" = apply ] || order "$3" "$4" "$5" exit
    ask_authority || { await 'it ended there' has_ended_at "$4" "$5" "$6" && await 'attested' attested && ask_authority; }
    [ "$2" = request ] || order "$3" "$4" "$5" exit
    apply 2>/dev/null || true
    await 'it ended there' has_ended_at "$4" "$5" "$6"
    await 'attested' attested
    is_recovered $((incarnation + 1)) || apply || true
    await 'recovered' is_recovered $((incarnation + 1))
    await 'settled' settled
    [ "$(status log_id)" = "$log" ]
    chain_is_good
}

@test "a recovery is cut at each named point of the crash table and the authority need not sign again" {
    rotor authority init --keys 3 --threshold 2 --out "$FOLDER/ra" >/dev/null
    printf '[recovery]\nauthority = %s\n' "$FOLDER/ra/set" >>"$CONF"
    start_device
    MEASUREMENT=$(status measurement)
    recovery 'CUR | the candidate is not written'         request enclave open   1 recover
    recovery 'candidate waits: before P1'                 apply   enclave open   1 state.next
    recovery 'candidate waits: P1, not renamed'           apply   enclave rename 2 state.next
    recovery 'REC: before P2'                             apply   enclave open   3 attach
    recovery 'REC: before P3'                             apply   enclave open   4 state.next
    recovery 'REC: P3, not renamed'                       apply   enclave rename 4 state.next
    recovery 'CUR i+1 | CUR i: DONE came, not logged'     apply   rtp     open   1 log
    recovery 'CUR i+1 | CUR i: logged, the state is not'  apply   rtp     open   2 state.new
}
