#!/usr/bin/python3
"""Writes the seeds of the fuzz targets about exports, as the test of the verifier in Python makes them:
corpus/TARGET/NAME."""

import copy
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "client" / "python"))
import export_test as e  # noqa: E402


def documents():
    def changed(change):
        document = copy.deepcopy(whole)
        change(document["sections"][0]["tables"][0])
        return e.form(document)

    whole = e.Export().document
    del whole["records"][1:]
    yield "whole", e.form(whole)
    yield "no_cell", changed(lambda table: table["rows"].append([]))
    yield "a_cell_more", changed(lambda table: table["rows"][0].append({"text": "x"}))
    yield "no_column", changed(lambda table: table.update(columns=[]))
    yield "no_column_and_no_cell", changed(lambda table: table.update(columns=[], rows=[[]]))
    yield "marks", changed(lambda table: table.update(rows=[[{"mark": mark, "text": "2025-03-15T11:00:00Z"}] for mark in
                                                            ("good", "bad", "void")]))
    yield "long", changed(lambda table: table.update(rows=[[{"text": "0f" * 32 + "\n" + "x" * 300}]]))


def archives():
    files = [(b"a", b""), (b"records/1.leaf", b"leaf"), (b"z", b"x" * 600)]
    whole = e.packed(files)
    yield "whole", whole
    yield "empty", e.packed([])
    yield "cut_off", whole[:1500]
    yield "unsorted", e.packed(files[::-1])
    yield "above", e.packed([(b"../a", b"")])
    yield "absolute", e.packed([(b"/a", b"")])
    yield "twice", e.packed([files[0], files[0]])
    yield "file_and_directory", e.packed([(b"a", b""), (b"a/b", b"")])
    yield "more_behind", whole + bytes(512)


def main():
    for target, seeds in (("export", documents()), ("export_archive", archives())):
        directory = HERE / "corpus" / target
        directory.mkdir(exist_ok=True)
        for name, data in seeds:
            (directory / name).write_bytes(data)


if __name__ == "__main__":
    main()
