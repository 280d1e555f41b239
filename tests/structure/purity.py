#!/usr/bin/python3
"""Looks for symbols that reach the outside world in the static libraries of pure rooms.

Run by structure_test.py, or by hand: tests/structure/purity.py build/release
"""

import pathlib
import re
import subprocess
import sys

import rooms

FORBIDDEN = {
    "clock": r"clock_gettime|clock_getres|clock|gettimeofday|time|timespec_get|localtime.*|nanosleep|usleep|sleep|"
             r"std::chrono::.*now\(\)|absl::(.*::)?(Now|GetCurrentTimeNanos|SleepFor)\(.*|AbslInternalSleepFor.*",
    "randomness": r"s?rand|s?random|rand_r|[dlm]rand48|getrandom|getentropy|arc4random.*|randombytes.*|RAND_.*|"
                  r"std::random_device::.*|absl::.*BitGen.*|crypto_(?!.*seed_keypair).*_(keypair|keygen)|EVP_.*_keygen",
    "thread": r"pthread_(create|join|detach)|thrd_create|fork|vfork|posix_spawnp?|exec[vl]p?e?|system|std::thread::.*|"
              r"std::(__basic_future|this_thread|condition_variable).*",
    "file": r"f(re|d)?open(64)?|open(at)?(64)?|creat(64)?|p?(read|write)(64)?|unlink(at)?|rename(at)?|mkdir|opendir|"
            r"f?stat(64)?|f?truncate(64)?|f(data)?sync|mmap(64)?|std::basic_(i|o)?f(ile|stream).*|std::filesystem::.*",
    "socket": r"socket|connect|bind|listen|accept4?|send(to|msg)?|recv(from|msg)?|getaddrinfo|poll|select|epoll_.*",
    "environment": r"(secure_)?getenv|setenv|putenv|environ",
}
PATTERNS = {what: re.compile(pattern) for what, pattern in FORBIDDEN.items()}

# (room, symbol): why it is allowed. Not forbidden at all: mutexes, and sodium_init, which opens libsodium's generator
# of which no pure room may draw.
ALLOWED = {}


def impurities(library):
    """(kind, symbol) of every forbidden undefined symbol of a static library."""
    listing = subprocess.run(["nm", "-u", "-C", library], check=True, capture_output=True, text=True).stdout
    symbols = {re.sub(r"^\s*[UwvV] |@.*$", "", line) for line in listing.splitlines() if re.match(r"\s+[UwvV] ", line)}
    return sorted((what, s) for s in symbols for what, pattern in PATTERNS.items() if pattern.fullmatch(s))


def check(root, build_directory):
    """Problems, and how many libraries were looked at."""
    problems, seen = [], 0
    for room in rooms.read(root).rooms.values():
        library = pathlib.Path(build_directory) / "lib" / f"libanamnesis_{room.name.replace('/', '_')}.a"
        if room.pure and library.exists():
            seen += 1
            problems += [f"{room.name} is pure but uses {symbol} ({what})" for what, symbol in impurities(library)
                         if (room.name, symbol) not in ALLOWED]
    return problems, seen


if __name__ == "__main__":
    found, _ = check(pathlib.Path(__file__).parents[2], sys.argv[1])
    print("\n".join(found))
    sys.exit(1 if found else 0)
