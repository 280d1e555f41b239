"""What a dead etcd leader and a dead node cost clients, at the settings that the programs are shipped with: three
machines in network namespaces under load, of which the member that leads, and then a node, are killed a few times.

A dead etcd leader: the median of the longest gaps between acknowledgements is under LEADER_GAP_SECONDS. A dead node: no
client fails, clients of the others hardly notice (the median again: any one may meet an election), and its own go on
at the next node: no node leads, so that nobody waits for a session to end.

ANAMNESIS_KILLS: how many of each (3)."""

import os
import statistics
import sys
import time

import harness
import history
import machines

LEADER_GAP_SECONDS = 2.0
# Of clients of other nodes; and of those of the dead one, which send again what wasn't answered.
OTHERS_GAP_SECONDS = 2.0
OWN_GAP_SECONDS = 5.0
WATCHED_SECONDS = 6
# A node that had just come back was not as good as one that was there, once: see deploy/decisions/0007-cluster.md.
BACK_SECONDS = 12


def watched_gaps(load, kill):
    """The longest gap of each client's acknowledgements from the kill on, in seconds, by the number of its node."""
    began = time.monotonic_ns()
    kill()
    time.sleep(WATCHED_SECONDS)
    ended = time.monotonic_ns()
    load.check_alive()
    load.acknowledged()
    return {number: history.longest_gap(client.acks, began, ended) / 1e9
            for number, client in zip(machines.MACHINES, load.clients)}


def in_seconds(gaps):
    return ", ".join(f"{gap:.2f}" for gap in gaps)


def level_leader(cluster):
    """The machine whose member of etcd leads, once all members are level."""
    found = []

    def one_leads():
        found[:] = [cluster.etcd_leader()]
        return found[0] is not None and cluster.etcd_is_level()
    cluster.wait_until(one_leads, "all members of etcd are level, and one leads")
    return found[0]


def kill_etcd_leaders(cluster, load, kills):
    """Returns the longest gap of any client, for each kill."""
    longest = []
    for _ in range(kills):
        machine = level_leader(cluster)
        gaps = watched_gaps(load, machine.etcd.kill)
        longest.append(max(gaps.values()))
        print(f"{machine.etcd.name}, the leader, was killed: the clients waited {in_seconds(gaps.values())} s",
              flush=True)
        machine.start_etcd()
        load.wait_for_each()
    return longest


def kill_nodes(cluster, kills):
    """Returns the longest gaps of clients of the dead node and of the others, for each kill."""
    own, others = [], []
    for number in range(kills):
        machine = cluster.machines[number % len(machines.MACHINES) + 1]
        # Clients stay where they were driven to, so that each kill has its own.
        with cluster.more_load(contending=0) as load:
            load.wait_for_each()
            cluster.wait_until(cluster.nodes_are_level, "the nodes are level")
            gaps = watched_gaps(load, machine.node.kill)
            own.append(gaps.pop(machine.number))
            others.append(max(gaps.values()))
            print(f"{machine.node.name} was killed: its client waited {own[-1]:.2f} s, the others "
                  f"{in_seconds(gaps.values())} s, {len(load.retries())} retries", flush=True)
            machine.start_node()
            cluster.wait_until_serves(machine)
            time.sleep(BACK_SECONDS)
            load.finish()
    return own, others


def main():
    harness.need_programs(harness.LOAD, os.path.join(harness.BIN, "anamnesisd"))
    harness.need_etcd()
    machines.isolate()
    kills = int(os.environ.get("ANAMNESIS_KILLS", "3"))
    with machines.Cluster(session_ttl=None) as cluster:
        try:
            with cluster.more_load(contending=0) as load:
                load.wait_for_each()
                leaders = kill_etcd_leaders(cluster, load, kills)
                load.finish()
            own, others = kill_nodes(cluster, kills)
        except AssertionError as failure:
            raise AssertionError(f"{failure} {cluster.logs()}") from failure
        cluster.wait_until_equal()
        cluster.stop()
        events = cluster.check()
    print(f"{events} events; waited for a dead etcd leader: {in_seconds(leaders)} s; for a dead node: its clients "
          f"{in_seconds(own)} s, those of others {in_seconds(others)} s", flush=True)
    harness.expect(statistics.median(leaders) < LEADER_GAP_SECONDS,
                   f"a dead etcd leader costs {in_seconds(leaders)} s, more than {LEADER_GAP_SECONDS} s")
    harness.expect(statistics.median(others) < OTHERS_GAP_SECONDS,
                   f"a dead node costs clients of others {in_seconds(others)} s, more than {OTHERS_GAP_SECONDS} s")
    harness.expect(max(own) < OWN_GAP_SECONDS,
                   f"a dead node costs its clients {in_seconds(own)} s, more than {OWN_GAP_SECONDS} s")


if __name__ == "__main__":
    sys.exit(main())
