"""Reads rooms.txt: the rooms in their order, what each may include, and the third-party libraries."""

import dataclasses
import pathlib

TABLE = "tests/structure/rooms.txt"
SOURCE_TREES = ("proto", "ledger", "node", "client", "tests")


@dataclasses.dataclass
class Room:
    name: str
    may_include: set
    libraries: set
    pure: bool


@dataclasses.dataclass
class Table:
    rooms: dict  # name -> Room, in order
    headers: dict  # header, or prefix that ends in "/" -> library

    def room_of(self, path):
        """The innermost room that holds `path` (relative to the root), or None."""
        parts = str(path).split("/")[:-1]
        names = ("/".join(parts[:n]) for n in range(len(parts), 0, -1))
        return next((name for name in names if name in self.rooms), None)

    def library_of(self, header):
        """The library with the longest prefix of `header`, or None."""
        found = [p for p in self.headers if header == p or (p.endswith("/") and header.startswith(p))]
        return self.headers[max(found, key=len)] if found else None


def read(root):
    table = Table({}, {})
    libraries = set()
    for number, line in enumerate((pathlib.Path(root) / TABLE).read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        kind, _, rest = line.partition(" ")
        name, second, third, *flags = [cell.strip() for cell in rest.split("|")]
        if kind == "lib":
            libraries.add(name)
            table.headers.update({prefix: name for prefix in second.split()})
            continue
        granted = set()
        for pattern in second.split():
            prefix = pattern[:-1] if pattern.endswith("/*") else None
            matching = {r for r in table.rooms if r == pattern or (prefix and r.startswith(prefix))}
            if not matching:
                raise SystemExit(f"{TABLE}:{number}: {name} names {pattern}, which is no room above it")
            granted |= matching
        if unknown := set(third.split()) - libraries:
            raise SystemExit(f"{TABLE}:{number}: {name} names unknown libraries {sorted(unknown)}")
        table.rooms[name] = Room(name, granted, set(third.split()), "pure" in flags)
    return table


def sources(root, suffixes, trees=SOURCE_TREES):
    """Files below the source trees with one of the suffixes, relative to the root, sorted."""
    root = pathlib.Path(root)
    found = (p for tree in trees for p in (root / tree).rglob("*") if p.suffix in suffixes and p.is_file())
    skipped = {"build", "node_modules", "__pycache__"}
    return sorted(p.relative_to(root) for p in found if not skipped & set(p.relative_to(root).parts))
