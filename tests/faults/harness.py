"""What the fault tests share: a ledger in a temporary directory, its node, load on it, and the check at the end."""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

BIN = os.environ.get("ANAMNESIS_BIN_DIR", "build/release/bin")
LOAD = os.path.join(os.environ.get("ANAMNESIS_BUILD_DIR", "build/release"), "tests", "append_load")
ORIGIN = "faults.example/ledger"
SKIPPED = 77
START_SECONDS = 60


def skip(why):
    print(f"SKIPPED: {why}", flush=True)
    sys.exit(SKIPPED)


def expect(holds, what):
    if not holds:
        raise AssertionError(what)


def need_programs(*paths):
    for path in paths:
        if not os.path.exists(path):
            skip(f"{path} isn't built")


def run(*arguments, **options):
    """Runs `anamnesis`; the caller looks at the exit status."""
    return subprocess.run([os.path.join(BIN, "anamnesis"), *map(str, arguments)], capture_output=True, text=True,
                          timeout=300, **options)


def run_well(*arguments):
    done = run(*arguments)
    expect(done.returncode == 0, f"anamnesis {' '.join(map(str, arguments))}: {done.returncode} {done.stderr}")
    return done.stdout


class Place:
    """A directory with a key and a ledger; `with` removes it."""

    def __init__(self, inside=None):
        self.dir = tempfile.mkdtemp(prefix="anamnesis-faults-", dir=inside)
        self.ledger = os.path.join(self.dir, "ledger")
        self.key = os.path.join(self.dir, "ada.key")

    def __enter__(self):
        run_well("key", "new", "--out", self.key, "--name", "ada")
        run_well("init", self.ledger, "--origin", ORIGIN, "--as", self.key)
        return self

    def __exit__(self, kind, value, traceback):
        if kind is not None and kind is not SystemExit and os.environ.get("ANAMNESIS_KEEP"):
            print(f"kept {self.dir}", flush=True)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)


class Node:
    """anamnesisd on a ledger; takes a free port at its first start and the same one again later. `home` holds its
    files, so that they need not be on the disk that is made full. `arguments` are anamnesisd's beyond the usual ones,
    `options` are subprocess.Popen's."""

    def __init__(self, ledger, home, arguments=(), **options):
        self.ledger = ledger
        self.port_file = os.path.join(home, "port")
        self.log_file = os.path.join(home, "node.log")
        self.address = "127.0.0.1:0"
        self.arguments = list(arguments)
        self.options = options
        self.process = None

    def start(self):
        if os.path.exists(self.port_file):
            os.remove(self.port_file)
        command = [os.path.join(BIN, "anamnesisd"), "--dir", self.ledger, "--listen", self.address, "--port-file",
                   self.port_file, *self.arguments]
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, **self.options)
        deadline = time.monotonic() + START_SECONDS
        while not os.path.exists(self.port_file):
            expect(self.process.poll() is None, f"the node ended: {self.log_tail()}")
            expect(time.monotonic() < deadline, f"the node doesn't serve: {self.log_tail()}")
            time.sleep(0.005)
        with open(self.port_file) as file:
            self.address = file.read().strip()
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Asks it to end and returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def rss_mib(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1)) / 1024

    def log(self):
        with open(self.log_file, errors="replace") as file:
            return file.read()

    def log_tail(self):
        return self.log()[-2000:]

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()


class Load:
    """Client processes that append without pause, one stream each (append_load.cc)."""

    def __init__(self, place, node, home, clients=3, in_flight=16, pause_us=500, body_bytes=200, name="load"):
        self.streams = {f"{name}/{number}": os.path.join(home, f"{name}-{number}.acks") for number in range(clients)}
        self.processes = []
        for stream, acks in self.streams.items():
            command = [LOAD, node.address, place.key, stream, in_flight, pause_us, body_bytes]
            with open(acks, "wb") as out:
                self.processes.append(subprocess.Popen(list(map(str, command)), stdout=out))

    def acknowledged(self):
        return sum(line.startswith("ack ") for acks in self.streams.values() for line in lines_of(acks))

    def retries(self):
        return [line[6:] for acks in self.streams.values() for line in lines_of(acks) if line.startswith("retry ")]

    def wait_for(self, events, seconds=60):
        """Waits until so many more events are acknowledged."""
        wanted = self.acknowledged() + events
        deadline = time.monotonic() + seconds
        while self.acknowledged() < wanted:
            self.check_alive()
            expect(time.monotonic() < deadline, f"no progress: {self.retries()[-3:]}")
            time.sleep(0.02)

    def check_alive(self):
        for process in self.processes:
            expect(process.poll() is None, f"a load client ended with {process.returncode}")

    def finish(self, seconds=60):
        """Ends the load when everything that was sent is acknowledged."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            expect(process.wait(timeout=seconds) == 0, "a load client failed")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()


def lines_of(path):
    """The whole lines of a file that is being written."""
    with open(path) as file:
        text = file.read()
    return text[:text.rfind("\n") + 1].splitlines()


def read_log(ledger):
    """Every event of a ledger as (id, stream, position, recorded), by index."""
    out = run_well("log", "--json", "--limit", 1 << 40, "--ledger", ledger)
    events = []
    for line in out.splitlines():
        event = json.loads(line).get("event")
        if event is None:
            continue
        expect(int(event["index"]) == len(events), f"index {event['index']} at place {len(events)}")
        header = event["header"]
        identity = str(uuid.UUID(bytes=base64.b64decode(header["eventId"])))
        events.append((identity, header["stream"], int(header["streamPosition"]), event["recorded"]))
    return events


def microseconds(recorded):
    """protobuf prints 0, 3 or 6 digits of a second's fraction."""
    whole, _, fraction = recorded.rstrip("Z").partition(".")
    return (whole, fraction.ljust(6, "0"))


def check_order(events):
    positions = {}
    seen = set()
    for index, (identity, stream, position, recorded) in enumerate(events):
        expect(identity not in seen, f"event {identity} is there twice")
        seen.add(identity)
        expect(position == positions.get(stream, 0) + 1, f"gap in {stream} at index {index}, position {position}")
        positions[stream] = position
        if index > 0:
            expect(microseconds(recorded) > microseconds(events[index - 1][3]),
                   f"recorded at index {index} is not after the one before: {recorded}")


def check_acknowledged(events, load):
    acknowledged = set()
    for stream, acks in load.streams.items():
        for line in lines_of(acks):
            if not line.startswith("ack "):
                continue
            _, index, identity, position, _ = line.split()
            expect(int(index) < len(events), f"acknowledged index {index} is beyond the log's {len(events)}")
            expect(events[int(index)][:3] == (identity, stream, int(position)),
                   f"index {index} was acknowledged to {identity} of {stream}, has {events[int(index)]}")
            acknowledged.add(identity)
    return len(acknowledged)


def fsck(ledger):
    if not re.search(r"^\s+fsck\b", run("--help").stdout, re.M):
        print("fsck isn't there yet: not run", flush=True)
        return
    done = run("fsck", ledger)
    expect(done.returncode == 0, f"fsck: {done.returncode} {done.stdout} {done.stderr}")


def check_all(ledger_dir, *loads, settled=True):
    """Reads the closed ledger and holds it against what was acknowledged. `settled`: the load ended with everything
    acknowledged, so that nothing else may be in its streams."""
    events = read_log("file:" + ledger_dir)
    check_order(events)
    for load in loads:
        acknowledged = check_acknowledged(events, load)
        present = sum(event[1] in load.streams for event in events)
        expect(acknowledged > 0, "nothing was acknowledged")
        expect(not settled or acknowledged == present, f"{acknowledged} acknowledged, {present} in the log")
    fsck(ledger_dir)
    return len(events)
