#!/usr/bin/python3
"""A history in which one number stands for several things: an archive that was replaced and a version that came back
are recorded beside the first, whatever is read next, and later versions are imported."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))
import harness  # noqa: E402
from harness import expect  # noqa: E402


def version(number, commit, released=None, **more):
    """`commit` and what `released` names are single hexadecimal digits."""
    line = {"bundle": "spleen", "version": number, "commit": commit * 40, "commit_date": f"2023-01-0{commit}T00:00:00Z",
            "data_source": "somewhere", "data_type": "dicom", "eval_metrics": {"dice": "0.9"}, "tree": commit * 40,
            **more}
    if released:
        line["released"] = {"date": f"2023-02-0{released}T00:00:00Z", "checksum": released * 40,
                            "source": "https://example.com/spleen.zip", "commit": released * 40}
    return line


def main():
    with harness.Place() as place:
        at = ("--ledger", f"file:{place.ledger}")
        history = place.path("history.jsonl")

        def take(*lines):
            with open(history, "w", encoding="utf-8") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)
            done = harness.run("import", "monai", history, "--as", place.key, *at, "--json")
            expect(done.returncode in (0, 1), f"exit status {done.returncode}: {done.stderr}")
            return json.loads(done.stdout)

        def defined(event_type, role):
            lines = harness.run_well("log", "--type", event_type, "--json", *at).splitlines()
            events = [item["event"] for item in map(json.loads, lines) if "event" in item]
            return [ref["version"] for event in events for ref in event["header"]["refs"] if ref["role"] == role]

        first = version("0.1.0", "1", released="1")
        expect(take(first)["eventsAdded"] == 7, "the first version")
        lines = [first, version("0.1.0", "1", released="2"), version("0.2.0", "2"), version("0.1.0", "3", released="3"),
                 version("0.3.0", "4", prev_version="0.1.0")]
        report = take(*lines)
        expect(report["unreadable"] == [], report)
        releases = defined("release.approved", "release")
        expect(releases == ["0.1.0", "0.1.0+" + "2" * 12, "0.1.0+" + "3" * 12], releases)
        expect(defined("model.registered", "model") == ["0.1.0", "0.2.0", "0.1.0+" + "3" * 12, "0.3.0"], "models")
        expect(defined("model.registered", "previous_model") == ["0.1.0+" + "3" * 12], "what 0.3.0 came from")
        expect(take(*lines)["eventsAdded"] == 0, "imported again")
        # Another reading of the same history, which has another archive first.
        report = take(version("0.1.0", "1", released="4"), *lines)
        expect((report["eventsAdded"], report["unreadable"]) == (1, []), report)
        harness.run_well("status", "release:spleen@0.1.0+" + "4" * 12, *at)

        # Somebody else's word for a version is not overruled, and keeps no other out.
        body = place.path("body.json")
        with open(body, "w", encoding="utf-8") as file:
            json.dump({"vcs": "git", "commitId": "5" * 40}, file)
        harness.run_well("append", "--stream", "person/ada", "--type", "code.revision_recorded", "--body", body,
                         "--ref", "code=code_revision:spleen@" + "5" * 40, "--as", place.key, *at)
        report = take(*lines, version("0.4.0", "5"), version("0.5.0", "6"))
        expect(len(report["unreadable"]) == 1 and "is recorded already" in report["unreadable"][0]["reason"], report)
        expect(defined("model.registered", "model")[-1] == "0.5.0", "what comes after")
    print("imported: replaced, come back, read otherwise, taken")


if __name__ == "__main__":
    main()
