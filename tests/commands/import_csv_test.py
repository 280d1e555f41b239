#!/usr/bin/python3
"""A17: a spreadsheet becomes retrospective events with the dates that it gives; importing it again adds nothing, and a
row that is refused keeps no other out."""

import hashlib
import json
import os
import sys
import uuid

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


def check_renamed(place, ledger, mapping):
    """A row is the same row in a file of another name; a broken mapping is called by its own."""
    head, row = SHEET.splitlines()[:2]
    other = write(place.path("other.csv"), f"{head}\n{row}\nbone;1;2023-11-01;ada;PACS;adults;9;new\n")
    command = ("import", "csv", other, "--mapping", mapping, "--as", place.key, "--ledger", ledger, "--json")
    for added, there in ((1, 1), (0, 2)):
        done = harness.run(*command)
        report = json.loads(done.stdout)
        harness.expect(done.returncode == 0, f"{done}")
        harness.expect((report["eventsAdded"], report["eventsAlreadyThere"]) == (added, there), report)
    for text, why in (("{", "not JSON"), (json.dumps({**MAPPING, "type": "dataset.curatd"}), "dataset.curatd")):
        broken = write(place.path("broken.json"), text)
        done = harness.run("import", "csv", other, "--mapping", broken, "--as", place.key, "--ledger", ledger)
        harness.expect(done.returncode == 2 and f"{broken}: " in done.stderr and why in done.stderr, f"{done}")


def id_of_row(*texts, at_ms):
    """What anybody can compute."""
    digest = hashlib.sha256("".join(f"{len(text)}:{text}" for text in texts).encode()).digest()
    data = bytearray(at_ms.to_bytes(6, "big") + digest[:10])
    data[6], data[8] = data[6] & 0x0F | 0x70, data[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(data)))


def check_reasons(place, ledger):
    """Rows that differ in nothing but the reason are rows of their own; and an id, which anybody can compute, is the
    row's only where the event under it says what the row says."""
    mapping = write(place.path("reasons.json"), json.dumps(
        {"type": "dataset.curated", "occurred_at": "{Date}", "refs": ["dataset=dataset:{Dataset}@1"],
         "body": {"source": "PACS"}, "rationale": "{Note}"}))

    def imported(name, *notes):
        rows = "".join(f"2024-05-01,knee,{note}\n" for note in notes)
        sheet = write(place.path(name), f"Date,Dataset,Note\n{rows}")
        done = harness.run("import", "csv", sheet, "--mapping", mapping, "--as", place.key, "--ledger", ledger,
                           "--json")
        report = json.loads(done.stdout)
        return done.returncode, report["eventsAdded"], report["eventsAlreadyThere"], report["notImported"]

    harness.expect(imported("a.csv", "one", "two") == (0, 2, 0, []), "two reasons")
    harness.expect(imported("b.csv", "consent was withdrawn") == (0, 1, 0, []), "another reason in another file")
    harness.expect(imported("a.csv", "one", "changed") == (0, 1, 1, []), "a changed reason")
    harness.expect(imported("c.csv", "two", "changed") == (0, 0, 2, []), "the same of another file")
    taken = id_of_row("anamnesis import csv 2", "dataset.curated",
                      "2024-05-01T00:00:00Z/2024-05-01T23:59:59.999999Z", '{"source":"PACS"}', "dataset=dataset:knee@1",
                      "2024-04-30T10:00:00Z/2024-05-02T11:59:59.999999Z", "incriminating", at_ms=1714471200000)
    other = write(place.path("other.jsonl"), json.dumps(
        {"type": "dataset.curated", "refs": ["dataset=dataset:foot@1"], "body": {"source": "PACS"}, "event_id": taken,
         "rationale": "something else"}) + "\n")
    harness.run_well("append", "--jsonl", other, "--as", place.key, "--ledger", ledger)
    status, added, there, refused = imported("d.csv", "incriminating")
    harness.expect((status, added, there) == (1, 0, 0), "an id that another event has")
    harness.expect("has this row's event id and another reference" in refused[0]["reason"], refused)


def check_retracted(place, ledger):
    """A row whose event was retracted is neither there nor added; one whose retraction was taken back is there."""
    mapping = write(place.path("retracted.json"), json.dumps(
        {"type": "dataset.curated", "occurred_at": "{Date}", "refs": ["dataset=dataset:{Dataset}@1"],
         "body": {"source": "PACS"}}))
    sheet = write(place.path("retracted.csv"), "Date,Dataset\n2024-06-01,hip\n2024-06-02,hand\n")

    def imported():
        done = harness.run("import", "csv", sheet, "--mapping", mapping, "--as", place.key, "--ledger", ledger,
                           "--json")
        report = json.loads(done.stdout)
        return done.returncode, report["eventsAdded"], report["eventsAlreadyThere"], report["notImported"]

    def retract(event):
        body = write(place.path("retracted-body.json"), json.dumps({"kind": "RETRACTED"}))
        harness.run_well("append", "--stream", "corrections", "--type", "record.corrected", "--body", body,
                         "--corrects", str(event), "--rationale", "the wrong hospital", "--as", place.key,
                         "--ledger", ledger)
        log = harness.run_well("log", "--json", "--ledger", ledger)
        return max(int(item["event"].get("index", 0)) for item in map(json.loads, log.splitlines()) if "event" in item)

    harness.expect(imported() == (0, 2, 0, []), "two rows")
    log = harness.run_well("log", "--type", "dataset.curated", "--json", "--ledger", ledger)
    hip = [item["event"]["index"] for item in map(json.loads, log.splitlines())
           if "event" in item and item["event"]["header"]["refs"][0]["id"] == "hip"][0]
    retraction = retract(hip)
    status, added, there, refused = imported()
    harness.expect((status, added, there) == (1, 0, 1), f"{status} {added} {there} {refused}")
    harness.expect([row["place"] for row in refused] == ["line 2"] and f"leaf {hip} was retracted" in
                   refused[0]["reason"], refused)
    retract(retraction)
    harness.expect(imported() == (0, 0, 2, []), "the retraction was taken back")


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
        check_renamed(place, ledger, mapping)
        check_reasons(place, ledger)
        check_retracted(place, ledger)
    print("imported, again and mended")


if __name__ == "__main__":
    main()
