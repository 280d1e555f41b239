"""Writes without end on the stream named first."""
import sys

stream = sys.stdout if sys.argv[1] == "stdout" else sys.stderr
while True:
    stream.write("x" * 65536)
