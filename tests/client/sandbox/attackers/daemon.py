"""Leaves a daemon in a session of its own behind, then ends, or waits when told to."""
import os
import signal
import sys
import time

reading, writing = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        if "quiet" in sys.argv:
            for descriptor in (0, 1, 2):
                os.close(descriptor)
        os.write(writing, b"r")
        while True:
            time.sleep(1)
    os._exit(0)
os.read(reading, 1)
print("left", flush=True)
while "wait" in sys.argv:
    time.sleep(1)
