#!/usr/bin/python3
"""Programs that others run in operation, against a real node: Tessera's fsck over our tiles, a log of Tessera's that
our node cosigns, and a witness of others that cosigns our checkpoints under a policy that asks for it.

The programs are looked for in $ANAMNESIS_OUTSIDE_PROGRAMS (a directory) and on the PATH: fsck and posix-oneshot of
Tessera, `witness` (third_party/witness). A cold build of Tessera takes more than a minute of two cores, so none is
built unless ANAMNESIS_OUTSIDE_PROGRAMS=build asks for those that Go's module proxy has, at the versions that go.sum
pins. What is not there is skipped, aloud; without any, the test is (exit status 77)."""

import http.server
import os
import random
import shutil
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(HERE, "..", "faults"), os.path.join(HERE, "..", "remote")]
import harness  # noqa: E402
import tlog_reader  # noqa: E402
import witness_test  # noqa: E402
from harness import expect  # noqa: E402

WHERE = os.environ.get("ANAMNESIS_OUTSIDE_PROGRAMS", "")
EVENTS, CHANGES = 600, 20


def build(directory):
    """Tessera's, from pinned modules."""
    source = os.path.join(directory, "tessera")
    shutil.copytree(os.path.join(HERE, "third_party", "tessera"), source)
    go = shutil.which("go") or "/usr/local/go/bin/go"
    environment = {**os.environ, "GOBIN": os.path.join(directory, "bin"), "GOTOOLCHAIN": "local", "GOFLAGS": ""}
    done = subprocess.run([go, "install", "-mod=readonly", "tool"], cwd=source, env=environment, capture_output=True,
                          text=True, timeout=600)
    expect(done.returncode == 0, f"Tessera can't be built: {done.stderr[-2000:]}")
    return environment["GOBIN"]


class Programs:
    def __init__(self, place):
        self.where = build(place.dir) if WHERE == "build" else WHERE
        self.absent = []

    def find(self, name):
        """Debian has an fsck of its own, so that one is only looked for where it was asked for."""
        found = shutil.which(name, path=self.where) if self.where else None
        if found is None and name != "fsck":
            found = shutil.which(name)
        if found is None:
            self.absent.append(name)
            print(f"NOT TRIED: {name} is not there", flush=True)
        return found


class Served:
    """Files over HTTP."""

    def __init__(self, directory):
        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments):
                super().__init__(*arguments, directory=directory)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # fsck hangs up as soon as it has found something.
        self.server.handle_error = lambda *_: None
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def fsck(program, url, key, home):
    """Whether it finds nothing wrong. It says so, and ends with 0 either way."""
    path = os.path.join(home, "log.vkey")
    with open(path, "w") as file:
        file.write(key)
    done = subprocess.run([program, "--ui=false", "--logtostderr", "--N=2", "--storage_url", url + "/", "--public_key",
                           path], capture_output=True, text=True, timeout=120)
    sound, unsound = "Successfully fsck'd" in done.stderr, "fsck failed" in done.stderr
    expect(sound != unsound, f"{done.returncode} {done.stderr[-2000:]}")
    return sound


def copy_tiles(url, directory):
    """What a reader of a log of less than 65,536 leaves fetches."""
    reader = tlog_reader.Log(url)
    size = int(reader.fetch("checkpoint")[0].split(b"\n")[1])
    full, rest = divmod(size, 256)
    names = ["checkpoint"] + [f"tile/{kind}/{number:03}" for kind in ("0", "entries") for number in range(full)]
    names += [f"tile/{kind}/{full:03}.p/{rest}" for kind in ("0", "entries") if rest]
    names += [f"tile/1/000.p/{full}"] if full else []
    for name in names:
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(reader.fetch(name)[0])
    return [os.path.join(directory, name) for name in names]


def check_fsck(program, log):
    """Our tiles are sound to it, and no longer when any byte but those of others' signatures is another one."""
    expect(fsck(program, log.url, log.key, log.home), "Tessera's fsck finds our log unsound")
    directory = os.path.join(log.home, "tiles")
    files = copy_tiles(log.url, directory)
    chance = random.Random(1)
    with Served(directory) as served:
        expect(fsck(program, served.url, log.key, log.home), "and its copy")
        for number in range(CHANGES):
            path = files[number % len(files)]
            with open(path, "rb") as file:
                data = file.read()
            # Of the checkpoint, the text and the log's own signature.
            end = len(data) if not path.endswith("checkpoint") else data.index(b"\n", data.index(b"\n\n") + 2)
            at = chance.randrange(end)
            with open(path, "wb") as file:
                file.write(data[:at] + bytes([data[at] ^ chance.randrange(1, 256)]) + data[at + 1:])
            expect(not fsck(program, served.url, log.key, log.home), f"{path}: byte {at} is another one")
            with open(path, "wb") as file:
                file.write(data)
    print(f"passed: Tessera's fsck, our tiles, and {CHANGES} changes of one byte that it finds", flush=True)


class OutsideLog:
    """A log of Tessera's in a directory, whose checkpoints our node has to cosign before they are published."""

    def __init__(self, program, fsck_program, home, witness):
        self.program, self.fsck_program = program, fsck_program
        self.dir, self.home = os.path.join(home, "tessera"), home
        self.signer = os.path.join(home, "tessera.key")
        harness.run_well("key", "new", "--out", self.signer, "--name", "outside.example/tessera")
        with open(self.signer) as file:
            line = next(line for line in file if line.startswith("PRIVATE+KEY+"))
        with open(self.signer + ".go", "w") as file:
            file.write(line.strip())
        self.key = harness.run_well("key", "show", self.signer).strip()
        self.policy = os.path.join(home, "tessera.policy")
        self.witness = witness

    def add(self, entries):
        with open(self.policy, "w") as file:
            file.write(f"witness ours {self.witness.cosigner} {self.witness.url}\ngroup g all ours\nquorum g\n")
        directory = os.path.join(self.home, "entries")
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        for number, entry in enumerate(entries):
            with open(os.path.join(directory, f"{number:05}"), "wb") as file:
                file.write(entry)
        return subprocess.run([self.program, "--storage_dir", self.dir, "--entries", directory + "/*", "--private_key",
                               self.signer + ".go", "--witness_policy_file", self.policy, "--logtostderr"],
                              capture_output=True, text=True, timeout=120)

    def check(self, size):
        with open(os.path.join(self.dir, "checkpoint"), encoding="utf-8") as file:
            note = file.read()
        expect(note.split("\n")[1] == str(size), note)
        tlog_reader.verify_note(note, self.key)
        tlog_reader.verify_note(note, self.witness.cosigner)
        if self.fsck_program:
            expect(fsck(self.fsck_program, "file://" + self.dir, self.key, self.home), "Tessera's own fsck")


def check_cosigned(log, outside, home):
    """Tessera asks our node, and takes what it answers; a fork of its log it doesn't get cosigned."""
    for size in (300, 301, 700):
        before = size - {300: 300, 301: 1, 700: 399}[size]
        done = outside.add([b"entry %d" % number for number in range(before, size)])
        expect(done.returncode == 0, f"{done.stderr[-2000:]}")
        outside.check(size)
    shutil.rmtree(outside.dir)
    done = outside.add([b"another history"])
    expect(done.returncode != 0, f"a log that starts again is cosigned: {done.stderr[-500:]}")
    _, state = log.status()
    seen = next(one for one in state["logs"] if one["origin"] == "outside.example/tessera")
    expect(int(seen["cosignedSize"]) == 700 and seen["rollbackEvidence"], f"{seen}")
    print("passed: a log of Tessera's at three sizes, cosigned by our node; its rollback is not", flush=True)


class OutsideWitness:
    """transparency-dev's witness."""

    def __init__(self, program, home, log):
        self.url = f"http://127.0.0.1:{witness_test.free_port()}"
        self.signer, logs = os.path.join(home, "witness.key"), os.path.join(home, "logs.yaml")
        harness.run_well("key", "new", "--out", self.signer, "--name", "outside.example/witness")
        self.cosigner = harness.run_well("key", "show", "--cosigner", self.signer).strip()
        with open(self.signer) as file:
            line = next(line for line in file if line.startswith("PRIVATE+KEY+"))
        with open(self.signer + ".go", "w") as file:
            file.write(line.strip())
        with open(logs, "w") as file:
            file.write(f"Logs:\n  - Origin: {log.origin}\n    URL: {log.url}\n    PublicKey: {log.key}\n"
                       "    Feeder: none\n")
        self.command = [program, self.url[len("http://"):], self.signer + ".go", logs]
        self.log_file = os.path.join(home, "witness.log")
        self.process = None

    def __enter__(self):
        with open(self.log_file, "wb") as file:
            self.process = subprocess.Popen(self.command, stdout=file, stderr=file)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def check_witnessed(program, home):
    """Our node has its checkpoints cosigned by it, under a policy that asks for that, as the log grows and after the
    node was started again."""
    log = witness_test.Log(home, "witnessed")
    with OutsideWitness(program, home, log) as witness:
        log.witnessed_by(witness_key(witness))
        with log.node:
            for count in (300, 1, 299):
                indexes, said = log.append(count, "--wait-witnessed", "60", "--receipt", log.home)
                expect("witnessed up to" in said, said)
                harness.run_well("verify", os.path.join(log.home, f"{indexes[-1]}.tlog-proof"), "--policy", log.policy)
            log.node.stop()
            log.node.start()
            log.append(1, "--wait-witnessed", "60")
            note = harness.run_well("checkpoint", "--witnessed", "--ledger", log.node.address)
            tlog_reader.verify_note(note, witness.cosigner)
            log.node.stop()
    print("passed: transparency-dev's witness cosigns our checkpoints, and our receipts carry it", flush=True)


def witness_key(witness):
    """As witness_test.Log.witnessed_by wants it: no log of its own is cosigned by us."""
    witness.key = harness.run_well("key", "show", witness.signer).strip()
    return witness


def main():
    harness.need_programs(os.path.join(harness.BIN, "anamnesisd"))
    with harness.Place() as place:
        programs = Programs(place)
        tessera_fsck, oneshot, witness = map(programs.find, ("fsck", "posix-oneshot", "witness"))
        if len(programs.absent) == 3:
            harness.skip("none of the programs is there: ANAMNESIS_OUTSIDE_PROGRAMS=DIRECTORY, or =build")
        log = witness_test.Log(place.dir, "ours")
        outside = OutsideLog(oneshot, tessera_fsck, place.dir, log)
        log.witnessed_by(log)
        with open(os.path.join(log.home, "logs"), "w") as file:
            file.write(f"log {outside.key}\nquorum none\n")
        with log.node:
            indexes, _ = log.append(EVENTS)
            harness.run_well("receipt", indexes[-1], "--witnessed", "--wait", 60, "--ledger", log.node.address)
            if tessera_fsck:
                check_fsck(tessera_fsck, log)
            if oneshot:
                check_cosigned(log, outside, place.dir)
            log.node.stop()
        if witness:
            check_witnessed(witness, place.dir)


if __name__ == "__main__":
    main()
