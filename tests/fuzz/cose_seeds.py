#!/usr/bin/python3
"""Writes the seeds of cose_receipt_fuzz from the golden vectors: corpus/cose_receipt/NAME."""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main():
    vectors = json.loads((HERE.parent / "golden" / "vectors" / "cose.json").read_text(encoding="utf-8"))
    directory = HERE / "corpus" / "cose_receipt"
    directory.mkdir(exist_ok=True)
    for kind, cases in (("inclusion", vectors["inclusion"]), ("consistency", vectors["consistency"][-3:]),
                        ("rejected", vectors["rejected"]["receipts"])):
        for case in cases:
            name = "".join(c if c.isalnum() else "_" for c in f"{kind} {case['name']}")
            (directory / name).write_bytes(bytes.fromhex(case["receipt"]))


if __name__ == "__main__":
    main()
