"""An orderly end under load, and what must be refused: a second `init`, an open key file, two processes on a ledger."""

import os
import sys

import harness


def check_refusals(place, node):
    again = harness.run("init", place.ledger, "--origin", harness.ORIGIN, "--as", place.key)
    harness.expect(again.returncode in (2, 3) and again.stderr, f"a second init: {again.returncode} {again.stderr}")
    embedded = harness.run("status", "--ledger", "file:" + place.ledger)
    harness.expect(embedded.returncode in (2, 3), f"embedded beside a node: {embedded.returncode} {embedded.stderr}")
    harness.expect(embedded.stderr.count("\n") == 1 and place.ledger in embedded.stderr,
                   f"embedded beside a node, unclear: {embedded.stderr}")
    print(f"embedded beside a node: {embedded.stderr.strip()}", flush=True)
    os.chmod(place.key, 0o644)
    opened = harness.run("append", "--stream", "person/ada/notes", "--type", "document.referenced", "--as", place.key,
                         "--ledger", node.address)
    os.chmod(place.key, 0o600)
    harness.expect(opened.returncode == 2 and place.key in opened.stderr,
                   f"a key file that others may read: {opened.returncode} {opened.stderr}")


def check_second_node(place):
    """A node that can't have the ledger ends with a reason instead of serving."""
    second = harness.Node(place.ledger, place.path("second"))
    os.mkdir(place.path("second"))
    try:
        second.start()
    except AssertionError as ended:
        harness.expect(second.process.returncode == 3 and place.ledger in str(ended), f"a second node: {ended}")
    else:
        second.kill()
        raise AssertionError("two nodes serve one ledger")


def main():
    harness.need_programs(harness.LOAD, os.path.join(harness.BIN, "anamnesisd"))
    with harness.Place() as place, harness.Node(place.ledger, place.dir) as node:
        with harness.Load(place, node, place.dir) as load:
            for _ in range(3):
                load.wait_for(300)
                harness.expect(node.stop() == 0, f"exit status under load: {node.log_tail()}")
                node.start()
            load.wait_for(300)
            check_refusals(place, node)
            check_second_node(place)
            load.wait_for(100)
            load.finish()
        harness.expect(node.stop() == 0, f"exit status: {node.log_tail()}")
        again = harness.run("init", place.ledger, "--origin", harness.ORIGIN, "--as", place.key)
        harness.expect(again.returncode == 2 and "already" in again.stderr, f"a second init: {again.stderr}")
        events = harness.check_all(place.ledger, load)
    print(f"3 orderly restarts under load, {events} events: every acknowledged event is there once")


if __name__ == "__main__":
    sys.exit(main())
