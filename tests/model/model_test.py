#!/usr/bin/python3
"""Searches replication.pml whole: the protocol holds within the bounds given here, and every planted error is found.

    model_test.py              everything; exit status 77 when spin or gcc is not installed
    model_test.py NAME...      only these; for a planted error also the shortest story that shows it
    model_test.py --table      also README.md's tables
"""

import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile

MODEL = pathlib.Path(__file__).resolve().parent / "replication.pml"
MAX_DEPTH = 300
MAX_MEMORY_MB = 3500

# Configurations that have to hold. name: parameters
FAULTS = "CRASHES=1 EXPIRIES=1 UNKNOWN=1"
HOLDS = {
    "two_nodes_one_leaves": f"NODES=2 BATCHES=2 {FAULTS} MEMBER_CHANGES=1",
    "two_nodes_one_joins": f"NODES=2 VOTERS=1 BATCHES=2 {FAULTS} MEMBER_CHANGES=1",
    "two_nodes_three_batches": f"NODES=2 BATCHES=3 {FAULTS}",
    "three_nodes_one_leaves": f"NODES=3 BATCHES=2 {FAULTS} MEMBER_CHANGES=1",
    "three_nodes_one_joins": f"NODES=3 VOTERS=2 BATCHES=2 {FAULTS} MEMBER_CHANGES=1",
    "three_nodes_three_batches": "NODES=3 BATCHES=3",
    "voter_replaced": f"NODES=3 BATCHES=1 {FAULTS} MEMBER_CHANGES=2 DESTROYED=1",
    "voter_replaced_two_batches": "NODES=3 BATCHES=2 MEMBER_CHANGES=2 DESTROYED=1",
    "fourth_node_replaces_voter": "NODES=4 VOTERS=3 BATCHES=1 UNKNOWN=1 MEMBER_CHANGES=2 DESTROYED=1",
    "recover_while_etcd_lives": "NODES=3 BATCHES=2 UNKNOWN=1 MEMBER_CHANGES=1 RECOVER=2",
    "recover_while_etcd_lives_voter_replaced":
        "NODES=3 BATCHES=1 CRASHES=1 MEMBER_CHANGES=2 DESTROYED=1 RECOVER=2",
    # The other way out of the hole that "answer_when_applied_here" shows.
    "recover_from_every_node":
        f"NODES=3 VOTERS=2 BATCHES=2 {FAULTS} PLANT_ANSWER_WHEN_APPLIED_HERE=1 RECOVER_FROM_EVERY_NODE=1",
}
# In this one every kind of step has to be taken, or it would hold for want of anything to hold for.
EVERYTHING_HAPPENS_IN = "voter_replaced"

# Planted errors. name: (parameters, assertion that finds it)
FOUND = {
    "collect_early": ("NODES=3 BATCHES=1 CRASHES=1 PLANT_EARLY_COLLECT=1", "every_record_obtainable"),
    "no_members_compare":
        ("NODES=3 BATCHES=1 MEMBER_CHANGES=1 PLANT_NO_MEMBERS_COMPARE=1", "order_record_stored_by_majority"),
    "no_members_compare_loses":
        ("NODES=3 BATCHES=1 MEMBER_CHANGES=2 PLANT_NO_MEMBERS_COMPARE=1 CONSEQUENCES_ONLY=1",
         "every_record_obtainable"),
    "majority_counted_twice":
        ("NODES=3 BATCHES=1 PLANT_MAJORITY_COUNTED_TWICE=1", "order_record_stored_by_majority"),
    "majority_counted_twice_two_nodes":
        ("NODES=2 BATCHES=1 PLANT_MAJORITY_COUNTED_TWICE=1", "order_record_stored_by_majority"),
    "majority_counted_twice_loses":
        ("NODES=3 BATCHES=1 PLANT_MAJORITY_COUNTED_TWICE=1 CONSEQUENCES_ONLY=1", "every_record_obtainable"),
    "no_session_compare": ("NODES=3 BATCHES=1 EXPIRIES=1 PLANT_NO_SESSION_COMPARE=1", "every_record_obtainable"),
    "no_key_compare": ("NODES=2 BATCHES=1 UNKNOWN=1 PLANT_NO_KEY_COMPARE=1", "ordered_once"),
    "trim_unfenced": ("NODES=2 BATCHES=1 UNKNOWN=1 PLANT_TRIM_UNFENCED=1", "ordered_once"),
    "skip_what_is_elsewhere": ("NODES=3 BATCHES=1 PLANT_SKIP_WHAT_IS_ELSEWHERE=1", "one_history"),
    "answer_when_applied_here":
        ("NODES=3 BATCHES=2 PLANT_ANSWER_WHEN_APPLIED_HERE=1", "recover_keeps_order_of_answered"),
    "recover_what_was_applied": ("NODES=3 BATCHES=1 PLANT_RECOVER_WHAT_WAS_APPLIED=1", "recover_orders_once"),
    "recover_unfenced":
        ("NODES=3 BATCHES=1 RECOVER=2 PLANT_RECOVER_UNFENCED=1", "recover_keeps_answered"),
    "empty_voter_returns": ("NODES=3 BATCHES=1 DESTROYED=1 PLANT_EMPTY_VOTER_RETURNS=1", "every_record_obtainable"),
    "acknowledgements_outlive_disk":
        ("NODES=3 BATCHES=1 MEMBER_CHANGES=2 DESTROYED=1 PLANT_ACKNOWLEDGEMENTS_OUTLIVE_DISK=1",
         "every_record_obtainable"),
    "change_before_the_last_is_applied":
        ("NODES=3 BATCHES=1 MEMBER_CHANGES=2 DESTROYED=1 PLANT_CHANGE_BEFORE_THE_LAST_IS_APPLIED=1",
         "every_record_obtainable|recover_keeps_answered"),
    "swap_voters":
        ("NODES=4 VOTERS=3 BATCHES=1 MEMBER_CHANGES=1 PLANT_SWAP_VOTERS=1", "every_record_obtainable"),
    "swap_voters_then_recover":
        ("NODES=4 VOTERS=3 BATCHES=1 MEMBER_CHANGES=1 PLANT_SWAP_VOTERS=1 RECOVER_ALONE=1", "recover_keeps_answered"),
}


class Failed(Exception):
    pass


def run(command, directory):
    done = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def build(parameters, directory, flags):
    defines = ["-D" + parameter for parameter in parameters.split()]
    status, output = run(["spin", *defines, "-a", MODEL], directory)
    if status != 0 or not (directory / "pan.c").exists() or re.search("error|warning", output, re.IGNORECASE):
        raise Failed("spin: " + output)
    # Every process reads what the others write, so there is no partial order to reduce by.
    command = ["gcc", "-w", *flags, "-DSAFETY", "-DNOREDUCE", f"-DMEMLIM={MAX_MEMORY_MB}", "-o", "pan", "pan.c"]
    status, output = run(command, directory)
    if status != 0:
        raise Failed("gcc: " + output)
    return defines


def never_happens(defines, directory):
    """The kinds of steps, by what they print, that the search did not take. spin's own report is blind in a d_step."""
    _, source = run(["gcc", "-E", "-P", "-x", "c", *defines, MODEL], directory)
    wanted = {text.replace("%d", "0") for text in re.findall(r'printf\("(.*?)\\n"', source)}
    wanted -= {text for text in wanted if text.startswith("etcd is lost")}  # only printed with a violation
    with subprocess.Popen(["./pan", f"-m{MAX_DEPTH}"], cwd=directory, stdout=subprocess.PIPE, text=True) as search:
        happened = {re.sub(r"\d+", "0", line.strip()) for line in search.stdout}
    if len(wanted) < 10:
        raise Failed("hardly a step prints anything")
    return sorted(wanted - happened)


def holds(name, parameters, directory):
    build(parameters, directory, ["-O2"])
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    status, output = run(["./pan", f"-m{MAX_DEPTH}"], directory)
    seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    summary = re.search(r"errors: (\d+)\n\s*(\d+) states, stored", output)
    memory = re.search(r"([\d.]+)\ttotal actual memory usage", output)
    if status != 0 or not summary or not memory or "Full statespace search" not in output:
        raise Failed(output)
    if summary[1] != "0":
        raise Failed("an assertion is violated\n" + output)
    if re.search("max search depth too small|not completed|out of memory|truncated|pan: reached", output):
        raise Failed("the search is not complete\n" + output)
    if name == EVERYTHING_HAPPENS_IN:
        missing = never_happens(build(parameters, directory, ["-O0", "-DPRINTF"]), directory)
        if missing:
            raise Failed("never happens:\n" + "\n".join(missing))
    states, spent, size = f"{int(summary[2]):,}", f"{seconds:.1f} s", f"{float(memory[1]):.0f} MB"
    row = f"`{name}`", f"`{parameters.replace(FAULTS, 'FAULTS')}`", states, spent, size
    return f"{name}: holds in all {states} states, {spent} of processor time, {size}", row


def members(bits):
    return "{" + ", ".join(str(node) for node in range(4) if bits >> node & 1) + "}"


def found(name, parameters, expected, directory):
    # An error is found within a moment: optimising would take gcc longer than it spares the search.
    defines = build(parameters, directory, ["-O0", "-DREACH"])
    _, output = run(["./pan", "-i", f"-m{MAX_DEPTH}"], directory)
    violated = set(re.findall(r"assertion violated (\w+)", output))
    # With -i the search goes on for a shorter story, which may violate another assertion.
    if not violated or not violated & set(expected.split("|")):
        raise Failed(f"planted, but {expected} is not violated\n{output}")
    _, story = run(["spin", *defines, "-T", "-k", "replication.pml.trail", MODEL], directory)
    story = re.sub(r"\bset (\d+)", lambda match: members(int(match[1])), story.split("spin: ")[0])
    steps = [line.strip() for line in story.splitlines() if line.strip()]
    if not steps:
        raise Failed("no story")
    row = f"`{name}`", f"`{parameters}`", " ".join(f"`{one}`" for one in sorted(violated)), str(len(steps))
    return f"{name}: found after {len(steps)} steps, {' '.join(sorted(violated))}", row, steps


def main(arguments):
    for program in ("spin", "gcc"):
        if not shutil.which(program):
            print(f"SKIPPED: {program} is not installed, so the model can't be searched")
            return 77
    names = [argument for argument in arguments if not argument.startswith("--")]
    unknown = set(names) - set(HOLDS) - set(FOUND)
    if unknown:
        print("no such configuration:", *unknown)
        return 2
    failures, rows = 0, []
    for name in names or [*HOLDS, *FOUND]:
        with tempfile.TemporaryDirectory() as directory:
            try:
                if name in HOLDS:
                    said, row = holds(name, HOLDS[name], pathlib.Path(directory))
                    steps = []
                else:
                    said, row, steps = found(name, *FOUND[name], pathlib.Path(directory))
                rows.append(row)
                print(said, flush=True)
                if names:
                    print(*("    " + step for step in steps), sep="\n", end="\n" if steps else "")
            except Failed as failure:
                failures += 1
                print(f"FAILED: {name}: {failure}", flush=True)
    if "--table" in arguments:
        print(*("| " + " | ".join(row) + " |" for row in rows), sep="\n")
    print(f"{failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
