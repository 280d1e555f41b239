#include "client/exports/readme.h"

#include "ledger/base/status.h"

namespace anamnesis::exports {

std::string ReadmeText(std::string_view origin) {
  return Text("An export of the ledger ", origin, R"(
================================================================

index.html     for people: what is missing first, then the sections, then every cited record
export.json    the same content for machines (RFC 8785 canonical JSON)
records/       for each cited event its leaf N:
                 N.leaf         the bytes that the ledger commits to: 0x01, recorded time (8 bytes), header, seal
                 N.body         32 random bytes, then what the event says; absent when it was erased
                 N.tlog-proof   a receipt: audit path and checkpoint (c2sp.org/tlog-proof)
objects/       files by their SHA-256, in incident bundles
checkpoint     size and root of the ledger at which all of this was computed, a signed note (c2sp.org/signed-note)
ledger.vkey    the key that the checkpoint is signed with
signer.vkey    the key that this export is signed with
policy         the same key as a C2SP tlog-policy
manifest.json  SHA-256 and size of every file but itself and manifest.sig, and of the content of both forms
manifest.sig   a signed note over the SHA-256 of manifest.json

How to check it
---------------
Get the ledger's verifier key from a source that you trust, not from here. Then, without a network and without us:

    anamnesis verify DIRECTORY --key "NAME+HEX+BASE64"

It fails when any byte of any file is another one, when a file is missing or one is there that doesn't belong.
Where the ledger has another key now: --key-history FILE, which the ledger gives out (anamnesis key history), leads from
the key that you trust to the one that signed this, and tells which keys were stolen and count for nothing.
A policy with a quorum of witnesses (--policy) refuses every export: no cosignatures are in one.
Without our program:

 1. sha256sum each file and compare with manifest.json; nothing else may be there.
 2. manifest.sig: the text up to the blank line is "anamnesis-export-manifest-v1", a line feed, the SHA-256 of
    manifest.json in hexadecimal, a line feed. The base64 after the name is 4 bytes of key id and an Ed25519 signature
    over that text. The key must be the one that a record of type credential.issued or credential.rotated gives to who
    is said to have signed.
 3. For each record: the RFC 6962 leaf hash of N.leaf, hashed up the audit path in N.tlog-proof, is the root in the
    checkpoint, which is signed by the ledger's key. (Any tlog-proof verifier does this.)
 4. SHA-256 over the byte 0x02 and N.body is the body commitment that stands in the header within N.leaf.
 5. export.json cites each record by leaf, event id, SHA-256 of N.leaf and body commitment.

anamnesis_verify.py, where it is beside this file, does the same with nothing but Python and PyNaCl.
)");
}

}  // namespace anamnesis::exports
