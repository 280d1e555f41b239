#!/usr/bin/python3
"""A SCITT client against a real node over TLS (draft-ietf-scitt-scrapi, RFC 9942, RFC 9290): cbor2 decodes what it
says, python3-cryptography checks signatures, the paths of RFC 9162 are followed here. Nothing of ours is used but to
make the ledger and to run the node."""

import base64
import hashlib
import http.client
import json
import os
import ssl
import subprocess
import sys
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..", "faults")]
import harness  # noqa: E402
from harness import expect  # noqa: E402

try:
    import cbor2
    import cose_receipt_test as rfc
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    harness.skip("python3-cbor2 or python3-cryptography isn't installed")

KEY_TYPE, KEY_ID, ALGORITHM, CURVE, PUBLIC_KEY = 1, 2, 3, -1, -2
OKP, ED25519 = 1, 6
TITLE, DETAIL = -1, -2
KEYS, ENTRIES = "/.well-known/scitt-keys", "/entries"


class Client:
    """Asks the node over HTTPS, as the holder of a certificate or as nobody."""

    def __init__(self, place, pki, name):
        self.port_file = place.path("http-port")
        self.context = ssl.create_default_context(cafile=os.path.join(pki, "ca.crt"))
        if name:
            self.context.load_cert_chain(os.path.join(pki, f"{name}.crt"), os.path.join(pki, f"{name}.key"))

    def ask(self, method, path, body=None):
        with open(self.port_file, encoding="utf-8") as file:
            host, port = file.read().strip().rsplit(":", 1)
        connection = http.client.HTTPSConnection(host, int(port), timeout=60, context=self.context)
        try:
            connection.request(method, path, body, {"Content-Type": "application/cose"} if body else {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def get(self, path, content_type):
        status, headers, body = self.ask("GET", path)
        expect(status == 200 and headers["Content-Type"] == content_type, f"{path}: {status} {dict(headers)}")
        return body

    def problem(self, status, path, method="GET", body=None):
        """What the service says of a request that it can't answer."""
        found, headers, data = self.ask(method, path, body)
        expect(found == status, f"{method} {path}: {found}, not {status}")
        expect(headers["Content-Type"] == "application/concise-problem-details+cbor", f"{path}: {dict(headers)}")
        problem = cbor2.loads(data)
        expect(set(problem) == {TITLE, DETAIL}, f"{problem}")
        expect(all(isinstance(text, str) and text for text in problem.values()), f"{problem}")
        return problem, headers

    def receipt(self, entry):
        """The receipt of an event, asked for until it is published."""
        deadline = time.monotonic() + harness.START_SECONDS
        while True:
            status, headers, body = self.ask("GET", f"{ENTRIES}/{entry}")
            if status == 200:
                expect(headers["Content-Type"] == "application/cose", str(dict(headers)))
                return body
            expect(status == 503 and time.monotonic() < deadline, f"{entry}: {status} {body}")
            time.sleep(float(headers["Retry-After"]))


def published_key(client):
    (key,) = cbor2.loads(client.get(KEYS, "application/cbor"))
    expect(key[KEY_TYPE] == OKP and key[CURVE] == ED25519 and key[ALGORITHM] == rfc.ED_DSA, f"{key}")
    kid = base64.urlsafe_b64encode(key[KEY_ID]).decode().rstrip("=")
    expect(cbor2.loads(client.get(f"{KEYS}/{kid}", "application/cbor")) == key, "the key by its kid is another")
    problem, _ = client.problem(404, f"{KEYS}/AAAAAA")
    expect(problem[TITLE] == "No such key", f"{problem}")
    return key


def check_receipt(client, key, index, event_id):
    data = client.receipt(event_id)
    sign1 = cbor2.loads(data)
    expect(sign1.tag == 18, "is no COSE_Sign1")
    header, unprotected, payload, signature = sign1.value
    protected = cbor2.loads(header)
    expect(protected[rfc.ALG] == rfc.ED_DSA and protected[rfc.VDS] == rfc.RFC9162_SHA256, f"{protected}")
    expect(protected[rfc.KID] == key[KEY_ID] and payload is None, f"{protected} {payload}")
    claims = protected[rfc.CLAIMS]
    expect(claims[rfc.ISSUER] == harness.ORIGIN and claims[rfc.SUBJECT] == f"urn:uuid:{event_id}", f"{claims}")
    expect(set(unprotected) == {rfc.VDP} and set(unprotected[rfc.VDP]) == {rfc.INCLUSION}, f"{unprotected}")
    (proof,) = unprotected[rfc.VDP][rfc.INCLUSION]
    size, leaf_index, path = cbor2.loads(proof)
    expect(leaf_index == index and path, f"leaf {leaf_index}, not {index}")
    leaf = entry(client, index, size)
    public = Ed25519PublicKey.from_public_bytes(key[PUBLIC_KEY])

    def check(root):
        public.verify(signature, cbor2.dumps(["Signature1", header, b"", root]))

    root = rfc.root_of_inclusion(leaf, size, index, path)
    check(root)
    for wrong in (leaf + b"\x00", leaf[:-1]):
        try:
            check(rfc.root_of_inclusion(wrong, size, index, path))
        except InvalidSignature:
            continue
        raise AssertionError("another leaf verifies")
    return size, root


def entry(client, index, size):
    """The leaf that a receipt is of, from the bundle that it lies in (c2sp.org/tlog-tiles)."""
    bundle, width = index // 256, min(256, size - index // 256 * 256)
    expect(bundle < 1000, "the test's ledger is small")
    partial = "" if width == 256 else f".p/{width}"
    data = client.get(f"/tile/entries/{bundle:03}{partial}", "application/octet-stream")
    for _ in range(index % 256):
        data = data[2 + int.from_bytes(data[:2], "big"):]
    return data[2:2 + int.from_bytes(data[:2], "big")]


def check_published(client, size, root):
    """The receipt's tree is one that the ledger's checkpoint continues; of the same size, it is the same."""
    text = client.get("/checkpoint", "text/plain; charset=utf-8").decode().split("\n")
    expect(text[0] == harness.ORIGIN and int(text[1]) >= size, f"{text[:2]}")
    expect(int(text[1]) != size or base64.b64decode(text[2]) == root, "two trees of one size")


def check_problems(client):
    expect(client.problem(404, f"{ENTRIES}/{10**9}")[0][TITLE] == "Not Found", "an index")
    expect(client.problem(404, f"{ENTRIES}/{uuid.uuid4()}")[0][TITLE] == "Not Found", "an id")
    expect(client.problem(400, f"{ENTRIES}/nonsense")[0][TITLE] == "Invalid locator", "nonsense")
    statement = cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps({1: -8}), {}, b"statement", bytes(64)]))
    problem, headers = client.problem(405, ENTRIES, "POST", statement)
    expect("gRPC" in problem[TITLE] and headers["Allow"] == "", f"{problem} {dict(headers)}")
    expect(client.problem(405, KEYS, "DELETE")[1]["Allow"] == "GET, HEAD", "another method")


def append(node, place):
    body = place.path("body.json")
    with open(body, "w", encoding="utf-8") as file:
        json.dump({"title": "a title"}, file)
    done = harness.run("append", "--stream", "person/ada", "--type", "document.referenced", "--body", body, "--ref",
                       "document=document:d", "--as", place.key, "--ledger", node.address, "--json")
    expect(done.returncode == 0, done.stderr)
    answer = json.loads(done.stdout)
    index = int(answer["indexes"][0])
    event = json.loads(harness.run_well("show", index, "--json", "--ledger", node.address))
    return index, uuid.UUID(bytes=base64.b64decode(event["header"]["eventId"]))


def check_python_verifier(place, pki):
    """client/python/anamnesis_verify.py reads the whole log from this node."""
    program = os.path.join(HERE, "..", "..", "client", "python", "anamnesis_verify.py")
    key = harness.run_well("key", "show", os.path.join(place.ledger, "checkpoint.key")).strip()
    with open(place.path("http-port"), encoding="utf-8") as file:
        url = "https://" + file.read().strip()

    def verify(*options):
        done = subprocess.run(["/usr/bin/python3", "-B", program, "log", url, "--key", key, "--json", *options],
                              capture_output=True, text=True, timeout=300, check=False)
        expect("Traceback" not in done.stderr, done.stderr)
        return done

    ca = ("--tls-ca", os.path.join(pki, "ca.crt"))
    ada = ("--tls-certificate", os.path.join(pki, "person-ada.crt"), "--tls-key", os.path.join(pki, "person-ada.key"))
    done = verify(*ca, *ada)
    expect(done.returncode == 0 and json.loads(done.stdout)["results"][0]["treeSize"] > 3, f"{done}")
    # As nobody, as one whom the ledger doesn't know, and of a server by another CA.
    bob = ("--tls-certificate", os.path.join(pki, "person-bob.crt"), "--tls-key", os.path.join(pki, "person-bob.key"))
    for options in (ca, ca + bob, ada):
        expect(verify(*options).returncode == 3, f"{options}: {verify(*options)}")
    expect(verify("--tls-ca", "/nowhere").returncode == 2, "a file that isn't there")
    expect(verify(*ca, *ada[2:]).returncode == 2, "a key without a certificate")


def main():
    harness.need_programs(os.path.join(harness.BIN, "anamnesis"), os.path.join(harness.BIN, "anamnesisd"))
    with harness.Place() as place:
        pki = place.path("pki")
        harness.run_well("pki", "new", pki, "--origin", harness.ORIGIN, "--node", "n1=127.0.0.1,localhost", "--person",
                         "ada", "--person", "bob")
        arguments = ["--tls-certificate", os.path.join(pki, "node-n1.crt"), "--tls-key",
                     os.path.join(pki, "node-n1.key"), "--tls-ca", os.path.join(pki, "ca.crt"), "--http-listen",
                     "127.0.0.1:0", "--http-port-file", place.path("http-port"), "--checkpoint-interval", "0.1"]
        os.environ.update(ANAMNESIS_TLS_CERTIFICATE=os.path.join(pki, "person-ada.crt"),
                          ANAMNESIS_TLS_KEY=os.path.join(pki, "person-ada.key"),
                          ANAMNESIS_TLS_CA=os.path.join(pki, "ca.crt"))
        ada, bob, nobody = (Client(place, pki, name) for name in ("person-ada", "person-bob", None))
        with harness.Node(place.ledger, place.dir, arguments) as node:
            key = published_key(ada)
            vkey = base64.b64decode(harness.run_well("key", "show", os.path.join(place.ledger, "checkpoint.key"))
                                    .strip().split("+", 2)[2])
            expect(key[PUBLIC_KEY] == vkey[1:] and hashlib.sha256(harness.ORIGIN.encode() + b"\n" + vkey)
                   .digest()[:4] == key[KEY_ID], "the key is not the ledger's")
            for _ in range(3):
                size, root = check_receipt(ada, key, *append(node, place))
                check_published(ada, size, root)
            check_problems(ada)
            # A certificate by our CA, and nobody in the ledger; and none.
            for path in (KEYS, f"{ENTRIES}/0"):
                expect(bob.problem(403, path)[0][TITLE] == "Refused", path)
                try:
                    nobody.ask("GET", path)
                except OSError:
                    continue
                raise AssertionError("served without a certificate")
            check_python_verifier(place, pki)
            expect(node.stop() == 0, "the node did not end well")
        with harness.Node(place.ledger, place.dir, [*arguments, "--http-public"]) as node:
            key = published_key(nobody)
            check_receipt(nobody, key, *append(node, place))
            check_receipt(bob, key, *append(node, place))
    print("cbor2 and python3-cryptography verify receipts that a node serves as SCITT does")


if __name__ == "__main__":
    main()
