"""Looks for the host's files, processes, environment and descriptors; prints each that it sees."""
import os
import sys

HOST = ("/etc/shadow", "/etc/passwd", "/etc/hostname", "/root", "/home", "/var", "/run", "/sys/kernel", "/srv", "/opt",
        "/usr/local", "/proc/1/root/etc/passwd", "/proc/self/root/etc/passwd", "/proc/kcore")
for path in (*HOST, *sys.argv[1:]):
    try:
        found = os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
        if found:
            print("escaped:", path)
    except OSError:
        pass
if "SECRET_OF_THE_HOST" in os.environ or b"SECRET_OF_THE_HOST" in open("/proc/self/environ", "rb").read():
    print("escaped: environment")
others = [name for name in os.listdir("/proc") if name.isdigit() and int(name) not in (1, os.getpid())]
if others:
    print("escaped: processes", others)
inherited = []
for descriptor in range(3, 1000):
    try:
        os.fstat(descriptor)
        inherited.append(descriptor)
    except OSError:
        pass
if inherited:
    print("escaped: descriptors", inherited)
print("done")
