"""A whole log of 12 leaves over three streams: founded, then a device unit and a piece of software get keys and write.
Everything that a node is given (runs, bodies, proposed times) and everything that it must make of it."""

from __future__ import annotations

from dataclasses import dataclass

import merkle
import primitives as p
from events import Event, Run, Seal, event, leaf, seal_run
from examples import CODE, DATASET, MODEL, RUN, UNIT, file_record, named, ref
from wire import MessageType, Value

ORIGIN = "acme-cardio.example/ledger"
START_US = 1_742_036_400_000_000  # 2025-03-15T11:00:00Z
SECOND_US = 1_000_000

Agent = tuple[str, str]
FOUNDER: Agent = ("person", "p-0001")
DEVICE: Agent = ("device_unit", "ICU-7")
SOFTWARE: Agent = ("software", "trainer-1")
SEEDS: dict[Agent, bytes] = {FOUNDER: p.seed(0), DEVICE: p.seed(32), SOFTWARE: p.seed(64)}


@dataclass
class Batch:
    proposed_us: int
    runs: list[Run]
    first_index: int
    recorded_us: list[int]


class SmallLog:
    """The log as it grows. A run is appended with `add_batch`; nothing is ever taken back."""

    def __init__(self, messages: dict[str, MessageType]) -> None:
        self.messages = messages
        self.batches: list[Batch] = []
        self.events: list[Event] = []
        self.seals: list[Seal | None] = []
        self.leaves: list[bytes] = []
        self.heads: dict[Agent, tuple[int, bytes]] = {}
        self.grant = b""
        self.fill()

    @property
    def hashes(self) -> list[bytes]:
        return [merkle.leaf_hash(one) for one in self.leaves]

    @property
    def last_recorded_us(self) -> int:
        return self.batches[-1].recorded_us[-1]

    def root(self, size: int) -> bytes:
        return merkle.root(self.hashes[:size])

    def event(self, writer: Agent, name: str, body: Value, refs: list[Value], occurred_us: int,
              **more: object) -> Event:
        """The next event of the writer's stream."""
        position, previous = self.heads.get(writer, (0, p.ZERO_DIGEST))
        stream = "/".join(writer)
        label = f"{stream}#{position + 1}"
        fields: Value = {
            "event_id": p.uuid7(occurred_us, label), "stream": stream, "stream_position": position + 1,
            "previous_header_digest": previous, "occurred_earliest_us": occurred_us, "occurred_latest_us": occurred_us,
            "actor": {"kind": writer[0], "id": writer[1]}, "refs": refs, **more,
        }
        made = event(self.messages[name], body, p.nonce(label), fields)
        self.heads[writer] = (position + 1, made.header_digest)
        return made

    def run(self, writer: Agent, events: list[Event], sealed_at_us: int) -> Run:
        headers = [one.header_bytes for one in events]
        first = events[0].fields["stream_position"]
        seal = seal_run(ORIGIN, "/".join(writer), first, headers, SEEDS[writer], sealed_at_us)
        return Run(headers, seal, events)

    def add_batch(self, proposed_us: int, runs: list[Run]) -> None:
        """Recorded times: the first is max(proposed, last recorded + 1), then one microsecond more for each event."""
        recorded = proposed_us
        if self.batches:
            recorded = max(proposed_us, self.last_recorded_us + 1)
        batch = Batch(proposed_us, runs, len(self.leaves), [])
        for run in runs:
            for number, one in enumerate(run.events, start=1):
                seal = run.seal if number == len(run.events) else None
                batch.recorded_us.append(recorded)
                self.events.append(one)
                self.seals.append(seal)
                self.leaves.append(leaf(recorded, one.header_bytes, seal))
                recorded += 1
        self.batches.append(batch)

    def fill(self) -> None:
        self.found(START_US)
        self.give_keys(START_US + 3 * SECOND_US)
        self.record_sources(START_US + 10 * SECOND_US)
        self.train(START_US + 20 * SECOND_US)
        self.activate(START_US + 30 * SECOND_US)

    def found(self, at: int) -> None:
        """Leaves 0 to 2."""
        person = ref("holder", *FOUNDER)
        founding = [
            self.event(FOUNDER, "PersonEnrolled", {"printed_name": "Ada Founder", "identity_check": "SELF_DECLARED"},
                       [ref("person", *FOUNDER)], at),
            self.event(FOUNDER, "CredentialIssued", {"public_key": p.public_key(SEEDS[FOUNDER]), "purpose": "SEAL"},
                       [person], at),
            self.event(FOUNDER, "RoleGranted", {"role": "ADMINISTRATOR"}, [person], at),
        ]
        self.grant = founding[2].fields["event_id"]
        self.add_batch(at + 1500, [self.run(FOUNDER, founding, at + 1000)])

    def give_keys(self, at: int) -> None:
        """Leaves 3 to 5, a batch each; the second one's node is behind and proposes an earlier time."""
        bounds = {"valid_from_us": START_US, "valid_until_us": START_US + 3600 * SECOND_US}
        self.give_key(DEVICE, {}, at, at + 2000)
        self.give_key(SOFTWARE, bounds, at, at + 1500)
        model = self.event(FOUNDER, "DeviceModelRegistered",
                           {"name": "Vent 9", "intended_purpose": "Ventilation of adults in intensive care."},
                           [ref("device_model", "device_model", "vent-9")], at + SECOND_US)
        self.add_batch(at + SECOND_US + 2000, [self.run(FOUNDER, [model], at + SECOND_US + 1000)])

    def give_key(self, holder: Agent, bounds: Value, at: int, proposed_us: int) -> None:
        body = {"public_key": p.public_key(SEEDS[holder]), "purpose": "SEAL", **bounds}
        one = self.event(FOUNDER, "CredentialIssued", body, [ref("holder", *holder)], at, role_grant=self.grant)
        self.add_batch(proposed_us, [self.run(FOUNDER, [one], at + 1000)])

    def record_sources(self, at: int) -> None:
        """Leaves 6 to 8: one batch of two runs, from two writers."""
        human = {"kind": FOUNDER[0], "id": FOUNDER[1]}
        sources = [
            self.event(SOFTWARE, "CodeRevisionRecorded", {"vcs": "git", "commit_id": "4f2a9c1d" * 5}, [CODE], at,
                       on_behalf_of=human),
            self.event(SOFTWARE, "DatasetCurated",
                       {"source": "Hospital A, 2024-Q4, consecutive", "records_in": 359, "records_out": 347},
                       [DATASET], at - SECOND_US, on_behalf_of=human),
        ]
        unit = self.event(DEVICE, "DeviceUnitCommissioned", {"serial_number": "SN-000417", "jurisdiction": "DE"},
                          [UNIT, ref("device_model", "device_model", "vent-9")], at)
        self.add_batch(at + 2000, [self.run(SOFTWARE, sources, at + 1000), self.run(DEVICE, [unit], at + 1100)])

    def train(self, at: int) -> None:
        """Leaves 9 and 10."""
        code, dataset = self.events[6].fields["event_id"], self.events[7].fields["event_id"]
        started = self.event(SOFTWARE, "TrainingRunStarted",
                             {"purpose": "INITIAL", "hyperparameters": named(learning_rate="1e-4")},
                             [RUN, DATASET, CODE], at - SECOND_US, causes=[code, dataset])
        registered = self.event(SOFTWARE, "ModelRegistered",
                                {"task": "lung segmentation", "files": [file_record("model.pt")]},
                                [MODEL, RUN, DATASET, CODE], at)
        self.add_batch(at + 2000, [self.run(SOFTWARE, [started, registered], at + 1000)])

    def activate(self, at: int) -> None:
        """Leaf 11: the device has seen the checkpoint of size 11."""
        artifact = {**MODEL, "role": "artifact"}
        one = self.event(DEVICE, "ArtifactActivated", {"surface": "segmentation_model"}, [UNIT, artifact], at,
                         causes=[self.events[10].fields["event_id"]], seen_tree_size=11, seen_root=self.root(11),
                         rationale="Commissioning plan step 4.")
        self.add_batch(at + 2000, [self.run(DEVICE, [one], at + 1000)])
