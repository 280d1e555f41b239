#!/usr/bin/python3
"""A chain of model versions (1.9, 2.0, 2.3 fine-tuned from 2.0, 4.1) in an embedded ledger, and what the command line
answers to the questions asked of it, word for word as in version_chain.txt; only when a thing was recorded differs.

`version_chain_test.py --write` writes the answers down anew, to be read before they are committed."""

import os
import re
import shlex
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "faults"))
import harness  # noqa: E402

EXPECTED = os.path.join(HERE, "version_chain.txt")


def answers(ledger):
    """What each command line of version_chain.txt answers now."""
    text = ""
    with open(EXPECTED, encoding="utf-8") as file:
        commands = [line[len("$ anamnesis "):].strip() for line in file if line.startswith("$ anamnesis ")]
    for command in commands:
        done = harness.run(*shlex.split(command), "--ledger", f"file:{ledger}")
        output = re.sub(r"recorded \d{4}-\d\d-\d\dT[0-9:.]+Z", "recorded TIME", done.stdout + done.stderr)
        text += f"$ anamnesis {command}\n{output}exit status {done.returncode}\n\n"
    return text


def main():
    harness.need_programs(os.path.join(harness.BIN, "anamnesis"))
    with harness.Place() as place:
        harness.run_well("append", "--jsonl", os.path.join(HERE, "version_chain.jsonl"), "--as", place.key, "--ledger",
                         f"file:{place.ledger}")
        got = answers(place.ledger)
    if sys.argv[1:] == ["--write"]:
        with open(EXPECTED, "w", encoding="utf-8") as file:
            file.write(got)
        return
    with open(EXPECTED, encoding="utf-8") as file:
        wanted = file.read()
    for number, (line, other) in enumerate(zip(wanted.splitlines() + [""], got.splitlines() + [""]), 1):
        harness.expect(line == other, f"version_chain.txt:{number}: expected {line!r}, got {other!r}")
    harness.expect(got == wanted, "version_chain.txt: one of the two is longer")
    print(f"{wanted.count('$ anamnesis')} questions answered as written down")


if __name__ == "__main__":
    main()
