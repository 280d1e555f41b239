#!/usr/bin/env bash
# Third parties' programs accept what a ledger hands out, and reject it when a byte is flipped.
#
# First part: the golden vectors' keys, checkpoints, cosignature and proofs, with Go's x/mod/sumdb and the
# transparency-dev libraries. Second part: the same for a ledger that `anamnesis` makes, when
# $ANAMNESIS_BIN_DIR/anamnesis exists. Exit status 77 (skipped) without Go or the modules' download.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
vectors=$here/../golden/vectors
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

skip() {
    echo "SKIPPED: $*"
    exit 77
}

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# The program is built from pinned modules; -mod=readonly, so that go.sum can't grow unseen.
build_verifier() {
    command -v go >/dev/null || skip "Go is not installed, so no third party can be asked"
    local minor
    minor=$(go env GOVERSION | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
    [[ -z $minor || $minor -ge 21 ]] || skip "Go 1.$minor is too old to fetch the toolchain that go.mod asks for"
    cp -r "$here/third_party/go" "$work/go"
    cd "$work/go"
    if ! timeout 300 go mod download >"$work/download.txt" 2>&1; then
        cat "$work/download.txt"
        if grep -qE 'SECURITY ERROR|checksum mismatch' "$work/download.txt"; then
            echo "FAILED: a module is not the one that go.sum pins"
            exit 1
        fi
        skip "the Go modules can't be downloaded"
    fi
    go build -mod=readonly -o "$work/verify" .
    cd "$work"
}

accepts() {
    local what=$1
    shift
    "$work/verify" "$@" || fail "$what should be accepted"
}

rejects() {
    local what=$1 status=0
    shift
    "$work/verify" "$@" >"$work/answer.txt" 2>&1 || status=$?
    if [[ $status -eq 1 ]] && grep -q '^rejected' "$work/answer.txt"; then
        echo "rejected, as it should be: $what"
    else
        cat "$work/answer.txt"
        fail "$what should be rejected (exit status $status)"
    fi
}

# flip FILE OFFSET OUT: one bit of one byte is changed. A negative offset counts from the end; "signature" is a byte of
# the first signature line, which is the log's own (others may be of keys that the verifier doesn't know).
flip() {
    python3 - "$@" <<'PYTHON'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
if sys.argv[2] == "signature":
    offset = data.index(b" ", data.index("\n\n\u2014 ".encode()) + 6) + 20
else:
    offset = int(sys.argv[2])
data[offset] ^= 1
open(sys.argv[3], "wb").write(data)
PYTHON
}

# Flips a byte at several places of a proof and of its leaf; each must be rejected.
rejects_flipped() {
    local key=$1 proof=$2 leaf=$3 offset
    for offset in 0 9 20 -1; do
        flip "$leaf" "$offset" "$work/flipped.leaf"
        rejects "leaf with byte $offset flipped" -key "$key" -proof "$proof" -leaf "$work/flipped.leaf"
    done
    # The format line, the index, a hash, the signature.
    for offset in 3 29 40 signature; do
        flip "$proof" "$offset" "$work/flipped.tlog-proof"
        rejects "proof with byte $offset flipped" -key "$key" -proof "$work/flipped.tlog-proof" -leaf "$leaf"
    done
}

check_golden_notes() {
    local key witness file
    key=$(cat log.key) witness=$(cat witness.key)
    for file in checkpoint-*.note; do
        accepts "$file" -key "$key" -checkpoint "$file"
    done
    accepts "cosigned note" -key "$key" -cosigner "$witness" -checkpoint cosigned.note
    rejects "a note without the cosignature" -key "$key" -cosigner "$witness" -checkpoint checkpoint-12.note
    rejects "a note by another log" -key "$(cat signer-2.verifier)" -checkpoint checkpoint-12.note
    for file in rejected-*cosignature*.note; do
        rejects "$file" -key "$key" -cosigner "$witness" -checkpoint "$file"
    done
    for file in rejected-*.note; do
        [[ $file == *cosignature* ]] || rejects "$file" -key "$key" -checkpoint "$file"
    done
}

check_golden_proofs() {
    local key witness proof
    key=$(cat log.key) witness=$(cat witness.key)
    for proof in proof-*-of-12.tlog-proof; do
        accepts "$proof" -key "$key" -cosigner "$witness" -proof "$proof" -leaf "${proof%.tlog-proof}.leaf"
    done
    accepts "proof in a tree of one" -key "$key" -proof proof-0-of-1.tlog-proof -leaf proof-0-of-1.leaf
    accepts "proof in a tree of three" -key "$key" -proof proof-2-of-3.tlog-proof -leaf proof-2-of-3.leaf
    rejects "a proof of another leaf" -key "$key" -proof proof-5-of-12.tlog-proof -leaf proof-6-of-12.leaf
    rejects_flipped "$key" proof-5-of-12.tlog-proof proof-5-of-12.leaf
}

check_golden_keys() {
    local signer
    for signer in signer-*.private; do
        accepts "$signer" -signer "$signer" -key "$(cat "${signer%.private}.verifier")"
    done
    rejects "another key's private key" -signer signer-1.private -key "$(cat signer-0.verifier)"
}

check_golden() {
    mkdir "$work/golden"
    python3 "$here/third_party/vector_files.py" "$vectors" "$work/golden"
    cd "$work/golden"
    accepts "merkle.json" -merkle "$vectors/merkle.json"
    check_golden_keys
    check_golden_notes
    check_golden_proofs
    cd "$work"
}

# json_value NAME: the first member called NAME, at any depth, of the JSON document on stdin.
json_value() {
    python3 -c '
import json, sys

def find(value, name):
    if isinstance(value, dict):
        if name in value:
            return value[name]
        value = list(value.values())
    if isinstance(value, list):
        for element in value:
            found = find(element, name)
            if found is not None:
                return found
    return None

found = find(json.load(sys.stdin), sys.argv[1])
if found is None:
    sys.exit("no member " + sys.argv[1])
print(found)' "$1"
}

make_ledger() {
    "$anamnesis" key new --out "$work/founder.key" >/dev/null
    "$anamnesis" init "$work/ledger" --origin third-party.example/ledger --as "$work/founder.key" >/dev/null
    local stream number
    stream=$("$anamnesis" show 0 --ledger "$ledger" --json | json_value stream)
    for number in 1 2 3 4 5; do
        echo "{\"title\": \"Procedure $number\"}" >"$work/body.json"
        "$anamnesis" append --ledger "$ledger" --as "$work/founder.key" --stream "$stream" --type document.referenced \
            --body "$work/body.json" --ref "document=document:sop-$number@1" >/dev/null
    done
}

check_ledger() {
    ledger=file:$work/ledger
    make_ledger
    local key index
    key=$("$anamnesis" status --ledger "$ledger" --json | json_value verifierKey)
    "$anamnesis" checkpoint --ledger "$ledger" >"$work/checkpoint.note"
    accepts "the ledger's checkpoint" -key "$key" -checkpoint "$work/checkpoint.note"
    flip "$work/checkpoint.note" signature "$work/flipped.note"
    rejects "the checkpoint with a flipped byte" -key "$key" -checkpoint "$work/flipped.note"
    for index in 0 2 5 7; do
        "$anamnesis" receipt "$index" --ledger "$ledger" --out "$work/receipt-$index.tlog-proof" >/dev/null
        accepts "the receipt of leaf $index" -key "$key" -proof "$work/receipt-$index.tlog-proof" \
            -leaf "$work/receipt-$index.leaf"
    done
    rejects_flipped "$key" "$work/receipt-5.tlog-proof" "$work/receipt-5.leaf"
}

build_verifier
check_golden
anamnesis=${ANAMNESIS_BIN_DIR:-}/anamnesis
if [[ -x $anamnesis ]]; then
    check_ledger
else
    echo "NOT CHECKED: no program at ANAMNESIS_BIN_DIR (${ANAMNESIS_BIN_DIR:-not set}); only the golden vectors were"
fi
if [[ $failures -gt 0 ]]; then
    echo "$failures failed"
    exit 1
fi
echo "third parties agree"
