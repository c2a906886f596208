// SPDX-License-Identifier: Apache-2.0
// Evidence of the process backend: doc/PROTOCOL.chain 8, doc/PROTOCOL.boot 4.2, 4.4 and 5.
import { hkdfSync } from 'node:crypto';
import { arrayOf, attempt, bytesOf, decode, keysAre, mapOf, need, textOf, uint } from './cbor.mjs';
import { digestOf, hash, isSigner, keyOf, same, signedBy, sign1Of } from './keys.mjs';

const ID_SALT = Buffer.from(
  'dbdbaebc8020da9ff0dd5a24c83aa5a54286dfc263031e329b4da148430659fe' +
    '62cdb5b7e1e00fc680306711eb444af77209359496fcff1db9520ba51c7b29ea', 'hex');
const U32 = (1n << 32n) - 1n;

const nameOf = (key) => {
  const id = Buffer.from(hkdfSync('sha512', key.material, ID_SALT, 'ID', 20));
  id[0] &= 0x7f;
  return id.toString('hex');
};
// 5.2: a COSE_Key that also names alg and key_ops.
function subjectKey(bytes) {
  const map = mapOf(decode(bytes));
  const alg = map.get(3n)?.value;
  const [ops] = arrayOf(map.get(4n), 1);
  need(uint(ops) === 2n, 'key_ops');
  const kept = [...decode(bytes).value].filter(([key]) => key.value !== 3n && key.value !== 4n);
  const key = keyOf({ type: 'map', value: kept, raw: bytes });
  need(isSigner(key) && alg === { Ed25519: -8n, 'P-256': -7n, 'P-384': -35n }[key.kind], 'alg');
  return key;
}
function descriptorOf(bytes) {
  const map = mapOf(decode(bytes));
  keysAre(map, [1, -70002, -70003, -70005]);
  bytesOf(map.get(1n), 64, 64);
  uint(map.get(-70003n), U32);
  const component = textOf(map.get(-70002n));
  need(component === 'rotor rtp' || component === 'rotor enclave', 'component');
  return { component, securityVersion: uint(map.get(-70005n), U32) };
}
function certificateOf(bytes, issuer) {
  const { payload } = sign1Of(bytes, false);
  need(payload.length <= 1024, 'size');
  const map = mapOf(decode(payload));
  const get = (key) => map.get(BigInt(key));
  keysAre(map, [1, 2, -4670545, -4670547, -4670548, -4670549, -4670551, -4670552, -4670553, -4670554]);
  const key = subjectKey(bytesOf(get(-4670552)));
  const config = bytesOf(get(-4670548), 1, 256);
  const code = bytesOf(get(-4670545), 64, 64);
  bytesOf(get(-4670549), 64, 64);
  need(textOf(get(1)) === nameOf(issuer) && textOf(get(2)) === nameOf(key), 'names');
  need(textOf(get(-4670554)) === 'rotor.1', 'profile');
  need(same(bytesOf(get(-4670547), 64, 64), hash('sha512', config)), 'config hash');
  need(same(bytesOf(get(-4670553), 1, 1), Buffer.from([1])), 'usage');
  need(signedBy(issuer, bytes, ''), 'signature');
  const measures = ['sha256', 'sha384'].map((name) => hash(name, 'rotor1 measurement\0', code, hash('sha512', config)));
  return { key, measures, mode: bytesOf(get(-4670551), 1, 1)[0], ...descriptorOf(config) };
}
function tokenOf(bytes) {
  const map = mapOf(decode(sign1Of(bytes, false).payload));
  need(textOf(map.get(265n)) === 'tag:rotor,2026:process/1', 'profile');
  need([...map.keys()].every((key) => key === 10n || key === 265n || key < -65536n), 'claims');
  const get = (key) => map.get(BigInt(key));
  [[-70002, 3n], [-70003, 2n], [-70007, (1n << 64n) - 1n]].forEach(([key, most]) => uint(get(key), most));
  arrayOf(get(-70005), 2).forEach((one) => uint(one, U32));
  need(get(-70004)?.raw.length <= 512, 'kids');
  return { ud: bytesOf(get(10), 64, 64), level: uint(get(-70001), 3n), measurement: digestOf(get(-70006)) };
}

// The check that refuses, or "accepted".  `wanted`: { ud, measurement, securityVersion }.
export function judgeEvidence(bytes, wanted) {
  const report = attempt(() => {
    const [backend, inner] = arrayOf(decode(bytes), 2);
    need(uint(backend) === 1n, 'backend');
    const parts = arrayOf(decode(bytesOf(inner)), 3).map((one) => bytesOf(one, 1));
    return { uds: keyOf(decode(parts[0])), certificate: parts[1], eat: parts[2] };
  });
  if (report === null) return 'format';
  const root = attempt(() => certificateOf(report.certificate, report.uds));
  if (root === null) return 'certificate';
  const token = attempt(() => tokenOf(report.eat));
  if (token === null || !signedBy(root.key, report.eat, 'rotor1 eat')) return 'signature';
  if (!same(token.ud, wanted.ud)) return 'binding';
  if (root.component !== 'rotor enclave') return 'component';
  if (token.level !== 0n || !root.measures.some((one) => same(one, token.measurement.bytes))) return 'claims';
  if (!root.measures.some((one) => same(one, wanted.measurement))) return 'measurement';
  if (root.securityVersion < wanted.securityVersion) return 'security-version';
  return root.mode === 1 ? 'accepted' : 'debug';
}
