#!/usr/bin/python3
"""Verifies a DSSE envelope from stdin against the Ed25519 key of a verifier key given as argument, with PyNaCl and the
standard library alone, and prints the heart of the statement."""

import base64
import json
import sys

from nacl.signing import VerifyKey

envelope = json.load(sys.stdin)
payload = base64.b64decode(envelope["payload"])
kind = envelope["payloadType"].encode()
encoded = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
key = base64.b64decode(sys.argv[1].split("+", 2)[2])[1:]
VerifyKey(key).verify(encoded, base64.b64decode(envelope["signatures"][0]["sig"]))
statement = json.loads(payload)
predicate = statement["predicate"]
print(statement["predicateType"], statement["subject"][0]["name"], predicate["verificationResult"],
      len(predicate["verifiedLevels"]), "levels")
assert all(len(i["digest"]["sha256"]) == 64 for i in predicate["inputAttestations"])
