#!/usr/bin/python3
"""Writes the golden notes, proofs, leaves and keys to files of their own, as other programs read them.

    vector_files.py VECTORS-DIRECTORY OUT-DIRECTORY
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def write_notes(document: dict, out: Path) -> None:
    (out / "log.key").write_text(document["verifier_key"], encoding="utf-8")
    (out / "witness.key").write_text(document["cosignature"]["verifier_key"], encoding="utf-8")
    (out / "cosigned.note").write_text(document["cosignature"]["note"], encoding="utf-8")
    for case in document["checkpoints"]:
        (out / f"checkpoint-{case['size']}.note").write_text(case["note"], encoding="utf-8")
    for number, case in enumerate(document["rejected"]):
        (out / f"rejected-{number}-{case['name'].replace(' ', '-')}.note").write_text(case["note"], encoding="utf-8")


def write_proofs(document: dict, out: Path) -> None:
    for case in document["proofs"]:
        name = f"proof-{case['index']}-of-{case['size']}"
        (out / f"{name}.tlog-proof").write_text(case["tlog_proof"], encoding="utf-8")
        (out / f"{name}.leaf").write_bytes(bytes.fromhex(case["leaf"]))


def write_keys(document: list, out: Path) -> None:
    for number, case in enumerate(document):
        (out / f"signer-{number}.private").write_text(case["private_key"], encoding="utf-8")
        (out / f"signer-{number}.verifier").write_text(case["verifier_key"], encoding="utf-8")


def main() -> int:
    vectors, out = Path(sys.argv[1]), Path(sys.argv[2])
    notes = json.loads((vectors / "note.json").read_text(encoding="utf-8"))
    write_notes(notes, out)
    write_proofs(notes, out)
    write_keys(json.loads((vectors / "keys.json").read_text(encoding="utf-8")), out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
