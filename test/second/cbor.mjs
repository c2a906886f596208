// SPDX-License-Identifier: Apache-2.0
// Deterministic CBOR as doc/PROTOCOL.rot 4 has it: refused, never mended.
export class Malformed extends Error {}
// What `work` gives, or `otherwise` where something is malformed.
export function attempt(work, otherwise = null) {
  try {
    return work();
  } catch (error) {
    if (error instanceof Malformed) return otherwise;
    throw error;
  }
}
const LEVELS = 8;

function head(bytes, at) {
  if (at >= bytes.length) throw new Malformed('cut');
  const major = bytes[at] >> 5;
  const low = bytes[at] & 31;
  if (low < 24) return { major, low, value: BigInt(low), next: at + 1 };
  if (low > 27) throw new Malformed('indefinite or reserved');
  const size = 1 << (low - 24);
  if (at + 1 + size > bytes.length) throw new Malformed('cut');
  let value = 0n;
  for (let i = 0; i < size; i++) value = (value << 8n) | BigInt(bytes[at + 1 + i]);
  const least = low === 24 ? 24n : 1n << BigInt(8 * (size / 2));
  if (major !== 7 && value < least) throw new Malformed('not the shortest');
  return { major, low, value, next: at + 1 + size };
}

function item(bytes, at, level) {
  const { major, low, value, next } = head(bytes, at);
  const done = (type, content, end) => ({ type, value: content, raw: bytes.subarray(at, end), end });
  if (major === 0) return done('int', value, next);
  if (major === 1) return done('int', -1n - value, next);
  if (major === 2 || major === 3) {
    if (value > BigInt(bytes.length - next)) throw new Malformed('cut');
    const end = next + Number(value);
    const content = bytes.subarray(next, end);
    if (major === 2) return done('bytes', content, end);
    const text = Buffer.from(content).toString(); // what is no UTF-8 is replaced
    need(Buffer.compare(Buffer.from(text), content) === 0, 'not UTF-8');
    return done('text', text, end);
  }
  if (major === 7 && low === 22) return done('nil', null, next);
  if (major > 5) throw new Malformed('tag, float or simple value');
  if (level >= LEVELS) throw new Malformed('too deep');
  if (value > BigInt(bytes.length)) throw new Malformed('cut');
  const items = [];
  let end = next;
  for (let i = 0n; i < value * (major === 5 ? 2n : 1n); i++) {
    const one = item(bytes, end, level + 1);
    items.push(one);
    end = one.end;
  }
  if (major === 4) return done('array', items, end);
  const map = [];
  for (let i = 0; i < items.length; i += 2) {
    if (i > 0 && Buffer.compare(items[i - 2].raw, items[i].raw) >= 0) throw new Malformed('order of keys');
    map.push([items[i], items[i + 1]]);
  }
  return done('map', map, end);
}

// The one item that `bytes` are.
export function decode(bytes) {
  const one = item(bytes, 0, 0);
  if (one.end !== bytes.length) throw new Malformed('something behind the end');
  return one;
}

export const need = (condition, why) => {
  if (!condition) throw new Malformed(why);
};
export const uint = (one, most = (1n << 64n) - 1n) => {
  need(one?.type === 'int' && one.value >= 0n && one.value <= most, 'uint');
  return one.value;
};
export const bytesOf = (one, least = 0, most = Infinity) => {
  need(one?.type === 'bytes' && one.value.length >= least && one.value.length <= most, 'bytes');
  return one.value;
};
export const textOf = (one) => {
  need(one?.type === 'text', 'text');
  return one.value;
};
export const arrayOf = (one, least, most = least) => {
  need(one?.type === 'array' && one.value.length >= least && one.value.length <= most, 'array');
  return one.value;
};
// A map with integer keys: Map of BigInt to item.
export const mapOf = (one) => {
  need(one?.type === 'map' && one.value.every(([key]) => key.type === 'int'), 'map of integer keys');
  return new Map(one.value.map(([key, value]) => [key.value, value]));
};
// Exactly these keys, the optional ones aside.
export const keysAre = (map, must, may = []) => {
  need(must.every((key) => map.has(BigInt(key))), 'a key is missing');
  need([...map.keys()].every((key) => must.concat(may).some((k) => BigInt(k) === key)), 'a key too many');
};

// ---- the way back, for what is hashed or signed -----------------------------

const prefix = (major, value) => {
  const number = BigInt(value);
  if (number < 24n) return Buffer.from([(major << 5) | Number(number)]);
  const size = number < 256n ? 1 : number < 65536n ? 2 : number < 1n << 32n ? 4 : 8;
  const out = Buffer.alloc(1 + size);
  out[0] = (major << 5) | { 1: 24, 2: 25, 4: 26, 8: 27 }[size];
  for (let i = 0; i < size; i++) out[size - i] = Number((number >> BigInt(8 * i)) & 255n);
  return out;
};
export const encode = (value) => {
  if (typeof value === 'number' || typeof value === 'bigint') {
    return BigInt(value) >= 0n ? prefix(0, value) : prefix(1, -1n - BigInt(value));
  }
  if (typeof value === 'string') return Buffer.concat([prefix(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([prefix(2, value.length), value]);
  return Buffer.concat([prefix(4, value.length), ...value.map(encode)]);
};
