"""Evidence that somebody signed two things that can't both be true (deploy/decisions/0023-equivocation.md): files that
prove it, and files that look alike and prove nothing."""

from __future__ import annotations

import merkle
import note
import primitives as p
from events import EVENT_HEADER, Seal, seal_run
from small_log import DEVICE, ORIGIN, SEEDS, SOFTWARE, SmallLog
from wire import Value, encode

LOG_SEED = p.seed(96)
SECOND_LOG_SEED = p.seed(160)
WITNESS_SEED = p.seed(128)
WITNESS_NAME = "witness.example/w1"
STRANGER_SEED = p.seed(192)

MEANINGS = {
    "split-view": "# One log, one size, two roots.",
    "rewritten-history":
        "# One log, two sizes: the smaller tree is no prefix of the larger one, as the proof shows.",
    "replaced-leaf": "# One log, one index, two leaves, each under a tree that the log signed.",
    "forked-stream": "# One place of a writer's stream, two events, both sealed with one key.",
}


def log_key(seed: bytes = LOG_SEED, origin: str = ORIGIN) -> str:
    return note.verifier_key(origin, note.ED25519, p.public_key(seed))


def witness_key() -> str:
    return note.verifier_key(WITNESS_NAME, note.COSIGNATURE_V1, p.public_key(WITNESS_SEED))


def writer_key(seed: bytes) -> str:
    return note.verifier_key("writer", note.ED25519, p.public_key(seed))


def document(kind: str, *parts: str) -> str:
    return f"anamnesis-evidence@v1\n{kind}\n{MEANINGS[kind]}\n" + "".join(parts)


def tree(hashes: list[bytes], size: int, seed: bytes = LOG_SEED, cosigned: bool = False, origin: str = ORIGIN) -> str:
    text = note.checkpoint_text(origin, size, merkle.root(hashes[:size]))
    lines = [note.log_signature_line(origin, seed, text)]
    if cosigned:
        lines.append(note.cosignature_line(WITNESS_NAME, WITNESS_SEED, 1_742_036_460 + size, text))
    quoted = "".join("|\n" if not line else f"| {line}\n" for line in note.signed_note(text, lines)[:-1].split("\n"))
    return f"key {log_key(seed, origin)}\nnote\n{quoted}"


def proof(hashes: list[bytes]) -> str:
    return "proof\n" + "".join(f"| {p.b64(one)}\n" for one in hashes)


def prefix_proof(size: int, hashes: list[bytes]) -> list[bytes]:
    """RFC 6962's consistency proof, with the first node also where the older tree is complete."""
    made = merkle.consistency(size, hashes)
    return [merkle.root(hashes[:size]), *made] if size & (size - 1) == 0 else made


def sealed(headers: list[bytes], place: int, seal: Seal) -> str:
    path = merkle.inclusion(place, [merkle.leaf_hash(header) for header in headers])
    return (f"header {p.b64(headers[place])}\nplace {place}\n{proof(path)}statement {p.b64(seal.statement)}\n"
            f"signature {p.b64(seal.signature)}\n")


class Cases:
    def __init__(self, log: SmallLog) -> None:
        self.log = log
        self.told = log.hashes + [merkle.leaf_hash(b"later %d" % i) for i in range(8)]
        # The same log with another leaf 5, and what came later.
        self.lie = [*self.told[:5], merkle.leaf_hash(b"another leaf 5"), *self.told[6:]]
        self.cases: list[Value] = []

    def add(self, name: str, text: str, trusted: list[str], signed_by: list[str] | None = None,
            cosigned_by: list[str] | None = None) -> None:
        """`signed_by`: who is proven to have signed both; None when nothing is proven."""
        kind = text.split("\n")[1]
        self.cases.append({"name": name, "text": text, "trusted": trusted, "kind": kind,
                           "proven": signed_by is not None, "signed_by": signed_by or [],
                           "cosigned_by": cosigned_by or []})

    def split_views(self) -> None:
        one, other = tree(self.told, 12), tree(self.lie, 12)
        self.add("two roots", document("split-view", one, other), [log_key()], [log_key()])
        both = document("split-view", tree(self.told, 12, cosigned=True), tree(self.lie, 12, cosigned=True))
        self.add("two roots, both cosigned", both, [log_key(), witness_key()], [log_key()], [witness_key()])
        self.add("a cosigner that nobody asks about", both, [log_key()], [log_key()])
        self.add("only one cosigned", document("split-view", tree(self.told, 12, cosigned=True), other),
                 [log_key(), witness_key()], [log_key()])
        two_keys = document("split-view", one, tree(self.lie, 12, SECOND_LOG_SEED))
        self.add("two keys of one log", two_keys, [log_key(), log_key(SECOND_LOG_SEED)],
                 [log_key(), log_key(SECOND_LOG_SEED)])
        self.add("the other key is not trusted", two_keys, [log_key()])
        self.add("the same tree", document("split-view", one, one), [log_key()])
        self.add("a tree that grew", document("split-view", tree(self.told, 11), one), [log_key()])
        self.add("an untrusted key", document("split-view", one, other), [witness_key()])
        self.add("another log", document("split-view", one, tree(self.lie, 12, origin="other.example/log")),
                 [log_key(), log_key(origin="other.example/log")])
        misnamed = other.replace(log_key(), log_key(STRANGER_SEED))
        self.add("a key that didn't sign", document("split-view", one, misnamed),
                 [log_key(), log_key(STRANGER_SEED)])

    def rewritten_histories(self) -> None:
        kind = "rewritten-history"
        for size in (6, 7, 8, 12):
            text = document(kind, tree(self.told, size), tree(self.lie, 19), proof(prefix_proof(size, self.lie[:19])))
            self.add(f"size {size} is no prefix of 19", text, [log_key()], [log_key()])
        grew = document(kind, tree(self.told, 7), tree(self.told, 19), proof(prefix_proof(7, self.told[:19])))
        self.add("a replica that is behind", grew, [log_key()])
        honest = document(kind, tree(self.told, 4), tree(self.lie, 19), proof(prefix_proof(4, self.lie[:19])))
        self.add("before they differ", honest, [log_key()])
        bad = prefix_proof(7, self.told[:19])
        bad[1] = merkle.leaf_hash(b"bad")
        self.add("a proof that anybody can make",
                 document(kind, tree(self.told, 7), tree(self.told, 19), proof(bad)), [log_key()])
        self.add("a proof that is too short",
                 document(kind, tree(self.told, 7), tree(self.lie, 19), proof(prefix_proof(7, self.lie[:19])[:-1])),
                 [log_key()])
        self.add("the wrong way round",
                 document(kind, tree(self.lie, 19), tree(self.told, 7), proof(prefix_proof(7, self.lie[:19]))),
                 [log_key()])

    def leaf(self, hashes: list[bytes], size: int, index: int, leaf: bytes | None = None) -> str:
        shown = f"leaf-hash {p.b64(hashes[index])}\n" if leaf is None else f"leaf {p.b64(leaf)}\n"
        return tree(hashes, size) + shown + proof(merkle.inclusion(index, hashes[:size]))

    def replaced_leaves(self) -> None:
        kind = "replaced-leaf"
        receipt = self.leaf(self.told, 12, 5, self.log.leaves[5])
        self.add("a receipt whose leaf was replaced",
                 document(kind, "index 5\n", receipt, self.leaf(self.lie, 19, 5, b"another leaf 5")), [log_key()],
                 [log_key()])
        self.add("two hashes",
                 document(kind, "index 5\n", self.leaf(self.told, 7, 5), self.leaf(self.lie, 6, 5)), [log_key()],
                 [log_key()])
        self.add("the same leaf, later", document(kind, "index 5\n", receipt, self.leaf(self.told, 19, 5)), [log_key()])
        self.add("the same leaf in another history", document(kind, "index 4\n", self.leaf(self.told, 12, 4),
                                                              self.leaf(self.lie, 19, 4)), [log_key()])
        self.add("two indexes", document(kind, "index 5\n", receipt, self.leaf(self.told, 19, 6)), [log_key()])
        self.add("another index than is said", document(kind, "index 6\n", receipt, self.leaf(self.lie, 19, 5)),
                 [log_key()])

    def forked_streams(self) -> None:
        stream, seed = "/".join(DEVICE), SEEDS[DEVICE]
        own = [one for one in self.log.events if one.fields["stream"] == stream]
        key = p.public_key(seed).hex()
        top = f"origin {ORIGIN}\nstream {stream}\nposition 2\nkey {key}\n"

        def changed(**fields: object) -> bytes:
            return encode(EVENT_HEADER, {**own[1].fields, **fields})

        def alone(header: bytes, position: int = 2, origin: str = ORIGIN, with_seed: bytes = seed) -> str:
            return sealed([header], 0, seal_run(origin, stream, position, [header], with_seed, 1_742_036_500_000_000))

        recorded, other = alone(own[1].header_bytes), changed(rationale="Never happened.")
        trusted = [writer_key(seed)]
        self.add("two successors", document("forked-stream", top, recorded, alone(other)), trusted, [key])
        run = [own[0].header_bytes, other]
        within = sealed(run, 1, seal_run(ORIGIN, stream, 1, run, seed, 1_742_036_600_000_000))
        self.add("one of them in a longer run", document("forked-stream", top, recorded, within), trusted, [key])
        misplaced = changed(rationale="Never happened.", stream_position=3)
        self.add("two successors of one event, by its digest",
                 document("forked-stream", top, recorded, alone(misplaced, 3)), trusted, [key])
        self.add("a retry of the same event", document("forked-stream", top, recorded, recorded), trusted)
        resealed = sealed([own[0].header_bytes, own[1].header_bytes], 1,
                          seal_run(ORIGIN, stream, 1, [own[0].header_bytes, own[1].header_bytes], seed, 1))
        self.add("the same event sealed again in another run", document("forked-stream", top, recorded, resealed),
                 trusted)
        self.add("a key that nobody knows", document("forked-stream", top, recorded, alone(other)),
                 [writer_key(STRANGER_SEED), log_key()])
        self.add("another ledger's stream",
                 document("forked-stream", top, recorded, alone(other, origin="other.example/ledger")), trusted)
        self.add("a stranger's seal", document("forked-stream", top, recorded, alone(other, with_seed=STRANGER_SEED)),
                 [*trusted, writer_key(STRANGER_SEED)])
        following = encode(EVENT_HEADER, {**own[1].fields, "stream_position": 3,
                                          "previous_header_digest": own[1].header_digest})
        self.add("two events of one stream", document("forked-stream", top, recorded, alone(following, 3)), trusted)
        self.add("another position than is said",
                 document("forked-stream", top.replace("position 2", "position 3"), recorded, alone(other)), trusted)
        software = SEEDS[SOFTWARE]
        self.add("another key than is said",
                 document("forked-stream", top.replace(key, p.public_key(software).hex()), recorded, alone(other)),
                 [*trusted, writer_key(software)])


def evidence_vectors(log: SmallLog) -> Value:
    cases = Cases(log)
    cases.split_views()
    cases.rewritten_histories()
    cases.replaced_leaves()
    cases.forked_streams()
    return {"cases": cases.cases}
