#!/usr/bin/python3
"""What a script is told: the exit status of each way in which a verb can't do its work, and that 0 means the answer got
out; by the command line alone, on an embedded ledger and on a node."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))
import harness  # noqa: E402

DONE, NO, BAD_USAGE, NOT_REACHED, _, RESULT_LOST = range(6)
PROGRAM = os.path.join(harness.BIN, "anamnesis")


def expect(status, why, *arguments, **options):
    done = harness.run(*arguments, **options)
    harness.expect(done.returncode == status and why in done.stdout + done.stderr,
                   f"{arguments}: not {status} \"{why}\": {done.returncode} {done.stdout} {done.stderr}")
    return done


def check_paths(place, ledger):
    """A file that isn't there is wrong input, whatever verb was to read it; nothing else is."""
    writer = ("--as", place.key, "--ledger", ledger)
    for arguments in (("init", place.path("new"), "--origin", "x.example/y", "--as", "nokey"),
                      ("append", "--stream", "person/ada", "--type", "t", "--as", "nokey", "--ledger", ledger),
                      ("key", "show", "nofile"), ("key", "new", "--out", "nodir/x.key"), ("fsck", "nowhere"),
                      ("key", "rotate", "--dir", "nowhere", *writer), ("rebuild", "nowhere"),
                      ("restore", "nowhere", "--to", place.path("new")), ("backup", "verify", "--backups", "nowhere"),
                      ("import", "monai", "nofile", *writer), ("object", "put", "nofile", *writer),
                      ("import", "csv", "nofile", "--mapping", place.key, *writer),
                      ("verify", "nofile", "--key", harness.run_well("key", "show", place.key).strip())):
        done = harness.run(*arguments)
        harness.expect(done.returncode == BAD_USAGE, f"{arguments}: {done}")
        harness.expect("no" in done.stdout + done.stderr and done.stderr.count("\n") <= 2, f"{arguments}: {done}")
    backups = ("--backups", place.path("backups"))
    for verb in (("status",), ("log",), ("receipt", "1"), ("checkpoint",), ("object", "put", place.key),
                 ("backup", "create", *backups), ("backup", "list", *backups), ("bench", "append", "--as", place.key)):
        # What the environment says is no way out.
        expect(BAD_USAGE, "`anamnesis init` makes one", *verb, "--ledger", "file:nowhere",
               env={**os.environ, "ANAMNESIS_LEDGER": ledger})
    expect(BAD_USAGE, "person-bob", "pki", "renew", place.dir, "person-bob")
    proof = ("--receipt", "nope", "--key", harness.run_well("key", "show", place.key).strip())
    expect(BAD_USAGE, '"nope": can\'t be read', "dataset", "verify", place.key, *proof)
    empty = place.path("empty")
    os.mkdir(empty)
    expect(BAD_USAGE, "no ledger", "rebuild", empty)
    expect(BAD_USAGE, "no ledger", "fsck", empty)
    write(place.path("code/main.py"), "")
    expect(BAD_USAGE, "code", "init", place.path("code"), "--origin", "x.example/y", "--as", place.key)
    harness.expect(os.listdir(place.path("code")) == ["main.py"], "a ledger among other files")
    expect(BAD_USAGE, "--name", "key", "new", "--out", place.path("a b.key"))


def check_words(place, ledger):
    """What there isn't is called by its name."""
    at = ("--ledger", ledger)
    expect(BAD_USAGE, "frobnicate", "frobnicate")
    expect(BAD_USAGE, "\"frob\" is no verb", "gate", "frob", *at)
    expect(BAD_USAGE, "nosuch", "log", "--type", "nosuch", *at)
    expect(NO, "nosuch", "log", "--stream", "nosuch", *at)
    expect(BAD_USAGE, "`anamnesis types` lists them", "types", "artifact.activate")
    expect(BAD_USAGE, "negative", "log", "--from", "-1", *at)
    expect(BAD_USAGE, "Germany", "gate", "check", "a@1", "--unit", "u", "--jurisdiction", "Germany", *at)
    expect(BAD_USAGE, "--at", "config", "ICU-7", "--at", "soon", *at)
    expect(BAD_USAGE, "--known", "config", "ICU-7", "--at", "2026-01-01T00:00:00Z", "--known", "banana", *at)
    expect(BAD_USAGE, "is past", "delegate", "d", "--to", "s", "--role", "certifier", "--until", "2020-01-01T00:00:00Z",
           "--signed-with", "key,passphrase", "--as", place.key, *at)
    unset = {name: value for name, value in os.environ.items() if name != "ANAMNESIS_LEDGER"}
    expect(BAD_USAGE, "unless ANAMNESIS_LEDGER is set: file:DIR", "status", env=unset)
    expect(BAD_USAGE, '"2" is neither Z nor', "clocks", "INC-7", "--utc-offset", "2", *at)
    writer = ("--stream", "person/ada", "--type", "document.referenced", "--as", place.key, *at)
    expect(BAD_USAGE, "--body: {}: can't be read; give", "append", "--body", "{}", *writer)
    body = write(place.path("body.json"), '{"title": "t"}')
    expect(BAD_USAGE, "--occurred-at: ", "append", "--body", body, "--occurred-at", "yesterday", *writer)
    expect(BAD_USAGE, f'--key: "{body}": verifier key: not <name>', "verify", place.key, "--key", body)
    key = harness.run_well("key", "show", os.path.join(place.ledger, "checkpoint.key")).strip()
    expect(NO, "more than", "verify", "/dev/zero", "--key", key)
    expect(NO, "is no receipt", "verify", place.key, "--key", key)
    empty = write(place.path("empty.csv"), "record_id,subject_id,sha256\n")
    expect(BAD_USAGE, "no records", "dataset", "build", "--manifest", empty, "--members", place.path("m.members"))
    for option, value in (("--scrub-rate", "-3"), ("--checkpoint-interval", "nan"), ("--memory", "8")):
        done = subprocess.run([os.path.join(harness.BIN, "anamnesisd"), "--dir", place.ledger, option, value],
                              capture_output=True, text=True, timeout=60, check=False)
        harness.expect(done.returncode == BAD_USAGE and value in done.stderr, f"{option}: {done}")


def check_founding(place):
    """A cluster isn't founded without the node that founds it."""
    write(os.path.join(place.ledger, "node-id"), "n1\n")
    for status, voters, why in ((NOT_REACHED, "n7=127.0.0.1:7430,n8=127.0.0.1:7431", 'this node, whose id is "n1" by'),
                                (BAD_USAGE, "n1=127.0.0.1", '"n1=127.0.0.1" is not ID=HOST:PORT'),
                                (BAD_USAGE, "127.0.0.1:7430", "is not ID=HOST:PORT")):
        done = subprocess.run([os.path.join(harness.BIN, "anamnesisd"), "--dir", place.ledger, "--listen",
                               "127.0.0.1:0", "--etcd", "127.0.0.1:1", "--etcd-prefix", "x/", "--peer-listen",
                               "127.0.0.1:7430", "--found-with", voters],
                              capture_output=True, text=True, timeout=60, check=False)
        harness.expect(done.returncode == status and why in done.stderr, f"{voters}: {done}")


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def events(ledger):
    return int(json.loads(harness.run_well("status", "--json", "--ledger", ledger))["treeSize"])


def check_answers(ledger):
    """An answer that could not be written is none."""
    for arguments in (("log",), ("receipt", "3"), ("status", "--json")):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([PROGRAM, *arguments, "--ledger", ledger], stdout=full, stderr=subprocess.PIPE,
                                  text=True, check=False)
        harness.expect(done.returncode == RESULT_LOST and "standard output" in done.stderr, f"{arguments}: {done}")
    before = events(ledger)
    closed = subprocess.run(["sh", "-c", f"exec '{PROGRAM}' status --ledger '{ledger}' >&-"], stderr=subprocess.PIPE,
                            text=True, check=False)
    harness.expect(closed.returncode == RESULT_LOST, f"closed: {closed}")
    harness.expect(harness.run("fsck", ledger[len("file:"):]).returncode == DONE and events(ledger) == before,
                   "an answer was written into the ledger")


def append(place, ledger, name, *options):
    body = write(place.path("body.json"), json.dumps({"title": name}))
    return harness.run("append", "--stream", "person/ada", "--type", "document.referenced", "--body", body, "--ref",
                       f"document=document:{name}", "--as", place.key, "--ledger", ledger, *options)


def check_appends(place, ledger):
    """What can be found wrong is found before anything is recorded; later it is said that it was."""
    before = events(ledger)
    receipts = write(place.path("a-file"), "")
    for options in (("--receipt", receipts), ("--wait-witnessed", "2")):
        done = append(place, ledger, "refused", *options)
        harness.expect(done.returncode == BAD_USAGE, f"{options}: {done}")
    harness.expect(events(ledger) == before, "recorded though it was refused")
    done = append(place, ledger, "kept", "--receipt", place.path("receipts/new"))
    harness.expect(done.returncode == DONE and len(os.listdir(place.path("receipts/new"))) == 3, f"{done}")
    # The second stream's run is refused, the first is recorded.
    lines = [{"stream": stream, "type": "document.referenced", "body": {"title": "t"},
              "refs": [f"document=document:{stream}"]} for stream in ("person/ada/more", "person/ada/most")]
    lines[1]["causes"] = ["018df000-0000-7000-8000-000000000000"]
    jsonl = write(place.path("two.jsonl"), "".join(json.dumps(line) + "\n" for line in lines))
    done = harness.run("append", "--jsonl", jsonl, "--as", place.key, "--ledger", ledger)
    harness.expect(done.returncode == RESULT_LOST and f"leaf {before + 1}" in done.stderr, f"half recorded: {done}")


def check_corrections(place, ledger):
    """What takes the place of an event happened when that did, and the event says what was recorded about it since."""
    first = append(place, ledger, "report", "--occurred-at", "2024-03-05T10:00:00Z")
    leaf = first.stdout.split()[0]
    second = append(place, ledger, "report", "--corrects", leaf, "--rationale", "it was another harm")
    harness.expect(second.returncode == DONE, f"{second}")
    expect(DONE, "occurred      2024-03-05T10:00:00Z", "show", second.stdout.split()[0], "--ledger", ledger)
    expect(DONE, f"by leaf {second.stdout.split()[0]}: it was another harm", "show", leaf, "--ledger", ledger)
    expect(BAD_USAGE, "anamnesis status dataset:liver@1", "show", "dataset:liver@1", "--ledger", ledger)


def check_node(place):
    with harness.Node(place.ledger, place.dir) as node:
        expect(NOT_REACHED, "", "rebuild", place.ledger)
        expect(BAD_USAGE, "serves alone", "cluster", "status", "--ledger", node.address)
        change = ("--address", "10.0.0.5:7430", "--rationale", "r", "--ledger", node.address)
        expect(BAD_USAGE, "serves alone", "cluster", "add", "n5", *change)
        expect(BAD_USAGE, "serves alone", "cluster", "replace", "n2", "--with", "n5", *change)
        for address in ("10.0.0.5", "10.0.0.5:", "10.0.0.5:7430,10.0.0.6:7430"):
            expect(BAD_USAGE, f'"{address}" is not HOST:PORT', "cluster", "add", "n5", "--address", address,
                   "--rationale", "r", "--ledger", node.address)
        before = events(node.address)
        done = append(place, node.address, "unwitnessed", "--wait-witnessed", "2")
        harness.expect(done.returncode == BAD_USAGE and "--witness-policy" in done.stderr, f"{done}")
        harness.expect(events(node.address) == before, "recorded though nobody could witness it")


def main():
    with harness.Place() as place:
        ledger = f"file:{place.ledger}"
        check_paths(place, ledger)
        check_words(place, ledger)
        check_founding(place)
        check_answers(ledger)
        check_appends(place, ledger)
        check_corrections(place, ledger)
        check_node(place)
    print("each failure has its exit status")


if __name__ == "__main__":
    main()
