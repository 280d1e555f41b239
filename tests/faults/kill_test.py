"""SIGKILL at random moments under load, then a restart on the same port: nothing that was acknowledged is lost,
doubled or moved, and what was not is there once after the retry of the same bytes.

ANAMNESIS_KILLS: how many (12). ANAMNESIS_SEED: of the moments (1)."""

import os
import random
import sys
import time

import harness


def kill_and_restart(node, load, moments, kills):
    for number in range(1, kills + 1):
        # One kill in four strikes while the node has just begun to serve, the others when the load is back.
        if moments.random() > 0.25:
            load.wait_for(moments.randrange(1, 200))
        time.sleep(0.03 * moments.random())
        load.check_alive()
        node.kill()
        node.start()
        if number % 20 == 0:
            print(f"{number} kills, {load.acknowledged()} events acknowledged", flush=True)


def main():
    harness.need_programs(harness.LOAD, os.path.join(harness.BIN, "anamnesisd"))
    kills = int(os.environ.get("ANAMNESIS_KILLS", "12"))
    seed = int(os.environ.get("ANAMNESIS_SEED", "1"))
    started = time.monotonic()
    with harness.Place() as place, harness.Node(place.ledger, place.dir) as node:
        with harness.Load(place, node, place.dir) as load:
            load.wait_for(50)
            kill_and_restart(node, load, random.Random(seed), kills)
            load.wait_for(50)
            load.finish()
            harness.expect(node.stop() == 0, f"exit status of the node: {node.log_tail()}")
            retried = len(load.retries())
            events = harness.check_all(place.ledger, load)
    print(f"seed {seed}: {kills} kills, {events} events, {retried} retries, "
          f"{time.monotonic() - started:.0f} s: every acknowledged event is there once")


if __name__ == "__main__":
    sys.exit(main())
