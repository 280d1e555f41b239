"""Prints a JSON object without one of its fields."""

import json
import sys

with open(sys.argv[2], encoding="utf-8") as file:
    whole = json.load(file)
del whole[sys.argv[1]]
print(json.dumps(whole))
