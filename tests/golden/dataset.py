"""Datasets with members: what a version commits to, proofs about records, member files.

The hashed bytes are those of ledger/dataset/member.h, the file's those of client/dataset/member_file_layout.h: read
there as prose and written anew. Messages of proofs have their field numbers written out by hand: they are the format.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import merkle
import primitives as p
from wire import Field, MessageType, Value, encode

MEMBER = MessageType("DatasetMember", [
    Field(1, "record_id", "string"), Field(2, "subject_id", "string"), Field(3, "content_sha256", "bytes"),
])
MEMBERSHIP = MessageType("MembershipProof", [
    Field(1, "member", "message", type=MEMBER), Field(2, "nonce", "bytes"), Field(3, "index", "uint64"),
    Field(4, "path", "bytes", repeated=True),
])
NEIGHBOUR = MessageType("NeighbourLeaf", [
    Field(1, "sort_key", "bytes"), Field(2, "commitment", "bytes"), Field(3, "path", "bytes", repeated=True),
])
ABSENCE = MessageType("AbsenceProof", [
    Field(1, "record_id", "string"), Field(2, "sort_key", "bytes"), Field(3, "members_before", "uint64"),
    Field(4, "before", "message", type=NEIGHBOUR), Field(5, "after", "message", type=NEIGHBOUR),
])
PROOF = MessageType("DatasetProof", [
    Field(1, "membership", "message", type=MEMBERSHIP), Field(2, "absence", "message", type=ABSENCE),
])
PROVEN = [MEMBER, MEMBERSHIP, NEIGHBOUR, ABSENCE, PROOF]

ERASED = 2**64 - 1
TILE = 256


def random(index: int) -> bytes:
    """Golden only: the builder's randomness, 32 bytes at a time; the salt first, then a nonce for each line."""
    return p.sha256(b"golden dataset random %d" % index)


@dataclass
class Member:
    record_id: str
    subject_id: str
    content: bytes
    nonce: bytes

    def encoded(self) -> bytes:
        record, subject = self.record_id.encode(), self.subject_id.encode()
        return b"\x00" + bytes([len(record)]) + record + bytes([len(subject)]) + subject + self.content

    def commitment(self) -> bytes:
        return p.sha256(b"\x02" + self.nonce + self.encoded())


class Dataset:
    """Members in the order of a manifest, numbered: every third has no subject, every fifth no digest."""

    def __init__(self, size: int) -> None:
        self.salt = random(0)
        self.manifest = [
            Member(f"img-{i:04}" if i % 7 else f"aufnähme-{i:04}", f"patient-{i // 2:03}" if i % 3 else "",
                   p.sha256(b"content %d" % i) if i % 5 else b"", random(1 + i)) for i in range(size)]
        self.members = sorted(self.manifest, key=lambda member: self.sort_key(member.record_id))
        self.hashes = [merkle.leaf_hash(self.leaf(member)) for member in self.members]
        self.root = merkle.root(self.hashes)

    def sort_key(self, record_id: str) -> bytes:
        return p.sha256(b"\x03" + self.salt + record_id.encode())

    def leaf(self, member: Member) -> bytes:
        return b"\x04" + self.sort_key(member.record_id) + member.commitment()

    def membership(self, index: int) -> Value:
        member = self.members[index]
        return {"member": {"record_id": member.record_id, "subject_id": member.subject_id,
                           "content_sha256": member.content},
                "nonce": member.nonce, "index": index, "path": merkle.inclusion(index, self.hashes)}

    def neighbour(self, index: int) -> Value:
        member = self.members[index]
        return {"sort_key": self.sort_key(member.record_id), "commitment": member.commitment(),
                "path": merkle.inclusion(index, self.hashes)}

    def absence(self, record_id: str) -> Value:
        key = self.sort_key(record_id)
        before = sum(self.sort_key(member.record_id) < key for member in self.members)
        proof: Value = {"record_id": record_id, "sort_key": key, "members_before": before}
        if before > 0:
            proof["before"] = self.neighbour(before - 1)
        if before < len(self.members):
            proof["after"] = self.neighbour(before)
        return proof

    def tiles(self) -> bytes:
        """Levels 1 and up: a hash of level L + 1 is the root of 256 of level L."""
        out, level = b"", self.hashes
        while len(level) >= TILE:
            level = [merkle.root(level[at:at + TILE]) for at in range(0, len(level) - TILE + 1, TILE)]
            out += b"".join(level)
        return out

    def file(self, erased: set[str]) -> bytes:
        leaves = contents = b""
        for member in self.members:
            gone = member.record_id in erased
            offset = ERASED if gone else len(contents)
            leaves += self.sort_key(member.record_id) + member.commitment() + p.be64(offset)
            if not gone:
                contents += member.nonce + p.be32(len(member.encoded())) + member.encoded()
        subjects = len({member.subject_id for member in self.members} - {""})
        header = (b"anamnesis-member" + p.be32(1) + p.be32(0) + p.be64(len(self.members)) + p.be64(subjects)
                  + p.be64(len(erased)) + p.be64(len(contents)) + self.root + self.salt)
        return header + p.sha256(header) + leaves + self.tiles() + contents

    def manifest_text(self) -> str:
        """As JSON Lines."""
        return "".join(json.dumps({"record_id": member.record_id, "subject_id": member.subject_id or None,
                                   "sha256": member.content.hex()}) + "\n" for member in self.manifest)


def member_vectors() -> list[Value]:
    dataset = Dataset(6)
    return [{"record_id": member.record_id, "subject_id": member.subject_id, "content_sha256": member.content.hex(),
             "nonce": member.nonce.hex(), "salt": dataset.salt.hex(), "bytes": member.encoded().hex(),
             "sort_key": dataset.sort_key(member.record_id).hex(), "commitment": member.commitment().hex(),
             "leaf_hash": merkle.leaf_hash(dataset.leaf(member)).hex()} for member in dataset.manifest]


def file_digests(dataset: Dataset, erased: set[str]) -> Value:
    data = dataset.file(erased)
    # The bytes of a small file for whoever looks for the difference.
    return {"erased": sorted(erased), "file_bytes": len(data), "file_sha256": p.sha256(data).hex(),
            **({"file": data.hex()} if len(dataset.members) <= 3 else {})}


def tree_vectors() -> list[Value]:
    out = []
    for size in (0, 1, 2, 3, 8, 257, 347):
        dataset = Dataset(size)
        members = sorted({0, size // 2, size - 1} & set(range(size)))
        proofs = [{"record_id": dataset.members[i].record_id, "is_member": True,
                   "proof": encode(PROOF, {"membership": dataset.membership(i)}).hex()} for i in members]
        proofs += [{"record_id": record, "is_member": False,
                    "proof": encode(PROOF, {"absence": dataset.absence(record)}).hex()}
                   for record in ("foreign-0001", "foreign-0002", "foreign-0003")]
        files = [file_digests(dataset, set())]
        if size > 1:
            files.append(file_digests(dataset, {dataset.manifest[1].record_id}))
        out.append({"records": size, "root": dataset.root.hex(), "salt": dataset.salt.hex(),
                    "manifest": dataset.manifest_text(), "proofs": proofs, "files": files})
    return out


def rejected_vectors() -> list[Value]:
    """Forgeries over the tree of 8 members that would hide its first member, or show another."""
    dataset = Dataset(8)
    victim = dataset.members[3]
    key = dataset.sort_key(victim.record_id)
    apart: Value = {"record_id": victim.record_id, "sort_key": key, "members_before": 3,
                    "before": dataset.neighbour(2), "after": dataset.neighbour(4)}
    itself: Value = {**apart, "after": dataset.neighbour(3)}
    foreign = dataset.absence("foreign-0001")
    shown = dataset.membership(3)
    other_digest = {**shown, "member": {**shown["member"], "content_sha256": p.sha256(b"forged")}}
    cases = [("neighbours apart", {"absence": apart}), ("beside itself", {"absence": itself}),
             ("one place on", {"absence": {**apart, "members_before": 4}}),
             ("sort key of another", {"absence": {**foreign, "record_id": "foreign-0002"}}),
             ("swapped", {"absence": {**foreign, "before": foreign["after"], "after": foreign["before"]}}),
             ("no neighbour", {"absence": {"record_id": "foreign-0001", "sort_key": foreign["sort_key"]}}),
             ("another digest", {"membership": other_digest}), ("another nonce", {"membership": {**shown,
                                                                                               "nonce": random(0)}}),
             ("another place", {"membership": {**shown, "index": 2}}),
             ("both", {"membership": shown, "absence": foreign}), ("neither", {})]
    return [{"name": name, "proof": encode(PROOF, value).hex()} for name, value in cases]


def dataset_vectors() -> Value:
    return {"random": "32 bytes at a time: SHA-256 of \"golden dataset random N\", N from 0; the salt, then the nonces",
            "members": member_vectors(), "trees": tree_vectors(), "rejected_by_tree_of_8": rejected_vectors()}
