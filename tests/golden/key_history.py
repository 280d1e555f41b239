"""Histories of a log's checkpoint keys: ten years in which the first key is rotated, the second too, the third is
revoked and a fourth is named; what is right, each thing that can be wrong with it, and notes that count or don't."""

from __future__ import annotations

import base64

import cose
import merkle
import note
import primitives as p
from examples import ref
from small_log import FOUNDER, ORIGIN, SECOND_US, SEEDS, START_US, SmallLog
from wire import MessageType, Value

DAY_US = 86400 * SECOND_US
YEAR_US = 365 * DAY_US
OTHER = ("person", "p-0002")
KEYS = [p.seed(start) for start in (100, 132, 164, 196)]
COSIGNER, WITNESS, STRANGER = p.seed(11), p.seed(12), p.seed(13)
WITNESS_NAME = "witness.example/w"
OVERLAP_ENDS = START_US + 2 * YEAR_US + 90 * DAY_US
STOLEN = START_US + 6 * YEAR_US


class KeyLog(SmallLog):
    """Leaves 0 to 14; `rotator` is who rotates the first key, which is valid until `first_until`; where `granted` is
    given, leaf 5 grants `granted_to` to administer, as it has it; leaf 15 is an engineer's, or the administrator's, who
    ends the cosigner's key."""

    def __init__(self, messages: dict[str, MessageType], rotator=FOUNDER, name_twice: bool = False,
                 first_until: int = 0, cosigner_ended_by: str = "", granted: Value = None,
                 granted_to=FOUNDER) -> None:
        self.rotator, self.name_twice, self.first_until = rotator, name_twice, first_until
        self.cosigner_ended_by, self.granted, self.granted_to = cosigner_ended_by, granted, granted_to
        SEEDS.setdefault(OTHER, p.seed(77))
        super().__init__(messages)

    def add(self, at: int, kind: str, body: Value, refs: list[Value], writer=FOUNDER, **more: object) -> None:
        self.add_batch(at, [self.run(writer, [self.event(writer, kind, body, refs, at, **more)], at)])

    def register(self, at: int, name: str) -> None:
        self.add(at, "DeviceModelRegistered", {"name": name, "intended_purpose": "Ventilation of adults."},
                 [ref("device_model", "device_model", name)])

    def fill(self) -> None:
        person, node = ref("holder", *FOUNDER), ref("holder", "node", "founding-node")
        keys = [p.public_key(seed) for seed in KEYS]
        founding = [
            self.event(FOUNDER, "PersonEnrolled", {"printed_name": "Ada Founder", "identity_check": "SELF_DECLARED"},
                       [ref("person", *FOUNDER)], START_US),
            self.event(FOUNDER, "CredentialIssued", {"public_key": p.public_key(SEEDS[FOUNDER]), "purpose": "SEAL"},
                       [person], START_US),
            self.event(FOUNDER, "RoleGranted", {"role": "ADMINISTRATOR"}, [person], START_US),
            self.event(FOUNDER, "CredentialIssued",
                       {"public_key": keys[0], "purpose": "CHECKPOINT",
                        **({"valid_until_us": self.first_until} if self.first_until else {})}, [node], START_US),
        ]
        self.add_batch(START_US, [self.run(FOUNDER, founding, START_US)])
        self.add(START_US + DAY_US, "CredentialIssued",  # leaf 4
                 {"public_key": p.public_key(SEEDS[OTHER]), "purpose": "SEAL"}, [ref("holder", *OTHER)])
        if self.granted is None:  # leaf 5
            self.register(START_US + YEAR_US, "vent-1")
        else:
            self.add(START_US + YEAR_US, "RoleGranted", {"role": "ADMINISTRATOR", **self.granted},
                     [ref("holder", *self.granted_to)])
        self.add(START_US + 2 * YEAR_US, "CredentialRotated",  # leaf 6
                 {"old_public_key": keys[0], "new_public_key": keys[1], "old_key_until_us": OVERLAP_ENDS}, [node],
                 writer=self.rotator)
        self.register(OVERLAP_ENDS - DAY_US, "vent-2")  # leaf 7
        self.register(OVERLAP_ENDS + DAY_US, "vent-3")  # leaf 8
        self.add(START_US + 4 * YEAR_US, "CredentialRotated",  # leaf 9
                 {"old_public_key": keys[1], "new_public_key": keys[0 if self.name_twice else 2]}, [node])
        self.register(STOLEN - DAY_US, "vent-4")  # leaf 10
        self.register(STOLEN + DAY_US, "vent-5")  # leaf 11
        if self.name_twice:
            return
        self.add(STOLEN + 2 * DAY_US, "CredentialRevoked",  # leaf 12
                 {"public_key": keys[2], "effective_from_us": STOLEN}, [node], rationale="The disk was stolen.")
        self.add(STOLEN + 3 * DAY_US, "CredentialIssued", {"public_key": keys[3], "purpose": "CHECKPOINT"},  # leaf 13
                 [ref("holder", "node", ORIGIN)])
        self.add(START_US + 10 * YEAR_US, "CredentialIssued",  # leaf 14
                 {"public_key": p.public_key(COSIGNER), "purpose": "CHECKPOINT"},
                 [ref("holder", "node", f"{ORIGIN}/node/n1")])
        cosigner = {"public_key": p.public_key(COSIGNER)}
        if self.cosigner_ended_by == "CredentialRevoked":  # leaf 15
            self.add(START_US + 10 * YEAR_US + DAY_US, "CredentialRevoked", cosigner,
                     [ref("holder", "node", f"{ORIGIN}/node/n1")], rationale="The disk was stolen.")
        elif self.cosigner_ended_by == "CredentialReportedLost":
            self.add(START_US + 10 * YEAR_US + DAY_US, "CredentialReportedLost", {**cosigner, "lost_since_us": STOLEN},
                     [ref("holder", "node", f"{ORIGIN}/node/n1")], writer=OTHER, rationale="Left on a train.")

    # --- Files ---

    def note(self, size: int, signers: list[bytes], origin: str = ORIGIN, witnessed_at_us: int | None = None,
             cosigned_at_us: int | None = None) -> str:
        text = note.checkpoint_text(origin, size, self.root(size))
        lines = [note.log_signature_line(origin, seed, text) for seed in signers]
        if witnessed_at_us is not None:
            lines.append(note.cosignature_line(WITNESS_NAME, WITNESS, witnessed_at_us // SECOND_US, text))
        if cosigned_at_us is not None:
            lines.append(note.cosignature_line(f"{ORIGIN}/node/n1", COSIGNER, cosigned_at_us // SECOND_US, text))
        return note.signed_note(text, lines)

    def cose_receipt(self, index: int, size: int, signer: bytes) -> str:
        header = {**cose.protected(cose.subject_of(self, index), size), 4: cose.kid(signer)}
        proof = cose.cbor([size, index, merkle.inclusion(index, self.hashes[:size])])
        return cose.cbor(cose.Tag(18, cose.receipt(header, {cose.INCLUSION: [proof]}, self.root(size), signer))).hex()

    def leaf_entry(self, index: int, size: int, with_body: bool) -> str:
        made = self.events[index]
        body = p.b64(made.nonce + made.body_bytes) if with_body else "-"
        path = "".join(p.b64(one) + "\n" for one in merkle.inclusion(index, self.hashes[:size]))
        return f"leaf {index}\n{p.b64(self.leaves[index])}\n{body}\n{path}\n"

    def older_entry(self, old: str, size: int) -> str:
        path = merkle.consistency(int(old.split("\n")[1]), self.hashes[:size])
        return f"older\n{p.b64(old.encode())}\n" + "".join(p.b64(one) + "\n" for one in path) + "\n"

    def entries(self, size: int | None = None) -> dict[int, str]:
        """What belongs into a history: the founding run, what is about keys, how far the log had come at each end."""
        size = size or len(self.leaves)
        bodies = dict.fromkeys((1, 2, 3, *(() if self.granted is None else (5,)), 6, 9, 12, 13, 14, 15), True)
        wanted = {0: False, 7: False, 8: False, 10: False, **bodies}
        return {index: self.leaf_entry(index, size, wanted[index]) for index in sorted(wanted) if index < size}

    def history(self, head: str, older: list[str] = (), entries: dict[int, str] | None = None) -> str:
        size = int(head.split("\n")[1])
        leaves = (entries or self.entries(size)).values()
        ordered = sorted(older, key=lambda one: (int(one.split("\n")[1]), one.encode()))
        return ("anamnesis-key-history@v1\n" + "".join(leaves) + "".join(self.older_entry(one, size) for one in ordered)
                + "checkpoint\n" + head)


def log_key(seed: bytes, origin: str = ORIGIN) -> str:
    return note.verifier_key(origin, note.ED25519, p.public_key(seed))


def with_wrong_line(signed: str, seed: bytes) -> str:
    """With a line by the key that is a signature of something else."""
    return signed + note.log_signature_line(ORIGIN, seed, "another text\n")


def judged(log: KeyLog, messages: dict[str, MessageType]) -> list[Value]:
    size = len(log.leaves)
    first, second, third, fourth = KEYS
    keys = [log_key(seed) for seed in KEYS]
    head = log.note(size, [fourth])
    handover = log.note(6, [first])
    entries = log.entries()
    cases: list[Value] = []

    def case(name: str, text: str, trusted: list[str], because: str = "") -> None:
        cases.append({"name": name, "history": text, "trusted": trusted, "because": because})

    def without(index: int) -> dict[int, str]:
        return {number: entry for number, entry in entries.items() if number != index}

    def changed(index: int, entry: str) -> dict[int, str]:
        return {**entries, index: entry}

    case("from today's key", log.history(head), [keys[3]])
    case("from the first key", log.history(head, [handover]), [keys[0]])
    case("from the second key", log.history(head, [log.note(9, [second])]), [keys[1]])
    case("from one of several", log.history(head), [log_key(STRANGER), keys[3]])
    case("before anything was rotated", log.history(log.note(5, [first])), [keys[0]])
    case("in the overlap", log.history(log.note(8, [first, second])), [keys[0]])
    case("in the overlap, by the old key alone", log.history(log.note(8, [first])), [keys[0]])

    case("nothing by a trusted key", log.history(head), [keys[0]], "signed by the key that you trust")
    case("a trusted key that no event names", log.history(head), [log_key(STRANGER)], "none of the keys that you trust")
    case("no key of this log", log.history(head), [log_key(fourth, "other.example/log")],
         "none of the keys that you trust")
    case("a trusted key that was revoked", log.history(head, [log.note(11, [third])]), [keys[2]],
         "was revoked by leaf 12")
    case("a handover from before the founding", log.history(head, [log.note(3, [first])]), [keys[0]],
         "signed by the key that you trust")
    case("a handover after the key's end", log.history(head, [log.note(9, [first])]), [keys[0]],
         "signed by the key that you trust")
    case("a missing link", log.history(head, entries=without(6)), [keys[3]], "leaf 9: ends a key that nothing")
    case("the last link is missing", log.history(head, entries=without(13)), [keys[3]],
         "not signed by a key that it names")
    case("no founding", log.history(head, entries=without(0)), [keys[3]], "leaf 3: ")
    moved = dict(sorted({**without(9), 11: entries[9].replace("leaf 9", "leaf 11")}.items()))
    case("a leaf is not included there", log.history(head, entries=moved), [keys[3]], "leaf 11: ")
    swapped = dict(entries)
    swapped[6], swapped[9] = entries[9], entries[6]
    case("reordered", log.history(head, entries=swapped), [keys[3]], "not in the order of the log")
    twice = changed(9, entries[9] + entries[9])
    case("a leaf twice", log.history(head, entries=twice), [keys[3]], "not in the order of the log")
    made = log.events[6]
    forged = entries[6].replace(p.b64(made.nonce + made.body_bytes), p.b64(made.nonce + log.events[9].body_bytes))
    case("another body", log.history(head, entries=changed(6, forged)), [keys[3]], "leaf 6: its body has ")
    bare = log.leaf_entry(6, size, False)
    case("a link without its body", log.history(head, entries=changed(6, bare)), [keys[3]],
         "leaf 9: ends a key that nothing")
    case("the rest of a run is missing", log.history(head, entries=without(3)), [keys[3]],
         "leaf 2: the rest of its run")
    case("another origin", log.history(log.note(size, [fourth], "other.example/log")),
         [log_key(fourth, "other.example/log")], "leaf 3: ")
    case("an older checkpoint of another origin", log.history(head, [log.note(6, [first], "other.example/log")]),
         [keys[3]], 'is of "other.example/log"')
    case("signed by the revoked key", log.history(log.note(size, [third])), [keys[2]], "which leaf 12 ended")
    case("signed by a key that was rotated out", log.history(log.note(size, [first])), [keys[0]], "which leaf 6 ended")
    case("signed by a stranger", log.history(log.note(size, [STRANGER])), [log_key(STRANGER)],
         "not signed by a key that it names")
    case("signed by a cosigner as the log", log.history(log.note(size, [COSIGNER])), [log_key(COSIGNER)],
         "not signed by a key that it names")

    other = KeyLog(messages, rotator=OTHER)
    case("an older checkpoint of a fork", log.history(head, []).replace(
        "checkpoint\n", log.older_entry(other.note(7, [first]), size) + "checkpoint\n"), [keys[3]],
         "is not shown to be continued")
    others = other.entries()
    newest = other.note(size, [fourth])
    case("who rotated was nobody, and names nothing", other.history(newest), [keys[3]])
    case("what nobody named can't be trusted", other.history(newest, [other.note(9, [second])]), [keys[1]],
         "none of the keys that you trust")
    case("what nobody named doesn't sign", other.history(other.note(9, [second])), [keys[0]],
         "leaf 6: credential.rotated by person:p-0002: nothing says whose the key is")
    case("what nobody named names nothing either", other.history(other.note(11, [third])), [keys[0]],
         "leaf 6: credential.rotated by person:p-0002: nothing says whose the key is")
    case("what nobody ended has ended all the same", other.history(other.note(9, [first])), [keys[0]],
         "which leaf 6 ended")
    others[4] = other.leaf_entry(4, size, True)
    others = dict(sorted(others.items()))
    case("who rotated was no administrator, and names nothing", other.history(newest, entries=others), [keys[3]])
    entries_9 = {index: other.leaf_entry(index, 9, index in (1, 2, 3, 4, 6)) for index in (*range(5), 6, 7, 8)}
    case("what somebody without the role named doesn't sign", other.history(other.note(9, [second]), entries=entries_9),
         [keys[0]], "leaf 6: credential.rotated by person:p-0002, who was no administrator")
    for name, grant in (("for an item", {"scope": {"items": ["alert"]}}), ("without limits", {"scope": {}}),
                        ("for a time", {"valid_until_us": START_US + YEAR_US + DAY_US})):
        once_more = KeyLog(messages, granted=grant)
        case(f"an administrator is granted it once more {name}",
             once_more.history(once_more.note(size, [fourth]), [once_more.note(9, [second])]), [keys[1]])
    within = KeyLog(messages, rotator=OTHER, granted={"scope": {"items": ["alert"]}}, granted_to=OTHER)
    entries_9 = {index: within.leaf_entry(index, 9, index in range(1, 7)) for index in range(9)}
    case("who administers an item names no keys", within.history(within.note(9, [second]), entries=entries_9),
         [keys[0]], "leaf 6: credential.rotated by person:p-0002, who was no administrator")
    entirely = KeyLog(messages, rotator=OTHER, granted={"scope": {}}, granted_to=OTHER)
    entries_9 = {index: entirely.leaf_entry(index, 9, index in range(1, 7)) for index in range(9)}
    case("a scope that limits nothing is none",
         entirely.history(entirely.note(9, [second]), [entirely.note(6, [first])], entries_9), [keys[0]])
    lost = KeyLog(messages, cosigner_ended_by="CredentialReportedLost")
    case("who reported a key lost was nobody", lost.history(lost.note(16, [fourth])), [keys[3]])
    expiring = KeyLog(messages, first_until=START_US + YEAR_US + DAY_US)
    with_mark = {**expiring.entries(), 5: expiring.leaf_entry(5, size, False)}
    with_mark = dict(sorted(with_mark.items()))
    head = expiring.note(size, [fourth])
    case("before a key's time is over", expiring.history(head, [expiring.note(6, [first])], with_mark), [keys[0]])
    case("after a key's time is over", expiring.history(head, [expiring.note(7, [first])], with_mark), [keys[0]],
         "signed by the key that you trust")
    again = KeyLog(messages, name_twice=True)
    case("a key is named twice", again.history(again.note(len(again.leaves), [first])), [keys[0]],
         "leaf 9: names a key that was named before")
    return cases


def opened(log: KeyLog) -> Value:
    """Notes under one history, with and without a policy."""
    first, second, third, fourth = KEYS
    size = len(log.leaves)
    shown = log.note(11, [third])
    text = log.history(log.note(size, [fourth]), [log.note(6, [first]), shown])
    witness = note.verifier_key(WITNESS_NAME, note.COSIGNATURE_V1, p.public_key(WITNESS))
    policy = f"log {log_key(fourth)}\nwitness w {witness}\nquorum w\n"
    notes: list[Value] = []

    def case(name: str, checkpoint: str, because: str = "", with_policy: bool = False) -> None:
        notes.append({"name": name, "note": checkpoint, "policy": policy if with_policy else "", "because": because})

    case("by the first key, before", log.note(5, [first]))
    case("by the first key, in the overlap", log.note(8, [first]))
    case("by both, in the overlap", log.note(8, [first, second]))
    case("by the first key, after the overlap", log.note(9, [first]), "was rotated out")
    case("by the second key", log.note(9, [second]))
    case("by the second key, after it ended at once", log.note(10, [second]), "was rotated out")
    case("by the revoked key, and shown to be of this log", shown)
    case("by the revoked key, and not shown", log.note(10, [third]), "may have signed anything")
    case("by the revoked key, after it was stolen", log.note(12, [third]), "lies before is not shown")
    case("by the revoked key, of the newest tree", log.note(size, [third]), "lies before is not shown")
    case("by the last key", log.note(14, [fourth]))
    case("by the last key, of an older tree", log.note(4, [fourth]))
    case("by a stranger", log.note(5, [STRANGER]), "not signed by a key")
    case("by a key of the log as another log", log.note(5, [first], "other.example/log"), 'is of "other.example/log"')
    broken = log.note(5, [first]).replace(ORIGIN + "\n5\n", ORIGIN + "\n4\n")
    case("with a wrong signature", broken, "signature")
    case("with a second signature by the same key, which is wrong", with_wrong_line(log.note(5, [first]), first),
         "signature")
    case("with a signature by another of its keys, which is wrong", with_wrong_line(log.note(14, [fourth]), second),
         "signature")
    before, after = STOLEN - DAY_US // 2, STOLEN + DAY_US // 2
    case("below the quorum", log.note(14, [fourth]), "below the quorum", True)
    case("witnessed", log.note(14, [fourth], witnessed_at_us=after), "", True)
    case("by the first key, witnessed", log.note(5, [first], witnessed_at_us=before), "", True)
    case("by the revoked key, witnessed before", log.note(10, [third], witnessed_at_us=before), "", True)
    case("by the revoked key, witnessed after", log.note(10, [third], witnessed_at_us=after),
         "may have signed anything", True)
    case("by the revoked key, nobody witnessed", log.note(10, [third]), "may have signed anything", True)
    case("by the revoked key, of a later tree, witnessed before",
         log.note(12, [third], witnessed_at_us=before), "lies before is not shown", True)
    return {"history": text, "trusted": [log_key(fourth)], "notes": notes,
            "receipts": received(log, policy.replace("quorum w", "quorum none"), policy)}


def received(log: KeyLog, policy: str, policy_with_quorum: str) -> list[Value]:
    """COSE receipts of leaf 2 under that history; a key that is given besides doesn't count further for that."""
    first, second, third, fourth = KEYS
    receipts: list[Value] = []

    def case(name: str, size: int, signer: bytes, because: str = "", given: bytes | None = None,
             under: str = "") -> None:
        trusted = [log_key(fourth), *([log_key(given)] if given else [])]
        receipts.append({"name": name, "leaf": log.leaves[2].hex(), "receipt": log.cose_receipt(2, size, signer),
                         "trusted": trusted, "policy": under, "because": because})

    size = len(log.leaves)
    case("by the last key", size, fourth)
    case("by the first key, before it ended", 5, first)
    case("by the first key, after it ended", 9, first, "was rotated out")
    case("by the first key, which is given, after it ended", 9, first, "was rotated out", first)
    case("by the second key, before it ended", 9, second)
    case("by the revoked key, and shown to be of this log", 11, third)
    case("by the revoked key, and not shown", 10, third, "may have signed anything")
    case("by the revoked key, which is given, and not shown", 10, third, "may have signed anything", third)
    case("by the revoked key, which is given, of the newest tree", size, third, "lies before is not shown", third)
    case("by a stranger", 5, STRANGER, "none of those that are trusted")
    case("by a stranger, which is given", 5, STRANGER, "", STRANGER)
    case("by a cosigner as the log", size, COSIGNER, "none of those that are trusted")
    case("by the first key, with a policy without a quorum", 5, first, "", None, policy)
    case("by the revoked key, with a policy without a quorum", 10, third, "may have signed anything", None, policy)
    case("by the last key, with a policy with a quorum", size, fourth, "asks for cosignatures", None,
         policy_with_quorum)
    return receipts


def opened_after_theft(messages: dict[str, MessageType]) -> Value:
    """One disk with the log's third key and the cosigner's key was stolen, and both were revoked."""
    third, fourth = KEYS[2:]
    log = KeyLog(messages, cosigner_ended_by="CredentialRevoked")
    before = STOLEN - DAY_US // 2
    shown = log.note(11, [third], cosigned_at_us=before)
    text = log.history(log.note(16, [fourth]), [shown])
    witness = note.verifier_key(f"{ORIGIN}/node/n1", note.COSIGNATURE_V1, p.public_key(COSIGNER))
    policy = f"log {log_key(fourth)}\nwitness w {witness}\nquorum w\n"
    notes = [
        {"name": "shown to be of this log, cosigned before the end", "note": shown, "policy": policy, "because": ""},
        {"name": "the thief cosigns with an older time", "note": log.note(10, [third], cosigned_at_us=before),
         "policy": policy, "because": "may have signed anything"},
        {"name": "a good key's, with nothing but the thief's cosignature",
         "note": log.note(15, [fourth], cosigned_at_us=before), "policy": policy, "because": "below the quorum"},
    ]
    # What comes too late to count must hold all the same: what a known key is said to have signed is never passed over.
    late = log.note(15, [fourth], cosigned_at_us=STOLEN + DAY_US)
    start, name, blob = late.rstrip("\n").rsplit(" ", 2)
    signature = base64.b64decode(blob)
    flipped = signature[:-1] + bytes([signature[-1] ^ 1])
    uncounted = policy.replace("quorum w", "quorum none")
    for what, changed, because in (("that is right", signature, ""), ("with another byte", flipped, "signature"),
                                   ("of seven bytes", signature[:4] + b"\xff" * 7, "signature"),
                                   ("of another time", signature[:4] + b"\x7f" + signature[5:], "signature")):
        line = f"{start} {name} {base64.b64encode(changed).decode()}\n"
        notes.append({"name": f"with a late cosignature {what}", "note": line, "policy": uncounted,
                      "because": because})
    return {"history": text, "trusted": [log_key(fourth)], "notes": notes}


def key_history_vectors(messages: dict[str, MessageType]) -> Value:
    log = KeyLog(messages)
    return {"judged": judged(log, messages), "opened": opened(log), "opened_after_theft": opened_after_theft(messages)}
