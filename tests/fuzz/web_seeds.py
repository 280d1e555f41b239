#!/usr/bin/python3
"""Writes the seeds of the fuzz targets of HTTP: corpus/TARGET/NAME for web_sites, web_server and witness_client.

What a witness answers is about the checkpoint that witness_client_fuzz.cc offers, signed with the keys that it has."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "golden"))
import merkle  # noqa: E402
import note  # noqa: E402

LOG, WITNESS = "log.example/one", "witness.example/w"
KEYS = {name: name[0].encode() * 32 for name in (LOG, WITNESS)}

SITES = {
    "checkpoint": "GET /checkpoint\n", "head": "HEAD /checkpoint\n", "post_checkpoint": "POST /checkpoint\nx",
    "tile": "GET /tile/0/000.p/64\n", "upper_tile": "GET /tile/1/000\n", "entries": "GET /tile/entries/000.p/5\n",
    "wide": "GET /tile/0/000.p/255\n", "deep": "GET /tile/63/x123/456\n", "spelling": "GET /tile/0/0\n",
    "keys": "GET /.well-known/scitt-keys\n", "key": "GET /.well-known/scitt-keys/AAAAAA\n",
    "delete_keys": "DELETE /.well-known/scitt-keys\n", "entry": "GET /entries/33\n", "no_entry": "GET /entries/9999\n",
    "by_id": "GET /entries/0195999b-aa80-7000-8000-000000000000\n", "bad_entry": "GET /entries/%33\n",
    "register": "POST /entries\n\u00d2\u0084", "cosign": "POST /add-checkpoint\nold 0\n\nx\n",
    "get_cosign": "GET /add-checkpoint\n", "nothing": "", "no_target": "GET", "root": "GET /\n",
}
SERVER = {
    "get": "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "old": "GET / HTTP/1.0\r\n\r\n", "head": "HEAD / HTTP/1.1\r\n\r\n",
    "two": "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\nConnection: close\r\n\r\n",
    "post": "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
    "chunked": "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\n",
    "both_lengths": "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two_lengths": "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "large": "POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n" + "x" * 1001,
    "expects": "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na",
    "upgrade": "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "http2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "tls": "\x16\x03\x01\x02\x00\x01\x00", "folded": "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "cut": "GET / HT",
    "long": "GET /" + "a" * 9000 + " HTTP/1.1\r\n\r\n", "many": "GET / HTTP/1.1\r\n" + "A: b\r\n" * 1500 + "\r\n",
    "method": "BREW / HTTP/1.1\r\n\r\n", "lines": "\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", "zeroes": "\0" * 64,
}


def answers():
    """(status, body) by name."""
    text = note.checkpoint_text(LOG, 7, merkle.leaf_hash(b"a tree"))
    other = note.checkpoint_text(LOG, 8, merkle.leaf_hash(b"a tree"))
    good, wrong = (note.cosignature_line(WITNESS, KEYS[WITNESS], 1742036400, of) for of in (text, other))
    foreign = note.cosignature_line("other.example/w", KEYS[LOG], 1742036400, text)
    return {"cosigned": (200, good), "foreign_first": (200, foreign + good), "foreign": (200, foreign),
            "another_text": (200, wrong), "no_line": (200, ""), "as_409": (409, good), "smaller": (409, "3\n"),
            "same": (409, "7\n"), "larger": (409, "8\n"), "zero": (409, "0\n"), "no_size": (409, "x\n"),
            "largest": (409, "18446744073709551615\n"), "refused": (403, "who are you\n"), "failed": (500, "\x01\xff"),
            "redirect": (302, ""), "continue": (100, good),
            "log_line": (200, note.log_signature_line(LOG, KEYS[LOG], text))}


def main():
    seeds = {"web_sites": {name: text.encode("latin-1") for name, text in SITES.items()},
             "web_server": {name: text.encode("latin-1") for name, text in SERVER.items()},
             "witness_client": {name: status.to_bytes(2, "big") + body.encode("utf-8")
                                for name, (status, body) in answers().items()}}
    for target, named in seeds.items():
        directory = HERE / "corpus" / target
        directory.mkdir(parents=True, exist_ok=True)
        for name, data in named.items():
            (directory / name).write_bytes(data)


if __name__ == "__main__":
    main()
