#!/usr/bin/python3
"""Style that the formatter does not see: guards, line and file length, leftovers, white space."""

import pathlib
import re
import sys

import rooms

MAX_LINE, MAX_FILE_LINES = 120, 700
LEFTOVER = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
TREES = (*rooms.SOURCE_TREES, "deploy", "bazel-compat")

# path: why this file is long.
LONG_FILES = {
    "client/python/anamnesis_verify.py": "one file to copy and to read, for auditors who trust none of ours",
}


def check(root):
    problems = []
    for path in rooms.sources(root, {".h", ".cc", ".py", ".proto", ".cmake", ".sh", ".txt"}, TREES):
        if path.suffix == ".txt" and path.name not in ("CMakeLists.txt", "rooms.txt"):
            continue  # Test data.
        lines = (root / path).read_text().split("\n")
        for number, line in enumerate(lines, 1):
            if len(line) > MAX_LINE and path.suffix in (".h", ".cc", ".py"):
                problems.append(f"{path}:{number}: {len(line)} characters; at most {MAX_LINE}")
            if LEFTOVER.search(line):
                problems.append(f"{path}:{number}: leftover {LEFTOVER.search(line)[0]}: do it or open an issue")
            if "\t" in line:
                problems.append(f"{path}:{number}: tab")
            if line != line.rstrip():
                problems.append(f"{path}:{number}: space at the end of the line")
        if lines[-1]:
            problems.append(f"{path}: no newline at the end")
        if len(lines) > MAX_FILE_LINES and str(path) not in LONG_FILES:
            problems.append(f"{path}: {len(lines)} lines; split it, or give a reason in LONG_FILES of tidy.py")
        if path.suffix == ".h":
            guard = "ANAMNESIS_" + re.sub(r"\W", "_", str(path)).upper() + "_"
            wanted = [f"#ifndef {guard}", f"#define {guard}", f"#endif  // {guard}"]
            directives = [line for line in lines if line.startswith("#")]
            if [*directives[:2], *directives[-1:]] != wanted:
                problems.append(f"{path}: the guard must be {guard}, closed by '{wanted[2]}'")
    return problems


if __name__ == "__main__":
    found = check(pathlib.Path(__file__).parents[2])
    print("\n".join(found))
    sys.exit(1 if found else 0)
