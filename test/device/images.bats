#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Images of a running device: the new one is tried, confirmed once attested,
# taken back when it fails; what is damaged, old or foreign never runs.
load device

setup_file() {
    make_images
    # Programs of the right form and signature that are no enclave.
    sign quits enclave 1.1.0 1 /bin/true
    if compile hangs 'int pause(void); int main(void) { for (;;) pause(); }'; then
        sign hangs rtp 1.1.0 1 "$IMAGES/hangs"
    fi
    if compile crashes 'int main(void) { __builtin_trap(); }'; then
        sign crashes enclave 1.1.0 1 "$IMAGES/crashes"
    fi
    printf 'no program at all' >"$IMAGES/text"
    sign text enclave 1.1.0 1 "$IMAGES/text"
    sign swapped enclave 1.1.0 1 "$IMAGES/rtp.elf"
    for component in rtp enclave; do
        sign $component-2 $component 1.0.2 2 "$IMAGES/$component.elf"
        sign $component-same $component 1.0.9 1 "$IMAGES/$component.elf"
    done
    # A device whose images were confirmed: each test has a copy.
    make_device
    start_device
    pause_device
    export CONFIRMED=$BATS_FILE_TMPDIR/confirmed
    mv "$FOLDER" "$CONFIRMED"
}
setup() {
    FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/rotor-device.XXXXXX")
    STATE=$FOLDER/state CONF=$FOLDER/conf LOG=$FOLDER/log
    cp -a "$CONFIRMED/." "$FOLDER"
}
teardown() { stop_device; }

sign() { # name component version security-version program
    rotor image sign --key "$IMAGES/key.pem" --component "$2" --version "$3" \
        --security-version "$4" --out "$IMAGES/$1.img" "$5" >/dev/null
}
compile() { # name source
    echo "$2" >"$IMAGES/$1.c"
    gcc -static -o "$IMAGES/$1" "$IMAGES/$1.c" 2>/dev/null && strip "$IMAGES/$1"
}

# A member of `rotor image list`, e.g. enclave.slots.0.state.
slot() {
    rotor image list --state "$STATE" --json | python3 -c "
import json, sys
value = json.load(sys.stdin)
for key in '$1'.split('.'):
    value = value[int(key)] if isinstance(value, list) else value[key]
print(value)"
}
slot_is() { [ "$(slot "$1")" = "$2" ]; }
install_image() { rotor image install --state "$STATE" "$IMAGES/$1.img"; }
says() { grep -q -e "$1" "$LOG"; }
gone() { ! kill -0 "$1" 2>/dev/null; }
restart() { # rtp: both start anew
    local pid
    pid=$(pid_of rtp)
    kill -HUP "$ROTORD"
    await 'the RTP ended' gone "$pid"
}
start_unready() {
    rotord --config "$CONF" --state "$STATE" >>"$LOG" 2>&1 3>&- &
    ROTORD=$!
}
flip() { # file offset
    python3 - "$1" "$2" <<'EOF'
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(int(sys.argv[2]))
    byte = file.read(1)[0]
    file.seek(int(sys.argv[2]))
    file.write(bytes([byte ^ 1]))
EOF
}

# ---- the good way ------------------------------------------------------------

@test "a new enclave image is tried, attested, confirmed; the floor rises; the root rotates by firmware-change" {
    start_device
    log=$(status log_id)
    before=$(status measurement)
    install_image enclave-2
    slot_is enclave.slots.1.state ready
    rotor image activate enclave --state "$STATE"
    slot_is enclave.slots.1.state trial
    at_epoch 0 # nothing happens before the next start
    rotor image list --state "$STATE" | grep 'trial'
    restart
    await 'confirmed' slot_is enclave.slots.1.state confirmed
    slot_is enclave.slots.1.active True
    slot_is enclave.floor 2
    slot_is rtp.floor 1
    says 'enclave: version 1.0.2, security version 2, slot b'
    await 'epoch 1' at_epoch 1
    rotor chain list --state "$STATE" --json | grep -o '"reason":"[a-z-]*"' | tail -1 | grep firmware-change
    [ "$(status log_id)" = "$log" ]
    [ "$(status measurement)" != "$before" ]
    [ "$(status security_versions.enclave)" = 2 ]
    chain_is_good
    # The same image again is no change.
    restart
    await 'attested again' attested
    at_epoch 1
}

@test "a new RTP image with --now: rotord is told, the same log goes on, no rotation" {
    start_device
    log=$(status log_id)
    rtp=$(pid_of rtp)
    install_image rtp-2
    rotor image activate rtp --now --state "$STATE"
    await 'the old RTP ended' gone "$rtp"
    await 'confirmed' slot_is rtp.slots.1.state confirmed
    await 'attested' attested
    [ "$(status security_versions.rtp)" = 2 ]
    [ "$(status log_id)" = "$log" ]
    at_epoch 0
}

@test "other settings are another configuration: they are attested, and the root rotates" {
    start_device
    before=$(status measurement)
    pause_device
    printf 'grace = 7s\n' >>"$CONF"
    start_device
    await 'epoch 1' at_epoch 1
    [ "$(status measurement)" != "$before" ]
    rotor chain list --state "$STATE" --json | grep -o '"reason":"[a-z-]*"' | tail -1 | grep firmware-change
    chain_is_good
}

# ---- trials that fail --------------------------------------------------------

fails_and_reverts() { # component why
    await 'reverted' slot_is "$1.slots.1.state" failed
    await 'attested by the old image' attested
    slot_is "$1.slots.0.active" True
    slot_is "$1.floor" 1
    rotor image list --state "$STATE" >"$FOLDER/list"
    cat "$FOLDER/list"
    grep "last failure: $2" "$FOLDER/list"
    at_epoch 0
    rotor rotate --state "$STATE"
    chain_is_good
}

@test "an enclave image that ends at once is tried three times, then the old one runs again by itself" {
    start_device
    install_image quits
    rotor image activate enclave --now --state "$STATE"
    fails_and_reverts enclave 'no boot of the trial was confirmed'
    [ "$(grep -c 'enclave: version 1.1.0' "$LOG")" -eq 3 ]
}

@test "an enclave image that crashes: the same, with as many tries as were given" {
    [ -e "$IMAGES/crashes.img" ] || skip 'needs gcc and a static libc'
    start_device
    install_image crashes
    rotor image activate enclave --tries 1 --now --state "$STATE"
    fails_and_reverts enclave 'no boot of the trial was confirmed'
    [ "$(grep -c 'enclave: version 1.1.0' "$LOG")" -eq 1 ]
}

@test "an enclave image that is no program, or is the RTP by mistake: the same" {
    start_device
    install_image text
    rotor image activate enclave --tries 1 --now --state "$STATE"
    fails_and_reverts enclave 'no boot of the trial was confirmed'
    says 'this kernel cannot execute it'
    install_image swapped
    slot_is enclave.slots.1.state ready
    rotor image activate enclave --tries 1 --now --state "$STATE"
    await 'reverted' slot_is enclave.slots.1.state failed
    await 'attested by the old image' attested
}

@test "an RTP image that hangs is ended, and the old one runs again by itself" {
    [ -e "$IMAGES/hangs.img" ] || skip 'needs gcc and a static libc'
    start_device
    install_image hangs
    rotor image activate rtp --tries 1 --now --state "$STATE"
    await 'on trial' says 'rtp: version 1.1.0'
    run rotor status --state "$STATE" --json # nobody answers: no crash either
    [ "$status" -eq 3 ]
    await 'given up' says 'the image on trial was not attested in time'
    fails_and_reverts rtp 'no boot of the trial was confirmed'
}

@test "the operator takes a trial back before it runs" {
    install_image enclave-2
    rotor image activate enclave --state "$STATE"
    rotor image revert enclave --state "$STATE"
    slot_is enclave.slots.1.state failed
    start_device
    slot_is enclave.slots.0.active True
    run rotor image revert enclave --state "$STATE"
    [ "$status" -eq 1 ]
    run rotor image activate enclave --state "$STATE"
    [ "$status" -eq 1 ]
    [[ $output == *"no installed image that may run"* ]]
}

# ---- what never runs ---------------------------------------------------------

@test "one flipped bit in the slot: the image is refused by name, and runs again once it is restored" {
    start_device
    log=$(status log_id)
    pause_device
    cp "$STATE/boot/enclave.a" "$FOLDER/good"
    flip "$STATE/boot/enclave.a" 100000
    start_unready
    await 'refused' says 'slot a refused: the image bytes are not the signed ones'
    await 'the way out' says 'hint: rotor image install'
    run rotor status --state "$STATE" --json
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'"enclave_is_up":false'* ]]
    run rotor rotate --state "$STATE" --json
    [ "$status" -ne 0 ]
    cp "$FOLDER/good" "$STATE/boot/enclave.a"
    await 'attested' attested
    [ "$(status log_id)" = "$log" ]
    chain_is_good
}

@test "one flipped bit in the slot, and another confirmed image of the same security version: that one runs" {
    start_device
    install_image enclave-same
    rotor image activate enclave --now --state "$STATE"
    await 'confirmed' slot_is enclave.slots.1.state confirmed
    await 'epoch 1' at_epoch 1
    pause_device
    flip "$STATE/boot/enclave.b" 200 # in the header
    start_device
    says 'slot b refused'
    says 'enclave: version 1.0.1, security version 1, slot a'
    await 'epoch 2' at_epoch 2 # another image than before
    chain_is_good
}

@test "an older image than the floor is refused at installing, and in the slot" {
    install_image enclave-2
    rotor image activate enclave --state "$STATE"
    start_device
    await 'confirmed' slot_is enclave.floor 2
    run rotor image install --state "$STATE" "$IMAGES/enclave.img" --json
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *'"code":"ROLLED_BACK"'* && $output == *'below the floor 2'* ]]
    await 'epoch 1' at_epoch 1
    pause_device
    cp "$IMAGES/enclave.img" "$STATE/boot/enclave.b"
    start_unready
    await 'refused' says 'slot b refused: security version below the rollback floor'
    await 'nothing runs' says 'enclave: no image that may run'
}

@test "another genuine image in the slot is not the one that was installed" {
    cp "$IMAGES/quits.img" "$STATE/boot/enclave.a"
    start_unready
    await 'refused' says 'slot a refused: not the image that was installed in this slot'
}

@test "an image of another signer and a second keyring are refused; a keyring put in its place stops the boot" {
    rotor image keygen --out "$FOLDER/other.pem"
    rotor image keyring --out "$FOLDER/other.ring" "$FOLDER/other.pem"
    rotor image sign --key "$FOLDER/other.pem" --component enclave --version 3.0.0 --security-version 3 \
        --out "$FOLDER/other.img" "$IMAGES/enclave.elf"
    run rotor image install --state "$STATE" "$FOLDER/other.img" --json
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *'not in the keyring'* ]]
    run rotor image install --state "$STATE" --keyring "$FOLDER/other.ring" "$FOLDER/other.img" --json
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *'another keyring is pinned already'* ]]
    slot_is enclave.slots.1.state empty
    cp "$STATE/boot/keyring" "$FOLDER/ring"
    cp "$FOLDER/other.ring" "$STATE/boot/keyring"
    start_unready
    await 'refused' says 'slot a refused: signed by a key that is not in the keyring'
    printf 'no keyring' >"$STATE/boot/keyring"
    await 'refused' says 'no keyring of image signers'
    cp "$FOLDER/ring" "$STATE/boot/keyring"
    await 'attested' attested
}

@test "one damaged slot record is no harm; with both damaged nothing runs until they are restored" {
    mkdir "$FOLDER/boot"
    cp "$STATE"/boot/enclave.slots.* "$FOLDER/boot"
    for copy in 0 1; do
        flip "$STATE/boot/enclave.slots.$copy" 40
        start_device
        pause_device
        cp "$FOLDER/boot"/* "$STATE/boot"
    done
    flip "$STATE/boot/enclave.slots.0" 40
    flip "$STATE/boot/enclave.slots.1" 41
    run rotor image list --state "$STATE" --json
    echo "$output"
    [ "$status" -eq 3 ]
    [[ $output == *'both slot records of enclave are damaged'* && $output == *'"hint"'* ]]
    run rotor image install --state "$STATE" "$IMAGES/enclave-2.img"
    [ "$status" -eq 3 ]
    start_unready
    await 'said' says 'enclave: both slot records are damaged'
    await 'the way out' says 'hint: the rollback floor is lost: restore STATE/boot'
    cp "$FOLDER/boot"/* "$STATE/boot"
    await 'attested' attested
}

@test "an image file that was cut, has a tail, is empty, a folder or a pipe is refused by name" {
    file=$FOLDER/bad.img
    size=$(stat -c %s "$IMAGES/enclave-2.img")
    for at in 0 1 100 $((size / 2)) $((size - 1)); do
        head -c "$at" "$IMAGES/enclave-2.img" >"$file"
        run rotor image install --state "$STATE" "$file" --json
        echo "$at: $output"
        [ "$status" -eq 3 ]
    done
    { cat "$IMAGES/enclave-2.img" && echo; } >"$file"
    run rotor image install --state "$STATE" "$file" --json
    [ "$status" -eq 3 ]
    for at in 5 30 70 150 200000; do
        cp "$IMAGES/enclave-2.img" "$file"
        flip "$file" $at
        run rotor image install --state "$STATE" "$file" --json
        echo "$at: $output"
        [ "$status" -eq 1 ] || [ "$status" -eq 3 ]
    done
    mkfifo "$FOLDER/pipe"
    for path in "$FOLDER" "$FOLDER/none"; do
        run timeout 10 rotor image install --state "$STATE" "$path" --json
        [ "$status" -eq 3 ]
    done
    # In the slot itself: stage 0 waits for nobody.
    rm "$STATE/boot/enclave.a"
    mkfifo "$STATE/boot/enclave.a"
    start_unready
    await 'refused' says 'slot a refused'
    slot_is enclave.slots.1.state empty
}
