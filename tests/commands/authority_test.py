#!/usr/bin/python3
"""Who may write, by the command line alone: enrol, role, credential, delegate and erase, on an embedded ledger. Each is
tried by what the enrolled can then do, and can no longer do afterwards."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))
import harness  # noqa: E402

DONE = 0


class Commands:
    """`anamnesis` on one ledger."""

    def __init__(self, place):
        self.place = place
        self.ledger = f"file:{place.ledger}"
        self.documents = 0

    def key(self, name):
        path = self.place.path(f"{name}.key")
        harness.run_well("key", "new", "--out", path, "--name", name)
        return path

    def run(self, *arguments, key=None):
        return harness.run(*arguments, "--as", key or self.place.key, "--ledger", self.ledger)

    def well(self, *arguments, key=None):
        done = self.run(*arguments, key=key)
        harness.expect(done.returncode == DONE, f"{arguments}: {done.returncode} {done.stderr}")
        return done

    def refused(self, why, *arguments, key=None):
        done = self.run(*arguments, key=key)
        harness.expect(done.returncode != DONE and why in done.stderr, f"{arguments}: not \"{why}\": {done.stderr}")

    def append(self, type_name, refs, body, stream):
        """The arguments that append one event."""
        path = self.place.path("body.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(body, file)
        references = [argument for ref in refs for argument in ("--ref", ref)]
        return ("append", "--stream", stream, "--type", type_name, "--body", path, *references)

    def document(self, stream):
        """The arguments that append an event that asks for no role."""
        self.documents += 1
        reference = f"document=document:d-{self.documents}"
        return self.append("document.referenced", [reference], {"title": "a title"}, stream)


def check_person(commands):
    jo = commands.key("jo")
    commands.refused("no credential", *commands.document("person/jo"), key=jo)
    enrolled = commands.well("enrol", "person", "jo", "--name", "Jo Smith", "--key", jo, "--role", "reviewer", "--role",
                             "quality_officer")
    types = [line.split()[3] for line in enrolled.stdout.splitlines()]
    harness.expect(types == ["person.enrolled", "credential.issued", "role.granted", "role.granted"], f"wrote {types}")
    commands.well(*commands.document("person/jo"), key=jo)
    other = commands.key("other")
    commands.refused("is recorded already", "enrol", "person", "jo", "--name", "Another", "--key", other)
    commands.refused("--role", "enrol", "person", "kim", "--name", "Kim", "--key", other, "--role", "emperor")
    # Whoever may not give roles can't.
    commands.refused("doesn't hold ADMINISTRATOR", "role", "grant", "jo", "administrator", key=jo)
    return jo


def check_device_site_and_software(commands):
    device = commands.key("icu7")
    commands.well("enrol", "device", "ICU-7", "--key", device, "--device-model", "vent-9", "--serial", "SN-7",
                  "--country", "DE", "--site", "hospital-a")
    commands.well(*commands.append("artifact.activated", ["unit=device_unit:ICU-7", "artifact=model:m@1"],
                                   {"surface": "segmentation_model"}, "device_unit/ICU-7"), key=device)
    where = harness.run("where", "m@1", "--ledger", commands.ledger)
    harness.expect("ICU-7" in where.stdout, f"the device's own record: {where.stdout} {where.stderr}")
    site = commands.key("hospital")
    commands.well("enrol", "site", "hospital-a", "--key", site)
    commands.well(*commands.document("site/hospital-a"), key=site)
    software = commands.key("pipeline")
    commands.well("enrol", "software", "pipeline-1", "--key", software)
    commands.well(*commands.document("software/pipeline-1"), key=software)
    commands.refused("is the stream of", *commands.document("site/hospital-a"), key=software)


def check_roles(commands, jo):
    policy = ("policy", "adopt", "--shipped", "--stream", "person/jo")
    commands.well("role", "withdraw", "jo", "quality_officer", "--rationale", "another job")
    commands.refused("doesn't hold", *policy, key=jo)
    commands.well("role", "grant", "jo", "quality_officer", "--until", "2020-01-01T00:00:00Z")
    commands.refused("doesn't hold", *policy, key=jo)
    commands.well("role", "grant", "jo", "quality_officer")
    adopted = commands.well(*policy, key=jo)
    harness.expect(all("policy.adopted" in line for line in adopted.stdout.splitlines()), adopted.stdout)
    commands.refused("rationale", "role", "withdraw", "jo", "quality_officer")


def check_credentials(commands, jo):
    second = commands.key("jo2")
    commands.well("credential", "issue", "jo", "--kind", "person", "--key", second)
    commands.well(*commands.document("person/jo"), key=second)
    third = commands.key("jo3")
    commands.well("credential", "rotate", "jo", "--kind", "person", "--old-key", second, "--key", third)
    commands.refused("key", *commands.document("person/jo"), key=second)
    commands.well(*commands.document("person/jo"), key=third)
    # Nobody ends a stranger's key, and no administrator the last authority there is.
    lost = ("credential", "report-lost", "ada", "--kind", "person", "--key", commands.place.key, "--rationale", "gone")
    commands.refused("doesn't hold ADMINISTRATOR", *lost, key=commands.place.path("icu7.key"))
    commands.refused("credential.rotated", *lost)
    commands.refused("from themself", "role", "withdraw", "ada", "administrator", "--rationale", "left")
    commands.well("credential", "report-lost", "jo", "--kind", "person", "--key", third, "--rationale", "on a train")
    commands.refused("reported lost", *commands.document("person/jo"), key=third)
    commands.well("credential", "revoke", "jo", "--kind", "person", "--key", jo, "--rationale", "left")
    commands.refused("revoked", *commands.document("person/jo"), key=jo)
    commands.refused("no credential was issued", "credential", "revoke", "jo", "--kind", "person", "--key",
                     commands.key("never"), "--rationale", "left")


def check_delegation(commands):
    certifier = commands.key("robot")
    commands.well("enrol", "software", "robot-1", "--key", certifier)
    delegate = ("delegate", "d-1", "--to", "robot-1", "--role", "certifier", "--until", "2100-01-01T00:00:00Z",
                "--signed-with")
    commands.refused("doesn't hold CERTIFIER", *delegate, "key,passphrase")
    commands.well("role", "grant", "ada", "certifier")
    commands.refused("at least two", *delegate, "key")
    delegated = commands.well(*delegate, "key,passphrase")
    harness.expect("authority.delegated" in delegated.stdout, delegated.stdout)
    # 21 CFR 11.50: whoever looks at a signed record sees the printed name, when it was signed and what it means.
    shown = harness.run("show", delegated.stdout.split()[0], "--ledger", commands.ledger)
    signed = [line for line in shown.stdout.splitlines() if "signed by" in line]
    harness.expect(len(signed) == 1 and "ada (person:ada) at 2" in signed[0] and "meaning " in signed[0], shown.stdout)
    commands.refused("is recorded already", *delegate, "key,passphrase")


def check_erasure(commands):
    key = commands.key("max")
    enrolled = commands.well("enrol", "person", "p-0042", "--name", "Max Mustermann", "--key", key, "--json")
    leaf = json.loads(enrolled.stdout)["indexes"][0]
    before = harness.run("show", leaf, "--ledger", commands.ledger)
    harness.expect(before.returncode == DONE, before.stderr)
    why = ("--rationale", "asked on 2026-11-20")
    commands.refused("--leaf or --about", "erase", "--basis", "Art. 17(1)(b)", "--authorised-by", "dpo", *why)
    # A role's record is not about a person in the sense of the regulation, and is kept.
    granted = commands.well("role", "grant", "p-0042", "auditor", "--json")
    kept = json.loads(granted.stdout)["indexes"][0]
    commands.refused("ERASABLE", "erase", "--leaf", kept, "--basis", "Art. 17(1)(b)", "--authorised-by", "dpo", *why)
    commands.well("erase", "--leaf", leaf, "--basis", "Art. 17(1)(b)", "--authorised-by", "dpo", *why)
    everything = harness.run("log", "--json", "--ledger", commands.ledger).stdout
    harness.expect("Max Mustermann" not in everything, "the name is still shown")
    commands.well("erase", "--refuse", "--ground", "LEGAL_OBLIGATION", "--about", "subject:s-17", "--review-at",
                  "2036-01-01T00:00:00Z", *why)
    commands.refused("--ground", "erase", "--refuse", "--ground", "BECAUSE", "--about", "subject:s-17", *why)
    checked = harness.run("fsck", commands.place.ledger)
    harness.expect(checked.returncode == DONE, f"fsck: {checked.stdout} {checked.stderr}")


def check_findings(commands):
    """Every command that appends says what is amiss with what it appended."""
    late = commands.well(*commands.append("code.revision_recorded", ["code=code_revision:c@1"],
                                          {"vcs": "git", "commitId": "1", "dirty": True}, "person/ada"))
    harness.expect("CODE-DIRTY" in late.stderr, f"append says nothing of its finding: {late.stderr}")
    found = json.loads(commands.well(*commands.append("code.revision_recorded", ["code=code_revision:c@2"],
                                                      {"vcs": "git", "commitId": "2", "dirty": True}, "person/ada"),
                                     "--json").stdout)
    rules = [finding["finding"]["rule"] for finding in found["findings"]]
    harness.expect("CODE-DIRTY" in rules, f"nor as JSON: {found}")


def main():
    harness.need_programs(os.path.join(harness.BIN, "anamnesis"))
    with harness.Place() as place:
        commands = Commands(place)
        jo = check_person(commands)
        check_device_site_and_software(commands)
        check_roles(commands, jo)
        check_findings(commands)
        check_credentials(commands, jo)
        check_delegation(commands)
        check_erasure(commands)
    print("enrol, role, credential, delegate and erase do what they say")


if __name__ == "__main__":
    main()
