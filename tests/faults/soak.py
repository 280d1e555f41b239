"""Memory under a steady load: three machines run for as long as is asked for, the memory of every node and member is
sampled, and after the warm-up none may grow by more than LIMIT_MIB_PER_HOUR. In the end the history holds.

  tests/faults/soak.py MINUTES          run by hand; tests/run runs a short one that only shows that it works"""

import os
import statistics
import sys
import time

import harness
import machines

SAMPLE_SECONDS = 5
# The caches of the storage fill first.
WARM_UP_SHARE = 0.4
LIMIT_MIB_PER_HOUR = 48
# Little enough to be used up while the run warms up.
STORE_MIB = 64
# A shorter run can't tell growth from noise.
JUDGED_MINUTES = 20


class Samples:
    """Of one process."""

    def __init__(self, process):
        self.process = process
        self.hours, self.mebibytes = [], []

    def take(self, hours):
        self.hours.append(hours)
        self.mebibytes.append(self.process.memory_mib())

    def growth_per_hour(self):
        """The slope, in MiB, after the warm-up."""
        begin = int(len(self.hours) * WARM_UP_SHARE)
        return statistics.linear_regression(self.hours[begin:], self.mebibytes[begin:]).slope


def sample(cluster, load, minutes):
    samples = [Samples(process) for process in cluster.processes()]
    began = time.monotonic()
    while time.monotonic() - began < minutes * 60:
        time.sleep(SAMPLE_SECONDS)
        load.check_alive()
        for one in samples:
            one.take((time.monotonic() - began) / 3600)
        if len(samples[0].hours) % 12 == 0:
            memory = ", ".join(f"{one.process.name} {one.mebibytes[-1]:.0f}" for one in samples)
            print(f"{(time.monotonic() - began) / 60:.0f} min, {load.acknowledged()} events, MiB: {memory}", flush=True)
    return samples


def main():
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 0.5
    harness.need_programs(harness.LOAD, os.path.join(harness.BIN, "anamnesisd"))
    machines.isolate()
    with machines.Cluster(node_disk_mib=16384, store_mib=STORE_MIB) as cluster:
        with cluster.more_load() as load:
            load.wait_for_each()
            samples = sample(cluster, load, minutes)
            load.finish()
        cluster.wait_until_equal()
        cluster.stop()
        events = cluster.check()
    growing = []
    for one in samples:
        print(f"{one.process.name}: {one.mebibytes[0]:.0f} MiB at first, {one.mebibytes[-1]:.0f} at last, largest "
              f"{max(one.mebibytes):.0f}, growth after the warm-up {one.growth_per_hour():+.0f} MiB/h", flush=True)
        if one.growth_per_hour() > LIMIT_MIB_PER_HOUR:
            growing.append(one.process.name)
    harness.expect(minutes < JUDGED_MINUTES or not growing, f"memory grows without bound: {growing}")
    print(f"{minutes:g} minutes, {events} events: memory is bounded, the history holds")


if __name__ == "__main__":
    sys.exit(main())
