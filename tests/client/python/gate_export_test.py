#!/usr/bin/python3
"""What `anamnesis gate export` writes: the Python verifier takes it and nothing that was changed, and so does
securesystemslib, in-toto's library, where it has DSSE (Debian 13's python3-securesystemslib; Debian 12's is older)."""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.environ.get("ANAMNESIS_SOURCE_DIR",
                      os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
PROGRAM = os.path.join(ROOT, "client", "python", "anamnesis_verify.py")
SCENARIOS = os.path.join(ROOT, "tests", "scenarios")
sys.dont_write_bytecode = True
sys.path[:0] = [SCENARIOS, os.path.join(ROOT, "tests", "faults")]
import harness  # noqa: E402
import run_scenario  # noqa: E402
from harness import expect  # noqa: E402

try:
    import nacl.bindings  # noqa: F401
except ModuleNotFoundError as missing:
    harness.skip(f"{missing} (Debian: python3-nacl)")


def exported(directory):
    """The story of tests/scenarios/gate.txt up to its export."""
    shutil.copytree(os.path.join(SCENARIOS, "gate"), directory, dirs_exist_ok=True)
    with open(os.path.join(SCENARIOS, "gate.txt"), encoding="utf-8") as file:
        text = file.read()
    end = text.index("\n", text.index("% anamnesis gate export "))
    run_scenario.Scenario(directory).run(text[:end + 1])
    with open(os.path.join(directory, "decision.dsse.json"), encoding="utf-8") as file:
        return file.read()


def verify(path, *arguments):
    done = subprocess.run([sys.executable, "-B", PROGRAM, "dsse", path, *arguments], capture_output=True, text=True,
                          timeout=60)
    expect("Traceback" not in done.stderr, done.stderr)
    return done


def by_securesystemslib(envelope, key, other):
    try:
        from securesystemslib.dsse import Envelope
        from securesystemslib.exceptions import VerificationError
        from securesystemslib.signer import SSlibKey
    except ImportError as missing:
        print(f"NOT TESTED with securesystemslib: {missing}", flush=True)
        return
    keys = [SSlibKey(public, "ed25519", "ed25519", {"public": public}) for public in (key, other)]
    Envelope.from_dict(json.loads(envelope)).verify(keys[:1], 1)
    changed = json.loads(envelope)
    changed["payload"] = changed["payload"].replace("e", "f", 1)
    # Each time a key of that id, so that the signature and not its label decides.
    for wrong, public in ((envelope, other), (json.dumps(changed), key)):
        try:
            Envelope.from_dict(json.loads(wrong)).verify([SSlibKey(key, "ed25519", "ed25519", {"public": public})], 1)
            raise AssertionError("securesystemslib took a wrong envelope")
        except VerificationError:
            pass
    print("passed: securesystemslib", flush=True)


def main():
    harness.need_programs(os.path.join(harness.BIN, "anamnesis"), run_scenario.WALL_CLOCK)
    with tempfile.TemporaryDirectory(prefix="anamnesis-gate-export-") as directory:
        envelope = exported(directory)
        key = harness.run_well("key", "show", os.path.join(directory, "ada.key")).split()[-1]
        path = os.path.join(directory, "decision.dsse.json")
        done = verify(path, "--key", key)
        expect(done.returncode == 0 and '"PASSED" for "artifact/shift@1"' in done.stdout, done.stdout)
        document = json.loads(verify(path, "--key", key, "--json").stdout)
        public = document["results"][0]["signedBy"][0]
        expect(len(document["results"][0]["statement"]["predicate"]["verifiedLevels"]) == 20, document)
        other = harness.run_well("key", "show", os.path.join(directory, "ledger", "checkpoint.key")).split()[-1]
        expect(verify(path, "--key", other).returncode == 1, "another's key")
        expect(verify(path, "--key", other, "--key", key).returncode == 0, "one of those given")
        fields = json.loads(envelope)
        for name, value in (("payloadType", "application/vnd.in-toto+jsoN"), ("payload", fields["payload"][4:]),
                            ("signatures", []), ("signatures", fields["signatures"][0])):
            with open(path, "w", encoding="utf-8") as file:
                json.dump({**fields, name: value}, file)
            expect(verify(path, "--key", key).returncode == 1, f"{name} changed")
        print("passed: the Python verifier", flush=True)
        by_securesystemslib(envelope, public, base64.b64decode(other.split("+", 2)[2])[1:].hex())


if __name__ == "__main__":
    main()
