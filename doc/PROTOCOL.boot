rotor: secure boot
==================

What stage 0 checks, keeps and derives before it starts the RTP and the
enclave.  Code: boot/.  All integers are big-endian; `||` joins bytes; a label
is followed by one zero byte, written 0.  SHA-512 and the other hashes are
those of FIPS 180-4.


1. Image file
-------------

    offset  size  field
    0       192   header
    192     96    ECDSA signature: r || s of fixed length, then zeros
    288     n     LMS/HSS signature (RFC 8554), n = header field at 32
    288+n   m     image bytes, m = header field at 28; the file ends here

1.1 Header

    offset  size  field             value
    0       4     magic             "ROTI"
    4       2     header version    1
    6       2     header size       192
    8       4     component         1 RTP, 2 enclave
    12      4     version           8 bits major, 8 minor, 16 patch; no check
    16      4     security version  compared with the rollback floor
    20      4     flags             bit 0: signed by LMS too; others zero
    24      4     scheme            1 ECDSA P-256 with SHA-256,
                                    2 ECDSA P-384 with SHA-384
    28      4     image size        1 .. 64 MiB
    32      4     LMS size          0, or 1 .. 16384 if bit 0 is set
    36      4     reserved          zero
    40      64    digest            SHA-512 of the image bytes
    104     32    signer            key id (2.1) of the ECDSA key
    136     32    LMS signer        key id of the HSS key; zeros without bit 0
    168     24    reserved          zero

1.2 Signatures

Both signatures cover the same bytes:

    "rotor1 image" || 0 || header

so that every header byte is either fixed or signed, and the image bytes are
signed through their digest.  ECDSA: any s in 1 .. order-1.  LMS: an HSS
signature (levels - 1 first), also with one level.

1.3 Verdict

The caller names the component that it wants and the floor of that component.
In this order; the first step that fails gives the reason:

    1  form: 1.1 and the sizes of 1 hold, the padding is zero
    2  signer: a key of the keyring has this id and this scheme
    3  LMS signer: if the keyring entry requires LMS, bit 0 is set; if bit 0
       is set, the entry has an HSS key and its id is the one in the header
    4  the ECDSA signature verifies under that key
    5  the LMS signature, if bit 0 is set, verifies under the paired key
    6  the component is the wanted one
    7  security version >= floor
    8  SHA-512 of the image bytes is the digest

All eight run twice.  The verdict is ACCEPTED = 0x5a3c96e1 only if both rounds
passed every step; REJECTED = 0xa5c3691e, its complement, otherwise; any other
value is a fault and counts as REJECTED.  If the rounds disagree the reason is
"fault".  This stops one fault in one primitive, not the same fault twice.

The caller executes exactly the bytes that were judged: it copies the file
where nobody else can write before the verdict.


2. Keyring
----------

    offset  size  field
    0       4     magic "ROTK"
    4       2     version 1
    6       2     number of entries, 1 .. 8
    8       160 each:
            2     scheme, as in 1.1
            2     flags: bit 0 has an HSS key, bit 1 requires LMS (needs bit 0)
            96    ECDSA public key x || y, then zeros
            60    HSS public key be32(levels) || LMS key of SHA-256 with 32
                  bytes (RFC 8554); zeros without bit 0

One ECDSA key stands in one entry only.  There is one encoding of a keyring.

2.1 Key id

    SHA-256("rotor1 image key" || 0 || be16 kind || public key)

kind: 1 P-256 (64 bytes), 2 P-384 (96 bytes), 3 HSS (60 bytes).

2.2 Authority hash (DICE input)

    SHA-512("rotor1 authority" || 0 || be32 component || keyring)

The component is part of it, so that the RTP does not derive the sealing CDI
of the enclave.  A change of the keyring changes both CDIs of every component:
what was sealed before cannot be opened after.  That is meant: the keyring says
who the signer is, and who can pin another one must not open what the enclave
sealed under this one.  It is the whole keyring and not the one key that signed,
so that an image may change from one of its keys to another; a keyring is pinned
with its spare keys.


3. Slots
--------

Each component has slots A (0) and B (1).  States:

    0 EMPTY      nothing to run
    1 READY      installed, never run
    2 TRIAL      runs next while it has tries; at most one slot
    3 CONFIRMED  ran and was attested
    4 FAILED     its trial ended without confirmation

    event            does
    vacate           the slot that is not active becomes EMPTY (a trial in it
                     is cancelled); its file may now be overwritten
    install          EMPTY -> READY; forbidden below the floor
    activate         the inactive slot, READY or CONFIRMED and not below the
                     floor -> TRIAL with 1 .. 15 tries
    choose           a TRIAL without tries -> FAILED; a TRIAL with tries loses
                     one and runs; else the active slot runs; else the other
                     CONFIRMED one; none below the floor, none that this boot
                     has refused already
    refuse           the chosen image did not verify, was not the installed
                     one, or did not run: a TRIAL -> FAILED; a CONFIRMED slot
                     stays, its file may be mended
    confirm          its evidence was accepted: TRIAL or CONFIRMED ->
                     CONFIRMED and active; floor = max(floor, its security
                     version)
    revert           TRIAL -> FAILED

Every change is durable before it has an effect: a try is spent before the
image runs, EMPTY is stored before the file is overwritten.  The floor rises
with confirm and with nothing else, and never falls.  A chosen image runs only
if 1.3 accepts it under this floor and its digest is the one in the slot.

3.1 Record

    offset  size  field
    0       4     magic "ROTS"
    4       2     version 1
    6       2     record size 256
    8       8     sequence, from 1, +1 with every record
    16      4     component
    20      4     floor
    24      4     last failure: a reason number of boot/reason.h
    28      1     active: 0, 1, or 255 for none
    29      3     zero
    32      80    slot A
    112     80    slot B
    192     32    zero
    224     32    SHA-256("rotor1 slots" || 0 || bytes 0..223)

    slot: state 1, tries left 1 (TRIAL only), zero 2, version 4, security
    version 4, digest 64, zero 4

Two copies; record s is written over copy s mod 2, so that a torn write harms
the older copy only.  Where copies are files, each is replaced whole: a record
whose write failed may be read all the same, and be gone after a power cut,
while the next one is under way over the copy before it.  A reader takes the whole copy with the higher sequence.
A copy is whole if its size and hash are right, it stands in its place, names
the component, and is the encoding of a sound state: the active slot is
CONFIRMED; with none active none is CONFIRMED.

No copy, or one that is not whole and no other: the device was never used.
Two copies and none whole: the floor is lost; nothing boots until the operator
decides.

The record is hashed, not authenticated, and it has no anchor: who can write
both copies can lower the floor.  Where a file holds it, rollback of the slots
is not even detected.


4. DICE
-------

Open Profile for DICE, unchanged: the CDIs, key pairs and names below are
those of open-dice, and its published CDIs and certificates are tests.

4.1 CDIs

KDF(length, ikm, salt, info) = HKDF-SHA-512.

    salt_a = SHA-512(code || configuration || authority || mode || hidden)
    salt_s = SHA-512(authority || mode || hidden)
    CDI_Attest' = KDF(32, CDI_Attest, salt_a, "CDI_Attest")
    CDI_Seal'   = KDF(32, CDI_Seal,   salt_s, "CDI_Seal")

The first stage has the UDS (32 bytes) as both CDIs.

    code           SHA-512 of the image bytes (the digest of 1.1)
    configuration  SHA-512 of the descriptor (4.2)
    authority      2.2
    mode           one byte: 0 not configured, 1 normal, 2 debug, 3 recovery
    hidden         64 bytes, zero unless the platform has a secret of its own

hw_secret of PROTOCOL.rot is the CDI_Seal of the enclave.  It depends on the
UDS, the keyring, the component and the mode, not on the image: an update
opens what its predecessor sealed.  The version floor is not an input of it:
it is bound by 1.3, because an image below the floor never runs and so never
gets the secret.

Stage 0 derives for the RTP and for the enclave from the UDS, side by side,
and wipes the UDS and both CDIs before it starts either.

4.2 Configuration descriptor

Deterministic CBOR, keys in this order:

    {1: bstr 64, -70002: tstr, -70003: uint32, -70005: uint32}

     1       SHA-512 of what the component is told at its start (policy,
             limits); SHA-512 of nothing if it is told nothing
    -70002   "rotor rtp" or "rotor enclave"
    -70003   version
    -70005   security version

4.3 Keys and names

    seed = KDF(32, CDI_Attest, key_salt, "Key Pair")
    id   = KDF(20, public key, id_salt, "ID"), top bit cleared; lower-case hex

The salts are those of the Open Profile; the public key is x || y, or the 32
bytes of Ed25519.  Ed25519: seed is the private key.  P-256 and P-384: K and V
of HMAC_DRBG with SHA-512 (RFC 6979 3.2 d-g with seed as input), then the first
32 or 48 bytes of each output V until one is in 1 .. order-1.

4.4 Measurement

Key 16 of an entry and the claim in evidence:

    H("rotor1 measurement" || 0 || code || SHA-512(descriptor))

H is SHA-256 or SHA-384, by the suite of the entry.


5. Certificates
---------------

The key of the UDS vouches for the attestation key of each component.

    [protected bstr, {}, payload bstr, signature bstr]       untagged COSE_Sign1
    protected = {1: alg}, alg of the issuer's key: -7, -35, -8
    signed    = ["Signature1", protected, h'', payload]

The external_aad is empty, as the Open Profile has it; every other signature
of rotor has a context there, so that none can stand for the other.

5.1 Payload

Deterministic CBOR map, at most 1024 bytes:

     1        issuer      tstr 40: id of the issuer's key
     2        subject     tstr 40: id of the subject's key
    -4670545  code        bstr 64
    -4670547  config hash bstr 64: SHA-512 of the next; absent if inline
    -4670548  config      bstr: descriptor, up to 256 bytes; or 64 inline
    -4670549  authority   bstr 64
    -4670551  mode        bstr 1
    -4670552  key         bstr: COSE_Key (5.2)
    -4670553  usage       bstr 1: 0x01 signs evidence, 0x20 signs certificates
    -4670554  profile     tstr, up to 32 bytes; may be absent

Nothing else; keys in this order.

5.2 Key

    {1: 2, 3: -7,  4: [2], -1: 1, -2: bstr 32, -3: bstr 32}      P-256
    {1: 2, 3: -35, 4: [2], -1: 2, -2: bstr 48, -3: bstr 48}      P-384
    {1: 1, 3: -8,  4: [2], -1: 6, -2: bstr 32}                   Ed25519

5.3 rotor's profile

A certificate is accepted for an issuer key and a wanted usage if

    1  its form is that of 5, 5.1, 5.2
    2  alg is that of the issuer key and the signature verifies under it
    3  issuer and subject are the ids of the issuer key and of the key in it
    4  profile is "rotor.1", the config hash is there and right, the
       descriptor is one of 4.2
    5  usage is the wanted one

in two rounds, as in 1.3.  Code, authority, mode, component and versions are
compared by the caller with its reference values.
