#!/usr/bin/python3
"""A builder's attestation as cosign would make it, by a program that shares nothing with ours: attest.py TEXT
[unsigned|altered] signs a Statement about the SHA-256 of TEXT (ECDSA on P-256), and writes the key to builder.pub."""

import base64
import hashlib
import json
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

KIND = b"application/vnd.in-toto+json"
key = ec.derive_private_key(int.from_bytes(hashlib.sha256(b"a key for this scenario only").digest(), "big") >> 1,
                            ec.SECP256R1())
with open("builder.pub", "wb") as file:
    file.write(key.public_key().public_bytes(serialization.Encoding.PEM,
                                             serialization.PublicFormat.SubjectPublicKeyInfo))
text = sys.argv[1].encode().decode("unicode_escape").encode()
statement = json.dumps({
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": "model.pt", "digest": {"sha256": hashlib.sha256(text).hexdigest()}}],
    "predicateType": "https://slsa.dev/provenance/v1",
    "predicate": {"buildDefinition": {"buildType": "https://builder.example/v1", "externalParameters": {}},
                  "runDetails": {"builder": {"id": "https://builder.example"}}}}).encode()
encoded = b"DSSEv1 %d %s %d %s" % (len(KIND), KIND, len(statement), statement)
signatures = [{"keyid": "builder", "sig": base64.b64encode(key.sign(encoded, ec.ECDSA(hashes.SHA256()))).decode()}]
if "unsigned" in sys.argv:
    signatures = []
if "altered" in sys.argv:
    statement = statement.replace(b"model.pt", b"MODEL.pt")
json.dump({"payloadType": KIND.decode(), "payload": base64.b64encode(statement).decode(), "signatures": signatures},
          sys.stdout)
