"""The questions of the life cycle through the real programs: the shipped policies adopted, a software item recorded,
and the same answers from a ledger embedded in the process and from a node."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))
import harness  # noqa: E402

AWARE = "2026-03-06T10:00:00Z"
AWARE_US = 1772791200 * 10**6
POLICIES = {"clause_map", "contemporaneity", "gate", "process_profile_62304_2006_a1", "reporting_clocks", "retention"}


def event(kind, refs, body, **more):
    return {"stream": "person/ada", "type": kind, "refs": refs, "body": body, "retrospective": True,
            "occurred_at": AWARE, **more}


ITEM = ["item=software_item:X"]
EVENTS = [
    event("software_item.identified", ITEM, {"name": "X", "level": "SYSTEM", "trainability": "FIXED"}),
    event("safety_class.assigned", ITEM, {"safetyClass": "SOFTWARE_SAFETY_CLASS_B"}),
    event("code.revision_recorded", ITEM + ["code=code_revision:x@1"], {"vcs": "git", "commitId": "1"}),
    event("requirement.approved", ITEM + ["requirement=requirement:R@1"],
          {"content": {"kind": "SAFETY", "text": "shall alert"}}),
    event("incident.recorded", ["incident=incident:INC-7"], {"harm": "SERIOUS", "description": "no alert"}),
    event("incident.awareness_established", ["incident=incident:INC-7"],
          {"awareAtUs": str(AWARE_US), "who": "vigilance desk"}),
    event("dataset.curated", ["dataset=dataset:d@1"], {"source": "images representative of our target population"}),
]


def ask(ledger, *arguments, status):
    done = harness.run(*arguments, "--ledger", ledger, "--json")
    harness.expect(done.returncode == status, f"{arguments}: {done.returncode} {done.stderr}")
    shown = harness.run(*arguments, "--ledger", ledger)
    harness.expect(shown.returncode == status and shown.stdout, f"{arguments}, for a person: {shown.stderr}")
    return json.loads(done.stdout)


def check_policies(place, ledger):
    none = ask(ledger, "policy", "show", "process_profile", status=1)
    harness.expect("policy adopt" in none["notes"][0], f"no word of how a policy is adopted: {none}")
    listed = harness.run_well("policy", "shipped").split()
    harness.expect(set(listed) == POLICIES, f"shipped: {listed}")
    adopt = ("policy", "adopt", "--shipped", "--as", place.key, "--ledger", ledger, "--json")
    harness.expect(len(json.loads(harness.run_well(*adopt))["indexes"]) == len(POLICIES), "not all are adopted")
    again = json.loads(harness.run_well(*adopt))
    harness.expect(not again.get("indexes"), f"what is in force was adopted again: {again}")
    profile = ask(ledger, "policy", "show", "process-profile", status=0)["policy"]
    harness.expect(profile["policy"]["id"] == "process_profile_62304_2006_a1", f"in force: {profile['policy']}")
    # A document of one's own takes its place.
    document = profile["document"]
    document["processProfile"]["standard"] = "our own"
    path = place.path("own.json")
    with open(path, "w") as file:
        json.dump(document, file)
    harness.run_well("policy", "adopt", path, "--version", "2", "--as", place.key, "--ledger", ledger)
    own = ask(ledger, "policy", "show", "process_profile", status=0)["policy"]
    harness.expect(own["policy"]["version"] == "2" and own["policy"]["id"] == "own", f"in force: {own['policy']}")
    with open(path, "w") as file:
        file.write('{"gate": {"rules": []}}')
    bad = harness.run("policy", "adopt", path, "--as", place.key, "--ledger", ledger)
    harness.expect(bad.returncode == 2 and path in bad.stderr, f"a bad document: {bad.returncode} {bad.stderr}")


def answers(ledger):
    """Of each verb, with the exit status that says whether the answer is yes."""
    given = {
        "completeness": ask(ledger, "completeness", "X", status=1),
        "trace": ask(ledger, "trace", "X", status=1),
        "clause-index": ask(ledger, "clause-index", "5.2.1", "--item", "X", status=0),
        "contemporaneity": ask(ledger, "contemporaneity", "--scope", "software_item:X", status=0),
        "clocks": ask(ledger, "clocks", "INC-7", "--at", "2026-03-22T00:00:00Z", status=1),
        "specificity": ask(ledger, "specificity", "d@1", status=1),
        "sequencing": ask(ledger, "sequencing", "X", status=0),
        "who-knew": ask(ledger, "who-knew", "INC-7", "2026-03-07T00:00:00Z", status=1),
        "training-runs": ask(ledger, "training-runs", "--at", "2026-03-07T00:00:00Z", status=0),
        "closure-audit": ask(ledger, "closure-audit", "incident:INC-7", status=0),
    }
    for name, answer in given.items():
        harness.expect(answer["treeSize"] and (answer.get("leaves") or name == "training-runs"), f"{name}: {answer}")
    return given


def check_answers(given):
    completeness = given["completeness"]["completeness"]
    harness.expect(completeness["safetyClass"] == "SOFTWARE_SAFETY_CLASS_B", completeness)
    state = {one["clause"]: one["state"] for one in completeness["evidence"] if not one.get("policyOnly")}
    harness.expect(state["IEC 62304 5.2.1"] == "PRESENT", state)
    harness.expect(state["IEC 62304 5.3.1"] == "MISSING_BY_CLAUSE", state)
    harness.expect(state["IEC 62304 5.4.2"] == "NOT_REQUIRED", state)
    days = {one["source"]: one for one in given["clocks"]["clocks"]["clocks"] if one["state"] != "NOT_TRIGGERED"}
    article = days["Regulation (EU) 2017/745 Art. 87(3)"]
    harness.expect(article["dueDay"] == "2026-03-21" and article["state"] == "OVERDUE", article)
    harness.expect(days["21 CFR 803.50"]["dueDay"] == "2026-04-05", days["21 CFR 803.50"])
    judged = {one["judgement"] for one in given["contemporaneity"]["contemporaneity"]["events"]}
    harness.expect(judged == {"DECLARED_RETROSPECTIVE"}, judged)
    harness.expect("site" in given["specificity"]["specificity"]["missing"], given["specificity"])


def main():
    harness.need_programs(os.path.join(harness.BIN, "anamnesisd"))
    with harness.Place() as place:
        embedded = "file:" + place.ledger
        check_policies(place, embedded)
        harness.run_well("role", "grant", "ada", "author", "--as", place.key, "--ledger", embedded)
        path = place.path("events.jsonl")
        with open(path, "w") as file:
            file.write("".join(json.dumps(one) + "\n" for one in EVENTS))
        harness.run_well("append", "--jsonl", path, "--as", place.key, "--ledger", embedded)
        given = answers(embedded)
        check_answers(given)
        with harness.Node(place.ledger, place.dir) as node:
            harness.expect(answers(node.address) == given, "the node answers otherwise than the embedded ledger")
    print(f"{len(given)} questions have the same answers embedded and from a node")


if __name__ == "__main__":
    sys.exit(main())
