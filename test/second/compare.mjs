// SPDX-License-Identifier: Apache-2.0
// Reads cases on standard input, judges each from the text of the protocol
// alone, and counts where the two differ.  cases.c says what a line is.  The
// argument is how many there must be at least.
import { createInterface } from 'node:readline';
import { Party } from './chain.mjs';
import { judgeEvidence } from './evidence.mjs';

const party = new Party();
party.knownFor = 0n;
let base = Buffer.alloc(0);
const counts = { same: 0, other: 0 };
const byVerdict = new Map();

let reference = null; // Evidence from now on

function judge(bytes, outcome, rule, line) {
  const verdict = reference === null ? party.judge(bytes) : { outcome: 'evidence', rule: judgeEvidence(bytes, reference) };
  const wanted = `${outcome} ${rule}`;
  const found = `${verdict.outcome} ${verdict.rule}`;
  byVerdict.set(wanted, (byVerdict.get(wanted) ?? 0) + 1);
  counts[wanted === found ? 'same' : 'other']++;
  if (wanted !== found && counts.other <= 20) {
    console.log(`# line ${line}: chain/ says ${wanted}, the second ${found}; ${party.live.length} entries held`);
    if (process.env.SHOW) console.log(`#   ${bytes.toString('hex').slice(0, 400)}`);
  }
}

let line = 0;
for await (const text of createInterface({ input: process.stdin })) {
  const [word, first, ...rest] = text.split(' ');
  line++;
  if (word === 'reference') {
    const [measurement, securityVersion] = rest;
    reference = {
      ud: Buffer.from(first, 'hex'),
      measurement: Buffer.from(measurement, 'hex'),
      securityVersion: BigInt(securityVersion),
    };
  } else if (word === 'base') base = Buffer.from(first, 'hex');
  else if (word === 'flip') {
    const changed = Buffer.from(base);
    changed[Number(first)] ^= Number(rest[0]);
    judge(changed, rest[1], rest[2], line);
  } else if (word === 'cut') judge(base.subarray(0, Number(first)), rest[0], rest[1], line);
  else if (word === 'raw') judge(Buffer.from(first, 'hex'), rest[0], rest[1], line);
  else if (word === 'take') {
    const bytes = Buffer.from(first, 'hex');
    judge(bytes, 'accepted', 0, line);
    party.take(bytes);
  }
}
const verdicts = [...byVerdict].sort().map(([verdict, n]) => `${verdict}: ${n}`);
console.log(`# ${counts.same + counts.other} entries: ${verdicts.join(', ')}`);
const good = counts.other === 0 && counts.same >= Number(process.argv[2]);
console.log(`${good ? 'ok' : 'not ok'} 1 ${counts.same} verdicts are the same, ${counts.other} differ`);
console.log('1..1');
process.exit(good ? 0 : 1);
