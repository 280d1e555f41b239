#!/usr/bin/python3
"""Writes patients.csv into the directory named: made-up patients, the same each time."""

import csv
import os
import random
import sys

PATIENTS = 2000


def patient(generator, number):
    """Vital signs of somebody who deteriorates within the hour (one in four), or doesn't."""
    deteriorates = number % 4 == 0
    shift = 1.0 if deteriorates else 0.0
    return {"patient": f"p-{number:04}", "sex": generator.choice(["woman", "man"]),
            "age": generator.randint(18, 95), "heart_rate": round(generator.gauss(80 + 32 * shift, 10), 1),
            "breaths_per_minute": round(generator.gauss(16 + 9 * shift, 3), 1),
            "oxygen_saturation": round(min(100.0, generator.gauss(97 - 6 * shift, 1.8)), 1),
            "deteriorates": int(deteriorates)}


def write(directory):
    generator = random.Random(62304)
    rows = [patient(generator, number) for number in range(PATIENTS)]
    with open(os.path.join(directory, "patients.csv"), "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    write(sys.argv[1])
