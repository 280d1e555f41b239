"""A full disk: appends are refused with a line that names the disk, everything else goes on, and when there is space
again appends resume by themselves. Needs root and the permission to mount.

First the space is taken while nothing is appended, down to just below the ledger's reserve. Then, under load, all of
it, so that a write of the storage itself may fail."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time

import harness

DISK_MIB = 240
LEFT_MIB = 20
RESUMES_WITHIN = 30


@contextlib.contextmanager
def small_disk(home):
    """An ext4 file system of its own in a file, else a tmpfs."""
    image, mounted = os.path.join(home, "disk.img"), os.path.join(home, "disk")
    os.mkdir(mounted)
    with open(image, "wb") as file:
        file.truncate(DISK_MIB << 20)
    made = subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], capture_output=True, check=False) \
        if os.path.exists("/sbin/mkfs.ext4") else None
    loop = ["mount", "-o", "loop", image, mounted]
    if made is None or made.returncode != 0 or subprocess.run(loop, capture_output=True, check=False).returncode != 0:
        tmpfs = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", mounted]
        if subprocess.run(tmpfs, capture_output=True, check=False).returncode != 0:
            harness.skip("neither a loop device nor a tmpfs can be mounted here")
    try:
        yield mounted
    finally:
        subprocess.run(["umount", "-l", mounted], check=False)


def free_mib(directory):
    stat = os.statvfs(directory)
    return stat.f_bavail * stat.f_frsize >> 20


def take_space(directory, leave_mib):
    """Fills the disk until `leave_mib` are free, or to the last byte when that is 0."""
    with open(os.path.join(directory, "ballast"), "ab", buffering=0) as ballast:
        for size in (1 << 20, 1 << 16, 1 << 12):
            with contextlib.suppress(OSError):
                while leave_mib == 0 or free_mib(directory) > leave_mib:
                    os.posix_fallocate(ballast.fileno(), os.fstat(ballast.fileno()).st_size, size)


def give_space(directory):
    os.remove(os.path.join(directory, "ballast"))


def append(place, node, document):
    return harness.run("append", "--stream", "person/ada/notes", "--type", "document.referenced", "--ref",
                       f"document=document:{document}", "--as", place.key, "--ledger", node.address, "--body",
                       place.path("body.json"))


def wait_until_appends(place, node, document, seconds=60):
    """Appends without a restart of the node, as soon as it takes them."""
    deadline = time.monotonic() + seconds
    while True:
        done = append(place, node, document)
        if done.returncode == 0:
            return
        harness.expect(time.monotonic() < deadline, f"appends don't resume: {done.stderr}{node.log_tail()}")
        time.sleep(0.2)


def check_reads(place, node, verifier_key, receipt):
    # Of a unit that is in no record, `config` says so with exit status 1.
    for verb, well in ((["status"], 0), (["log"], 0), (["config", "ICU-7", "--at", "2026-01-01T00:00:00Z"], 1)):
        done = harness.run(*verb, "--ledger", node.address)
        harness.expect(done.returncode == well and done.stdout,
                       f"{verb[0]} on a full disk: {done.returncode} {done.stderr}")
    done = harness.run("verify", receipt, "--key", verifier_key)
    harness.expect(done.returncode == 0, f"an earlier receipt: {done.stdout}{done.stderr}")


def verifier_key_of(node):
    for line in harness.run_well("status", "--ledger", node.address).splitlines():
        if "verifier key" in line:
            return line.split()[-1]
    raise AssertionError("status shows no verifier key")


def quiet_part(place, node, disk):
    verifier_key = verifier_key_of(node)
    wait_until_appends(place, node, "before")
    receipt = place.path("early.tlog-proof")
    harness.run_well("receipt", "4", "--out", receipt, "--ledger", node.address)
    take_space(disk, LEFT_MIB)
    done = append(place, node, "refused")
    harness.expect(done.returncode == 3, f"append on a full disk: {done.returncode} {done.stderr}")
    harness.expect("disk" in done.stderr and "MiB" in done.stderr, f"the refusal doesn't name the disk: {done.stderr}")
    print(f"refused: {done.stderr.strip()}", flush=True)
    check_reads(place, node, verifier_key, receipt)
    give_space(disk)
    wait_until_appends(place, node, "after")


def restart_when_full(node, disk):
    """Stops and starts the node while nothing is free. It serves, or ends with a reason; with space it serves again."""
    take_space(disk, 0)
    harness.expect(node.stop() == 0, f"exit status on a full disk: {node.log_tail()}")
    try:
        node.start()
        print("a node started on a full disk serves", flush=True)
    except AssertionError as ended:
        harness.expect(node.process.returncode == 3, f"a start on a full disk: {ended}")
        print(f"a node started on a full disk ends: {node.log().splitlines()[-1]}", flush=True)
        give_space(disk)
        node.start()
        return
    give_space(disk)


def loud_part(place, node, disk, home):
    """Returns the load, which went on without a restart."""
    with harness.Load(place, node, home, body_bytes=1500, pause_us=0, in_flight=64) as load:
        load.wait_for(200)
        take_space(disk, 0)
        time.sleep(1)
        take_space(disk, 0)
        done = append(place, node, "refused")
        harness.expect(done.returncode == 3 and done.stderr, f"append on no disk: {done.returncode} {done.stderr}")
        print(f"refused: {done.stderr.strip()}", flush=True)
        give_space(disk)
        expect_resumed(load, node)
        load.finish()
    return load


def expect_resumed(load, node):
    """There is space again, and nobody does anything: what a full disk stopped goes on by itself."""
    before, since = load.acknowledged(), time.monotonic()
    while load.acknowledged() < before + 200:
        if time.monotonic() > since + RESUMES_WITHIN:
            status = harness.run("status", "--ledger", node.address)
            raise AssertionError(f"appends need a restart after a full disk: {status.stdout}{status.stderr}"
                                 f"{node.log_tail()}")
        time.sleep(0.1)
    print(f"appends went on after {time.monotonic() - since:.1f} s", flush=True)


def main():
    harness.need_programs(harness.LOAD, os.path.join(harness.BIN, "anamnesisd"))
    if os.geteuid() != 0:
        harness.skip("only root may mount a small disk")
    with tempfile.TemporaryDirectory(prefix="anamnesis-faults-") as home, small_disk(home) as disk:
        with harness.Place(inside=disk) as place, harness.Node(place.ledger, home) as node:
            place.dir = home
            with open(place.path("body.json"), "w") as file:
                file.write('{"title": "a note", "locator": "https://faults.example/note"}')
            quiet_part(place, node, disk)
            load = loud_part(place, node, disk, home)
            restart_when_full(node, disk)
            wait_until_appends(place, node, "restarted")
            harness.expect(node.stop() == 0, f"exit status after a restart: {node.log_tail()}")
            events = harness.check_all(place.ledger, load)
            place.dir = os.path.dirname(place.ledger)
    print(f"{events} events; after a wholly full disk appends resumed by themselves; every acknowledged event is there "
          f"once")


if __name__ == "__main__":
    sys.exit(main())
