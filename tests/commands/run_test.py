#!/usr/bin/python3
"""A53: a training script is run by one command and nothing in it changes; run, dataset, code and environment are
recorded, also when it fails or its work tree has changes. What it costs is printed."""

import json
import os
import signal
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

    def run_command(self, name, *command, options=()):
        return harness.run(*self.arguments(name, *options), "--", *command, cwd=self.tree)

    def arguments(self, name, *options):
        return ("run", name, "--dataset", "spleen@3", "--output", "model.bin", "--metrics", "metrics.json", "--as",
                self.place.key, "--ledger", f"file:{self.place.ledger}", *options)

    def start(self, name, *command):
        """Begins a run, without waiting for it; its script makes the file `begun`."""
        begun = os.path.join(self.tree, "begun")
        if os.path.exists(begun):
            os.remove(begun)
        process = subprocess.Popen([os.path.join(harness.BIN, "anamnesis"), *self.arguments(name), "--", *command],
                                   cwd=self.tree, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        harness.wait_until(lambda: os.path.exists(begun), "the script begins", lambda: process.poll())
        return process

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


def check_stopped(work):
    """A signal ends the script and not its record; the script may end well all the same."""
    slow = "import time; open('begun', 'w').close(); time.sleep(60)"
    careful = f"import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); {slow}"
    for name, script, by, status, what, kind in (
            ("terminated", slow, signal.SIGTERM, 1, "killed by signal 15", "training_run.failed"),
            ("interrupted", slow, signal.SIGINT, 1, "signal 2", "training_run.failed"),
            ("saved", careful, signal.SIGTERM, 0, "after signal 15", "training_run.completed")):
        process = work.start(name, sys.executable, "-c", script)
        process.send_signal(by)
        out, err = process.communicate(timeout=30)
        harness.expect(process.returncode == status, f"{name}: {process.returncode} {out} {err}")
        harness.expect(what in work.events(kind)[-1], f"{name}: {work.events(kind)[-1]}")


def check_numbers(work):
    """What a script leaves behind that can't be recorded as it is loses nothing else of the run."""
    write = "open('metrics.json', 'w').write(" + repr('{"loss": NaN, "dice": 0.5}') + ")"
    done = work.run_command("diverged", sys.executable, "-c", write)
    harness.expect(done.returncode == 0 and "metric loss is NaN" in done.stderr, f"{done}")
    completed = work.events("training_run.completed")[-1]
    harness.expect("dice" in completed and "loss is NaN" in completed, completed)
    done = work.run_command("unreadable", sys.executable, "-c", "open('metrics.json', 'w').write('{')")
    harness.expect(done.returncode == 0 and "metrics.json" in done.stderr, f"{done}")
    done = work.run_command("nothing", "true", options=("--output", "nomodel.bin"))
    harness.expect(done.returncode == 1 and "nomodel.bin" in done.stderr, f"{done}")
    harness.expect("nomodel.bin" in work.events("training_run.completed")[-1], "the output that isn't there")


def check_before(work):
    """What can be found wrong is found before the script begins, and nothing is recorded then."""
    runs = len(work.events("training_run.started"))
    for options, why in ((("--output", b"m\xff.bin"), "UTF-8"), (("--dataset", "spleen@9"), "but 3")):
        command = [os.path.join(harness.BIN, "anamnesis"), *work.arguments("wrong", *options), "--", "touch", "it-ran"]
        done = subprocess.run(command, cwd=work.tree, capture_output=True, check=False)
        harness.expect(done.returncode == 2 and why.encode() in done.stderr, f"{done}")
    harness.expect(not os.path.exists(os.path.join(work.tree, "it-ran")), "the script ran")
    harness.expect(len(work.events("training_run.started")) == runs, "a run that never began")


def kept_ends(work, name):
    return [os.path.join(work.tree, file) for file in os.listdir(work.tree)
            if file.startswith(f"anamnesis-run-{name}-")]


def check_away(work):
    """The ledger is away when the script ends: the end is kept, and recorded once."""
    ledger = work.place.ledger
    done = work.run_command("away", "mv", ledger, ledger + ".away", options=("--within", "1"))
    harness.expect(done.returncode == 3, f"{done}")
    kept = kept_ends(work, "away")[0]
    harness.expect(kept in done.stderr and "append --jsonl" in done.stderr, done.stderr)
    os.rename(ledger + ".away", ledger)
    send = ("append", "--jsonl", kept, "--as", work.place.key, "--ledger", f"file:{ledger}")
    harness.run_well(*send)
    harness.expect("the command ended" in work.events("training_run.completed")[-1], "the end that was kept")
    again = harness.run(*send)
    harness.expect(again.returncode == 2 and "leaf" in again.stderr, f"recorded twice: {again}")
    # Back while it is still being tried.
    back = f"mv {ledger} {ledger}.away && (sleep 1; mv {ledger}.away {ledger}) >/dev/null 2>&1 &"
    done = work.run_command("back", "sh", "-c", back, options=("--within", "20"))
    harness.expect(done.returncode == 0, f"{done}")
    harness.expect(not kept_ends(work, "back"), f"left behind: {kept_ends(work, 'back')}")
    # Each has a file of its own, and none of them is code that changed.
    versions = len(work.events("code.revision_recorded"))
    for name in ("a/1", "a-1"):
        done = work.run_command(name, "mv", ledger, ledger + ".away", options=("--within", "1"))
        harness.expect(done.returncode == 3, f"{name}: {done}")
        os.rename(ledger + ".away", ledger)
    harness.expect(len(kept_ends(work, "a-1")) == 2, f"overwritten: {kept_ends(work, 'a-1')}")
    harness.expect(len(work.events("code.revision_recorded")) == versions, "kept ends are taken for code")
    for kept in kept_ends(work, "a-1"):
        harness.run_well("append", "--jsonl", kept, "--as", work.place.key, "--ledger", f"file:{ledger}")


def check_nobody_reads(work):
    """Nobody reads what is printed: the script runs all the same, and its end is recorded."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [os.path.join(harness.BIN, "anamnesis"), *work.arguments("unread"), "--", sys.executable, "train.py"]
    done = subprocess.run(command, cwd=work.tree, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    harness.expect(done.returncode == 5 and "standard output" in done.stderr, f"{done}")
    completed = work.events("training_run.completed")[-1]
    harness.expect("unread" in completed and "mean_dice" in completed, completed)
    # The script is told as any program is.
    loud = work.run_command("loud", "sh", "-c", "exec 3>&1; (yes; echo $? >&3) | true")
    harness.expect("141" in loud.stdout, f"{loud}")


def check_json(work):
    done = work.run_command("json", "echo", "from the script", options=("--json",))
    harness.expect(done.returncode == 0 and "from the script" in done.stderr, f"{done}")
    harness.expect(len(json.loads(done.stdout)["indexes"]) == 2, done.stdout)


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
        check_stopped(work)
        check_numbers(work)
        check_before(work)
        check_away(work)
        check_nobody_reads(work)
        check_json(work)
        check_cost(work)


if __name__ == "__main__":
    main()
