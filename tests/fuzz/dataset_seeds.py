#!/usr/bin/python3
"""Writes the seeds of the fuzz targets about datasets, by the golden vectors' generator: corpus/TARGET/NAME."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "golden"))
import dataset  # noqa: E402
from wire import encode  # noqa: E402


def seeds():
    eight = dataset.Dataset(8)
    for index in (0, 3, 7):
        yield "dataset_proof", f"member_{index}", encode(dataset.PROOF, {"membership": eight.membership(index)})
    for place in (0, 4, 8):
        absences = (eight.absence(f"foreign-{i}") for i in range(1000))
        proof = next(absence for absence in absences if absence["members_before"] == place)
        yield "dataset_proof", f"absent_after_{place}", encode(dataset.PROOF, {"absence": proof})
    yield "dataset_proof", "absent_of_none", encode(dataset.PROOF, {"absence": dataset.Dataset(0).absence("foreign-1")})
    for case in dataset.rejected_vectors():
        yield "dataset_proof", "forged_" + case["name"].replace(" ", "_"), bytes.fromhex(case["proof"])
    for size in (0, 1, 3, 257):
        whole = dataset.Dataset(size)
        yield "member_file", f"of_{size}", whole.file(set())
        if size > 1:
            yield "member_file", f"of_{size}_one_erased", whole.file({whole.manifest[1].record_id})
    yield "manifest", "csv", b'record_id,subject_id,sha256\r\n"a ""b"", c",s-1,' + b"0f" * 32 + b"\nd,,\n"
    yield "manifest", "one_column", b"\xef\xbb\xbfrecord_id\na\n\nb"
    yield "manifest", "json_lines", eight.manifest_text().encode()
    yield "manifest", "bad_lines", b'record_id\n"a\nb"c\n\xff\n' + b"x" * 300


def main():
    for target, name, data in seeds():
        directory = HERE / "corpus" / target
        directory.mkdir(exist_ok=True)
        (directory / name).write_bytes(data)


if __name__ == "__main__":
    main()
