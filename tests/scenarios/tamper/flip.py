"""Flips the lowest bit of a file's byte; a negative place counts from its end."""

import sys

path, place = sys.argv[1], int(sys.argv[2])
with open(path, "r+b") as file:
    file.seek(place, 2 if place < 0 else 0)
    byte = file.read(1)[0]
    file.seek(-1, 1)
    file.write(bytes([byte ^ 1]))
