// SPDX-License-Identifier: Apache-2.0
// rotor's Evidence under an independent COSE implementation (cose-kit of npm,
// with cbor-x and the WebCrypto of node):
//
//     node eat.mjs NODE_MODULES BUNDLE
//
// The device's certificate verifies under its UDS key, the EAT under the key
// of that certificate; both with one bit flipped do not.  Nothing of rotor is
// used.  Prints what it accepted; ends with 1 if anything is not as it should.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { webcrypto } from "node:crypto";
import path from "node:path";

const require = createRequire(path.resolve(process.argv[2], "x.js"));
const { Sign1 } = require("cose-kit");
const { Decoder } = require("cbor-x");
const cbor = new Decoder({ mapsAsObjects: false, useRecords: false });

function want(holds, what) {
  if (!holds) {
    console.error(`not so: ${what}`);
    process.exit(1);
  }
}

// COSE_Key of P-256 or P-384.
async function importKey(map) {
  const curve = { 1: "P-256", 2: "P-384" }[map.get(-1)];
  want(map.get(1) === 2 && curve, "an EC2 key");
  const coordinate = (label) => Buffer.from(map.get(label)).toString("base64url");
  const jwk = { kty: "EC", crv: curve, x: coordinate(-2), y: coordinate(-3) };
  return webcrypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: curve }, true, ["verify"]);
}

async function verifies(bytes, key, aad) {
  const [header, unprotected, payload, signature] = cbor.decode(bytes);
  try {
    const message = new Sign1(header, unprotected, payload, signature);
    return (await message.verify(key, aad)) === true ? payload : null;
  } catch {
    return null;
  }
}

// A payload of its own bytes, or changed by one bit, or signed for elsewhere.
async function check(what, bytes, key, aad) {
  const payload = await verifies(bytes, key, aad);
  want(payload !== null, `${what} verifies`);
  const at = Buffer.from(bytes).indexOf(Buffer.from(payload)) + (payload.length >> 1);
  const changed = Buffer.from(bytes);
  changed[at] ^= 1;
  want((await verifies(changed, key, aad)) === null, `${what} with a bit flipped is refused`);
  const other = Buffer.concat([Buffer.from(aad), Buffer.from([0x31])]);
  want((await verifies(bytes, key, other)) === null, `${what} for another purpose is refused`);
  return payload;
}

const LABEL_KEY = -4670552;
const [title, , response] = cbor.decode(readFileSync(process.argv[3]));
want(title === "rotor attest/1", "a bundle");
const evidence = cbor.decode(response).get(3);
const [backend, report] = cbor.decode(evidence);
want(backend === 1, "evidence of a process");
const [udsKey, certificate, eat] = cbor.decode(report);

const vouched = await check("the certificate", certificate, await importKey(cbor.decode(udsKey)), new Uint8Array());
const attestKey = cbor.decode(cbor.decode(vouched).get(LABEL_KEY));
const aad = Buffer.concat([Buffer.from("rotor1 eat"), Buffer.from([0])]);
const claims = cbor.decode(await check("the EAT", eat, await importKey(attestKey), aad));
want(claims.get(10).length === 64, "a nonce of 64 bytes");
want(claims.get(265) === "tag:rotor,2026:process/1", "rotor's profile");
console.log(`accepted: certificate and EAT of ${claims.size} claims, profile ${claims.get(265)}`);
