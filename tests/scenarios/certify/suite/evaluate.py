#!/usr/bin/python3
"""Measures the alarm with an artifact's threshold: evaluate.py
boundaries|stream|accuracy|subgroups|robustness. Reads threshold.json of
the directory ARTIFACT and patients.csv of SUITE, writes result.json into RESULT; these are /artifact, /suite, /result
unless the environment names others."""

import csv
import json
import math
import os
import sys

SUITE, ARTIFACT, RESULT = (os.environ.get(name, "/" + name.lower()) for name in ("SUITE", "ARTIFACT", "RESULT"))
Z95 = 1.959964


def score(row):
    """Between 0 and 1, fixed at release."""
    heart = (float(row["heart_rate"]) - 96) / 10
    breath = (float(row["breaths_per_minute"]) - 20.5) / 3
    oxygen = (94 - float(row["oxygen_saturation"])) / 1.8
    return 1 / (1 + math.exp(-0.8 * (heart + breath + oxygen)))


def alarm(value, threshold):
    return value >= threshold


def metric(name, hits, count, subgroup=""):
    """A proportion with its Wilson interval."""
    if count == 0:
        return {"name": name, "value": "0", "ciLow": "0", "ciHigh": "1", "n": "0", "subgroup": subgroup}
    share = hits / count
    middle = share + Z95 ** 2 / (2 * count)
    half = Z95 * math.sqrt(share * (1 - share) / count + Z95 ** 2 / (4 * count ** 2))
    scale = 1 + Z95 ** 2 / count
    return {"name": name, "value": f"{share:.4f}", "ciLow": f"{max(0.0, (middle - half) / scale):.4f}",
            "ciHigh": f"{min(1.0, (middle + half) / scale):.4f}", "n": str(count), "subgroup": subgroup}


def sensitivity(rows, threshold, subgroup=""):
    ill = [row for row in rows if row["deteriorates"] == "1"]
    return metric("sensitivity", sum(alarm(score(row), threshold) for row in ill), len(ill), subgroup)


def specificity(rows, threshold, subgroup=""):
    well = [row for row in rows if row["deteriorates"] == "0"]
    return metric("specificity", sum(not alarm(score(row), threshold) for row in well), len(well), subgroup)


def boundaries(rows, threshold):
    """It sounds at the threshold and above it, not below; and the threshold is one that a score can reach."""
    right = [alarm(threshold, threshold), not alarm(math.nextafter(threshold, 0), threshold),
             alarm(math.nextafter(threshold, 1), threshold), 0 < threshold < 1]
    return [metric("boundary_decisions_right", sum(right), len(right))]


def stream(rows, threshold):
    """Readings that went over the wire as JSON lines lead to the same decisions."""
    wire = "\n".join(json.dumps(row) for row in rows)
    received = [json.loads(line) for line in wire.splitlines()]
    agreed = sum(alarm(score(a), threshold) == alarm(score(b), threshold) for a, b in zip(rows, received))
    return [metric("decisions_agreed", agreed, len(rows))]


def accuracy(rows, threshold):
    return [sensitivity(rows, threshold), specificity(rows, threshold)]


def subgroups(rows, threshold):
    groups = {"women": lambda row: row["sex"] == "woman", "men": lambda row: row["sex"] == "man",
              "65 and older": lambda row: int(row["age"]) >= 65}
    return [measure([row for row in rows if belongs(row)], threshold, name)
            for name, belongs in groups.items() for measure in (sensitivity, specificity)]


def robustness(rows, threshold):
    """How many decisions a measuring error of one unit in each sign turns over."""
    turned = 0
    for row in rows:
        shaken = dict(row, heart_rate=float(row["heart_rate"]) + 1,
                      oxygen_saturation=float(row["oxygen_saturation"]) - 0.5)
        turned += alarm(score(row), threshold) != alarm(score(shaken), threshold)
    return [metric("decisions_turned", turned, len(rows))]


def main():
    with open(os.path.join(ARTIFACT, "threshold.json")) as file:
        threshold = json.load(file)["threshold"]
    with open(os.path.join(SUITE, "patients.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    measure = {"boundaries": boundaries, "stream": stream, "accuracy": accuracy,
               "subgroups": subgroups, "robustness": robustness}[sys.argv[1]]
    with open(os.path.join(RESULT, "result.json"), "w") as file:
        json.dump({"metrics": measure(rows, threshold)}, file)


if __name__ == "__main__":
    main()
