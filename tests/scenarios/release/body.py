"""Prints the body of a release that lacks nothing but the fields named: body.py [FIELD...]"""

import json
import sys

BODY = {
    "archive": [{"path": "alarm.tar", "locator": "https://archive.acme-cardio.example/alarm.tar",
                 "digest": {"algorithm": "SHA256", "value": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="}}],
    "residualAnomalies": ["AN-1: the clock drifts by 2 s a day"],
    "deliveryMethod": "signed download",
    "tasksComplete": True,
}

print(json.dumps({name: value for name, value in BODY.items() if name not in sys.argv[1:]}))
