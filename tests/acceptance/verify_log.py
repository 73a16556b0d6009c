#!/usr/bin/env python3
"""Checks what an archive's transparency log hands out, with the formats' specifications alone: nothing of Stoa is used.

    verify_log.py KEY checkpoint FILE
    verify_log.py KEY inclusion FILE          prints the event, or nothing if it was erased
    verify_log.py KEY consistency FILE OLD_CHECKPOINT

KEY is the verifier key, name+id+key. RFC 6962 by its recursive definitions, signed notes, checkpoints and proofs by
c2sp.org. Ed25519 is from the package cryptography.
"""

import base64
import hashlib
import json
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def node(left, right):
    return sha256(b"\x01", left, right)


def split(size):
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def open_note(note, key):
    """Returns the text of a note that the key has signed."""
    name, key_id, encoded = key.split("+", 2)
    public = base64.b64decode(encoded, validate=True)
    assert public[0] == 1, "not an Ed25519 key"
    assert sha256(name.encode(), b"\n", public)[:4].hex() == key_id, "the key's id is wrong"
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    for line in signatures.splitlines():
        dash, signer, signature = line.split(" ")
        signature = base64.b64decode(signature, validate=True)
        if dash == "\u2014" and signer == name and signature[:4].hex() == key_id:
            Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature[4:], text.encode())
            return text
    raise AssertionError("no signature by the key")


def open_checkpoint(note, key):
    origin, size, root, *_ = open_note(note, key).split("\n")
    assert origin == key.split("+")[0], "another origin"
    return int(size), base64.b64decode(root, validate=True)


def root_of_path(leaf, index, size, path):
    """RFC 6962, section 2.1.1, read backwards."""
    if size == 1:
        assert not path, "too many hashes"
        return leaf
    k = split(size)
    if index < k:
        return node(root_of_path(leaf, index, k, path[:-1]), path[-1])
    return node(path[-1], root_of_path(leaf, index - k, size - k, path[:-1]))


def roots_of_proof(old, size, path, old_root, whole):
    """RFC 6962, section 2.1.2, read backwards: the older root and the newer one."""
    if old == size:
        if whole:
            return old_root, old_root
        last = path.pop()
        return last, last
    k = split(size)
    last = path.pop()
    if old <= k:
        before, after = roots_of_proof(old, k, path, old_root, whole)
        return before, node(after, last)
    before, after = roots_of_proof(old - k, size - k, path, old_root, False)
    return node(last, before), node(last, after)


def hashes(lines):
    return [base64.b64decode(line, validate=True) for line in lines]


def inclusion(text, key):
    head, _, note = text.partition("\n\n")
    first, extra, index, *path = head.split("\n")
    assert first == "c2sp.org/tlog-proof@v1", first
    extra = json.loads(base64.b64decode(extra.removeprefix("extra "), validate=True))
    index = int(index.removeprefix("index "))
    leaf = base64.b64decode(extra["leaf"], validate=True)
    size, root = open_checkpoint(note, key)
    assert index < size, "not in the tree"
    assert root_of_path(sha256(b"\x00", leaf), index, size, hashes(path)) == root, "another root"
    # The entry, as docs/archive-format.md has it.
    assert len(leaf) == 61 and leaf[:8] == b"stoa/v1\n", "no entry of an archive"
    assert int.from_bytes(leaf[8:16], "little") == index, "an entry of another record"
    if "record" not in extra:
        return None
    record = base64.b64decode(extra["record"], validate=True)
    salt = base64.b64decode(extra["salt"], validate=True)
    assert sha256(salt, record) == leaf[29:], "another record"
    assert int.from_bytes(leaf[25:29], "little") == len(record), "another length"
    return json.loads(record)


def consistency(text, old_note, key):
    head, _, note = text.partition("\n\n")
    old_line, *path = head.split("\n")
    old_size, old_root = open_checkpoint(old_note, key)
    size, root = open_checkpoint(note, key)
    assert old_line == f"old {old_size}", old_line
    path = hashes(path)
    before, after = roots_of_proof(old_size, size, path, old_root, True)
    assert not path, "too many hashes"
    assert (before, after) == (old_root, root), "the trees do not agree"
    return old_size, size


def main():
    key, what, path, *more = sys.argv[1:]
    read = lambda name: open(name, encoding="utf-8", newline="").read()
    if what == "checkpoint":
        print(*open_checkpoint(read(path), key)[:1])
    elif what == "inclusion":
        event = inclusion(read(path), key)
        if event:
            print(json.dumps(event))
    elif what == "consistency":
        print(*consistency(read(path), read(more[0]), key))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
