#!/usr/bin/python3
"""Writes the golden vectors: the bytes that the C++ must reproduce, made without it.

    generate.py            writes tests/golden/vectors/
    generate.py --check    writes nothing; exit status 1 and a diff when a file differs from what would be written

Needs PyNaCl (Debian: python3-nacl) for Ed25519; everything else is the standard library and the files beside this one.
"""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from pathlib import Path

import dataset
import events
import proto_text
import vectors

HERE = Path(__file__).resolve().parent
PROTO = HERE.parent.parent / "proto" / "anamnesis" / "v1"
DIFF_LINES_MAX = 60


def documents() -> dict[str, str]:
    vocabulary = sorted(PROTO.glob("vocabulary_*.proto"))
    shared = [PROTO / f"{name}.proto" for name in ("event", "options", "signature", "policy", "dataset")]
    messages = proto_text.load([*shared, *vocabulary])
    events.check_against_proto(messages, [*events.SIGNED, *dataset.PROVEN])
    made = vectors.all_vectors(messages)
    return {name: json.dumps(value, indent=1, ensure_ascii=False) + "\n" for name, value in made.items()}


def write(directory: Path, wanted: dict[str, str]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for stale in set(directory.glob("*.json")) - {directory / name for name in wanted}:
        stale.unlink()
    for name, text in wanted.items():
        (directory / name).write_text(text, encoding="utf-8")


def differences(directory: Path, wanted: dict[str, str]) -> list[str]:
    found: list[str] = []
    for name in sorted({path.name for path in directory.glob("*.json")} | set(wanted)):
        path = directory / name
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        new = wanted.get(name, "")
        diff = difflib.unified_diff(old.splitlines(), new.splitlines(), f"{name} (stored)", f"{name} (made)", n=2,
                                    lineterm="")
        found += [line[:240] for line in diff]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Writes or checks the golden vectors.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing; exit 1 on any difference")
    parser.add_argument("--directory", type=Path, default=HERE / "vectors", help="where the vectors are")
    arguments = parser.parse_args()
    wanted = documents()
    if not arguments.check:
        write(arguments.directory, wanted)
        return 0
    found = differences(arguments.directory, wanted)
    for line in found[:DIFF_LINES_MAX]:
        print(line)
    if found:
        print(f"{len(found)} lines of difference. If the change is meant, run {Path(__file__).name} and review its "
              "diff: bytes that a ledger holds already must not change.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
