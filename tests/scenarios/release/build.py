"""Prints the body of a build that lacks nothing but the fields named: build.py [FIELD...]"""

import json
import sys

DIGEST = {"algorithm": "SHA256", "value": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="}
BODY = {
    "toolchain": [{"name": "gcc", "digest": DIGEST}],
    "recipe": DIGEST,
    "outputs": [{"path": "alarm.so", "digest": DIGEST}],
    "reproducible": "YES",
}

print(json.dumps({name: value for name, value in BODY.items() if name not in sys.argv[1:]}))
