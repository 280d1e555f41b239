#!/usr/bin/python3
"""Appending many events: whatever fails, it is said what is recorded and what is not, and nothing is recorded that was
not written."""

import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))
import harness  # noqa: E402
import machines  # noqa: E402

DONE, _, BAD_USAGE, _, UNKNOWN, RESULT_LOST = range(6)
RUN_EVENTS_MAX = 4096


def event(stream, name, **more):
    return {"stream": stream, "type": "document.referenced", "body": {"title": "t"},
            "refs": [f"document=document:{name}"], **more}


def write_lines(place, lines):
    path = place.path("events.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    return path


def append(place, ledger, lines, *options, **how):
    path = write_lines(place, lines)
    return harness.run("append", "--jsonl", path, "--as", place.key, "--ledger", ledger, *options, **how)


def count(ledger):
    return int(json.loads(harness.run_well("status", "--json", "--ledger", ledger))["treeSize"])


def check_second_run(place, ledger):
    """The ledger refuses an event of the second run of a stream: what the first recorded is said, and which lines are
    to be sent again."""
    before = count(ledger)
    lines = [event("person/ada/many", i) for i in range(RUN_EVENTS_MAX + 4)]
    lines[-2]["causes"] = ["018df000-0000-7000-8000-000000000000"]
    done = append(place, ledger, lines, "--json")
    harness.expect(done.returncode == RESULT_LOST, f"{done.returncode} {done.stderr}")
    harness.expect(len(json.loads(done.stdout)["indexes"]) == RUN_EVENTS_MAX, done.stdout[:200])
    for what in (f"lines {RUN_EVENTS_MAX + 1} to {RUN_EVENTS_MAX + 4}: ", f"line {RUN_EVENTS_MAX + 3}: "):
        harness.expect(what in done.stderr, f"{what}: {done.stderr}")
    harness.expect(count(ledger) == before + RUN_EVENTS_MAX, "the first run is recorded")
    del lines[-2]["causes"]
    done = append(place, ledger, lines[RUN_EVENTS_MAX:])
    harness.expect(done.returncode == DONE and len(done.stdout.splitlines()) == 4, f"{done}")


def check_lines_left(place, ledger):
    """Of several streams, and when nothing was recorded."""
    lines = [event(f"person/ada/{stream}", i) for i, stream in enumerate("abab")]
    lines[1]["causes"] = ["018df000-0000-7000-8000-000000000000"]
    done = append(place, ledger, lines)
    harness.expect(done.returncode == RESULT_LOST and "lines 2, 4: " in done.stderr and "line 2: " in done.stderr,
                   f"{done}")
    done = append(place, ledger, lines[1:2])
    harness.expect(done.returncode not in (DONE, RESULT_LOST) and "line 1: " in done.stderr, f"{done}")


def check_nobody_reads(place, ledger):
    """What is recorded doesn't depend on whether anybody reads what is printed; whoever has read enough of an answer is
    told nothing."""
    before = count(ledger)
    reading, writing = os.pipe()
    os.close(reading)
    path = write_lines(place, [event(f"person/ada/unread/{i}", i) for i in range(60)])
    for arguments, complaint in ((("append", "--jsonl", path, "--as", place.key), "standard output"), (("log",), "")):
        done = subprocess.run([os.path.join(harness.BIN, "anamnesis"), *arguments, "--ledger", ledger], stdout=writing,
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        harness.expect(done.returncode == RESULT_LOST, f"{done}")
        harness.expect(complaint in done.stderr and (complaint or not done.stderr), f"{done}")
    os.close(writing)
    harness.expect(count(ledger) == before + 60, "not all are recorded")


def check_one_or_many(place, ledger):
    """A line says all of its event: an option that says more of it would be passed over."""
    for option in (("--retrospective",), ("--occurred-at", "2024-01-01T00:00:00Z"), ("--late-reason", "x"),
                   ("--stream", "person/ada"), ("--type", "document.referenced")):
        done = append(place, ledger, [event("person/ada", "one")], *option)
        harness.expect(done.returncode == BAD_USAGE and option[0] in done.stdout + done.stderr, f"{option}: {done}")


def check_more(ledger):
    """A log that ends before the ledger does says where to go on."""
    for options, printed, more in (((), 1000, "--from 1000"), (("--limit", "2", "--from", "5"), 2, "--from 7"),
                                   (("--limit", "2", "--backwards", "--from", "5"), 2, "--from 3"),
                                   (("--limit", "9", "--type", "role.granted"), 1, "")):
        done = harness.run("log", *options, "--ledger", ledger)
        harness.expect(done.returncode == DONE and len(done.stdout.splitlines()) == printed, f"{options}: {done}")
        harness.expect(more in done.stderr and (more or not done.stderr), f"{options}: {done.stderr}")


def check_private(place, ledger):
    """Who may not write the ledger's directory may not read what is erased from it one day."""
    done = harness.run("receipt", "3", "--out", place.path("three"), "--ledger", ledger)
    harness.expect(done.returncode == DONE, f"{done}")
    for path in (place.ledger, os.path.join(place.ledger, "db"), place.path("three.body")):
        mode = stat.S_IMODE(os.stat(path).st_mode)
        harness.expect(mode & 0o077 == 0, f"{path}: {mode:o}")


class Breaking:
    """Between a client and a node until the client has sent so much that it can only be what it appends; then nobody is
    there any more."""

    BYTES = 100_000

    def __init__(self, address):
        host, port = address.split(":")
        self.node = socket.create_connection((host, int(port)))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.client = None
        self.broken = threading.Event()
        threading.Thread(target=self.send, daemon=True).start()

    def send(self):
        self.client, _ = self.listener.accept()
        self.listener.close()
        threading.Thread(target=self.answer, daemon=True).start()
        sent = 0
        while sent < self.BYTES and (piece := self.client.recv(65536)):
            sent += len(piece)
            if sent < self.BYTES:
                self.node.sendall(piece)
        for end in (self.client, self.node):
            end.shutdown(socket.SHUT_RDWR)
        self.broken.set()

    def answer(self):
        try:
            while piece := self.node.recv(65536):
                self.client.sendall(piece)
        except OSError:
            pass


def check_within(place):
    """--within is kept, whatever the wall clock is set to meanwhile."""
    clock = machines.Clock(place.path("clock"))
    path = write_lines(place, [event("person/ada/within", i) for i in range(500)])
    with harness.Node(place.ledger, place.dir) as node:
        breaking = Breaking(node.address)
        command = [os.path.join(harness.BIN, "anamnesis"), "append", "--jsonl", path, "--as", place.key, "--within",
                   "1", "--ledger", breaking.address]
        with subprocess.Popen(command, env={**os.environ, **clock.environment()}, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as process:
            harness.expect(breaking.broken.wait(30), "nothing was sent")
            clock.set(-3600)
            begun = time.monotonic()
            try:
                _, errors = process.communicate(timeout=20)
            finally:
                process.kill()
        harness.expect(process.returncode == UNKNOWN and "unknown" in errors, f"{process.returncode} {errors[:500]}")
        harness.expect(time.monotonic() - begun < 10, "it went on for longer")


def check_unknown_lines(place):
    """Of several streams, when it isn't known what became of the second: a script may not take its lines for lines that
    are not recorded."""
    lines = [event(f"person/ada/unknown/{stream}", i) for i, stream in enumerate("a" + 500 * "b" + "c")]
    path = write_lines(place, lines)
    with harness.Node(place.ledger, place.dir) as node:
        breaking = Breaking(node.address)
        done = harness.run("append", "--jsonl", path, "--as", place.key, "--within", "1", "--ledger", breaking.address)
    harness.expect(done.returncode == UNKNOWN and len(done.stdout.splitlines()) == 1, f"{done}")
    first = done.stderr.splitlines()[0]
    for what in ("recorded (leaf ", f"not known of {path} lines 2 to 501; not sent: line 502: ", "outcome unknown: "):
        harness.expect(what in first, f"{what}: {first}")
    harness.expect("not recorded: " not in first, first)


def main():
    with harness.Place() as place:
        ledger = f"file:{place.ledger}"
        check_second_run(place, ledger)
        check_lines_left(place, ledger)
        check_nobody_reads(place, ledger)
        check_one_or_many(place, ledger)
        check_more(ledger)
        check_private(place, ledger)
        check_within(place)
        check_unknown_lines(place)
    print("what is recorded is what was written, and what was said")


if __name__ == "__main__":
    main()
