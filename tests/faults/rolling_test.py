"""Every etcd member and every node is restarted in turn, and every certificate changed without a restart, the ledger's
CA included, all under load: clients notice nothing that a retry does not mend, and then everything runs on the new
certificates and refuses those of the old CA."""

import os
import shutil
import subprocess
import sys
import time

import harness
import machines

# Files are looked at once a second.
TAKEN_OVER_SECONDS = 3


def restart_each(cluster, load, kinds=("etcd", "node")):
    for machine in cluster.machines.values():
        both = {"etcd": (machine.etcd, machine.start_etcd), "node": (machine.node, machine.start_node)}
        for process, start in (both[kind] for kind in kinds):
            status = process.terminate()
            harness.expect(status == 0 or process is machine.etcd,
                           f"{process.name} ended with {status}: {process.log_tail()}")
            load.wait_for(20)
            start()
            cluster.wait_until_serves(machine)
            load.wait_for(20)
            print(f"{process.name} was restarted, {load.acknowledged()} events acknowledged", flush=True)


def put(text, path):
    """A reader sees the old file or the new one."""
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)


def read(path):
    with open(path) as file:
        return file.read()


def change_certificates(cluster, load):
    """New certificates for all, of a new CA of the ledger and of the same CA of etcd."""
    new = os.path.join(cluster.dir, "new-pki")
    os.mkdir(new)
    for name in ("etcd-ca.crt", "etcd-ca.key"):
        shutil.copy(cluster.pki(name), new)
    cluster.make_certificates(new)
    old = os.path.join(cluster.dir, "old-pki")
    shutil.copytree(cluster.pki(), old)
    put(read(cluster.pki("ca.crt")) + read(os.path.join(new, "ca.crt")), cluster.pki("ca.crt"))
    time.sleep(TAKEN_OVER_SECONDS)
    for owners in (("ada",), *((f"etcd{number}", f"node{number}") for number in machines.MACHINES)):
        for name in sorted(os.listdir(new)):
            if name.rsplit(".", 1)[0].endswith(tuple(f"-{owner}" for owner in owners)):
                put(read(os.path.join(new, name)), cluster.pki(name))
        time.sleep(TAKEN_OVER_SECONDS)
        load.wait_for(20)
        print(f"{' and '.join(owners)} have other certificates, {load.acknowledged()} events acknowledged", flush=True)
    put(read(os.path.join(new, "ca.crt")), cluster.pki("ca.crt"))
    time.sleep(TAKEN_OVER_SECONDS)
    load.wait_for(20)
    return old


def shown_certificate(cluster, host, port, own):
    """The certificate that a server shows, as PEM."""
    command = ["openssl", "s_client", "-connect", f"{machines.NETWORK}.{host}:{port}", "-alpn", "h2",
               "-cert", cluster.pki(own + ".crt"), "-key", cluster.pki(own + ".key")]
    done = subprocess.run([*cluster.network.enter(machines.CLIENTS), *command], stdin=subprocess.DEVNULL,
                          errors="replace", capture_output=True, timeout=60, check=False)
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    harness.expect(begin in done.stdout, f"{host}:{port} shows no certificate: {done.stderr}")
    return begin + done.stdout.split(begin, 1)[1].split(end, 1)[0] + end


def check_certificates(cluster, old):
    for machine in cluster.machines.values():
        for host, port, own, name in (
                (machine.node_host, machines.NODE_PORT, "person-ada", f"node-node{machine.number}.crt"),
                (machine.node_host, machines.PEER_PORT, "person-ada", f"node-node{machine.number}.crt"),
                (machine.etcd_host, machines.ETCD_PORT, "etcd-client-node1", f"etcd-member-etcd{machine.number}.crt")):
            shown = shown_certificate(cluster, host, port, own)
            harness.expect(shown in read(cluster.pki(name)), f"{host}:{port} doesn't show {name}")
        as_before = {f"ANAMNESIS_TLS_{what.upper()}": os.path.join(old, name) for what, name in
                     (("certificate", "person-ada.crt"), ("key", "person-ada.key"))}
        harness.expect(cluster.status(machine) is not None, f"{machine.node.name} doesn't take the new certificate")
        harness.expect(cluster.status(machine, as_before) is None,
                       f"{machine.node.name} takes a certificate of the old CA")


def main():
    harness.need_programs(harness.LOAD, os.path.join(harness.BIN, "anamnesisd"))
    harness.need_etcd()
    machines.isolate()
    started = time.monotonic()
    with machines.Cluster() as cluster:
        with cluster.more_load() as load:
            load.wait_for_each()
            begin = time.monotonic_ns()
            try:
                restart_each(cluster, load)
                restarted = load.gaps(begin, time.monotonic_ns())
                begin = time.monotonic_ns()
                old = change_certificates(cluster, load)
                changed = load.gaps(begin, time.monotonic_ns())
                check_certificates(cluster, old)
                # Now every connection of theirs is made anew.
                restart_each(cluster, load, ("node",))
                load.finish()
            except AssertionError as failure:
                raise AssertionError(f"{failure} {cluster.logs()}") from failure
        cluster.wait_until_equal()
        cluster.stop()
        events = cluster.check()
        retries = len(cluster.history().retries)
    print(f"{events} events, {retries} retries, {time.monotonic() - started:.0f} s; the longest wait of all clients "
          f"and of one while restarting: {restarted[0]:.1f} and {restarted[1]:.1f} s, while certificates changed: "
          f"{changed[0]:.1f} and {changed[1]:.1f} s: the history holds, all nodes hold the same")


if __name__ == "__main__":
    sys.exit(main())
