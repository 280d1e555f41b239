"""A certification end to end (A66, A67, A75, A78): a ledger with protocol, test cases, envelope, artifacts and a
person's delegation; then a good artifact, and everything that has to be refused. What it certifies is in certify/."""

import base64
import csv
import datetime
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "faults"))
sys.path.insert(0, os.path.join(HERE, "certify"))
import generate  # noqa: E402
import records  # noqa: E402
import harness  # noqa: E402
from harness import expect  # noqa: E402
from records import CASES, CONTROLS, ISOLATION, SUITES, file_record  # noqa: E402

DONE, NO, BAD_INPUT, NOT_REACHED = 0, 1, 2, 3
def sha256(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def signature():
    """The first of a session of its own."""
    return {"meaning": "APPROVAL", "signedAtUs": str(time.time_ns() // 1000), "components": ["KEY", "PASSPHRASE"],
            "sessionId": base64.b64encode(secrets.token_bytes(16)).decode(), "ordinal": 1}


def letter(safety_class):
    return "SOFTWARE_SAFETY_CLASS_" + safety_class


class Manufacturer(harness.Place):
    """All that a certification rests on, recorded."""

    def __enter__(self):
        super().__enter__()
        self.suite = self.path("suite")
        shutil.copytree(os.path.join(HERE, "certify", "suite"), self.suite)
        generate.write(self.suite)
        self.at = ("--ledger", f"file:{self.ledger}")
        self.agent = self.path("certifier.key")
        harness.run_well("key", "new", "--out", self.agent, "--name", "certifier")
        harness.run_well("enrol", "software", "certifier", "--key", self.agent, "--role", "verifier", "--as", self.key,
                         *self.at)
        for role in ("certifier", "quality_officer"):
            harness.run_well("role", "grant", "ada", role, "--as", self.key, *self.at)
        for item, safety_class in (("alarm", "C"), ("trend", "A")):
            self.record("software_item.identified", {"name": item, "level": "ITEM", "trainability": "TRAINABLE"},
                        f"item=software_item:{item}")
            self.record("safety_class.assigned", {"safetyClass": letter(safety_class), "signature": signature()},
                        f"item=software_item:{item}")
        for control in CONTROLS:
            self.record("risk_control.defined", {"content": {
                "kind": "PROTECTIVE_MEASURE", "inSoftware": True, "text": control}}, f"control=risk_control:{control}")
        self.record("risk_control_set.versioned", {"setDigest": sha256(b"controls")},
                    "set=risk_control_set:controls@1", "member=risk_control:alarm-missed")
        for case in CASES:
            self.record("test_case.approved", records.test_case(self.suite, case), f"test_case=test_case:{case}")
        self.protocol("monitor@1")
        self.record("envelope.approved", {
            "terms": {"dimensions": [{"name": "threshold", "kind": "interval", "low": "0.4", "high": "0.96"}]},
            "signature": signature()}, "envelope=envelope:threshold@1", "item=software_item:alarm",
            "anchor=release:monitor@1", "risk_control_set=risk_control_set:controls@1")
        until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).isoformat()
        harness.run_well("delegate", "d-1", "--to", "certifier", "--role", "certifier", "--until", until, "--uses",
                         "20", "--signed-with", "key,passphrase", "--as", self.key, *self.at)
        return self

    def record(self, event_type, body, *refs):
        file = self.path("body.json")
        with open(file, "w") as out:
            json.dump(body, out)
        harness.run_well("append", "--stream", "person/ada", "--type", event_type, "--body", file,
                         *(word for ref in refs for word in ("--ref", ref)), "--as", self.key, *self.at)

    def protocol(self, name, isolation=None, suites=None):
        self.record("sandbox_protocol.approved", records.protocol(signature(), isolation, suites),
                    f"protocol=sandbox_protocol:{name}")

    def artifact(self, version, threshold, item="alarm", program=None):
        """Produces an artifact, a threshold or a program; returns its directory."""
        directory = self.path(f"artifact-{version}")
        os.mkdir(directory)
        name = "threshold.json" if program is None else "decide.py"
        with open(os.path.join(directory, name), "w") as file:
            file.write(json.dumps({"threshold": threshold}) if program is None else program)
        self.record("artifact.produced", {
            "kind": "THRESHOLD_TABLE", "mode": "CANDIDATE", "surface": "threshold",
            "files": [file_record(directory, name)],
            "baselineDigest": sha256(b"baseline"), "substrateDigest": sha256(b"substrate")},
            f"artifact=artifact:threshold@{version}", f"item=software_item:{item}", "envelope=envelope:threshold@1")
        return directory

    def certify(self, version, directory, *arguments, protocol="monitor@1", suite=None, delegation="d-1",
                environment=None):
        return harness.run("certify", f"threshold@{version}", "--protocol", protocol, "--artifact-directory",
                           directory, "--suite", suite or self.suite, "--delegation", delegation, "--as", self.agent,
                           *self.at, "--json", *arguments, env=environment)

    def events(self, event_type):
        lines = harness.run_well("log", "--type", event_type, "--json", *self.at).splitlines()
        return [json.loads(line)["event"] for line in lines if "event" in json.loads(line)]


def refused(place, done, *reasons):
    """It says why, and so does the ledger."""
    expect(done.returncode == NO, f"exit status {done.returncode}: {done.stdout} {done.stderr}")
    answer = json.loads(done.stdout)
    expect(not answer["issued"] and not answer["certification"], f"issued: {answer}")
    recorded = place.events("certification.refused")[-1]["content"]["reasons"]
    expect(recorded == answer["reasons"], f"recorded {recorded}, said {answer['reasons']}")
    for reason in reasons:
        expect(any(reason in each for each in recorded), f"no reason has \"{reason}\": {recorded}")
    return answer


def a_good_artifact_is_certified(place):
    directory = place.artifact(1, 0.5)
    done = place.certify(1, directory, "--valid-days", "30", "--jurisdiction", "DE")
    expect(done.returncode == DONE, f"exit status {done.returncode}: {done.stdout} {done.stderr}")
    answer = json.loads(done.stdout)
    expect(answer["issued"] and answer["safetyClass"] == letter("C"), answer)
    expect([case["testCase"] for case in answer["cases"]] == SUITES["C"], answer["cases"])
    runs = place.events("test_run.completed")
    expect([run["content"]["result"] for run in runs] == ["PASS"] * 5, runs)
    expect([run["content"]["level"] for run in runs] == [level for level, _ in CASES.values()], runs)
    artifact = hashlib.sha256(open(os.path.join(directory, "threshold.json"), "rb").read()).digest()
    candidate = hashlib.sha256(b"anamnesis.candidate.v1\0" + artifact + hashlib.sha256(b"baseline").digest() +
                               hashlib.sha256(b"substrate").digest()).digest()
    expect(all(base64.b64decode(run["content"]["configurationDigest"]) == candidate for run in runs), "candidate")
    subgroups = {(m["name"], m.get("subgroup", "")) for m in runs[3]["content"]["metrics"]}
    expect(("sensitivity", "65 and older") in subgroups, f"measured {subgroups}")
    sandbox = place.events("sandbox_run.completed")[-1]["content"]
    held = {each["aspect"] for each in sandbox["isolation"] if each.get("isolated")}
    expect(held >= set(ISOLATION) and sandbox["result"] == "PASS", sandbox)
    # Its judges open the artifact themselves, and both records say so.
    judge = next(each for each in answer["isolation"] if each["aspect"] == "judge")
    expect(judge["state"] == "not available" and "accuracy@1" in judge["evidence"] and "judge" not in held, judge)
    expect(all("shared a sandbox" in run["content"]["testConfiguration"] for run in runs), runs)
    expect(base64.b64decode(sandbox["environmentDigest"]).hex() == answer["environmentDigest"], "another environment")
    expect(sandbox["controlsExercised"] == CONTROLS, sandbox["controlsExercised"])
    results = {each["control"]: (each["result"], each["testCases"]) for each in sandbox["controlResults"]}
    expect(results["fair-alarm"] == ("PASS", ["boundaries@1", "subgroups@1"]), results)
    verified = {(ref["id"], each["content"]["aspect"], each["content"]["result"])
                for each in place.events("risk_control.verified") for ref in each["header"]["refs"]
                if ref["role"] == "control"}
    expect(verified == {(control, aspect, "PASS") for control in CONTROLS
                        for aspect in ("IMPLEMENTATION", "EFFECTIVENESS")}, verified)
    issued = place.events("certification.issued")[-1]
    refs = {(ref["role"], ref["id"], ref.get("version", "")) for ref in issued["header"]["refs"]}
    for ref in (("delegation", "d-1", ""), ("envelope", "threshold", "1"), ("risk_control_set", "controls", "1"),
                ("sandbox_run", answer["sandboxRun"], ""), ("control", "fair-alarm", "")):
        expect(ref in refs, f"certification.issued lacks {ref}: {refs}")
    expect(base64.b64decode(issued["content"]["state"]["artifactDigest"]) == artifact, "another artifact")
    expect(issued["content"]["jurisdiction"] == "DE" and issued["content"]["validUntilUs"] != "0", issued["content"])
    return directory, answer


def without_a_delegation_nothing_is_recorded(place, good):
    before = len(place.events("test_run.completed"))
    done = place.certify(1, good, delegation="d-9")
    expect(done.returncode != DONE and "d-9" in done.stderr, f"{done.returncode}: {done.stderr}")
    expect(len(place.events("test_run.completed")) == before, "half of it was recorded")


def a_bad_artifact_is_refused(place):
    answer = refused(place, place.certify(2, place.artifact(2, 0.95)), "sensitivity is 0.7", "sensitivity of men",
                     "test case accuracy@1")
    expect([case["result"] for case in answer["cases"]] == ["PASS", "PASS", "FAIL", "FAIL", "PASS"],
           answer["cases"])
    expect(place.events("sandbox_run.completed")[-1]["content"]["result"] == "FAIL", "recorded as passed")
    results = {each["control"]: each["result"]
               for each in place.events("sandbox_run.completed")[-1]["content"]["controlResults"]}
    expect(results == {"alarm-missed": "FAIL", "fair-alarm": "FAIL", "alarm-fatigue": "PASS"}, results)
    crashed = refused(place, place.certify(3, place.artifact(3, "high")), "ended with status 1: TypeError")
    expect([case["result"] for case in crashed["cases"]] == ["FAIL"] * 5, crashed["cases"])


def nothing_is_run(place, done, *reasons):
    before = place.events("test_run.completed")
    answer = refused(place, done, *reasons)
    expect(not answer["sandboxRun"] and not answer["cases"], f"it was run: {answer}")
    expect(place.events("test_run.completed") == before, "test runs were recorded")


def a_smaller_suite_is_refused(place, good):
    smaller = place.path("smaller")
    shutil.copytree(place.suite, smaller)
    os.remove(os.path.join(smaller, "subgroups@1.json"))
    nothing_is_run(place, place.certify(1, good, suite=smaller), "smaller than the protocol's", "subgroups@1.json")
    changed = place.path("changed")
    shutil.copytree(place.suite, changed)
    with open(os.path.join(changed, "evaluate.py"), "a") as file:
        file.write("# easier\n")
    nothing_is_run(place, place.certify(1, good, suite=changed), "evaluate.py: has sha256:")
    place.protocol("larger@1", suites={"C": [*CASES, "drift@1"]})
    nothing_is_run(place, place.certify(1, good, protocol="larger@1"), "no test_case.approved of drift@1")
    place.protocol("classless@1", suites={"A": ["accuracy@1"]})
    nothing_is_run(place, place.certify(1, good, protocol="classless@1"), "has no suite for SOFTWARE_SAFETY_CLASS_C")
    # Class C's suite has to measure all that the protocol has a criterion for.
    place.protocol("narrow@1", suites={"C": ["accuracy@1"]})
    refused(place, place.certify(1, good, protocol="narrow@1"), "no test case measured sensitivity of women")


def a_tampered_artifact_is_refused(place, good):
    tampered = place.path("tampered")
    shutil.copytree(good, tampered)
    with open(os.path.join(tampered, "threshold.json"), "a") as file:
        file.write(" ")
    nothing_is_run(place, place.certify(1, tampered), "threshold.json: has sha256:")
    os.remove(os.path.join(tampered, "threshold.json"))
    os.symlink("/etc/passwd", os.path.join(tampered, "threshold.json"))
    nothing_is_run(place, place.certify(1, tampered), "threshold.json: has sha256:")


def no_sandbox_no_certification(place, good):
    without = dict(os.environ, PATH="/nowhere")
    nothing_is_run(place, place.certify(1, good, environment=without), "bubblewrap")
    place.protocol("stricter@1", [*ISOLATION, "air_gap"])
    nothing_is_run(place, place.certify(1, good, protocol="stricter@1"), "\"air_gap\", which this certifier doesn't")
    place.protocol("apart@1", [*ISOLATION, "judge"])
    nothing_is_run(place, place.certify(1, good, protocol="apart@1"), "\"judge\", which is not available")
    # One that isolates less than it is asked to.
    leaky = place.path("leaky")
    os.mkdir(leaky)
    with open(os.path.join(leaky, "bwrap"), "w") as file:
        file.write("#!/bin/bash\nlist=()\n"
                   "for word in \"$@\"; do [ \"$word\" = --clearenv ] || list+=(\"$word\"); done\n"
                   "export SECRET=x\nexec /usr/bin/bwrap \"${list[@]}\"\n")
    os.chmod(os.path.join(leaky, "bwrap"), 0o755)
    os.chmod(leaky, 0o755)
    os.chmod(place.dir, 0o755)
    nothing_is_run(place, place.certify(1, good, environment=dict(os.environ, PATH=leaky)),
                   "does not hold on this machine: host: not stopped: inherited ")


def a_lower_class_runs_its_own_suite(place):
    done = place.certify(4, place.artifact(4, 0.5, item="trend"))
    expect(done.returncode == DONE, f"exit status {done.returncode}: {done.stdout} {done.stderr}")
    answer = json.loads(done.stdout)
    expect(answer["safetyClass"] == letter("A"), answer)
    expect([case["testCase"] for case in answer["cases"]] == SUITES["A"], answer)


JUDGE = """import csv, json
labels = [row["deteriorates"] == "1" for row in csv.DictReader(open("/suite/labels.csv"))]
said = json.load(open("/output/decisions.json"))
right = sum(a == b for a, b in zip(labels, said)) if len(said) == len(labels) else 0
json.dump({"metrics": [{"name": "decisions_right", "value": f"{right / len(labels):.4f}", "n": str(len(labels))}]},
          open("/result/result.json", "w"))
"""
DECIDE = """import csv, json
rows = csv.DictReader(open("/input/readings.csv"))
json.dump([float(row["oxygen_saturation"]) < 94 for row in rows], open("/result/decisions.json", "w"))
"""
# Looks for the answers, and reports what it wants to be measured.
CHEAT = """import json, os
perfect = {"metrics": [{"name": "decisions_right", "value": "1", "n": "2000"}]}
json.dump(perfect, open("/result/result.json", "w"))
answers = [os.path.join(at, name) for at, _, names in os.walk("/") for name in names if name.startswith("labels")]
json.dump(answers, open("/result/decisions.json", "w"))
"""


def a_program_is_run_apart_from_its_judge(place):
    """It sees no expected answer, and what it reports of itself counts for nothing."""
    with open(os.path.join(place.suite, "patients.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    for name, keep in (("readings.csv", lambda column: column != "deteriorates"),
                       ("labels.csv", lambda column: column == "deteriorates")):
        with open(os.path.join(place.suite, name), "w", newline="") as file:
            columns = [column for column in rows[0] if keep(column)]
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
    with open(os.path.join(place.suite, "judge.py"), "w") as file:
        file.write(JUDGE)
    with open(os.path.join(place.suite, "program@1.json"), "w") as file:
        json.dump({"testCase": "program@1", "command": ["/usr/bin/python3", "-I", "/suite/judge.py"],
                   "expectedMetrics": [{"name": "decisions_right"}], "artifactRun": {
                       "command": ["/usr/bin/python3", "-I", "/artifact/decide.py"], "inputs": ["readings.csv"],
                       "outputs": ["decisions.json"]}}, file)
    place.record("test_case.approved", {
        "level": "SYSTEM", "procedure": "run the program, then its judge", "expected": "the protocol's criteria",
        "files": [file_record(place.suite, name) for name in ("program@1.json", "judge.py", "readings.csv",
                                                              "labels.csv")]}, "test_case=test_case:program@1")
    criteria = [{"metric": "decisions_right", "comparator": ">=", "value": "0.9"}]
    body = records.protocol(signature(), [*ISOLATION, "judge"], {"A": ["program@1"]})
    place.record("sandbox_protocol.approved", {**body, "acceptanceCriteria": criteria},
                 "protocol=sandbox_protocol:program@1")
    for version, program in ((5, DECIDE), (6, CHEAT)):
        directory = place.artifact(version, 0.5, item="trend", program=program)
        done = place.certify(version, directory, protocol="program@1")
        if program is DECIDE:
            expect(done.returncode == DONE, f"exit status {done.returncode}: {done.stdout} {done.stderr}")
            continue
        answer = refused(place, done, "decisions_right is 0.0000")
        expect([case["result"] for case in answer["cases"]] == ["FAIL"], answer)


def print_overhead(place, good, answer):
    """Stated, not asserted: this machine does other things too."""
    bare = 0.0
    result = place.path("bare")
    os.makedirs(result, exist_ok=True)
    for case in SUITES["C"]:
        start = time.monotonic()
        subprocess.run(["/usr/bin/python3", "-I", os.path.join(place.suite, "evaluate.py"), case.split("@")[0]],
                       env={"SUITE": place.suite, "ARTIFACT": good, "RESULT": result}, check=True)
        bare += time.monotonic() - start
    inside = sum(case["microseconds"] for case in answer["cases"]) / 1e6
    start = time.monotonic()
    place.certify(1, good, "--dry-run")
    whole = time.monotonic() - start
    print(f"suite bare {bare * 1e3:.0f} ms, in the sandbox {inside * 1e3:.0f} ms "
          f"({(inside - bare) / len(answer['cases']) * 1e3:+.0f} ms a test case); "
          f"whole certification {whole * 1e3:.0f} ms, most of it the self-test")


def need_a_sandbox():
    harness.need_programs(os.path.join(harness.BIN, "anamnesis"), os.path.join(harness.BIN, "anamnesis-sandbox-probe"))
    if shutil.which("bwrap") is None:
        harness.skip("NOT TESTED: bubblewrap isn't installed")
    tried = subprocess.run(["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        harness.skip(f"NOT TESTED: no sandbox can be made here: {tried.stderr.strip()}")


def main():
    need_a_sandbox()
    with Manufacturer() as place:
        good, answer = a_good_artifact_is_certified(place)
        without_a_delegation_nothing_is_recorded(place, good)
        a_bad_artifact_is_refused(place)
        a_smaller_suite_is_refused(place, good)
        a_tampered_artifact_is_refused(place, good)
        no_sandbox_no_certification(place, good)
        a_lower_class_runs_its_own_suite(place)
        a_program_is_run_apart_from_its_judge(place)
        print_overhead(place, good, answer)


if __name__ == "__main__":
    main()
