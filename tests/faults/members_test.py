"""A cluster grows from three voters to five and shrinks again under a light load: with five, two may die and appends go
on; one is demoted, moves to another address, and both that joined leave. Every change is in the ledger, and the history
of the clients holds on all nodes."""

import json
import os
import sys
import time

import catch_up_test
import cluster_test
import harness


def change(cluster, *arguments):
    harness.run_well("cluster", *arguments, "--rationale", "it is tried out", "--ledger", cluster.address)


def members(cluster):
    """As node 0 says: by id, whether it votes, where it is, and whether it was heard."""
    said = harness.run_well("cluster", "status", "--json", "--ledger", f"127.0.0.1:{cluster.first}")
    return {member["node"]["node"]: member for member in json.loads(said)["nodes"][0]["members"]}


def voters(cluster):
    return {name for name, member in members(cluster).items() if member.get("voter")}


def wait_until_has_all(cluster, joined):
    catch_up_test.wait_until_caught_up(cluster, joined.address, catch_up_test.size_now(cluster))


def grow(cluster):
    """To five voters: one is added as one, the other is promoted when it follows."""
    fourth = catch_up_test.Joined(cluster, directory=os.path.join(cluster.dir, "node3"), name="fourth", voter=True)
    harness.expect(voters(cluster) == {*founders(cluster), "fourth"}, f"voters are {voters(cluster)}")
    fifth = catch_up_test.Joined(cluster, directory=os.path.join(cluster.dir, "node4"), name="fifth", port=14)
    wait_until_has_all(cluster, fifth)
    harness.expect("fifth" not in voters(cluster), "who was added to follow votes")
    change(cluster, "promote", "fifth")
    harness.expect(voters(cluster) == {*founders(cluster), "fourth", "fifth"}, f"voters are {voters(cluster)}")
    return fourth, fifth


def founders(cluster):
    return {cluster.node_id(i) for i in range(3)}


def two_of_five_die(cluster, load):
    for name in ("node1", "node2"):
        cluster.kill(name)
    load.wait_for(50)
    for number in ("1", "2"):
        cluster.do("start-node", number)


def move(cluster, load, joined):
    """It is at another address from now on, where the others find it."""
    joined.stop()
    load.wait_for(20)
    joined.peer = f"127.0.0.1:{cluster.first + 17}"
    joined.start()
    change(cluster, "readdress", joined.name, "--address", joined.peer)
    wait_until_has_all(cluster, joined)
    harness.wait_until(lambda: members(cluster)[joined.name].get("heard"), f"{joined.name} is heard", cluster.logs)
    address = members(cluster)[joined.name]["node"]["address"]
    harness.expect(address == joined.peer, f"{joined.name} is at {address}")


def leave(cluster, joined):
    change(cluster, "remove", joined.name)
    harness.expect(joined.name not in members(cluster), f"{joined.name} is still a member")
    joined.stop()


NOT_KNOWN = "it isn't known yet what may be shown"
NO_MEMBER = "is no member of the cluster"


def says_what_it_cant_show(joined, *why):
    """A node that is no member any more doesn't know what the ledger is, and doesn't say that it is empty."""
    joined.start()
    done = None

    def is_unknown():
        nonlocal done
        done = harness.run("status", "--ledger", joined.address)
        harness.expect(done.returncode == 3, f"no member knows the ledger: {done}")
        return any(text in done.stderr for text in why)

    harness.wait_until(is_unknown, f"{joined.name} says what it doesn't know", lambda: done)
    joined.stop()


def says_that_it_may_not_copy(cluster, load, joined):
    """Where the order was compacted past what it has, it would have to copy first, and says why it can't."""
    load.wait_for(20)
    cluster.etcdctl("compaction", str(catch_up_test.revision(cluster)))
    says_what_it_cant_show(joined, NO_MEMBER)


def names_no_member(cluster):
    """A name that is mistaken for another removes nobody, so it adds nobody either."""
    before = members(cluster)
    done = harness.run("cluster", "replace", "nosuch", "--with", "newcomer", "--address", "127.0.0.1:7430",
                       "--rationale", "its disk failed", "--ledger", cluster.address)
    harness.expect(done.returncode == 2 and '"nosuch" is no member' in done.stderr, f"replaced nobody: {done}")
    harness.expect(set(members(cluster)) == set(before), f"members are {members(cluster)}")


def recorded_changes(ledger):
    """What the ledger has on record, in its order."""
    out = harness.run_well("log", "--json", "--type", "cluster.members_changed", "--limit", "100",
                           "--ledger", ledger)
    events = [json.loads(line)["event"] for line in out.splitlines() if '"event"' in line]
    contents = [event["content"] for event in events]
    return [(content["change"], content["node"]) for content in contents if content.get("node")]


def main():
    harness.need_programs(harness.LOAD, os.path.join(harness.BIN, "anamnesisd"))
    harness.need_etcd("etcdctl")
    started = time.monotonic()
    with cluster_test.Cluster() as cluster:
        with harness.Load(cluster, cluster, cluster.dir, clients=2, in_flight=2, pause_us=20000) as load:
            load.wait_for(20)
            names_no_member(cluster)
            fourth, fifth = grow(cluster)
            with fourth, fifth:
                two_of_five_die(cluster, load)
                change(cluster, "demote", "fifth")
                harness.expect(voters(cluster) == {*founders(cluster), "fourth"}, f"voters are {voters(cluster)}")
                move(cluster, load, fifth)
                leave(cluster, fifth)
                # When it is slow to start, the order may have been compacted past what it has: see there.
                says_what_it_cant_show(fifth, NOT_KNOWN, NO_MEMBER)
                says_that_it_may_not_copy(cluster, load, fifth)
                leave(cluster, fourth)
            harness.expect(voters(cluster) == founders(cluster), f"voters are {voters(cluster)}")
            load.wait_for(20)
            load.finish()
            cluster_test.wait_until_equal(cluster)
        cluster.do("stop")
        ledgers = [f"file:{cluster.dir}/node{i}" for i in range(5)]
        logs = [harness.read_log(ledger) for ledger in ledgers]
        harness.expect(logs[0] == logs[1] == logs[2], "the nodes hold different events")
        for log in logs[3:]:
            harness.expect(len(log) > 20 and log == logs[0][:len(log)], "who left holds other events")
        changes = [("LEARNER_ADDED", "fourth"), ("PROMOTED", "fourth"), ("LEARNER_ADDED", "fifth"),
                   ("PROMOTED", "fifth"), ("DEMOTED", "fifth"), ("READDRESSED", "fifth"), ("REMOVED", "fifth"),
                   ("REMOVED", "fourth")]
        for ledger in ledgers[:3]:
            harness.expect(recorded_changes(ledger) == changes, f"on record are {recorded_changes(ledger)}")
        for number in range(3):
            events = harness.check_all(os.path.join(cluster.dir, f"node{number}"), load)
    print(f"{events} events: three voters became five, of which two died, and three again, "
          f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
