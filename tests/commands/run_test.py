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
        return self.run_command(name, sys.executable, "train.py", "--learning-rate", "0.001", "--epochs=5", *options)

    def run_command(self, name, *command):
        return harness.run("run", name, "--dataset", "spleen@3", "--output", "model.bin", "--metrics", "metrics.json",
                           "--as", self.place.key, "--ledger", f"file:{self.place.ledger}", "--", *command,
                           cwd=self.tree)

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


def check_secrets(work):
    """Whatever a command is told that is named like a secret stays out of the ledger; the rest is in it."""
    secret = work.run_command(
        "secrets", "env", "HF_TOKEN=S3CRET", "LR=0.1", "true", "wandb.api_key=S3CRET", "+logger.wandb.apiKey=S3CRET",
        "--accessToken", "S3CRET", "--token", "-S3CRET", "--hub-token", "--S3CRET", "-e", "DB_PASSWORD=S3CRET",
        "--set", "a=1,client.secret=S3CRET", "--headers", '{"auth": "S3CRET"}',
        "--url", "https://S3CRET@git.example/x", "--remote", "s3://me:S3CRET@store/x", "--secretkey=S3CRET", "--",
        "--password", "S3CRET", "--monkey", "kept-1", "optimizer.name=kept-2", "http://data.example/kept-3")
    harness.expect(secret.returncode == 0, f"{secret}")
    started = work.events("training_run.started")[-1]
    harness.expect("S3CRET" not in started + secret.stderr, started)
    for what in ("hf_token", "wandb_api_key", "accesstoken", "token", "hub_token", "e", "set", "url", "password"):
        harness.expect(f"withheld_{what}\n" in secret.stderr, f"{what}: {secret.stderr}")
    for what in ("LR=0.1", "kept-1", "kept-2", "kept-3"):
        harness.expect(what in started, f"started lacks {what}: {started}")
    for name, command in (("shell", ["sh", "-c", "exit 0 # S3CRET", "S3CRET"]),
                          ("wrapped", ["env", "A=b", "bash", "-o", "pipefail", "-ec", "exit 0 # S3CRET", "S3CRET"])):
        shell = work.run_command(name, *command)
        harness.expect(shell.returncode == 0 and "withheld_shell_command" in shell.stderr, f"{shell}")
        started = work.events("training_run.started")[-1]
        harness.expect("S3CRET" not in started and "shell_arguments" in started and '"2"' in started, started)


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
        check_secrets(work)
        check_cost(work)


if __name__ == "__main__":
    main()
