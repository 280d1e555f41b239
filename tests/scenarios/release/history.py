"""Prints what is recorded of an item before its release: history.py ITEM [CLASS]"""

import json
import sys

ITEM, CLASS = (sys.argv[1:] + [""])[:2]
DIGEST = {"algorithm": "SHA256", "value": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="}


def event(kind, refs, body):
    print(json.dumps({"stream": "person/ada", "type": kind, "refs": refs, "body": body}))


event("software_item.identified", [f"item=software_item:{ITEM}"],
      {"name": ITEM, "level": "SYSTEM", "trainability": "FIXED"})
if CLASS:
    event("safety_class.assigned", [f"item=software_item:{ITEM}"], {"safetyClass": f"SOFTWARE_SAFETY_CLASS_{CLASS}"})
event("model.registered",
      [f"model=model:{ITEM}@1", f"training_run=training_run:{ITEM}", f"dataset=dataset:{ITEM}@1",
       f"code=code_revision:{ITEM}@1", f"item=software_item:{ITEM}"],
      {"files": [{"path": f"{ITEM}.onnx", "digest": DIGEST}]})
for level in ("SYSTEM", "INTEGRATION"):
    name = f"{ITEM}-{level.lower()}"
    event("test_case.approved", [f"test_case=test_case:{name}@1", f"item=software_item:{ITEM}"],
          {"level": level, "procedure": "replay the episodes", "expected": "an alert within 2 s"})
    event("test_run.completed",
          [f"test_run=test_run:{name}", f"test_case=test_case:{name}@1", f"item=software_item:{ITEM}",
           "tester=person:tess", f"verified=model:{ITEM}@1"],
          {"level": level, "result": "PASS", "configurationDigest": DIGEST["value"], "testConfiguration": "bench 2",
           "tools": ["replayer 1.4"]})
