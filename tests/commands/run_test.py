#!/usr/bin/python3
"""A53: a training script is run by one command and nothing in it changes; run, dataset, code and environment are
recorded, also when it fails or its work tree has changes. What it costs is printed."""

import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))
import harness  # noqa: E402

SCRIPT = """import json, sys
open("model.bin", "wb").write(b"weights")
json.dump({"mean_dice": 0.912, "notes": "text", "loss": 1e-3}, open("metrics.json", "w"))
sys.exit(int(sys.argv[sys.argv.index("--fail") + 1]) if "--fail" in sys.argv else 0)
"""


def git(tree, *arguments):
    subprocess.run(["git", "-C", tree, "-c", "user.name=ada", "-c", "user.email=ada@example.org", *arguments],
                   check=True, capture_output=True)


class Work:
    """A work tree with a training script."""

    def __init__(self, place):
        self.place = place
        self.tree = place.path("trainer")
        os.mkdir(self.tree)
        self.write("train.py", SCRIPT)
        self.write(".gitignore", "model.bin\nmetrics.json\n")
        git(self.tree, "init", "-q")
        git(self.tree, "add", "-A")
        git(self.tree, "commit", "-q", "-m", "a script")

    def write(self, name, text):
        with open(os.path.join(self.tree, name), "w", encoding="utf-8") as file:
            file.write(text)

    def run(self, name, *options):
        return harness.run("run", name, "--dataset", "spleen@3", "--output", "model.bin", "--metrics", "metrics.json",
                           "--as", self.place.key, "--ledger", f"file:{self.place.ledger}", "--", sys.executable,
                           "train.py", "--learning-rate", "0.001", "--epochs=5", *options, cwd=self.tree)

    def events(self, kind):
        """Each event of the type as `show` prints it in JSON."""
        log = harness.run_well("log", "--type", kind, "--json", "--ledger", f"file:{self.place.ledger}")
        indexes = [item["event"]["index"] for item in map(json.loads, log.splitlines()) if "event" in item]
        return [harness.run_well("show", index, "--ledger", f"file:{self.place.ledger}") for index in indexes]


def check_a_run(work):
    done = work.run("first")
    harness.expect(done.returncode == 0, f"{done.returncode} {done.stdout} {done.stderr}")
    head = subprocess.run(["git", "-C", work.tree, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    commit = head.stdout.strip()
    (code,) = work.events("code.revision_recorded")
    harness.expect(commit in code and '"dirty": false' in code, f"code: {code}")
    (dataset,) = work.events("dataset.curated")
    harness.expect("spleen" in dataset and "selection_criteria" in dataset, f"dataset: {dataset}")
    (started,) = work.events("training_run.started")
    for what in ("learning_rate", "0.001", "epochs", "python", "kernel", "trainer", "spleen"):
        harness.expect(what in started, f"started lacks {what}: {started}")
    (completed,) = work.events("training_run.completed")
    for what in ("mean_dice", "0.912", "loss", "model.bin"):
        harness.expect(what in completed, f"completed lacks {what}: {completed}")


def check_others(work):
    failed = work.run("second", "--fail", "3")
    harness.expect(failed.returncode == 1, f"{failed}")
    (recorded,) = work.events("training_run.failed")
    harness.expect("exit status 3" in recorded, recorded)
    harness.expect(len(work.events("code.revision_recorded")) == 1, "the same code was recorded twice")
    harness.expect(len(work.events("dataset.curated")) == 1, "the same dataset was recorded twice")
    work.write("train.py", SCRIPT + "# changed\n")
    changed = work.run("third")
    harness.expect(changed.returncode == 0 and "CODE-DIRTY" in changed.stderr, f"{changed}")
    harness.expect("-dirty-" in work.events("code.revision_recorded")[-1], "the changes are not in the version")
    again = work.run("third")
    harness.expect(again.returncode != 0, "one id for two runs")
    # What Git doesn't know yet is code too.
    versions = set()
    for name, text in (("fourth", "one"), ("fifth", "two")):
        work.write("helper.py", text)
        harness.expect(work.run(name).returncode == 0, name)
        versions.add(work.events("code.revision_recorded")[-1])
    harness.expect(len(versions) == 2, "other code has the same version")
    os.remove(os.path.join(work.tree, "helper.py"))
    secret = work.run("sixth", "--api-key=sk-12345", "-b", "32", "--shift", "-0.5", "data/", "--amp")
    harness.expect(secret.returncode == 0 and "withheld_api_key" in secret.stderr, f"{secret}")
    started = work.events("training_run.started")[-1]
    harness.expect("sk-12345" not in started and "withheld_api_key" in started, started)
    for what in ('"32"', '"-0.5"', '"data/"', '"amp"'):
        harness.expect(what in started, f"started lacks {what}: {started}")
    runs = harness.run_well("training-runs", "--ledger", f"file:{work.place.ledger}")
    harness.expect("6 runs, 0 unaccounted" in runs, runs)


def check_cost(work):
    """What recording adds to a run, of which most is asking Python for its packages."""
    begun = time.monotonic()
    subprocess.run([sys.executable, "train.py"], cwd=work.tree, check=True)
    bare = time.monotonic() - begun
    begun = time.monotonic()
    harness.expect(work.run("timed").returncode == 0, "the timed run failed")
    print(f"a script of {bare:.2f} s took {time.monotonic() - begun:.2f} s recorded")


def main():
    with harness.Place() as place:
        work = Work(place)
        check_a_run(work)
        check_others(work)
        check_cost(work)


if __name__ == "__main__":
    main()
