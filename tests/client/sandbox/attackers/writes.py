"""Tries to write everywhere but where it may; prints each place that took it."""
import os
import sys

for root in ("/", "/usr", "/usr/bin", "/usr/lib", "/dev", "/proc", "/input", "/proc/sys/kernel"):
    try:
        with open(os.path.join(root, "written"), "w"):
            print("escaped: file in", root)
    except OSError:
        pass
    try:
        os.mkdir(os.path.join(root, "made"))
        print("escaped: directory in", root)
    except OSError:
        pass
for file in (sys.argv[0], "/usr/bin/env", "/proc/self/exe", "/proc/1/mem", "/proc/1/environ"):
    try:
        with open(file, "r+b") as opened:
            opened.write(b"x")
        print("escaped: changed", file)
    except OSError:
        pass
for call in (lambda: os.remove(sys.argv[0]), lambda: os.chmod("/input", 0o777), lambda: os.rename("/usr", "/usr2"),
             lambda: os.link("/usr/bin/env", "/tmp/env"), lambda: os.chown("/tmp", 0, 0)):
    try:
        call()
        print("escaped: a call changed what is not its own")
    except OSError:
        pass
with open("/result/own", "w") as own, open("/tmp/own", "w"):
    own.write("mine")
print("done")
