"""Every request that a node takes over gRPC is fuzzed: its type occurs by name in a fuzz target."""

import re

import rooms

RPC = re.compile(r"^\s*rpc\s+(\w+)\s*\(\s*(?:stream\s+)?([\w.]+)\s*\)", re.MULTILINE)


def check(root):
    targets = sorted(root.glob("tests/fuzz/*_fuzz.cc"))
    code = [re.sub(r"//.*", "", path.read_text()) for path in targets]
    named = {word for text in code for word in re.findall(r"\w+", text)}
    problems = []
    # What lies below proto/etcd is served by etcd.
    for path in rooms.sources(root, {".proto"}, ("proto/anamnesis",)):
        text = (root / path).read_text()
        for rpc in RPC.finditer(text):
            method, request = rpc[1], rpc[2].split(".")[-1]
            if request not in named:
                number = text.count("\n", 0, rpc.start(1)) + 1
                problems.append(f"{path}:{number}: no fuzz target names {request}, which {method} takes; "
                                "add it to one of tests/fuzz")
    return problems
