#!/usr/bin/python3
"""The tree keeps its own rules, and each check catches violations planted in a small tree made for the purpose."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import fuzzed
import includes
import purity
import rooms
import tidy
import used_headers

ROOT = pathlib.Path(os.environ.get("ANAMNESIS_SOURCE_DIR", pathlib.Path(__file__).parents[2]))

CLEAN = {
    "README.md": "## Map\n\n| room | job |\n| --- | --- |\n| `ledger/base` | b |\n| `ledger/crypto` | c |\n\n## Next\n",
    "ledger/base/bytes.h": "#ifndef ANAMNESIS_LEDGER_BASE_BYTES_H_\n#define ANAMNESIS_LEDGER_BASE_BYTES_H_\n"
                           "#include <string>\n#endif  // ANAMNESIS_LEDGER_BASE_BYTES_H_\n",
    "ledger/crypto/sha256.cc": '#include <sodium.h>\n#include "ledger/base/bytes.h"\n',
    "tests/ledger/base/bytes_test.cc": '#include "ledger/base/bytes.h"\n#include "ledger/crypto/sha256.h"\n',
}


class Planted(unittest.TestCase):
    """Each test adds one violation to CLEAN and expects exactly one complaint that names it."""

    def problems(self, check, files):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for path, text in {**CLEAN, **files}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            (root / rooms.TABLE).parent.mkdir(parents=True)
            shutil.copy(ROOT / rooms.TABLE, root / rooms.TABLE)
            return check(root)

    def caught(self, check, path, text, expected):
        found = self.problems(check, {path: text})
        self.assertEqual(len(found), 1, found)
        self.assertIn(expected, found[0])

    def test_clean_tree(self):
        for check in (includes.check_includes, includes.check_map, tidy.check, used_headers.check, fuzzed.check):
            self.assertEqual(self.problems(check, {}), [])

    def test_includes(self):
        for path, header, expected in [
            ("ledger/base/x.cc", '"ledger/crypto/sha256.h"', "ledger/base may not include ledger/crypto"),
            ("ledger/rules/x.cc", '"ledger/store/event_store.h"', "ledger/rules may not include ledger/store"),
            ("ledger/state/x.cc", '"ledger/merkle/verify.h"', "ledger/state may not include ledger/merkle"),
            ("client/cpp/x.cc", '"ledger/engine/ledger.h"', "client/cpp may not include ledger/engine"),
            ("ledger/merkle/x.cc", '"anamnesis/v1/event.pb.h"', "ledger/merkle may not include proto"),
            ("ledger/event/x.cc", '"anamnesis/v1/ledger.grpc.pb.h"', "not granted the library grpc"),
            ("ledger/base/x.cc", "<sodium.h>", "not granted the library sodium"),
            ("ledger/note/x.cc", "<openssl/evp.h>", "not granted the library openssl"),
            ("ledger/engine/x.cc", '"rocksdb/db.h"', "not granted the library rocksdb"),
            ("ledger/engine/x.cc", "<grpcpp/grpcpp.h>", "not granted the library grpc"),
            ("node/service/x.cc", "<grpcpp/ext/reflection.h>", "not granted the library reflection"),
            ("client/cpp/x.cc", "<git2.h>", "not granted the library git2"),
            ("client/cli/x.cc", "<nlohmann/json.hpp>", "not granted the library json"),
            ("node/service/x.cc", "<CLI/CLI.hpp>", "not granted the library cli11"),
            ("ledger/base/x.cc", "<folly/futures/Future.h>", "unknown header"),
            ("ledger/base/x.cc", '"bytes.h"', "unknown header"),
            ("ledger/base/x.cc", "<ledger/base/bytes.h>", "with quotes"),
            ("ledger/base/x.cc", '"ledger/nowhere/x.h"', "no room"),
            ("ledger/base/x.cc", '"tests/support/x.h"', "included by nobody"),
            ("ledger/base/x.cc", "<gtest/gtest.h>", "not granted the library gtest"),
            ("ledger/base/x.cc", "<thread>", "pure room"),
        ]:
            with self.subTest(path=path, header=header):
                self.caught(includes.check_includes, path, f"#include {header}\n", expected)
        self.caught(includes.check_includes, "ledger/nowhere/x.cc", "", "lies in no room")

    def test_map(self):
        self.caught(includes.check_map, "ledger/note/x.cc", "", "no row for `ledger/note`")
        rows = CLEAN["README.md"]
        self.caught(includes.check_map, "README.md", rows.replace("| `ledger/c", "| `ledger/note` | n |\n| `ledger/c"),
                    "`ledger/note` is no room")
        swapped = rows.replace("base", "_").replace("crypto", "base").replace("_", "crypto")
        self.caught(includes.check_map, "README.md", swapped, "not in the order")

    def test_tidy(self):
        for path, text, expected in [
            ("ledger/base/x.cc", "// " + "x" * 118 + "\n", "121 characters"),
            ("ledger/base/x.cc", "// TO" "DO: later\n", "leftover"),
            ("ledger/base/x.cc", "\tint x;\n", "tab"),
            ("ledger/base/x.cc", "int x; \n", "space at the end"),
            ("ledger/base/x.cc", "int x;", "no newline"),
            ("ledger/base/x.cc", "\n" * 701, "lines; split"),
            ("ledger/base/x.h", "#ifndef X_H_\n#define X_H_\n#endif  // X_H_\n", "ANAMNESIS_LEDGER_BASE_X_H_"),
        ]:
            with self.subTest(expected=expected):
                self.caught(tidy.check, path, text, expected)

    def test_used_headers(self):
        proto = 'syntax = "proto3";\npackage anamnesis.v1;\nmessage Sealed {}\n'
        for text, expected in [
            ("std::vector<int> v;\n", "std::vector without #include of vector"),
            ("std::sort(a, b);\n", "std::sort without #include of algorithm"),
            ("std::ranges::sort(a);\n", "std::ranges::sort without #include of algorithm"),
            ("absl::StrCat(1);\n", "absl::StrCat without #include of absl/strings/str_cat.h"),
            ("v1::Sealed s;\n", "v1::Sealed without #include of anamnesis/v1/sealed.pb.h"),
            ("v1::Sealed_Inner s;\n", "without #include of anamnesis/v1/sealed.pb.h"),
        ]:
            with self.subTest(text=text):
                found = self.problems(used_headers.check,
                                      {"ledger/base/x.cc": text, "proto/anamnesis/v1/sealed.proto": proto})
                self.assertEqual(len(found), 1, found)
                self.assertIn(expected, found[0])
        for fine in ['#include "ledger/base/bytes.h"\nstd::string s;\n',
                     "// std::vector\nconst char* s = \"std::map\";\n",
                     '#include "anamnesis/v1/sealed.pb.h"\nv1::Sealed s;\n', "#include <filesystem>\nstd::string s;\n"]:
            with self.subTest(fine=fine):
                self.assertEqual(self.problems(used_headers.check, {"ledger/base/x.cc": fine,
                                                                    "proto/anamnesis/v1/sealed.proto": proto}), [])

    def test_fuzzed(self):
        service = "service S {\n  // rpc Old(OldRequest)\n  rpc Get(GetRequest) returns (Got);\n" \
                  "  rpc Put(stream PutRequest)\n      returns (Got);\n}\n"
        proto = "proto/anamnesis/v1/s.proto"
        both = "v1::GetRequest get;\nv1::PutRequest put;\n"
        self.assertEqual(self.problems(fuzzed.check, {proto: service, "tests/fuzz/s_fuzz.cc": both}), [])
        target, get_only = "tests/fuzz/s_fuzz.cc", "v1::GetRequest get;  // PutRequest\n"
        for targets, expected in [
            ({target: both.replace("v1::Get", "v1::Forget")}, "s.proto:3: no fuzz target names GetRequest"),
            ({target: get_only}, "s.proto:4: no fuzz target names PutRequest"),
            ({target: get_only, "tests/fuzz/s.h": both}, "PutRequest, which Put takes"),
        ]:
            with self.subTest(expected=expected):
                found = self.problems(fuzzed.check, {proto: service, **targets})
                self.assertEqual(len(found), 1, found)
                self.assertIn(expected, found[0])
        etcd = {"proto/etcd/rpc.proto": service}
        self.assertEqual(self.problems(fuzzed.check, etcd), [])

    def test_purity(self):
        code = """
            #include <sodium.h>
            #include <sys/socket.h>
            #include <chrono>
            #include <cstdio>
            #include <cstdlib>
            #include <ctime>
            #include <fstream>
            #include <mutex>
            #include <thread>
            long Clock() { return std::chrono::system_clock::now().time_since_epoch().count() + time(nullptr); }
            void Random(unsigned char* p) { randombytes_buf(p, 1); crypto_sign_keypair(p, p); }
            void Thread() { std::thread([] {}).join(); }
            FILE* File(const char* name) { std::ifstream stream(name); return stream ? fopen(name, "r") : nullptr; }
            int Socket() { return socket(AF_INET, SOCK_STREAM, 0); }
            const char* Environment() { return std::getenv("HOME"); }
            std::mutex mutex;
            void Fine(unsigned char* p) { std::lock_guard lock(mutex); crypto_sign_seed_keypair(p, p, p); abort(); }
        """
        with tempfile.TemporaryDirectory() as directory:
            library = pathlib.Path(directory) / "planted.a"
            command = ["clang++", "-std=c++20", "-O1", "-x", "c++", "-", "-c", "-o", library]
            subprocess.run(command, input=code, text=True, check=True)
            found = purity.impurities(library)
            self.assertEqual({what for what, _ in found}, set(purity.FORBIDDEN))
            self.assertLessEqual({"time", "randombytes_buf", "crypto_sign_keypair", "getenv"}, {s for _, s in found})
            self.assertFalse([s for _, s in found if "seed" in s or "mutex" in s or s == "abort"])


class RealTree(unittest.TestCase):
    def clean(self, problems):
        if problems:
            self.fail(f"{len(problems)} violations\n" + "\n".join(problems))

    def test_includes(self):
        self.clean(includes.check_includes(ROOT))

    def test_map(self):
        self.clean(includes.check_map(ROOT))

    def test_tidy(self):
        self.clean(tidy.check(ROOT))

    def test_used_headers(self):
        self.clean(used_headers.check(ROOT))

    def test_fuzzed(self):
        self.clean(fuzzed.check(ROOT))

    @unittest.skipUnless("ANAMNESIS_BUILD_DIR" in os.environ, "needs a build directory")
    def test_purity(self):
        problems, seen = purity.check(ROOT, os.environ["ANAMNESIS_BUILD_DIR"])
        self.assertGreater(seen, 0, "no library of a pure room was found")
        self.clean(problems)


if __name__ == "__main__":
    unittest.main()
