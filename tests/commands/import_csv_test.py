#!/usr/bin/python3
"""A17: a spreadsheet becomes retrospective events with the dates that it gives; importing it again adds nothing, and a
row that is refused keeps no other out."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))
import harness  # noqa: E402

MAPPING = {
    "type": "dataset.curated",
    "occurred_at": "{Date}",
    "refs": ["dataset=dataset:{Dataset}@{Version}", "curator=person:{Curator}"],
    "body": {"source": "{Source}", "inclusion": ["{Criteria}"], "recordsOut": "{Records}",
             "selectionRationale": "{Why}"},
}
SHEET = """Dataset;Version;Date;Curator;Source;Criteria;Records;Why
spleen;1;2023-04-01;ada;PACS of hospital A;"adults; consecutive";320;as in routine use
spleen;2;2023-09-15T08:30:00Z;ada;PACS of hospital A;adults;347;27 more
lung;1;;ada;PACS;adults;12;no date
liver;1;2023-10-01;ada;PACS;adults;many;not a number
"""


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def main():
    with harness.Place() as place:
        sheet = write(place.path("data sets.csv"), SHEET)
        mapping = write(place.path("mapping.json"), json.dumps(MAPPING))
        ledger = f"file:{place.ledger}"
        command = ("import", "csv", sheet, "--mapping", mapping, "--as", place.key, "--ledger", ledger, "--json")
        done = harness.run(*command)
        harness.expect(done.returncode == 1, f"two rows can't be imported: {done.returncode} {done.stderr}")
        report = json.loads(done.stdout)
        harness.expect((report["rows"], report["eventsAdded"], report["eventsAlreadyThere"]) == (4, 2, 0), report)
        harness.expect([row["place"] for row in report["notImported"]] == ["line 4", "line 5"], report)
        harness.expect("occurred_at" in report["notImported"][0]["reason"], report)
        harness.expect("records_out" in report["notImported"][1]["reason"], report)

        log = harness.run_well("log", "--type", "dataset.curated", "--json", "--ledger", ledger)
        events = [item["event"] for item in map(json.loads, log.splitlines()) if "event" in item]
        harness.expect(len(events) == 2, f"{len(events)} events")
        for event in events:
            harness.expect(event["header"]["retrospective"], f"not marked: {event}")
            harness.expect(event["header"]["rationale"].startswith("imported from data sets.csv"), event["header"])
        first, second = (event["header"] for event in events)
        day = 1680307200 * 10**6
        harness.expect((int(first["occurredEarliestUs"]), int(first["occurredLatestUs"])) ==
                       (day - 14 * 3600 * 10**6, day + (24 + 12) * 3600 * 10**6 - 1), f"not that day: {first}")
        harness.expect(second["occurredEarliestUs"] == second["occurredLatestUs"], f"not that moment: {second}")
        explained = harness.run_well("status", "dataset:spleen", "--ledger", ledger)
        harness.expect("2023" in explained, f"the versions' history: {explained}")

        # Again, mended, and with a version whose content was changed, which never moves.
        write(sheet, SHEET.replace("lung;1;;", "lung;1;2023-09-30;").replace(";many;", ";12;")
              .replace(";320;", ";321;"))
        again = harness.run(*command)
        report = json.loads(again.stdout)
        harness.expect((report["eventsAdded"], report["eventsAlreadyThere"]) == (2, 1), report)
        harness.expect(len(report["notImported"]) == 1 and "is recorded already" in report["notImported"][0]["reason"],
                       report)
    print("imported, again and mended")


if __name__ == "__main__":
    main()
