"""Two of three nodes are gone, so nothing can be ordered; the third ends all the same when it is asked to, with load on
it, and tells its callers that it does not know what became of their runs."""

import os
import signal
import sys
import time

import cluster_test
import harness

# The ledger waits five seconds for what can't be ordered, and calls have ten more to end; the rest is for a busy
# machine.
WITHIN_SECONDS = 30


def ended(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def main():
    harness.need_programs(harness.LOAD, os.path.join(harness.BIN, "anamnesisd"))
    harness.need_etcd()
    with cluster_test.Cluster() as cluster:
        with harness.Load(cluster, cluster, cluster.dir, clients=2, in_flight=8) as load:
            load.wait_for(50)
            cluster.kill("node1")
            cluster.kill("node2")
            # What was sent by then waits for voters that don't come back.
            time.sleep(2)
            started = time.monotonic()
            pid = cluster.signal("node0", signal.SIGTERM)
            harness.wait_until(lambda: ended(pid), "node0 ends without a majority", cluster.logs, WITHIN_SECONDS)
            took = time.monotonic() - started
            for number in range(3):
                cluster.do("start-node", str(number))
            load.wait_for(50)
            load.finish()
        cluster_test.wait_until_equal(cluster)
        cluster.do("stop")
        for number in range(3):
            harness.check_all(os.path.join(cluster.dir, f"node{number}"), load)
    print(f"the last node of three ended in {took:.1f} s; nothing that was acknowledged is lost")


if __name__ == "__main__":
    sys.exit(main())
