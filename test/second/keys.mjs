// SPDX-License-Identifier: Apache-2.0
// Digests, keys and signatures: doc/PROTOCOL.rot 3 and RFC 8554 4.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { arrayOf, attempt, bytesOf, decode, encode, keysAre, mapOf, need } from './cbor.mjs';

export const hash = (name, ...parts) =>
  parts.reduce((state, part) => state.update(part), createHash(name)).digest();
export const same = (a, b) => Buffer.compare(a, b) === 0;

// ---- digests ----------------------------------------------------------------

const HASHES = new Map([[-16n, ['sha256', 32]], [-43n, ['sha384', 48]]]);
const NO_DIGEST = { name: null, alg: 0n, bytes: Buffer.alloc(0) };

export function digestOf(one) {
  const [alg, bytes] = arrayOf(one, 2);
  need(alg.type === 'int' && HASHES.has(alg.value), 'digest');
  const [name, size] = HASHES.get(alg.value);
  return { name, alg: alg.value, bytes: bytesOf(bytes, size, size) };
}
export function mdigestOf(one) {
  if (one?.type !== 'bytes') return digestOf(one);
  need(one.value.length === 0, 'digest');
  return NO_DIGEST;
}
export const digestEqual = (a, b) => a.alg === b.alg && same(a.bytes, b.bytes);
const ALG_OF = { sha256: -16n, sha384: -43n };
export const makeDigest = (name, ...parts) => ({ name, alg: ALG_OF[name], bytes: hash(name, ...parts) });

// ---- keys -------------------------------------------------------------------

export const SUITES = new Map([
  [1n, { sign: 'Ed25519', agree: 'X25519', hash: 'sha256' }],
  [2n, { sign: 'P-256', agree: 'P-256', hash: 'sha256' }],
  [3n, { sign: 'P-384', agree: 'P-384', hash: 'sha384' }],
]);
const ALGS = { Ed25519: -8n, 'P-256': -7n, 'P-384': -35n, 'LM-OTS': -65537n };
const SIZES = { Ed25519: 64, 'P-256': 64, 'P-384': 96, 'LM-OTS': 2180 };

const b64 = (bytes) => Buffer.from(bytes).toString('base64url');
function publicKey(kty, crv, x, y) {
  try {
    return createPublicKey({ format: 'jwk', key: { kty, crv, x: b64(x), y: b64(y) } });
  } catch {
    return null; // not on the curve
  }
}

function okp(map, raw) {
  keysAre(map, [1, -1, -2]);
  const kind = { 6: 'Ed25519', 4: 'X25519' }[map.get(-1n).value];
  need(kind !== undefined && map.get(-1n).type === 'int', 'curve');
  const x = bytesOf(map.get(-2n), 32, 32);
  return { kind, raw, material: x, open: () => publicKey('OKP', kind, x, '') };
}
function ec2(map, raw) {
  keysAre(map, [1, -1, -2, -3]);
  need(map.get(-1n).type === 'int', 'curve');
  const kind = { 1: 'P-256', 2: 'P-384' }[map.get(-1n).value];
  need(kind !== undefined, 'curve');
  const size = kind === 'P-256' ? 32 : 48;
  const x = bytesOf(map.get(-2n), size, size);
  const y = bytesOf(map.get(-3n), size, size);
  return { kind, raw, material: Buffer.concat([x, y]), open: () => publicKey('EC', kind, x, y) };
}
function ots(map, raw) {
  keysAre(map, [1, -1]);
  return { kind: 'LM-OTS', raw, material: bytesOf(map.get(-1n), 56, 56), open: () => null };
}
export function keyOf(one) {
  const map = mapOf(one);
  const type = map.get(1n);
  const form = { 1: okp, 2: ec2, '-65537': ots }[type?.value];
  need(type?.type === 'int' && form !== undefined, 'key type');
  return form(map, one.raw);
}
export const kidOf = (key) =>
  makeDigest(key.kind === 'P-384' ? 'sha384' : 'sha256', Buffer.from('rotor1 key\0'), key.raw);

// ---- LM-OTS, type 3: n = 32, w = 4, p = 67 -----------------------------------

const be = (size, value) => {
  const out = Buffer.alloc(size);
  out.writeUIntBE(value, 0, size);
  return out;
};
function lmots(material, message, signature) {
  const [id, q, root] = [material.subarray(4, 20), material.subarray(20, 24), material.subarray(24)];
  const known = be(4, 3);
  if (!same(material.subarray(0, 4), known) || !same(signature.subarray(0, 4), known)) return false;
  if (!same(q, be(4, 0))) return false;
  const q32 = hash('sha256', id, q, be(2, 0x8181), signature.subarray(4, 36), message);
  const digits = [...q32].flatMap((byte) => [byte >> 4, byte & 15]);
  const sum = digits.reduce((total, digit) => total + 15 - digit, 0) << 4;
  digits.push((sum >> 12) & 15, (sum >> 8) & 15, (sum >> 4) & 15);
  const ends = digits.map((digit, i) => {
    let value = signature.subarray(36 + 32 * i, 68 + 32 * i);
    for (let j = digit; j < 15; j++) value = hash('sha256', id, q, be(2, i), be(1, j), value);
    return value;
  });
  return same(hash('sha256', id, q, be(2, 0x8080), ...ends), root);
}

// ---- COSE_Sign1 --------------------------------------------------------------

// { alg, kid, protected, payload, signature }; a detached one has no payload.
export function sign1Of(bytes, isDetached) {
  const [protectedItem, unprotected, payload, signature] = arrayOf(decode(bytes), 4);
  const header = mapOf(decode(bytesOf(protectedItem)));
  keysAre(header, [1], [4]);
  need(header.get(1n).type === 'int', 'alg');
  need(unprotected.type === 'map' && unprotected.value.length === 0, 'unprotected header');
  need(isDetached ? payload.type === 'nil' : payload.type === 'bytes', 'payload');
  const kid = header.has(4n) ? bytesOf(header.get(4n)) : null;
  return { alg: header.get(1n).value, kid, protected: protectedItem.value, payload: payload.value, signature: bytesOf(signature) };
}
// The kid in a signature of the recovery authority; empty if there is none.
export const kidIn = (bytes) => attempt(() => sign1Of(bytes, true))?.kid ?? Buffer.alloc(0);

function holds(key, message, signature) {
  if (signature.length !== SIZES[key.kind]) return false;
  if (key.kind === 'LM-OTS') return lmots(key.material, message, signature);
  const opened = key.open();
  if (opened === null) return false;
  if (key.kind === 'Ed25519') return verify(null, message, opened, signature);
  const name = key.kind === 'P-256' ? 'sha256' : 'sha384';
  return verify(name, message, { key: opened, dsaEncoding: 'ieee-p1363' }, signature);
}

function under(key, sign1, context, payload, isNamed) {
  if (sign1 === null || sign1.alg !== ALGS[key.kind] || (sign1.kid !== null) !== isNamed) return false;
  const aad = Buffer.from(context === '' ? '' : `${context}\0`);
  return holds(key, encode(['Signature1', sign1.protected, aad, payload]), sign1.signature);
}
// Does the detached COSE_Sign1 `bytes` hold over `payload`?  What is none does
// not.  Only the recovery authority names its key.
export const signs = (key, bytes, context, payload) =>
  under(key, attempt(() => sign1Of(bytes, true)), context, payload, context === 'rotor1 entry/ra');
// The same of a COSE_Sign1 that carries its payload.
export const signedBy = (key, bytes, context) => {
  const sign1 = attempt(() => sign1Of(bytes, false));
  return under(key, sign1, context, sign1?.payload, false);
};
export const isSigner = (key) => key.kind !== 'X25519' && key.kind !== 'LM-OTS';
