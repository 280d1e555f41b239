#!/usr/bin/python3
"""Checks every #include against tests/structure/rooms.txt, and the map in README.md against the rooms that exist."""

import pathlib
import re
import sys

import rooms

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
C_HEADER = re.compile(r"(sys|netinet|arpa|linux)/.*|(assert|ctype|dirent|dlfcn|errno|fcntl|grp|limits|math|netdb|poll|"
                      r"pwd|sched|signal|spawn|stdarg|stddef|stdint|stdio|stdlib|string|syslog|termios|time|unistd)\.h")
# What a room that promises purity has no business with; purity.py looks for the symbols behind them.
IMPURE = re.compile(r"condition_variable|ctime|filesystem|fstream|future|random|thread|(sys|netinet|arpa|linux)/.*|"
                    r"(dirent|dlfcn|fcntl|netdb|poll|sched|signal|spawn|termios|time|unistd)\.h")


def why_not(table, room, header, quoted):
    """The reason why `room` must not include `header`, or None. `room` is None below tests/, where all is granted."""
    def granted_library(library):
        if room is None or library in room.libraries:
            return None
        return f"{room.name} is not granted the library {library}"

    if header.endswith(".pb.h") and not header.startswith("google/protobuf/"):
        owner = "proto"
        if header.endswith(".grpc.pb.h") and (reason := granted_library("grpc")):
            return reason
    elif header.split("/")[0] in rooms.SOURCE_TREES:
        if not quoted:
            return "own headers are included with quotes"
        if header.startswith("tests/"):
            in_tests = room is None or room.name.startswith("tests/")
            return None if in_tests else "tests are included by nobody"
        owner = table.room_of(header)
        if owner is None:
            return f"no room of {rooms.TABLE} holds it"
    elif library := table.library_of(header):
        return granted_library(library)
    elif ("/" not in header and "." not in header) or C_HEADER.fullmatch(header):
        impure = room and room.pure and IMPURE.fullmatch(header)
        return "a pure room may not touch the outside world" if impure else None
    else:
        return f"unknown header: include own headers from the root, name a library's in {rooms.TABLE}"
    if room is None or owner == room.name or owner in room.may_include:
        return None
    return f"{room.name} may not include {owner}"


def check_includes(root):
    table = rooms.read(root)
    problems = []
    for path in rooms.sources(root, {".h", ".cc"}):
        name = table.room_of(path)
        if name is None and path.parts[0] != "tests":
            problems.append(f"{path}: lies in no room of {rooms.TABLE}")
            continue
        for number, line in enumerate((root / path).read_text().splitlines(), 1):
            if match := INCLUDE.match(line):
                reason = why_not(table, table.rooms.get(name), match[2], match[1] == '"')
                if reason:
                    problems.append(f"{path}:{number}: {match[2]}: {reason}")
    return problems


def check_map(root):
    table = rooms.read(root)
    existing = {table.room_of(p) for p in rooms.sources(root, {".h", ".cc", ".proto"})} - {None}
    section = re.search(r"^## Map$(.*?)(?=^## |\Z)", (root / "README.md").read_text(), re.M | re.S)
    mapped = re.findall(r"^\|\s*`([^`]+)`", section[1], re.M) if section else []
    missing = [room for room in table.rooms if room in existing - set(mapped)]
    problems = [f"README.md: the section Map has no row for `{room}`" for room in missing]
    problems += [f"README.md: the map's `{row}` is no room that exists" for row in mapped if row not in existing]
    if not problems and mapped != [room for room in table.rooms if room in existing]:
        problems.append(f"README.md: the map is not in the order of {rooms.TABLE}")
    return problems


if __name__ == "__main__":
    base = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])
    found = check_includes(base) + check_map(base)
    print("\n".join(found))
    sys.exit(1 if found else 0)
