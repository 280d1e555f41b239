#!/usr/bin/python3
"""The table of capabilities in the vocabulary's README says which tests bear which capability's id, and no id is
forgotten. `capabilities_test.py --write` writes the column of tests anew; what is not there yet is written by hand.

An id is borne by a GoogleTest's name (A44..., A31_A40_..., A56A57...), by a comment or docstring of a Python test, or
by a comment of a scenario."""

import ast
import os
import re
import sys
import tokenize

SOURCE = os.environ.get("ANAMNESIS_SOURCE_DIR", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
README = os.path.join(SOURCE, "proto", "anamnesis", "v1", "README.md")
IDS = [f"A{number:02}" for number in range(1, 113)]
ID = re.compile(r"A\d{2,3}(?!\d)")
ROW = re.compile(r"\| (A\d+) \| ([^|]+) \| ([^|]*)\|([^|]*)\|")


def ids_of_names(path):
    with open(path, encoding="utf-8") as file:
        names = re.findall(r"\bTEST(?:_F|_P)?\(\s*\w+,\s*(\w+)\s*\)", file.read())
    return {found for name in names for found in ID.findall(re.match(r"(?:A\d{2,3}|D\d{1,2}|_)*", name)[0])}


def ids_of_remarks(path):
    with open(path, "rb") as file:
        tokens = list(tokenize.tokenize(file.readline))
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    remarks = [token.string for token in tokens if token.type == tokenize.COMMENT]
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            remarks.append(ast.get_docstring(node) or "")
    return {found for remark in remarks for found in re.findall(r"\b" + ID.pattern + r"\b", remark)}


def ids_of_scenario(path):
    with open(path, encoding="utf-8") as file:
        remarks = [line for line in file if line.startswith("# ")]
    return {found for remark in remarks for found in re.findall(r"\b" + ID.pattern + r"\b", remark)}


def tests_by_id():
    """The files, from the repository's root, whose tests bear each id."""
    found = {}
    for directory, _, names in os.walk(os.path.join(SOURCE, "tests")):
        for name in sorted(names):
            path = os.path.join(directory, name)
            if name.endswith("_test.cc"):
                ids = ids_of_names(path)
            elif name.endswith("_test.py") and name != os.path.basename(__file__):
                ids = ids_of_remarks(path)
            elif name.endswith(".txt") and os.path.basename(directory) == "scenarios":
                ids = ids_of_scenario(path)
            else:
                continue
            for one in ids:
                found.setdefault(one, []).append(os.path.relpath(path, SOURCE))
    return {one: sorted(paths) for one, paths in found.items()}


def row(one, title, paths, missing):
    tests = ", ".join(f"`{path}`" for path in paths)
    return f"| {one} | {title} | {tests + ' ' if tests else ''}|{f' {missing} ' if missing else ' '}|"


def main():
    with open(README, encoding="utf-8") as file:
        lines = file.read().splitlines()
    tests = tests_by_id()
    problems = []
    seen = []
    for number, line in enumerate(lines):
        found = ROW.fullmatch(line)
        if found is None:
            continue
        one, title, _, missing = (part.strip() for part in found.groups())
        seen.append(one)
        lines[number] = row(one, title, tests.get(one, []), missing)
        if lines[number] != line and sys.argv[1:] != ["--write"]:
            problems.append(f"README.md:{number + 1}: the tests are: {lines[number]}; mend it with --write")
        if one not in tests and not missing:
            problems.append(f"README.md:{number + 1}: {one} has no test, and nothing says what is missing")
    if seen != IDS:
        problems.append(f"README.md: not each capability once and in order: {sorted(set(seen) ^ set(IDS))}")
    problems += [f"{tests[one][0]}: there is no capability {one}" for one in tests if one not in IDS]
    if sys.argv[1:] == ["--write"]:
        with open(README, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    print("\n".join(problems) or f"{len(IDS)} capabilities, {sum(one in tests for one in IDS)} with a test of their id")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
