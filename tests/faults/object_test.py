"""Files in the object store of a real node, by the command line: recorded once, whole in spite of kills of the node and
of the client in mid-upload, named when a disk has changed them; and A12: releases, models, artifacts and what a unit
ran at a time come back byte for byte from the ledger and the store alone."""

import base64
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time

import harness

LARGE_MIB = 192
TRIES = 10


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    return path


def read(path):
    with open(path, "rb") as file:
        return file.read()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def object_path(store, name):
    return os.path.join(store, name[:2], name)


def events_of(ledger, kind):
    out = harness.run_well("log", "--json", "--type", kind, "--limit", 1 << 20, "--ledger", ledger)
    return [event for event in (json.loads(line).get("event") for line in out.splitlines()) if event]


def failed(done, status, *words):
    harness.expect(done.returncode == status, f"exit status {done.returncode}: {done.stdout} {done.stderr}")
    for word in words:
        harness.expect(word in done.stdout + done.stderr, f"nothing of {word}: {done.stdout} {done.stderr}")


# --- What is put is recorded once and got back ---

def check_put_and_get(place, ledger):
    files = [write(place.path(f"in/{number}"), os.urandom(size))
             for number, size in enumerate((0, 1, 1 << 20, (5 << 20) + 3))]
    for _ in range(2):
        harness.run_well("object", "put", *files, "--as", place.key, "--ledger", ledger)
    recorded = events_of(ledger, "object.stored")
    names = [sha256(read(file)) for file in files]
    of = [ref["id"] for event in recorded for ref in event["header"]["refs"]]
    harness.expect(of == names, f"recorded: {of}, put: {names}")
    for name, file in zip(names, files):
        harness.run_well("object", "stat", name, "--ledger", ledger)
        harness.run_well("object", "get", name, "--to", place.path("out"), "--ledger", ledger)
        harness.expect(read(place.path("out")) == read(file), f"{file}: other bytes")
    harness.expect(f"{len(names)} objects, 0 missing" in harness.run_well("object", "verify", "--ledger", ledger),
                   "not all are sound")
    unknown = sha256(b"nothing")
    failed(harness.run("object", "get", unknown, "--to", place.path("none"), "--ledger", ledger), 1, unknown)
    failed(harness.run("object", "stat", unknown, "--ledger", ledger), 1, "not stored")
    harness.expect(not os.path.exists(place.path("none")), "a file of nothing")
    for name in ("../../etc/passwd", "ABC", unknown.upper()):
        failed(harness.run("object", "get", name, "--to", place.path("none"), "--ledger", ledger), 2, "SHA-256")


# --- Kills ---

def partial_bytes(store):
    """How much is there of the one unfinished upload; 0 when there is none."""
    sizes = []
    for entry in os.scandir(os.path.join(store, "partial")):
        try:
            sizes.append(entry.stat().st_size)
        except FileNotFoundError:
            pass
    return max(sizes, default=0)


def upload_until(store, command, reached, act):
    """Starts an upload and calls `act` with its process when so many bytes are there; None when it was too fast."""
    with open(os.devnull, "w") as null:
        process = subprocess.Popen(command, stdout=null, stderr=subprocess.PIPE, text=True)
    while process.poll() is None:
        if partial_bytes(store) >= reached:
            act(process)
            return process
    harness.expect(process.returncode == 0, process.stderr.read())
    return None


def large_file(place, number):
    source = random.Random(number)
    block = source.randbytes(1 << 20)
    with open(place.path("large"), "wb") as file:
        for place_of in range(LARGE_MIB):
            file.write(place_of.to_bytes(8, "big") + block[8:])
    digest = hashlib.sha256()
    with open(place.path("large"), "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def kill_in_upload(place, store, ledger, act, first):
    """Returns the upload's process, the object's name and how much was there, after `act` struck in the middle."""
    for number in range(first, first + TRIES):
        name = large_file(place, number)
        command = [os.path.join(harness.BIN, "anamnesis"), "object", "put", place.path("large"), "--ledger", ledger]
        process = upload_until(store, command, 20 << 20, act)
        if process is not None and not os.path.exists(object_path(store, name)):
            return process, name, partial_bytes(store)
        os.remove(object_path(store, name))
    raise AssertionError(f"{TRIES} uploads were over before they could be disturbed")


def check_resumed(place, store, ledger, name, before):
    harness.expect(before >= 20 << 20, f"only {before} bytes are left of the upload")
    harness.expect(os.path.exists(object_path(store, name)), "the upload didn't come to its end")
    harness.expect(partial_bytes(store) == 0, "something is left of the upload")
    harness.run_well("object", "get", name, "--to", place.path("got"), "--ledger", ledger)
    harness.expect(read(place.path("got")) == read(place.path("large")), "other bytes")
    os.remove(place.path("got"))


def check_node_killed(place, store, node):
    def strike(_):
        node.kill()

    process, name, before = kill_in_upload(place, store, node.address, strike, 1)
    node.start()
    least = before
    while process.poll() is None:
        there = partial_bytes(store)
        if there:
            least = min(least, there)
        time.sleep(0.002)
    harness.expect(process.returncode == 0, f"the upload failed: {process.stderr.read()}")
    harness.expect(least >= before, f"{before} bytes were there, and later {least}: the upload began anew")
    check_resumed(place, store, node.address, name, before)


def check_client_killed(place, store, node):
    def strike(process):
        process.kill()
        process.wait()

    _, name, before = kill_in_upload(place, store, node.address, strike, 100)
    harness.run_well("object", "put", place.path("large"), "--ledger", node.address)
    check_resumed(place, store, node.address, name, before)
    os.remove(place.path("large"))


# --- A12 ---

CONTENTS = {f"{kind}/{name}": (f"{kind} {name} " * 1000).encode()
            for kind, name in (("release", "bin/monitor"), ("release", "etc/monitor.conf"), ("model", "alert.onnx"),
                               ("artifact", "thresholds.json"))}


def digest_of(data):
    return {"algorithm": "SHA256", "value": base64.b64encode(hashlib.sha256(data).digest()).decode()}


def file_record(kind, name, path=None):
    data = CONTENTS[f"{kind}/{name}"]
    return {"path": path or name, "digest": digest_of(data), "sizeBytes": len(data)}


def event(kind, refs, body, occurred="2025-03-01T08:00:00Z"):
    return json.dumps({"stream": "person/ada", "type": kind, "occurred_at": occurred, "refs": refs,
                       "late_reason": "entered from the notebook", "body": body})


def record_history(place, ledger):
    model_refs = ["training_run=training_run:run-1", "dataset=dataset:ecg@1", "code=code_revision:training@1"]
    hostile = [file_record("model", "alert.onnx", path) for path in ("../outside", "/tmp/outside", "a/../../outside",
                                                                     "link/outside")]
    lines = [
        event("model.registered", ["model=model:alert@1", *model_refs],
              {"task": "alert", "files": [file_record("model", "alert.onnx")]}),
        event("model.registered", ["model=model:hostile@1", *model_refs],
              {"task": "alert", "files": [*hostile, file_record("model", "alert.onnx")]}),
        event("model.registered", ["model=model:old@1", *model_refs],
              {"task": "alert", "files": [file_record("model", "alert.onnx"), {"path": "x", "missingDigest": True},
                                          {"path": "y", "digest": {"algorithm": "MD5", "value": "A" * 22 + "=="}}]}),
        event("build.completed", ["build=build:monitor-3.1"],
              {"toolchain": [{"name": "gcc", "digest": digest_of(b"gcc")}], "recipe": digest_of(b"make"),
               "outputs": [file_record("release", "bin/monitor")], "reproducible": "NOT_TESTED"}),
        event("release.approved", ["release=release:monitor@3.1", "model=model:alert@1", "build=build:monitor-3.1"],
              {"archive": [file_record("release", "bin/monitor"), file_record("release", "etc/monitor.conf")],
               "noResidualAnomalies": True, "deliveryMethod": "signed update"}),
        event("artifact.produced", ["artifact=artifact:threshold@5", "model=model:alert@1"],
              {"kind": "THRESHOLD_TABLE", "mode": "CANDIDATE", "surface": "alert_threshold",
               "files": [file_record("artifact", "thresholds.json")]}),
        event("device_unit.commissioned", ["unit=device_unit:ICU-7", "device_model=device_model:monitor",
                                           "site=site:hospital-a", "baseline=release:monitor@3.1"],
              {"serialNumber": "ICU-7", "jurisdiction": "DE"}, "2025-04-01T08:00:00Z"),
        event("artifact.activated", ["unit=device_unit:ICU-7", "artifact=model:alert@1"], {"surface": "rhythm_alert"},
              "2025-04-02T08:00:00Z"),
        event("artifact.activated", ["unit=device_unit:ICU-7", "artifact=artifact:threshold@5"],
              {"surface": "alert_threshold"}, "2025-04-03T08:00:00Z"),
    ]
    history = write(place.path("in/history.jsonl"), ("\n".join(lines) + "\n").encode())
    harness.run_well("append", "--jsonl", history, "--as", place.key, "--ledger", ledger)
    files = [write(place.path(f"in/{name}"), data) for name, data in CONTENTS.items()]
    harness.run_well("object", "put", *files, "--as", place.key, "--ledger", ledger)
    # From here on there are only the ledger and the store.
    shutil.rmtree(place.path("in"))


def tree(directory):
    return {os.path.relpath(os.path.join(where, name), directory): read(os.path.join(where, name))
            for where, _, names in os.walk(directory) for name in names}


def materialise(place, ledger, entity, *arguments):
    shutil.rmtree(place.path("out-tree"), ignore_errors=True)
    done = harness.run("materialise", entity, "--to", place.path("out-tree"), "--ledger", ledger, *arguments)
    return done, tree(place.path("out-tree")) if os.path.exists(place.path("out-tree")) else {}


def expect_tree(place, ledger, entity, wanted, *arguments):
    done, got = materialise(place, ledger, entity, *arguments)
    harness.expect(done.returncode == 0, f"{entity}: {done.returncode} {done.stdout} {done.stderr}")
    harness.expect(got == wanted, f"{entity}: {sorted(got)}, not {sorted(wanted)}, or other bytes")


def check_a12_materialised(place, ledger):
    """A12: from the ledger and the store alone, and the hash of every file is the recorded one."""
    release = {"bin/monitor": CONTENTS["release/bin/monitor"], "etc/monitor.conf": CONTENTS["release/etc/monitor.conf"]}
    model = {"alert.onnx": CONTENTS["model/alert.onnx"]}
    artifact = {"thresholds.json": CONTENTS["artifact/thresholds.json"]}
    expect_tree(place, ledger, "release:monitor@3.1", release)
    expect_tree(place, ledger, "monitor", release)
    expect_tree(place, ledger, "model:alert@1", model)
    expect_tree(place, ledger, "artifact:threshold", artifact)
    baseline = {f"baseline/{path}": data for path, data in release.items()}
    alert = {f"rhythm_alert/{path}": data for path, data in model.items()}
    threshold = {f"alert_threshold/{path}": data for path, data in artifact.items()}
    unit = "device_unit:ICU-7"
    expect_tree(place, ledger, unit, baseline, "--at", "2025-04-01T12:00:00Z")
    expect_tree(place, ledger, unit, {**baseline, **alert}, "--at", "2025-04-02T12:00:00Z")
    expect_tree(place, ledger, unit, {**baseline, **alert, **threshold})


def check_refused(place, ledger):
    os.makedirs(place.path("elsewhere"), exist_ok=True)
    shutil.rmtree(place.path("out-tree"), ignore_errors=True)
    os.makedirs(place.path("out-tree"))
    os.symlink(place.path("elsewhere"), place.path("out-tree/link"))
    done = harness.run("materialise", "model:hostile@1", "--to", place.path("out-tree"), "--ledger", ledger)
    failed(done, 1, "../outside", "/tmp/outside", "a/../../outside", "link/outside", "symbolic link", "4 missing")
    harness.expect(not os.listdir(place.path("elsewhere")), "a symbolic link was followed")
    harness.expect(not os.path.exists(place.path("outside")), "a path led out of the directory")
    harness.expect(tree(place.path("out-tree")) == {"alert.onnx": CONTENTS["model/alert.onnx"]}, "the rest isn't there")
    done, got = materialise(place, ledger, "model:old@1")
    failed(done, 1, "x: no digest", "y: recorded by md5")
    harness.expect(list(got) == ["alert.onnx"], f"written: {sorted(got)}")
    failed(materialise(place, ledger, "release:none@1")[0], 1, "release:none@1")
    failed(materialise(place, ledger, "device_unit:none")[0], 1, "none")


def check_damage(place, store, ledger):
    name = sha256(CONTENTS["release/bin/monitor"])
    path = object_path(store, name)
    os.chmod(path, 0o644)
    with open(path, "r+b") as file:
        file.seek(100)
        file.write(b"!")
    done, got = materialise(place, ledger, "release:monitor@3.1")
    failed(done, 1, "bin/monitor", name, "1 missing")
    harness.expect(list(got) == ["etc/monitor.conf"], f"written: {sorted(got)}")
    failed(harness.run("object", "get", name, "--to", place.path("none"), "--ledger", ledger), 3, name)
    harness.expect(not os.path.exists(place.path("none")), "damaged bytes were written")
    failed(harness.run("object", "verify", "--ledger", ledger), 1, "DAMAGED", name, "1 missing or damaged")
    failed(harness.run("object", "verify", name, "--ledger", ledger), 1, "MISSING")
    done, _ = materialise(place, ledger, "release:monitor@3.1")
    failed(done, 1, "bin/monitor", "isn't stored")
    good = write(place.path("in/good"), CONTENTS["release/bin/monitor"])
    harness.run_well("object", "put", good, "--ledger", ledger)
    harness.run_well("object", "verify", "--ledger", ledger)
    expect_tree(place, ledger, "release:monitor@3.1",
                {"bin/monitor": CONTENTS["release/bin/monitor"],
                 "etc/monitor.conf": CONTENTS["release/etc/monitor.conf"]})


def main():
    harness.need_programs(*(os.path.join(harness.BIN, name) for name in ("anamnesis", "anamnesisd")))
    with harness.Place() as place:
        # Placed elsewhere than beside the ledger's database.
        store = place.path("store")
        with harness.Node(place.ledger, place.dir, ["--objects", store]) as node:
            check_put_and_get(place, node.address)
            check_node_killed(place, store, node)
            check_client_killed(place, store, node)
            record_history(place, node.address)
            check_a12_materialised(place, node.address)
            check_refused(place, node.address)
            check_damage(place, store, node.address)
            harness.expect(node.stop() == 0, f"exit status: {node.log_tail()}")
        os.environ["ANAMNESIS_OBJECTS"] = store
        check_a12_materialised(place, "file:" + place.ledger)
        harness.fsck(place.ledger)
        del os.environ["ANAMNESIS_OBJECTS"]
    with harness.Place() as place:
        ledger = "file:" + place.ledger
        check_put_and_get(place, ledger)
        record_history(place, ledger)
        check_a12_materialised(place, ledger)
        check_damage(place, os.path.join(place.ledger, "objects"), ledger)
    print("objects: resumed after kills, damage named, releases materialised byte by byte", flush=True)


if __name__ == "__main__":
    sys.exit(main())
