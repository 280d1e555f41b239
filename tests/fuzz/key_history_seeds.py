#!/usr/bin/python3
"""Writes the seeds of key_history_fuzz from the golden vectors: corpus/key_history/NAME."""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main():
    vectors = json.loads((HERE.parent / "golden" / "vectors" / "key_history.json").read_text(encoding="utf-8"))
    directory = HERE / "corpus" / "key_history"
    directory.mkdir(exist_ok=True)
    (directory / "opened").write_text(vectors["opened"]["history"], encoding="utf-8")
    for case in vectors["judged"][::4]:
        name = "".join(c if c.isalnum() else "_" for c in case["name"])
        (directory / name).write_text(case["history"], encoding="utf-8")


if __name__ == "__main__":
    main()
