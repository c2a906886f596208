// SPDX-License-Identifier: Apache-2.0
// Digests, keys and signatures: doc/PROTOCOL.rot 3 and RFC 8554 4.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { Malformed, arrayOf, bytesOf, decode, encode, keysAre, mapOf, need } from './cbor.mjs';

export const hash = (name, ...parts) => {
  const state = createHash(name);
  for (const part of parts) state.update(part);
  return state.digest();
};
export const same = (a, b) => Buffer.compare(a, b) === 0;

// ---- digests ----------------------------------------------------------------

const HASHES = new Map([[-16n, ['sha256', 32]], [-43n, ['sha384', 48]]]);
export const NO_DIGEST = { name: null, alg: 0n, bytes: Buffer.alloc(0) };

export function digestOf(one) {
  const [alg, bytes] = arrayOf(one, 2);
  need(alg.type === 'int' && HASHES.has(alg.value), 'digest');
  const [name, size] = HASHES.get(alg.value);
  return { name, alg: alg.value, bytes: bytesOf(bytes, size, size) };
}
export function mdigestOf(one) {
  if (one?.type === 'bytes') {
    need(one.value.length === 0, 'digest');
    return NO_DIGEST;
  }
  return digestOf(one);
}
export const digestEqual = (a, b) => a.alg === b.alg && same(a.bytes, b.bytes);
export const digestItem = (digest) => (digest.alg === 0n ? Buffer.alloc(0) : [digest.alg, digest.bytes]);
export const makeDigest = (name, ...parts) => ({
  name,
  alg: name === 'sha256' ? -16n : -43n,
  bytes: hash(name, ...parts),
});

// ---- keys -------------------------------------------------------------------

export const SUITES = new Map([
  [1n, { sign: 'Ed25519', agree: 'X25519', hash: 'sha256' }],
  [2n, { sign: 'P-256', agree: 'P-256', hash: 'sha256' }],
  [3n, { sign: 'P-384', agree: 'P-384', hash: 'sha384' }],
]);
const ALGS = { Ed25519: -8n, 'P-256': -7n, 'P-384': -35n, 'LM-OTS': -65537n };
const SIZES = { Ed25519: 64, 'P-256': 64, 'P-384': 96, 'LM-OTS': 2180 };

const b64 = (bytes) => Buffer.from(bytes).toString('base64url');
function point(curve, x, y) {
  try {
    return createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: curve, x: b64(x), y: b64(y) } });
  } catch {
    return null;
  }
}
const edwards = (x) => createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: b64(x) } });

function okp(map, raw) {
  keysAre(map, [1, -1, -2]);
  const kind = { 6: 'Ed25519', 4: 'X25519' }[map.get(-1n).value];
  need(kind !== undefined && map.get(-1n).type === 'int', 'curve');
  const x = bytesOf(map.get(-2n), 32, 32);
  return { kind, raw, material: x, open: () => (kind === 'Ed25519' ? edwards(x) : null) };
}
function ec2(map, raw) {
  keysAre(map, [1, -1, -2, -3]);
  need(map.get(-1n).type === 'int', 'curve');
  const kind = { 1: 'P-256', 2: 'P-384' }[map.get(-1n).value];
  need(kind !== undefined, 'curve');
  const size = kind === 'P-256' ? 32 : 48;
  const x = bytesOf(map.get(-2n), size, size);
  const y = bytesOf(map.get(-3n), size, size);
  return { kind, raw, material: Buffer.concat([x, y]), open: () => point(kind, x, y) };
}
export function keyOf(one) {
  const map = mapOf(one);
  need(map.get(1n)?.type === 'int', 'key type');
  switch (map.get(1n).value) {
    case 1n:
      return okp(map, one.raw);
    case 2n:
      return ec2(map, one.raw);
    case -65537n: {
      keysAre(map, [1, -1]);
      const material = bytesOf(map.get(-1n), 56, 56);
      return { kind: 'LM-OTS', raw: one.raw, material, open: () => null };
    }
    default:
      throw need(false, 'key type');
  }
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
function tryOf(bytes, isDetached) {
  try {
    return sign1Of(bytes, isDetached);
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}
// The kid in a signature of the recovery authority; empty if there is none.
export const kidIn = (bytes) => tryOf(bytes, true)?.kid ?? Buffer.alloc(0);

function holds(key, message, signature) {
  if (signature.length !== SIZES[key.kind]) return false;
  if (key.kind === 'LM-OTS') return lmots(key.material, message, signature);
  const opened = key.open();
  if (opened === null) return false;
  if (key.kind === 'Ed25519') return verify(null, message, opened, signature);
  const name = key.kind === 'P-256' ? 'sha256' : 'sha384';
  return verify(name, message, { key: opened, dsaEncoding: 'ieee-p1363' }, signature);
}

// Does the detached COSE_Sign1 `bytes` hold over `payload`?  What is none does
// not.  Only the recovery authority names its key.
export function signs(key, bytes, context, payload) {
  const sign1 = tryOf(bytes, true);
  const names = context === 'rotor1 entry/ra';
  if (sign1 === null || sign1.alg !== ALGS[key.kind] || (sign1.kid !== null) !== names) return false;
  const aad = Buffer.from(`${context}\0`);
  return holds(key, encode(['Signature1', sign1.protected, aad, payload]), sign1.signature);
}
// The same of a COSE_Sign1 that carries its payload.
export function signedBy(key, bytes, context) {
  const sign1 = tryOf(bytes, false);
  if (sign1 === null || sign1.alg !== ALGS[key.kind] || sign1.kid !== null) return false;
  const aad = Buffer.from(context === '' ? '' : `${context}\0`);
  return holds(key, encode(['Signature1', sign1.protected, aad, sign1.payload]), sign1.signature);
}
export const isSigner = (key) => key.kind !== 'X25519' && key.kind !== 'LM-OTS';
