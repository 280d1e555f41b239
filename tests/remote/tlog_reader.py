"""A log read as a third party does (c2sp.org/tlog-tiles), from HTTP alone and with nothing of ours: PyNaCl for
signatures, the standard library for the rest. Every leaf is hashed, every tile compared, the root held against the
checkpoint.

    /usr/bin/python3 tests/remote/tlog_reader.py URL VERIFIER_KEY [CERTIFICATE KEY CA]"""

import base64
import hashlib
import ssl
import struct
import sys
import urllib.error
import urllib.request

import nacl.signing

WIDTH = 256


def expect(holds, what):
    if not holds:
        raise AssertionError(what)


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_root(hashes):
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    half = 1
    while half * 2 < len(hashes):
        half *= 2
    return node(tree_root(hashes[:half]), tree_root(hashes[half:]))


def parse_key(text):
    name, key_id, data = text.split("+", 2)
    data = base64.b64decode(data, validate=True)
    computed = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    expect(computed.hex() == key_id, f"the key id of {text}")
    return name, bytes.fromhex(key_id), data[0], nacl.signing.VerifyKey(data[1:])


def verify_note(note, key):
    """The note's text, once the signature of `key` has been verified; with a cosignature's time."""
    name, key_id, kind, public = parse_key(key)
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    for line in signatures.splitlines():
        _, signer, blob = line.split(" ")
        blob = base64.b64decode(blob)
        if signer != name or blob[:4] != key_id:
            continue
        if kind == 1:
            public.verify(text.encode(), blob[4:])
            return text, None
        seconds = struct.unpack(">Q", blob[4:12])[0]
        public.verify(f"cosignature/v1\ntime {seconds}\n{text}".encode(), blob[12:])
        return text, seconds
    raise AssertionError(f"{name} has not signed: {note}")


def parse_checkpoint(text):
    origin, size, root = text.split("\n")[:3]
    return origin, int(size), base64.b64decode(root)


def index_path(index):
    parts = [f"{index % 1000:03d}"]
    index //= 1000
    while index:
        parts.insert(0, f"x{index % 1000:03d}")
        index //= 1000
    return "/".join(parts)


class Log:
    """A log at `url`; `context` is for HTTPS."""

    def __init__(self, url, context=None):
        self.url = url
        self.context = context

    def fetch(self, path):
        with urllib.request.urlopen(f"{self.url}/{path}", timeout=30, context=self.context) as answer:
            return answer.read(), dict(answer.headers)

    def status(self, path, data=None):
        """The status, headers and body of whatever is answered."""
        try:
            with urllib.request.urlopen(f"{self.url}/{path}", data=data, timeout=30, context=self.context) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def tile_path(self, level, index, size):
        width = min(WIDTH, (size >> (8 * level if level != "entries" else 0)) - index * WIDTH)
        return f"tile/{level}/{index_path(index)}" + ("" if width == WIDTH else f".p/{width}"), width

    def tile(self, level, index, size):
        path, width = self.tile_path(level, index, size)
        data, headers = self.fetch(path)
        immutable = "immutable" in headers["Cache-Control"]
        expect(immutable == (width == WIDTH), f"{path}: Cache-Control {headers['Cache-Control']}")
        return data, width

    def bundle(self, index, size):
        data, width = self.tile("entries", index, size)
        leaves = []
        while data:
            length = struct.unpack(">H", data[:2])[0]
            expect(len(data) >= 2 + length, "a bundle is cut off")
            leaves.append(data[2:2 + length])
            data = data[2 + length:]
        expect(len(leaves) == width, f"bundle {index}: {len(leaves)} leaves of {width}")
        return leaves

    def check(self, key):
        """Reads the whole log; its origin and size and the checkpoint's note."""
        note = self.fetch("checkpoint")[0].decode()
        origin, size, root = parse_checkpoint(verify_note(note, key)[0])
        row = []
        for index in range((size + WIDTH - 1) // WIDTH):
            row += [hashlib.sha256(b"\x00" + leaf).digest() for leaf in self.bundle(index, size)]
        expect(tree_root(row) == root, "the leaves don't hash to the checkpoint's root")
        level = 0
        while row:
            for index in range((len(row) + WIDTH - 1) // WIDTH):
                data, _ = self.tile(level, index, size)
                expect(data == b"".join(row[index * WIDTH:(index + 1) * WIDTH]), f"tile {level}/{index}")
            row = [tree_root(row[i:i + WIDTH]) for i in range(0, len(row) // WIDTH * WIDTH, WIDTH)]
            level += 1
        return origin, size, note


def main():
    url, key, *tls = sys.argv[1:]
    context = None
    if tls:
        context = ssl.create_default_context(cafile=tls[2])
        context.load_cert_chain(tls[0], tls[1])
    origin, size, _ = Log(url, context).check(key)
    print(f"{origin}: {size} leaves, and every tile above them")


if __name__ == "__main__":
    sys.exit(main())
