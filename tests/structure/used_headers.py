#!/usr/bin/python3
"""Checks that every source includes what it uses, itself or through this project's own headers.

The build reads generated, Abseil's and the standard library's headers precompiled, so a forgotten #include of one of
them would be noticed only by who builds without (-D ANAMNESIS_PRECOMPILED_HEADERS=OFF). This knows the names that are
used most, and every message of the contract; own headers are not precompiled, and the compiler checks those."""

import functools
import pathlib
import re
import sys

import rooms

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
IMPORT = re.compile(r'^import (?:public )?"([^"]+)";', re.M)
COMMENT_OR_TEXT = re.compile(r'//[^\n]*|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"', re.S)

# Header -> the names that need it. <string> and the like may also come with a header that is made of them.
STANDARD = {
    "algorithm": "sort stable_sort find_if lower_bound upper_bound any_of all_of none_of count_if max_element "
                 "min_element transform unique remove_if ranges::sort ranges::find ranges::find_if ranges::any_of "
                 "ranges::all_of ranges::none_of ranges::lower_bound ranges::upper_bound ranges::reverse shuffle clamp",
    "array": "array", "atomic": "atomic", "bit": "popcount countr_zero countl_zero bit_width has_single_bit",
    "charconv": "from_chars to_chars", "chrono": "chrono", "condition_variable": "condition_variable",
    "deque": "deque",
    "filesystem": "filesystem", "fstream": "ifstream ofstream", "functional": "function",
    "future": "future promise async",
    "iostream": "cout cerr cin", "limits": "numeric_limits",
    "map": "map multimap",
    "memory": "unique_ptr shared_ptr make_unique make_shared weak_ptr",
    "mutex": "mutex lock_guard unique_lock scoped_lock",
    "numeric": "accumulate iota", "optional": "optional nullopt", "queue": "queue priority_queue",
    "random": "mt19937 mt19937_64 random_device uniform_int_distribution", "set": "set multiset",
    "sstream": "stringstream ostringstream istringstream", "string": "string to_string", "string_view": "string_view",
    "thread": "thread this_thread", "tuple": "tuple tie", "unordered_map": "unordered_map",
    "unordered_set": "unordered_set", "utility": "pair exchange", "variant": "variant visit holds_alternative",
    "vector": "vector",
}
ABSEIL = {
    "absl/strings/str_cat.h": "StrCat StrAppend AlphaNum", "absl/strings/str_join.h": "StrJoin",
    "absl/strings/str_split.h": "StrSplit", "absl/strings/str_format.h": "StrFormat",
    "absl/strings/match.h": "StartsWith EndsWith StrContains", "absl/strings/escaping.h":
    "BytesToHexString HexStringToBytes Base64Escape Base64Unescape CHexEscape",
    "absl/strings/numbers.h": "SimpleAtoi SimpleAtod", "absl/synchronization/mutex.h": "Mutex MutexLock CondVar",
    "absl/synchronization/notification.h": "Notification", "absl/time/time.h": "Duration ToUnixMicros FromUnixMicros",
    "absl/time/clock.h": "Now SleepFor", "absl/types/span.h": "Span MakeSpan MakeConstSpan",
    "absl/container/flat_hash_map.h": "flat_hash_map", "absl/container/flat_hash_set.h": "flat_hash_set",
    "absl/cleanup/cleanup.h": "Cleanup",
}
# What a header brings along by its own definition.
BRINGS = {
    "string": {"string_view"}, "filesystem": {"string", "string_view", "chrono"}, "map": {"utility"},
    "sstream": {"string", "string_view"}, "fstream": {"string"}, "thread": {"chrono"}, "future": {"thread"},
    "condition_variable": {"mutex", "chrono"}, "unordered_map": {"utility"}, "absl/strings/str_cat.h": {"string_view"},
    "absl/time/clock.h": {"absl/time/time.h"},
}


def names(prefix, table):
    return {f"{prefix}::{name}": header for header, listed in table.items() for name in listed.split()}


KNOWN = {**names("std", STANDARD), **names("absl", ABSEIL)}


class Tree:
    def __init__(self, root):
        self.root = root
        self.proto_of = {}
        for path in sorted((root / "proto").rglob("*.proto")):
            header = str(path.relative_to(root / "proto"))[:-len("proto")] + "pb.h"
            text = path.read_text()
            package = re.search(r"^package ([\w.]+);", text, re.M)
            if package and package[1].startswith("anamnesis."):
                space = package[1].split(".")[1]
                for name in re.findall(r"^(?:message|enum) (\w+)", text, re.M):
                    self.proto_of[f"{space}::{name}"] = header

    @functools.cache
    def direct(self, header):
        """What an own or a generated header includes; nothing for a third party's."""
        if header.endswith(".pb.h"):
            stem = header.removesuffix(".grpc.pb.h").removesuffix(".pb.h")
            path = self.root / "proto" / f"{stem}.proto"
            own = [f"{stem}.pb.h"] if header.endswith(".grpc.pb.h") else []
            imports = IMPORT.findall(path.read_text()) if path.exists() else []
            return own + [imported[:-len("proto")] + "pb.h" for imported in imports]
        path = self.root / header
        return INCLUDE.findall(path.read_text()) if "/" in header and path.exists() else list(BRINGS.get(header, ()))

    def reached(self, path):
        found, waiting = set(), list(INCLUDE.findall((self.root / path).read_text()))
        while waiting:
            header = waiting.pop()
            if header not in found:
                found.add(header)
                waiting += self.direct(header)
        if any(h.endswith(".pb.h") for h in found):
            found |= {"string", "map", "memory", "utility", "limits", "algorithm", "vector"}  # protobuf's own promise
        return found

    def missing(self, path):
        text = COMMENT_OR_TEXT.sub(" ", (self.root / path).read_text())
        reached = self.reached(path)
        used = set(re.findall(r"\b(?:std|absl)::(?:ranges::)?\w+", text))
        needed = {KNOWN[u]: u for u in sorted(used) if u in KNOWN}
        for use in sorted(set(re.findall(r"\b(?:v1|internal)::[A-Z]\w*", text))):
            message = use if use in self.proto_of else use.split("_")[0]
            if message in self.proto_of:
                needed.setdefault(self.proto_of[message], use)
        return [f"{path}: uses {use} without #include of {header}" for header, use in sorted(needed.items())
                if header not in reached]


def check(root):
    tree = Tree(pathlib.Path(root))
    return [problem for path in rooms.sources(tree.root, {".h", ".cc"}) for problem in tree.missing(path)]


if __name__ == "__main__":
    problems = check(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])
    print("\n".join(problems))
    sys.exit(1 if problems else 0)
