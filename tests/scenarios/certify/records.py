"""What is recorded of the suite beside this file before anything is certified by it: bodies as `anamnesis append` takes
them. Used by ../certify_test.py and by the demo's second act (../gate/steps.py)."""

import base64
import hashlib
import os

# Each test case: its level, and the risk controls that it exercises.
CASES = {"boundaries@1": ("UNIT", ["alarm-missed", "fair-alarm", "alarm-fatigue"]),
         "stream@1": ("INTEGRATION", ["alarm-missed"]),
         "accuracy@1": ("SYSTEM", ["alarm-missed"]), "subgroups@1": ("SYSTEM", ["alarm-missed", "fair-alarm"]),
         "robustness@1": ("SYSTEM", ["alarm-fatigue"])}
CONTROLS = sorted({control for _, controls in CASES.values() for control in controls})
SUITES = {"A": ["accuracy@1"], "B": ["accuracy@1", "subgroups@1"], "C": list(CASES)}
LOWER = "lower bound of the 95 % interval"
CRITERIA = [{"metric": "boundary_decisions_right", "comparator": ">=", "value": "1"},
            {"metric": "decisions_agreed", "comparator": ">=", "value": "1"},
            {"metric": "sensitivity", "comparator": ">=", "value": "0.95", "confidence": LOWER},
            {"metric": "specificity", "comparator": ">=", "value": "0.90"},
            *({"metric": "sensitivity", "comparator": ">=", "value": "0.90", "subgroup": group}
              for group in ("women", "men", "65 and older")),
            {"metric": "decisions_turned", "comparator": "<=", "value": "0.05"}]
ISOLATION = ["network", "clinical_path", "host", "filesystem", "system_calls", "memory", "processes", "files", "cpu",
             "wall_clock", "descendants", "output"]


def file_record(directory, name):
    with open(os.path.join(directory, name), "rb") as file:
        data = file.read()
    return {"path": name, "sizeBytes": str(len(data)),
            "digest": {"algorithm": "SHA256", "value": base64.b64encode(hashlib.sha256(data).digest()).decode()}}


def test_case(directory, case):
    """test_case.approved of a suite in a directory, patients.csv included."""
    return {"level": CASES[case][0], "procedure": "run the program", "expected": "the protocol's criteria",
            "files": [file_record(directory, name) for name in (f"{case}.json", "evaluate.py", "patients.csv")]}


def protocol(signature, isolation=None, suites=None):
    """sandbox_protocol.approved."""
    return {"suites": [{"safetyClass": "SOFTWARE_SAFETY_CLASS_" + letter, "testCases": cases}
                       for letter, cases in (suites or SUITES).items()],
            "isolationRequirements": isolation or ISOLATION, "acceptanceCriteria": CRITERIA, "signature": signature}
