#!/usr/bin/python3
"""Runs one scenario: commands of NAME.txt in a shell, in a directory of their own, whose output must be what stands
there word for word.

    run_scenario.py NAME [--write]     --write writes down what is printed now, to be read before it is committed

`anamnesis`, `forge` (tests/faults/forge.cc) and what is in programs/ are on the path. The directory holds a copy of the
directory NAME beside the text, if there is one, and ANAMNESIS_LEDGER names file:ledger in it. Lines of the text:

    # ...                   a comment
    clock TIME              sets the programs' wall clock; it goes on by a minute from command to command
    hide REGEX              what group 1 of it matches differs from run to run: shown as "..." from here on
    % COMMAND               must succeed; what it prints doesn't matter
    $ COMMAND               followed by what it prints, and "exit status N"
      COMMAND goes on       on lines after one that ends in a backslash

Times with a fraction of a second are when something was recorded, and are cut to the minute; event ids are numbered in
the order in which they show up."""

import datetime
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "faults"))
import harness  # noqa: E402

PROGRAMS = os.path.abspath(os.path.join(os.environ.get("ANAMNESIS_BUILD_DIR", "build/release"), "tests"))
WALL_CLOCK = os.path.join(PROGRAMS, "libwall_clock.so")
RECORDED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d):\d\d\.\d+Z")
EVENT_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b")


class Steps:
    """The text as commands and what is between them."""

    def __init__(self, text):
        self.lines = text.splitlines()

    def __iter__(self):
        """Yields (kind, the lines as they stand, the argument); a command's old output is left out."""
        lines = iter(self.lines)
        for line in lines:
            kind, _, argument = line.partition(" ")
            written = [line]
            if kind in ("$", "%"):
                while written[-1].endswith("\\"):
                    written.append(next(lines))
                argument = "\n".join(written)[2:]
            yield kind, written, argument
            if kind == "$":
                while not re.fullmatch(r"exit status \d+", next(lines, "exit status 0")):
                    pass


class Scenario:
    """Runs the commands, and writes them with what they print."""

    def __init__(self, directory):
        self.directory = directory
        self.now = None
        self.hidden = []
        self.ids = {}
        self.clock_file = os.path.join(directory, ".clock")
        self.written = []

    def environment(self):
        environment = {**os.environ, "ANAMNESIS_LEDGER": "file:ledger", "LC_ALL": "C.UTF-8",
                       "PATH": f"{os.path.abspath(harness.BIN)}:{PROGRAMS}:{HERE}/programs:{os.environ['PATH']}"}
        if self.now is not None:
            ahead = int(self.now.timestamp() * 1_000_000_000) - time.time_ns()
            with open(self.clock_file, "wb") as file:
                file.write(struct.pack("<q", ahead))
            environment |= {"LD_PRELOAD": WALL_CLOCK, "ANAMNESIS_WALL_CLOCK": self.clock_file}
            self.now += datetime.timedelta(minutes=1)
        return environment

    def shell(self, command):
        return subprocess.run(["bash", "-c", command], cwd=self.directory, env=self.environment(), text=True,
                              timeout=300, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)

    def normal(self, output):
        for pattern in self.hidden:
            output = pattern.sub(lambda match: match[0].replace(match[1], "..."), output)
        output = EVENT_ID.sub(lambda match: self.ids.setdefault(match[0], f"EVENT-{len(self.ids) + 1}"), output)
        return RECORDED.sub(r"\1Z", output)

    def do(self, kind, argument):
        if kind == "clock":
            self.now = datetime.datetime.fromisoformat(argument.replace("Z", "+00:00"))
        elif kind == "hide":
            self.hidden.append(re.compile(argument))
        elif kind == "%":
            done = self.shell(argument)
            so_far = "\n".join(self.written)
            harness.expect(done.returncode == 0, f"{so_far}\n{done.stdout}exit status {done.returncode}")
        elif kind == "$":
            done = self.shell(argument)
            self.written += self.normal(done.stdout).splitlines() + [f"exit status {done.returncode}"]
        else:
            harness.expect(kind in ("#", ""), f"neither a command nor a comment: {kind} {argument}")

    def run(self, text):
        for kind, lines, argument in Steps(text):
            self.written += lines
            self.do(kind, argument)
        return "\n".join(self.written) + "\n"


def printed(name, text):
    directory = tempfile.mkdtemp(prefix=f"anamnesis-scenario-{name}-")
    try:
        if os.path.isdir(os.path.join(HERE, name)):
            shutil.copytree(os.path.join(HERE, name), directory, dirs_exist_ok=True)
        return Scenario(directory).run(text)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def main():
    name = sys.argv[1]
    harness.need_programs(os.path.join(harness.BIN, "anamnesis"), WALL_CLOCK, os.path.join(PROGRAMS, "forge"))
    path = os.path.join(HERE, f"{name}.txt")
    with open(path, encoding="utf-8") as file:
        wanted = file.read()
    got = printed(name, wanted)
    if sys.argv[2:] == ["--write"]:
        with open(path, "w", encoding="utf-8") as file:
            file.write(got)
        return
    for number, (line, other) in enumerate(zip(wanted.splitlines() + [""], got.splitlines() + [""]), 1):
        harness.expect(line == other, f"{name}.txt:{number}: expected {line!r}, got {other!r}")
    harness.expect(got == wanted, f"{name}.txt: one of the two is longer")
    commands = sum(line.startswith("$ ") for line in wanted.splitlines())
    harness.expect(commands > 0, f"{name}.txt asks nothing")
    print(f"{commands} commands printed what is written down")


if __name__ == "__main__":
    main()
