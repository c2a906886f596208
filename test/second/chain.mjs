// SPDX-License-Identifier: Apache-2.0
// May this entry follow?  doc/PROTOCOL.chain 1 to 5, from the text alone.
import { arrayOf, attempt, bytesOf, decode, keysAre, mapOf, need, uint } from './cbor.mjs';
import { SUITES, digestEqual, digestOf, hash, isSigner, keyOf, kidIn, kidOf } from './keys.mjs';
import { makeDigest, mdigestOf, same, signs } from './keys.mjs';

const U32 = (1n << 32n) - 1n;
const [GENESIS, ROTATE, RECOVER, REINCEPT, CLOSE] = [0n, 1n, 2n, 3n, 4n];
const isStep = (kind) => kind === ROTATE || kind === CLOSE;
const isRecovery = (kind) => kind === RECOVER || kind === REINCEPT;

// ---- 1: an entry ---------------------------------------------------------------

function policyOf(one) {
  const map = mapOf(one);
  keysAre(map, [1, 2, 3, 4, 5, 6, 7, 8]);
  for (const key of [1, 2, 4, 5, 8]) uint(map.get(BigInt(key)), U32);
  const floor = uint(map.get(3n), 3n);
  need(floor >= 1n, 'floor');
  digestOf(map.get(7n));
  return { bytes: one.raw, floor, ra: digestOf(map.get(6n)), holdDown: map.get(8n).value };
}
function pairOf(one) {
  const [ots, second] = arrayOf(one, 2).map(keyOf);
  need(ots.kind === 'LM-OTS' && isSigner(second), 'A');
  return { ots, second, raw: one.raw };
}
const headOf = (one) => {
  const [epoch, digest] = arrayOf(one, 2);
  return { epoch: uint(epoch), hash: digestOf(digest) };
};

function bodyKeys(kind, map) {
  const must = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 14, 16, 17, 18];
  if (isStep(kind)) must.push(9, 11);
  if (isRecovery(kind)) must.push(22);
  const may = [15, 20, 21];
  if (isStep(kind) && uint(map.get(12n), 8n) === 4n) may.push(19);
  keysAre(new Map([...map].filter(([key]) => key < 64n)), must, may);
}

function bodyOf(bytes) {
  need(bytes.length >= 1 && bytes.length <= 4096, 'size of the body');
  const map = mapOf(decode(bytes));
  const get = (key) => map.get(BigInt(key));
  const kind = uint(get(2), 4n);
  bodyKeys(kind, map);
  need(uint(get(0)) === 1n, 'version');
  const suite = uint(get(6), 65535n);
  const known = SUITES.has(suite);
  const body = {
    bytes, kind, suite, known, logId: mdigestOf(get(1)), epoch: uint(get(3)), incarnation: uint(get(4), U32),
    prev: mdigestOf(get(5)), commit: mdigestOf(get(10)), reason: uint(get(12), 8n), n: uint(get(13)),
    measurement: digestOf(get(16)), policy: policyOf(get(18)),
    sign: known ? keyOf(get(7)) : null, agree: known ? keyOf(get(8)) : null,
    auth: isStep(kind) ? pairOf(get(9)) : null, kid: isStep(kind) ? digestOf(get(11)) : null,
    supersedes: isRecovery(kind) ? headOf(get(22)) : null,
  };
  const isFirst = kind === GENESIS;
  need((body.logId.name === null) === isFirst && (body.prev.name === null) === isFirst, 'log_id or prev');
  need((body.epoch === 0n) === isFirst && (!isFirst || body.incarnation === 0n), 'epoch');
  need((body.commit.name === null) === (kind === CLOSE), 'commitment');
  const reasons = isFirst ? [0n, 0n] : isRecovery(kind) ? [8n, 8n] : [1n, 7n];
  need(body.reason >= reasons[0] && body.reason <= reasons[1], 'reason');
  const [seconds, boot] = arrayOf(get(14), 2);
  uint(seconds);
  bytesOf(boot, 16, 16);
  if (map.has(15n)) {
    const [wall, source] = arrayOf(get(15), 2);
    uint(wall);
    need(uint(source, 3n) >= 1n, 'source of time');
  }
  const [seed, request] = arrayOf(get(17), 2);
  uint(seed, 3n);
  digestOf(request);
  if (map.has(19n)) need(uint(get(19)) <= body.epoch, 'distrust_from');
  for (const key of [20n, 21n]) if (map.has(key)) digestOf(map.get(key));
  return body;
}

const ATTACHED = { 0: [[3], []], 1: [[1, 2, 3], []], 2: [[3, 4, 7], [1]], 3: [[3, 4, 7], []], 4: [[1, 2, 3], []] };
function setOf(one) {
  const [k, list] = arrayOf(one, 2);
  const keys = arrayOf(list, 1, 16).map(keyOf);
  const threshold = uint(k, 16n);
  need(threshold >= 1n && threshold <= BigInt(keys.length) && keys.every(isSigner), 'ra-set');
  const kids = keys.map((key) => kidOf(key).bytes);
  for (let i = 1; i < kids.length; i++) need(Buffer.compare(kids[i - 1], kids[i]) < 0, 'order of keys');
  return { k: threshold, keys, kids, raw: one.raw };
}

export function entryOf(bytes) {
  need(bytes.length <= 16384, 'size of the entry');
  const [bodyItem, attachments] = arrayOf(decode(bytes), 2);
  const body = bodyOf(bytesOf(bodyItem));
  const map = mapOf(attachments);
  const [must, may] = ATTACHED[body.kind];
  const reserved = body.kind === GENESIS ? [5] : [5, 6];
  const named = [...map].filter(([key]) => key < 64n);
  keysAre(new Map(named), must, [...may, ...reserved]);
  const sign1 = (one) => bytesOf(one, 1, 2200);
  const entry = { body, old: map.has(1n) ? sign1(map.get(1n)) : null, pop: null };
  if (map.has(2n)) entry.auth = arrayOf(map.get(2n), 2).map((one) => sign1(one));
  if (body.known) entry.pop = sign1(map.get(3n));
  if (map.has(4n)) {
    entry.ra = arrayOf(map.get(4n), 1, 32).map((one) => bytesOf(one));
    entry.sets = arrayOf(map.get(7n), 1, 2);
    entry.sets.forEach((one) => arrayOf(one, 0, Infinity));
  }
  if (map.has(5n)) entry.evidence = bytesOf(map.get(5n), 1, 8192);
  return entry;
}

// ---- what a party holds ----------------------------------------------------------

const suiteOf = (suite) => SUITES.get(suite);
export const bodyHash = (body) => makeDigest(suiteOf(body.suite).hash, Buffer.from('rotor1 entry\0'), body.bytes);
function trustOf(body) {
  const own = bodyHash(body);
  return { ...body, bytes: undefined, logId: body.kind === GENESIS ? own : body.logId, hash: own };
}
const fingerprintsOf = (body) => {
  const keys = [body.sign, body.agree, ...(body.auth ? [body.auth.ots, body.auth.second] : [])];
  const marks = keys.map((key) => hash('sha256', key.raw).toString('hex'));
  if (body.commit.name !== null) marks.push(`commit ${body.commit.bytes.toString('hex')}`);
  return marks;
};

export class Party {
  head = null;
  live = []; // trusts, oldest first
  seen = new Set();

  // { outcome, rule }; an accepted entry is taken.
  judge(bytes) {
    return this.head === null ? genesis(this, bytes) : follow(this, bytes);
  }

  take(bytes) {
    const { body } = entryOf(bytes);
    const trust = trustOf(body);
    if (isRecovery(body.kind)) {
      this.live = this.live.filter((held) => held.epoch <= body.supersedes.epoch);
    }
    this.live.push(trust);
    this.head = trust;
    for (const mark of fingerprintsOf(body)) this.seen.add(mark);
  }
}

// ---- 3 and 5: rules ----------------------------------------------------------------

const no = (rule) => ({ outcome: 'rejected', rule });
const YES = { outcome: 'accepted', rule: 0 };
const UNSUPPORTED = (rule) => ({ outcome: 'unsupported', rule });

function read(bytes, kinds) {
  const entry = attempt(() => entryOf(bytes));
  return entry !== null && kinds(entry.body.kind) ? entry : null;
}
const readSets = (items) => attempt(() => items.map(setOf), []);
// Rule 4 for a suite that is known.
function fits(body, second) {
  const suite = suiteOf(body.suite);
  const commits = body.commit.name === null || body.commit.name === suite.hash;
  return body.sign.kind === suite.sign && body.agree.kind === suite.agree && commits &&
    (second === null || body.auth.second.kind === second);
}
function areNew(party, body) {
  const marks = fingerprintsOf(body);
  return new Set(marks).size === marks.length && !marks.some((mark) => party.seen.has(mark));
}
const popHolds = (entry) => signs(entry.body.sign, entry.pop, 'rotor1 entry/pop', entry.body.bytes);

function genesis(party, bytes) {
  const entry = read(bytes, (kind) => kind === GENESIS);
  if (entry === null) return no(1);
  const { body } = entry;
  if (body.suite < body.policy.floor) return no(4);
  if (!body.known) return UNSUPPORTED(4);
  if (!fits(body, null)) return no(4);
  if (!popHolds(entry)) return no(8);
  return areNew(party, body) ? YES : no(9);
}

function authHolds(body, entry) {
  const under = (key, sign1) => signs(key, sign1, 'rotor1 entry/auth', body.bytes);
  return under(body.auth.ots, entry.auth[0]) && under(body.auth.second, entry.auth[1]);
}
function committed(head, body) {
  const name = suiteOf(head.suite).hash;
  const made = makeDigest(name, Buffer.from('rotor1 next-auth\0'), body.auth.raw);
  return head.commit.name === name && same(made.bytes, head.commit.bytes);
}
function step(party, entry) {
  const { head } = party;
  const { body } = entry;
  if (!digestEqual(body.logId, head.logId)) return no(1);
  const follows = body.epoch === head.epoch + 1n && body.incarnation === head.incarnation &&
    digestEqual(body.prev, head.hash) && digestEqual(body.kid, kidOf(head.sign));
  if (!follows) return no(2);
  if (body.n <= head.n) return no(3);
  if (body.suite < head.policy.floor) return no(4);
  if (!body.known) return UNSUPPORTED(4);
  if (!fits(body, suiteOf(head.suite).sign)) return no(4);
  if (!committed(head, body)) return no(5);
  if (!authHolds(body, entry)) return no(6);
  if (!signs(head.sign, entry.old, 'rotor1 entry/old', body.bytes)) return no(7);
  if (!popHolds(entry)) return no(8);
  if (!areNew(party, body)) return no(9);
  return same(body.policy.bytes, head.policy.bytes) ? YES : no(10);
}

function approved(digest, entry) {
  const sets = readSets(entry.sets);
  const set = sets.find((one) => same(hash(digest.name, one.raw), digest.bytes));
  if (set === undefined) return false;
  const signed = new Set();
  for (const sign1 of entry.ra) {
    const at = set.kids.findIndex((kid) => same(kid, kidIn(sign1)));
    if (at >= 0 && signs(set.keys[at], sign1, 'rotor1 entry/ra', entry.body.bytes)) signed.add(at);
  }
  return BigInt(signed.size) >= set.k;
}
function recovery(party, entry) {
  const { body } = entry;
  const { head } = party;
  if (!digestEqual(body.logId, head.logId)) return no(1);
  if (body.incarnation !== head.incarnation + 1n || !digestEqual(body.prev, body.supersedes.hash)) return no(2);
  const last = party.live.find((held) => held.epoch === body.supersedes.epoch &&
    digestEqual(held.hash, body.supersedes.hash));
  if (last === undefined) return no(3);
  if (body.epoch <= last.epoch) return no(4);
  if (body.kind === RECOVER && body.n <= last.n) return no(5);
  const { ra } = last.policy;
  if (!approved(ra, entry)) return no(6);
  if (!digestEqual(body.policy.ra, ra) && !approved(body.policy.ra, entry)) return no(6);
  if (entry.old !== null && !signs(last.sign, entry.old, 'rotor1 entry/old', body.bytes)) return no(7);
  if (!body.known) return UNSUPPORTED(8);
  if (!popHolds(entry)) return no(8);
  if (body.suite < last.policy.floor || !fits(body, null)) return no(9);
  if (!areNew(party, body) || body.policy.floor < last.policy.floor) return no(9);
  return last.policy.holdDown > party.knownFor ? { outcome: 'held', rule: 11 } : YES;
}

function follow(party, bytes) {
  const entry = read(bytes, () => true);
  if (entry === null) return no(1);
  if (isRecovery(entry.body.kind)) return recovery(party, entry);
  return isStep(entry.body.kind) ? step(party, entry) : no(1);
}
