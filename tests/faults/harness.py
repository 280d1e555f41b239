"""What the fault tests share: a ledger in a temporary directory, its node, load on it, and the check at the end."""

import base64
import datetime
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

import history

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


def wait_until(holds, what, say=lambda: "", seconds=START_SECONDS):
    """Looks until it is so; `say` adds to the failure, and is asked then only."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what}: not in {seconds} s {say()}")
        time.sleep(0.05)


def need_programs(*paths):
    for path in paths:
        if not os.path.exists(path):
            skip(f"{path} isn't built")


def need_etcd(*others):
    """And others of its programs."""
    if any(shutil.which(name) is None for name in ("etcd", *others)):
        skip("no etcd is installed")


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


class Client:
    """One load program and the lines that it has written so far."""

    def __init__(self, command, stream, out, prefix=()):
        self.stream = stream
        self.out = out
        self.lines = []
        self.acks = []
        self.rest = ""
        with open(out, "wb") as file, open(out + ".err", "wb") as errors:
            self.process = subprocess.Popen([*prefix, *map(str, command)], stdout=file, stderr=errors)
        self.file = open(out)  # pylint: disable=consider-using-with

    def read(self):
        """Takes over the whole lines that were written since the last time."""
        if self.file.closed:
            return
        text = self.rest + self.file.read()
        *lines, self.rest = text.split("\n")
        self.lines += lines
        self.acks += [int(line.split(" ", 2)[1]) for line in lines if line.startswith("ack ")]

    def close(self):
        if not self.file.closed:
            self.read()
            self.file.close()

    def why_ended(self):
        with open(self.out + ".err") as file:
            return f"the client of {self.stream} ended with {self.process.returncode}: {file.read()[-500:]}"


class Load:
    """Client processes that append without pause, one stream each (append_load.cc), from the time they are made."""

    def __init__(self, place, node, home, clients=3, in_flight=16, pause_us=500, body_bytes=200, name="load"):
        self.clients = []
        for number in range(clients):
            stream = f"{name}/{number}"
            command = [LOAD, node.address, place.key, stream, in_flight, pause_us, body_bytes]
            self.clients.append(Client(command, stream, os.path.join(home, f"{name}-{number}.history")))

    @property
    def streams(self):
        return {client.stream for client in self.clients}

    def acknowledged(self):
        for client in self.clients:
            client.read()
        return sum(len(client.acks) for client in self.clients)

    def retries(self):
        return [message for _, message in self.history().retries]

    def history(self):
        """What the clients have seen so far."""
        seen = history.History()
        self.parse_into(seen)
        return seen

    def parse_into(self, seen):
        self.acknowledged()
        for client in self.clients:
            history.parse(os.path.basename(client.out), client.stream, client.lines, seen)

    def wait_for(self, events, seconds=60):
        """Waits until so many more events are acknowledged."""
        wanted = self.acknowledged() + events
        deadline = time.monotonic() + seconds
        while self.acknowledged() < wanted:
            self.check_alive()
            expect(time.monotonic() < deadline, f"no progress in {seconds} s: {self.retries()[-3:]}")
            time.sleep(0.02)

    def check_alive(self):
        for client in self.clients:
            expect(client.process.poll() is None, client.why_ended())

    def finish(self, seconds=60):
        """Ends the load when the outcome of everything that was sent is known."""
        for client in self.clients:
            client.process.send_signal(signal.SIGTERM)
        for client in self.clients:
            expect(client.process.wait(timeout=seconds) == 0, client.why_ended())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for client in self.clients:
            if client.process.poll() is None:
                client.process.kill()
                client.process.wait()
            client.close()


def lines_of(path):
    """The whole lines of a file that is being written."""
    with open(path) as file:
        text = file.read()
    return text[:text.rfind("\n") + 1].splitlines()


def read_log(ledger):
    """Every event of a ledger, by index."""
    out = run_well("log", "--json", "--limit", 1 << 40, "--ledger", ledger)
    events = []
    for line in out.splitlines():
        event = json.loads(line).get("event")
        if event is None:
            continue
        expect(int(event["index"]) == len(events), f"index {event['index']} at place {len(events)}")
        header = event["header"]
        identity = str(uuid.UUID(bytes=base64.b64decode(header["eventId"])))
        events.append(history.LogEvent(identity, header["stream"], int(header["streamPosition"]),
                                       microseconds(event["recorded"])))
    return events


def microseconds(recorded):
    """Since 1970. protobuf prints 0, 3, 6 or 9 digits of a second's fraction."""
    whole, _, fraction = recorded.rstrip("Z").partition(".")
    seconds = int(datetime.datetime.fromisoformat(whole + "+00:00").timestamp())
    return seconds * 1000000 + int(fraction.ljust(6, "0")[:6])


def fsck(ledger):
    done = run("fsck", ledger)
    expect(done.returncode == 0, f"fsck: {done.returncode} {done.stdout} {done.stderr}")


def check_history(seen, events, settled=True):
    """Holds what clients saw against the log. `settled`: the outcome of all that was sent is known, so that nothing
    else may be in their streams."""
    wrong = history.check(seen, events)
    expect(not wrong, f"{len(wrong)} violations: " + "; ".join(wrong[:5]))
    acknowledged = len(seen.acknowledged())
    streams = {append.stream for append in seen.appends}
    present = sum(event.stream in streams for event in events)
    expect(acknowledged > 0, "nothing was acknowledged")
    expect(not settled or acknowledged == present, f"{acknowledged} acknowledged, {present} in the log")


def check_all(ledger_dir, *loads, settled=True):
    """Reads the closed ledger and holds it against what the clients saw."""
    events = read_log("file:" + ledger_dir)
    for load in loads:
        check_history(load.history(), events, settled)
    fsck(ledger_dir)
    return len(events)
