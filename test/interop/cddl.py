#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that a file, CBOR or one JSON object, is what a rule of a CDDL grammar
says:

    cddl.py GRAMMAR RULE FILE [--sequence]

With --sequence the file is a CBOR sequence and the rule an array of its items
(RFC 8742, 4.1).

As much of RFC 8610 as doc/*.cddl use: maps, arrays, groups, choices,
occurrences, ranges, literals, .size, .cbor and the prelude's types.  Knows
nothing of rotor.  Says where it does not fit and ends with 1.  Our own: the
cddl package of npm (0.21.2) reads neither .cbor nor choices of maps, and no
other validator was found there.
"""
import json
import re
import struct
import sys

TOKEN = re.compile(r"""\s*(?:;[^\n]*\n\s*)*("(?:[^"\\]|\\.)*"|-?\d+\.\.-?\d+|=>|\.[a-z]+|
    \d+\*\d*|[{}\[\](),/:=?*+]|-?\d+|[A-Za-z][\w-]*)""", re.X)


def read_item(data, at):
    """(value, end): integers, bytes, str, list, [(key, value)], None."""
    head = data[at]
    major, info, at = head >> 5, head & 31, at + 1
    if info < 24:
        argument = info
    elif info <= 27:
        width = 1 << (info - 24)
        argument = int.from_bytes(data[at:at + width], "big")
        at += width
    else:
        raise ValueError("a head that is not deterministic")
    if major == 0:
        return argument, at
    if major == 1:
        return -1 - argument, at
    if major in (2, 3):
        content = data[at:at + argument]
        if len(content) != argument:
            raise ValueError("cut")
        return (bytes(content) if major == 2 else content.decode()), at + argument
    if major == 4:
        items = []
        for _ in range(argument):
            item, at = read_item(data, at)
            items.append(item)
        return items, at
    if major == 5:
        pairs = {}
        for _ in range(argument):
            key, at = read_item(data, at)
            if key in pairs:
                raise ValueError("a key twice")
            pairs[key], at = read_item(data, at)
        return pairs, at
    if (major, argument) == (7, 22):
        return None, at
    raise ValueError("a tag, a float or a simple value")


def read_all(data, is_sequence=False):
    try:
        value, end = read_item(data, 0)
        if is_sequence:
            value = [value]
            while end < len(data):
                item, end = read_item(data, end)
                value.append(item)
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
    if end != len(data):
        raise ValueError("bytes behind the item")
    return value


def unique(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a member twice")
    return dict(pairs)


def read_file(name, is_sequence):
    data = sys.stdin.buffer.read() if name == "-" else open(name, "rb").read()
    if data[:1] == b"{":
        return json.loads(data, object_pairs_hook=unique)
    return read_all(data, is_sequence)


class Grammar:
    """Rules as trees of tuples."""

    def __init__(self, text):
        self.tokens, at = [], 0
        text = text + "\n"
        while text[at:].strip() and (match := TOKEN.match(text, at)):
            self.tokens.append(match.group(1))
            at = match.end()
        rest = re.sub(r";[^\n]*", "", text[at:]).strip()
        if rest:
            raise SystemExit(f"grammar: not understood: {rest[:40]!r}")
        self.at, self.rules = 0, {}
        while self.at < len(self.tokens):
            name = self.take()
            self.want("=")
            if name in self.rules:
                raise SystemExit(f"grammar: {name} twice")
            self.rules[name] = self.choice()

    def peek(self, ahead=0):
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else ""

    def take(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def want(self, token):
        if self.take() != token:
            raise SystemExit(f"grammar: {token} expected near {' '.join(self.tokens[self.at - 4:self.at + 2])}")

    def choice(self):
        options = [self.controlled()]
        while self.peek() == "/":
            self.take()
            options.append(self.controlled())
        return options[0] if len(options) == 1 else ("choice", options)

    def controlled(self):
        kind = self.simple()
        while self.peek() in (".size", ".cbor"):
            control = self.take()[1:]
            if control == "size" and self.peek() == "(":
                self.take()
                kind = ("size", kind, self.simple())
                self.want(")")
            else:
                kind = (control, kind, self.simple())
        return kind

    def simple(self):
        token = self.take()
        if token in "{[(":
            entries = self.entries({"{": "}", "[": "]", "(": ")"}[token])
            return ({"{": "map", "[": "array", "(": "group"}[token], entries)
        if token[0] == '"':
            return ("literal", token[1:-1])
        if ".." in token:
            return ("range", *map(int, token.split("..")))
        if re.fullmatch(r"-?\d+", token):
            return ("literal", int(token))
        return ("name", token)

    def entries(self, end):
        found = []
        while self.peek() != end:
            least, most = 1, 1
            if self.peek() in ("?", "*", "+"):
                least, most = {"?": (0, 1), "*": (0, 1 << 64), "+": (1, 1 << 64)}[self.take()]
            elif re.fullmatch(r"\d+\*\d*", self.peek()):
                first, last = self.take().split("*")
                least, most = int(first), int(last or 1 << 64)
            kind, key = self.choice(), None
            if self.peek() == "=>":
                self.take()
                key, kind = kind, self.choice()
            found.append((least, most, key, kind))
            if self.peek() == ",":
                self.take()
        self.want(end)
        return found

    # ---- matching: None, or where it does not fit --------------------------

    def flat(self, entries):
        """Groups that are named inside a map or array, in their place."""
        for least, most, key, kind in entries:
            target = self.rules.get(kind[1]) if kind[0] == "name" else None
            if key is None and target and target[0] == "group":
                yield from self.flat(target[1])
            else:
                yield least, most, key, kind

    def fault(self, kind, value, where):
        name = kind[0]
        if name == "name":
            return self.fault_of_name(kind[1], value, where)
        if name == "literal":
            same = type(value) is type(kind[1]) and value == kind[1]
            return None if same else f"{where}: {value!r} is not {kind[1]!r}"
        if name == "range":
            good = type(value) is int and kind[1] <= value <= kind[2]
            return None if good else f"{where}: {value!r} is not in {kind[1]}..{kind[2]}"
        if name == "choice":
            faults = [self.fault(option, value, where) for option in kind[1]]
            return None if None in faults else faults[0]
        if name == "size":
            size = len(value.encode() if isinstance(value, str) else value or b"")
            return self.fault(kind[1], value, where) or self.fault(kind[2], size, where + " size")
        if name == "cbor":
            return self.fault(kind[1], value, where) or self.fault_of_cbor(kind[2], value, where)
        if name == "map":
            return self.fault_of_map(kind[1], value, where)
        return self.fault_of_array(kind[1], value, where)

    def fault_of_name(self, name, value, where):
        prelude = {"uint": lambda v: type(v) is int and v >= 0, "int": lambda v: type(v) is int,
                   "bool": lambda v: isinstance(v, bool), "true": lambda v: v is True, "false": lambda v: v is False,
                   "bstr": lambda v: isinstance(v, bytes), "tstr": lambda v: isinstance(v, str),
                   "nil": lambda v: v is None, "any": lambda v: True}
        if name in prelude:
            return None if prelude[name](value) else f"{where}: {value!r} is not {name}"
        if name not in self.rules:
            raise SystemExit(f"grammar: no rule {name}")
        return self.fault(self.rules[name], value, f"{where} {name}")

    def fault_of_cbor(self, kind, value, where):
        try:
            return self.fault(kind, read_all(value), where)
        except ValueError as error:
            return f"{where}: {error}"

    def fault_of_map(self, entries, value, where):
        if not isinstance(value, dict):
            return f"{where}: not a map"
        left = dict(value)
        for least, most, key, kind in self.flat(entries):
            matching = [k for k in left if self.fault(key, k, "") is None]
            if not least <= len(matching) <= most:
                return f"{where}: key {key[-1]!r} {len(matching)} times"
            for k in matching:
                fault = self.fault(kind, left.pop(k), f"{where}[{k}]")
                if fault:
                    return fault
        return f"{where}: unknown keys {list(left)}" if left else None

    def fault_of_array(self, entries, value, where):
        if not isinstance(value, list):
            return f"{where}: not an array"
        at = 0
        for least, most, _, kind in self.flat(entries):
            count, fault = 0, None
            while at < len(value) and count < most:
                fault = self.fault(kind, value[at], f"{where}[{at}]")
                if fault:
                    break
                at, count = at + 1, count + 1
            if count < least:
                return fault or f"{where}: {count} items of {least}"
        return f"{where}: {len(value) - at} items too many" if at < len(value) else None


def main():
    grammar = Grammar(open(sys.argv[1], encoding="utf-8").read())
    is_sequence = sys.argv[4:] == ["--sequence"]
    try:
        value = read_file(sys.argv[3], is_sequence)
        fault = grammar.fault(("name", sys.argv[2]), value, "")
    except ValueError as error:
        fault = str(error)
    if fault:
        sys.exit(f"{sys.argv[3]}: not a {sys.argv[2]}:{fault[:300]}")


if __name__ == "__main__":
    main()
