#!/usr/bin/python3
"""The stored golden vectors are what generate.py makes, and `protoc` reads what our own encoder wrote.

Exit status 77 (skipped) when PyNaCl is missing. The second part is left out, aloud, when protoc is missing.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PROTO = HERE.parent.parent / "proto"
SKIPPED = 77


def run_protoc(mode: str, message: str, data: bytes) -> bytes:
    command = ["protoc", f"-I{PROTO}", f"{mode}=anamnesis.v1.{message}", "anamnesis/v1/event.proto",
               "anamnesis/v1/vocabulary.proto"]
    if mode == "--encode":
        command.insert(1, "--deterministic_output")
    return subprocess.run(command, input=data, capture_output=True, check=True, timeout=60).stdout


def strings(text: bytes) -> list[str]:
    """All string and bytes fields in protobuf's text form, unescaped; UTF-8 as protobuf writes it."""
    out = []
    for line in text.decode("ascii").splitlines():
        _, separator, quoted = line.partition(": \"")
        if separator:
            out.append(quoted[:-1].encode("ascii").decode("unicode_escape").encode("latin-1").hex())
    return out


def leaf_strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [s for element in value.values() for s in leaf_strings(element)]
    if isinstance(value, list):
        return [s for element in value for s in leaf_strings(element)]
    return [value] if isinstance(value, str) else []


def same_strings(message: str, text: bytes, mapping: dict[str, Any]) -> bool:
    """Every text that protoc found is in the JSON mapping, as itself or as base64; numbers and enums aside."""
    known = set(leaf_strings(mapping))
    for found in strings(text):
        raw = bytes.fromhex(found)
        if base64.b64encode(raw).decode() not in known and raw.decode("utf-8", "replace") not in known | {""}:
            print(f"{message}: protoc finds {raw!r}, which the JSON mapping lacks")
            return False
    return True


def agrees(message: str, serialized: str, mapping: dict[str, Any]) -> bool:
    """Whether protobuf reads the bytes without unknown fields, and writes the same bytes again."""
    data = bytes.fromhex(serialized)
    text = run_protoc("--decode", message, data)
    unknown = [line for line in text.splitlines() if line.strip()[:1].isdigit()]
    if unknown or run_protoc("--encode", message, text) != data:
        print(f"{message}: protoc reads or writes other bytes than {serialized}: {text!r}")
        return False
    return same_strings(message, text, mapping)


def protoc_agrees() -> bool:
    vectors = HERE / "vectors"
    headers = json.loads((vectors / "header.json").read_text(encoding="utf-8"))
    seals = json.loads((vectors / "seal.json").read_text(encoding="utf-8"))
    types = json.loads((vectors / "event_types.json").read_text(encoding="utf-8"))
    good = [agrees("EventHeader", case["serialized"], case["header"]) for case in headers]
    good += [agrees("SealStatement", case["statement"], case["statement_fields"]) for case in seals]
    good += [agrees("EventHeader", case["header_bytes"], case["header"]) for case in types]
    good += [agrees(case["body_message"], case["body_bytes"], case["body"]) for case in types]
    print(f"protoc agrees with {sum(good)} of {len(good)} messages")
    return all(good)


def main() -> int:
    try:
        import nacl.signing  # noqa: F401, only to know whether it is there
    except ImportError:
        print("SKIPPED: PyNaCl is missing (Debian: python3-nacl), so the golden vectors can't be made again")
        return SKIPPED
    result = subprocess.run([sys.executable, str(HERE / "generate.py"), "--check"], check=False, timeout=300)
    if result.returncode != 0:
        return 1
    if shutil.which("protoc") is None:
        print("NOT CHECKED: protoc is missing, so our encoder is not compared with protobuf's")
        return 0
    return 0 if protoc_agrees() else 1


if __name__ == "__main__":
    sys.exit(main())
