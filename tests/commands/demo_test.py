#!/usr/bin/python3
"""The demo runs to its end and shows what it says; it makes its directory anew, and removes none that no demo made."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ.get("ANAMNESIS_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
BIN = pathlib.Path(os.environ.get("ANAMNESIS_BIN_DIR", ROOT / "build/release/bin")).resolve()
MARKER = ".anamnesis-demo"


def write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


class Tree:
    """A source tree whose programs do nothing: the demo ends at its first step, with its directory made."""

    def __init__(self, root):
        self.root = root
        for path in ("deploy/packages", "deploy/build", "build/release/bin/anamnesis"):
            write(root / path, "#!/bin/sh\nexit 0\n" if path.startswith("deploy") else "#!/bin/sh\nexit 9\n", 0o755)
        shutil.copy(ROOT / "deploy/demo", root / "deploy/demo")

    def run(self, directory=None):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.root)}
        if directory is not None:
            environment["ANAMNESIS_DEMO_DIR"] = str(directory)
        return subprocess.run([self.root / "deploy/demo"], env=environment, capture_output=True, text=True, timeout=60)

    def check(self, holding, made_anew, default=False):
        """With a directory that holds these files."""
        place = self.root / "build/demo" if default else self.root / "place"
        shutil.rmtree(place, ignore_errors=True)
        for name in holding:
            write(place / name, "precious")
        done = self.run(None if default else place)
        left = {name for name in holding if (place / name).is_file() and (place / name).read_text() == "precious"}
        if made_anew:
            assert done.returncode == 9 and not left and (place / MARKER).exists(), f"{holding}: {left} {done}"
        else:
            assert done.returncode == 1 and left == set(holding), f"{holding}: {left} {done}"
            assert "no demo made" in done.stderr and not (place / MARKER).exists(), f"{done}"


def check_to_its_end(root):
    """With the programs as they are built, which it needs not build again."""
    for path in ("deploy/packages", "deploy/build"):
        write(root / path, "#!/bin/sh\nexit 0\n", 0o755)
    shutil.copy(ROOT / "deploy/demo", root / "deploy/demo")
    (root / "tests").symlink_to(ROOT / "tests")
    (root / "build/release").mkdir(parents=True)
    (root / "build/release/bin").symlink_to(BIN)
    environment = {"PATH": os.environ["PATH"], "HOME": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([root / "deploy/demo"], env=environment, capture_output=True, text=True, timeout=600)
    said = done.stdout
    assert done.returncode == 0, f"{said[-3000:]}{done.stderr}"
    then, now = said.index("As known then"), said.index("As known now")
    assert re.search(r"segmentation_model: model spleen_ct_segmentation@0\.2\.0 .*\[recorded\]", said[then:now]), said
    assert re.search(r"segmentation_model: model spleen_ct_segmentation@0\.3\.1 .*\[attested\]", said[now:]), said
    print(re.search(r"reconstructed \d+ s after the demo began", said).group())
    count, of = re.search(r"all receipts of the answer: (\d+) of (\d+) verified", said).groups()
    assert count == of != "0", said
    assert re.search(r"^   verified .*incident", said, re.MULTILINE), said
    leaf = re.search(r"flipped a byte of leaf (\d+)", said).group(1)
    assert re.search(rf"leaf {leaf}\b", said[said.index("flipped a byte"):]), said
    if "No sandbox can be made" in said:
        print("NOT TESTED: the second act, for want of a sandbox")
        return
    assert "ALLOW  artifact:shift@1 on unit ICU-1 in US" in said, said
    assert re.search(r"DENY  artifact:shift@1 on unit ICU-2 in DE\b", said), said
    assert "denied now: G04, G06, G07, G08" in said, said
    assert said.index("ALLOW  artifact:shift@2 on unit ICU-1 in US") > said.index("denied now"), said
    assert re.search(r"alert_threshold: artifact shift@2 ", said[said.index("anamnesis config ICU-1"):]), said
    assert "computed again over the same events: the same bytes" in said[said.index("Years later"):], said
    assert "\033[1mDone.\033[0m" in said, said


def main():
    with tempfile.TemporaryDirectory() as directory:
        tree = Tree(pathlib.Path(directory))
        tree.check([], made_anew=True)
        # What the last one left.
        assert tree.run(tree.root / "place").returncode == 9
        tree.check([MARKER, "ledger/x"], made_anew=True)
        tree.check(["thesis"], made_anew=False)
        tree.check([".profile"], made_anew=False)
        # Of a demo before there was a marker, where it works unless it is told otherwise.
        tree.check(["SYNTHETIC-ICU-7.key", "ledger/x"], made_anew=True, default=True)
        tree.check(["SYNTHETIC-ICU-7.key", "ledger/x"], made_anew=False)
        tree.check(["thesis"], made_anew=False, default=True)
        done = tree.run(tree.root)
        assert done.returncode == 1 and (tree.root / "deploy/demo").exists(), f"home: {done}"
        write(tree.root / "file", "precious")
        assert tree.run(tree.root / "file").returncode == 1 and (tree.root / "file").exists(), "a file"
    for program in ("anamnesis", "anamnesisd", "anamnesis-sandbox-probe"):
        if not (BIN / program).exists():
            print(f"SKIPPED: {BIN / program} isn't built")
            sys.exit(77)
    with tempfile.TemporaryDirectory() as directory:
        check_to_its_end(pathlib.Path(directory).resolve())


if __name__ == "__main__":
    sys.exit(main())
