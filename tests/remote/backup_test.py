#!/usr/bin/python3
"""Backups of a ledger that a node serves under load: by the node, at an operator's word; whole, restorable, and after
an erasure without what was erased. And of a ledger in a directory."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))
import harness  # noqa: E402

NAME = "Josephine Unmistakable-Featherstonehaugh"


def files_holding(directory, needle):
    holding = []
    for place, _, names in os.walk(directory):
        for name in names:
            with open(os.path.join(place, name), "rb") as file:
                if needle.encode() in file.read():
                    holding.append(name)
    return holding


def ask(*arguments, status=0):
    done = harness.run(*arguments, "--json")
    harness.expect(done.returncode == status, f"{arguments}: {done.returncode} {done.stdout} {done.stderr}")
    return json.loads(done.stdout)


def numbers(backups):
    return [generation["generation"] for generation in backups.get("generations", [])]


def check_of_a_node(place):
    backups = place.path("backups")
    with harness.Node(place.ledger, place.dir, ["--backups", backups]) as node:
        ledger = ("--ledger", node.address)
        key = place.path("jo.key")
        harness.run_well("key", "new", "--out", key, "--name", "jo")
        harness.run_well("enrol", "person", "jo", "--name", NAME, "--key", key, "--as", place.key, *ledger)
        with harness.Load(place, node, place.dir) as load:
            load.wait_for(200)
            made = ask("backup", "create", *ledger)
            harness.expect(numbers(made["backups"]) == [1], f"made {made}")
            harness.expect(files_holding(backups, NAME), "the body is not in the backup that should have it")
            load.wait_for(200)
            person = max(int(event["index"]) for event in events_of(node.address, "person.enrolled"))
            harness.run_well("erase", "--leaf", person, "--about", "subject:jo", "--basis", "Art. 17(1)(b)",
                             "--authorised-by", "dpo", "--rationale", "asked", "--as", place.key, *ledger)
            made = ask("backup", "create", *ledger)
            old, new = made["backups"]["generations"]
            harness.expect(old["erasedBodies"] == "1" and old["erasedIndexes"] == [str(person)], f"not named: {old}")
            harness.expect(new["erasedBodies"] == "0", f"the new one holds it: {new}")
            listed = harness.run_well("backup", "list", *ledger)
            harness.expect("still holds 1 erased bodies" in listed and "backup drop --holding-erased" in listed, listed)
            left = ask("backup", "drop", "--holding-erased", *ledger)
            harness.expect(numbers(left) == [2], f"left {left}")
            harness.expect(not files_holding(backups, NAME), f"still in {files_holding(backups, NAME)}")
            load.wait_for(200)
            made = ask("backup", "create", "--keep", 1, *ledger)
            harness.expect(numbers(made["backups"]) == [3], f"kept {made}")
            load.finish()
        # What the node has open, nobody else backs up.
        other = harness.run("backup", "create", "--backups", place.path("others"), "--ledger", f"file:{place.ledger}")
        harness.expect(other.returncode == 3 and "--ledger HOST:PORT" in other.stderr, f"{other}")
    harness.run_well("backup", "verify", "--backups", backups)
    restored = place.path("restored")
    harness.run_well("restore", backups, "--to", restored)
    harness.expect(not os.path.exists(restored + ".restoring"), "something is left of restoring")
    harness.fsck(restored)
    harness.expect(not files_holding(restored, NAME), "what was erased is back")
    size = int(made["backups"]["generations"][0]["treeSize"])
    harness.expect(int(ask("status", "--ledger", f"file:{restored}")["treeSize"]) == size, "not what was backed up")
    again = harness.run("restore", backups, "--to", restored)
    harness.expect(again.returncode == 2 and "is not empty" in again.stderr, f"overwrote: {again}")
    # A restored ledger is served like any other.
    home = place.path("home")
    os.mkdir(home)
    with harness.Node(restored, home) as node:
        harness.expect(int(ask("status", "--ledger", node.address)["treeSize"]) == size, "not served as it was")
        none = harness.run("backup", "list", "--ledger", node.address)
        harness.expect(none.returncode == 2 and "--backups DIR" in none.stderr, f"{none}")


def events_of(address, kind):
    listed = harness.run_well("log", "--type", kind, "--json", "--ledger", address)
    return [item["event"] for item in map(json.loads, listed.splitlines()) if "event" in item]


def check_of_a_directory(place):
    backups = place.path("of-directory")
    ledger = f"file:{place.ledger}"
    need = harness.run("backup", "create", "--ledger", ledger)
    harness.expect(need.returncode == 2 and "--backups" in need.stderr, f"{need}")
    for _ in range(3):
        made = ask("backup", "create", "--backups", backups, "--keep", 2, "--ledger", ledger)
    harness.expect(numbers(made["backups"]) == [2, 3], f"{made}")
    mode = os.stat(os.path.join(backups, "checkpoint.key")).st_mode & 0o777
    harness.expect(mode == 0o600 and os.stat(backups).st_mode & 0o777 == 0o700, f"others may read the key: {mode:o}")
    alone = ask("backup", "list", "--backups", backups)
    harness.expect(numbers(alone) == [2, 3], f"{alone}")
    harness.expect(harness.run("backup", "drop", 2, 3, "--backups", backups).returncode == 2, "dropped all")
    harness.expect(numbers(ask("backup", "drop", 2, "--backups", backups)) == [3], "not dropped")
    harness.expect(harness.run("backup", "verify", 2, "--backups", backups).returncode == 1, "verified what is gone")
    ask("backup", "verify", 3, "--backups", backups)
    ask("restore", backups, "--to", place.path("from-directory"), "--generation", 3)
    ask("status", "--ledger", f"file:{place.path('from-directory')}")


def main():
    harness.need_programs(harness.LOAD)
    with harness.Place() as place:
        check_of_a_node(place)
    with harness.Place() as place:
        check_of_a_directory(place)
    print("backed up, erased, dropped, verified, restored")


if __name__ == "__main__":
    main()
