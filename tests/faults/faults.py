"""What is done to a cluster of machines (machines.py). Each fault is a generator that does it, yields what it has done,
once, and then undoes it; chance is an argument."""

import shutil
import time

from machines import CLIENTS, LATE_SECONDS, MACHINES, MEMBERS, NODES


def _hosts(machine):
    return [machine.node_host, machine.etcd_host]


def _others(machine):
    return [host for host in NODES + MEMBERS if host not in _hosts(machine)]


def _any(cluster, chance):
    return cluster.machines[chance.choice(MACHINES)]


def kill_node(cluster, chance):
    machine = _any(cluster, chance)
    machine.node.kill()
    yield f"{machine.node.name} is killed"
    machine.start_node()


def kill_etcd(cluster, chance):
    machine = _any(cluster, chance)
    machine.etcd.kill()
    yield f"{machine.etcd.name} is killed"
    machine.start_etcd()


def kill_etcd_leader(cluster, chance):
    machine = cluster.etcd_leader() or _any(cluster, chance)
    machine.etcd.kill()
    yield f"{machine.etcd.name}, the leader, is killed"
    machine.start_etcd()


def kill_machine(cluster, chance):
    machine = _any(cluster, chance)
    machine.node.kill()
    machine.etcd.kill()
    yield f"{machine.node.name} and {machine.etcd.name} are killed"
    machine.start_etcd()
    machine.start_node()


def kill_several(cluster, chance):
    """Also more than a minority."""
    killed = [process for process in cluster.processes() if chance.random() < 0.5] or [_any(cluster, chance).node]
    for process in killed:
        process.kill()
    yield f"{', '.join(process.name for process in killed)} are killed"
    for machine in cluster.machines.values():
        if machine.etcd in killed:
            machine.start_etcd()
        if machine.node in killed:
            machine.start_node()


def power_cut(cluster, _):
    for process in cluster.processes():
        process.kill()
    yield "everything is killed"
    for machine in cluster.machines.values():
        machine.start_etcd()
        machine.start_node()


def cut_off_machine(cluster, chance):
    machine = _any(cluster, chance)
    cluster.network.cut(_hosts(machine), [*_others(machine), CLIENTS])
    yield f"machine {machine.number} is cut off"
    cluster.network.heal()


def cut_off_from_others(cluster, chance):
    """Clients still reach it."""
    machine = _any(cluster, chance)
    cluster.network.cut(_hosts(machine), _others(machine))
    yield f"machine {machine.number} is cut off from the others, not from clients"
    cluster.network.heal()


def cut_off_node(cluster, chance):
    machine = _any(cluster, chance)
    cluster.network.cut([machine.node_host], [host for host in NODES + MEMBERS if host != machine.node_host])
    yield f"{machine.node.name} is cut off from nodes and etcd, not from clients"
    cluster.network.heal()


def cut_nodes_from_each_other(cluster, chance):
    """Each still has etcd and, one pair aside, the third node."""
    first, second = chance.sample(NODES, 2)
    cluster.network.cut([first], [second])
    yield f"node{first} and node{second} don't reach each other"
    cluster.network.heal()


def cut_all_nodes_from_each_other(cluster, _):
    cluster.network.cut(NODES, NODES)
    yield "no node reaches another; all have etcd"
    cluster.network.heal()


def cut_off_etcd(cluster, chance):
    machine = _any(cluster, chance)
    cluster.network.cut([machine.etcd_host], [host for host in NODES + MEMBERS if host != machine.etcd_host])
    yield f"{machine.etcd.name} is cut off"
    cluster.network.heal()


def cut_off_etcd_leader_from_members(cluster, chance):
    """Nodes still reach the one that led."""
    machine = cluster.etcd_leader() or _any(cluster, chance)
    cluster.network.cut([machine.etcd_host], [host for host in MEMBERS if host != machine.etcd_host])
    yield f"{machine.etcd.name}, the leader, is cut off from the other members"
    cluster.network.heal()


def cut_one_way(cluster, chance):
    sender, receiver = chance.sample(NODES + MEMBERS, 2)
    cluster.network.cut([sender], [receiver], both_ways=False)
    yield f"nothing passes from address {sender} to {receiver}"
    cluster.network.heal()


def cut_one_way_all(cluster, chance):
    """What a machine sends is lost; it hears the others."""
    machine = _any(cluster, chance)
    cluster.network.cut(_hosts(machine), _others(machine), both_ways=False)
    yield f"what machine {machine.number} sends to the others is lost"
    cluster.network.heal()


def cut_everything(cluster, _):
    cluster.network.cut(NODES + MEMBERS, NODES + MEMBERS)
    yield "nobody reaches anybody, but clients reach all nodes"
    cluster.network.heal()


def bad_network(cluster, chance):
    delay, jitter = chance.randrange(1, 40), chance.randrange(1, 20)
    loss, doubled = chance.choice((0, 0.01, 0.05)), chance.choice((0, 0.01))
    for sender in NODES + MEMBERS:
        for receiver in NODES + MEMBERS:
            if sender != receiver:
                cluster.network.link(sender, receiver, delay, jitter, loss, doubled)
    yield f"packets are late by {delay} to {delay + jitter} ms, {loss:.0%} are lost and {doubled:.0%} doubled"
    cluster.network.heal()


def pause_node(cluster, chance):
    machine = _any(cluster, chance)
    machine.node.pause()
    yield f"{machine.node.name} is stopped and will go on"
    machine.node.go_on()


def pause_etcd_leader(cluster, chance):
    machine = cluster.etcd_leader() or _any(cluster, chance)
    machine.etcd.pause()
    yield f"{machine.etcd.name}, the leader, is stopped and will go on"
    machine.etcd.go_on()


def pause_all_nodes(cluster, _):
    for machine in cluster.machines.values():
        machine.node.pause()
    yield "all nodes are stopped and will go on"
    for machine in cluster.machines.values():
        machine.node.go_on()


def fill_node_disk(cluster, chance):
    """With a load beside it that uses up what the storage has set aside for itself."""
    machine = _any(cluster, chance)
    with cluster.more_load(appending=2, contending=0, in_flight=32, pause_us=0, body_bytes=1900) as load:
        machine.node_disk.fill()
        if chance.random() < 0.7:
            cluster.wait_until(lambda: "waits until there is space" in machine.node.log_since_start(),
                               f"{machine.node.name} notices that its disk is full")
        yield f"the disk of {machine.node.name} is full"
        machine.node_disk.free()
        load.finish(LATE_SECONDS)


def fill_etcd_disk(cluster, chance):
    """A member that can't write ends, and is started again when there is space. One that still runs then may be just
    ending; so it is ended."""
    machine = _any(cluster, chance)
    machine.etcd_disk.fill()
    yield f"the disk of {machine.etcd.name} is full"
    machine.etcd_disk.free()
    if machine.etcd.running():
        machine.etcd.kill()
    machine.start_etcd()


def slow_node_disk(cluster, chance):
    machine, writes = _any(cluster, chance), chance.choice((10, 30, 60))
    cluster.slow_disks.set(machine.node_disk, writes)
    yield f"the disk of {machine.node.name} does {writes} writes a second"
    cluster.slow_disks.set(machine.node_disk, 0)


def slow_etcd_disk(cluster, chance):
    machine, writes = cluster.etcd_leader() or _any(cluster, chance), chance.choice((10, 30, 60))
    cluster.slow_disks.set(machine.etcd_disk, writes)
    yield f"the disk of {machine.etcd.name} does {writes} writes a second"
    cluster.slow_disks.set(machine.etcd_disk, 0)


def step_clock(cluster, chance):
    machine, ahead = _any(cluster, chance), chance.choice((-86400, -3600, -5, 5, 3600))
    machine.clock.set(ahead)
    yield f"the clock of {machine.node.name} is set by {ahead:+} s"
    machine.clock.set(0)


def destroy_etcd(cluster, chance):
    """With all that its members hold, half of the time while a node is behind. The ledger is taken to a new one."""
    if chance.random() < 0.5:
        _any(cluster, chance).node.kill()
        time.sleep(chance.random())
    for machine in cluster.machines.values():
        machine.etcd.kill()
        shutil.rmtree(machine.etcd_data)
    yield "etcd is destroyed"
    for machine in cluster.machines.values():
        machine.node.kill()
    for machine in cluster.machines.values():
        machine.start_etcd()
        machine.start_node("--recover")
    cluster.recover()


KILLS = (kill_node, kill_etcd, kill_etcd_leader, kill_machine, kill_several, power_cut)
PARTITIONS = (cut_off_machine, cut_off_from_others, cut_off_node, cut_nodes_from_each_other,
              cut_all_nodes_from_each_other, cut_off_etcd, cut_off_etcd_leader_from_members, cut_one_way,
              cut_one_way_all, cut_everything)
OTHERS = (bad_network, pause_node, pause_etcd_leader, pause_all_nodes, fill_node_disk, fill_etcd_disk, slow_node_disk,
          slow_etcd_disk, step_clock, destroy_etcd)
# With these somebody always has a majority of nodes and of members: appends go on while the fault lasts.
SURVIVED = (kill_node, kill_etcd, kill_etcd_leader, kill_machine, cut_off_machine, cut_off_from_others, cut_off_node,
            cut_nodes_from_each_other, cut_off_etcd, cut_off_etcd_leader_from_members, cut_one_way, cut_one_way_all,
            bad_network, pause_node, pause_etcd_leader, fill_node_disk, fill_etcd_disk, slow_node_disk, step_clock)


class Applied:
    """A fault while `with` lasts."""

    def __init__(self, fault, cluster, chance):
        self.steps = fault(cluster, chance)

    def __enter__(self):
        self.began = time.monotonic_ns()
        return next(self.steps)

    def __exit__(self, *_):
        for _ in self.steps:
            raise AssertionError("a fault yields once")
