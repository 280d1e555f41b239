#!/usr/bin/python3
"""Verifies DSSE envelopes from stdin, one JSON document after another, against the Ed25519 key of the verifier key
given as argument, with PyNaCl and the standard library alone, and prints the Statements."""

import base64
import json
import sys

from nacl.signing import VerifyKey

text, at, decoder = sys.stdin.read(), 0, json.JSONDecoder()
key = VerifyKey(base64.b64decode(sys.argv[1].split("+", 2)[2])[1:])
while at < len(text.rstrip()):
    envelope, at = decoder.raw_decode(text, at)
    while at < len(text) and text[at].isspace():
        at += 1
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    encoded = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    key.verify(encoded, base64.b64decode(envelope["signatures"][0]["sig"]))
    print(json.dumps(json.loads(payload), indent=1))
