// What a witness answers, taken by the client that asked: whatever it says, only a cosignature that verifies by the key
// that the policy names is passed on, and the client ends at once. The input is two bytes of status, then the body.

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "ledger/base/check.h"
#include "ledger/keys/key_file.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/note/cosignature.h"
#include "ledger/note/signed_note.h"
#include "node/checkpoint/witness_client.h"

namespace anamnesis {
namespace {

constexpr char kOrigin[] = "log.example/one";
// As often as a client asks at once.
constexpr int kAttemptsMax = 4;

NamedKey KeyOf(const char* name, char fill) { return {name, PrivateKey::FromSeed(std::string(32, fill)).value()}; }

PublishedCheckpoint Offered() {
  const Checkpoint checkpoint{kOrigin, TreeSize(7), LeafHash("a tree")};
  SignedNote note{FormatCheckpointText(checkpoint), {}};
  note.signatures.push_back(SignNote(note.text, kOrigin, KeyOf(kOrigin, 'l').key));
  return {checkpoint, FormatSignedNote(note)};
}

void Fuzz(int status, std::string_view body) {
  const PublishedCheckpoint offered = Offered();
  const VerifierKey key = CosignerKeyOf(KeyOf("witness.example/w", 'w'));
  const std::string text = ParseSignedNote(offered.note)->text;
  std::mutex mutex;
  std::condition_variable changed;
  int asked = 0;
  bool taken = false;
  bool ended = false;
  WitnessClientOptions options{.witness = {"w", key, "http://witness.example"}};
  options.post = [&](const std::string& url, const std::string& request, const std::atomic<bool>&) {
    CHECK(url == "http://witness.example/add-checkpoint" && ParseAddCheckpoint(request).ok());
    const std::lock_guard lock(mutex);
    CHECK(++asked <= kAttemptsMax);
    return StatusOr<AddCheckpointAnswer>(AddCheckpointAnswer{status, "text/plain", std::string(body)});
  };
  options.prove = [&](TreeSize from, TreeSize to) -> StatusOr<std::vector<Digest>> {
    CHECK(from.value > 0 && from <= to && to == offered.checkpoint.size);
    return std::vector<Digest>();
  };
  options.on_cosignature = [&](TreeSize size, const NoteSignature& signature) {
    const std::lock_guard lock(mutex);
    CHECK(size == offered.checkpoint.size && VerifyCosignature(text, signature, key).ok());
    taken = ended = true;
    changed.notify_one();
  };
  // Each request ends with one or the other: a line for the log, or a cosignature, or that the witness is ahead.
  options.on_overtaken = [&](TreeSize) {
    const std::lock_guard lock(mutex);
    ended = true;
    changed.notify_one();
  };
  options.log = [&](std::string_view line) {
    CHECK(line.size() < 1000);
    const std::lock_guard lock(mutex);
    ended = true;
    changed.notify_one();
  };
  options.backoff_min = options.backoff_max = std::chrono::minutes(10);
  WitnessClient client(std::move(options));
  client.Offer(offered);
  std::unique_lock lock(mutex);
  CHECK(changed.wait_for(lock, std::chrono::seconds(20), [&] { return ended; }));
  const WitnessClient::State state = client.state();
  CHECK(taken ? state.cosigned == offered.checkpoint.size && status == 200 : !state.failing.empty());
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > anamnesis::kAddCheckpointAnswerBytesMax) return 0;
  const int status = (data[0] << 8 | data[1]) % 1000;
  anamnesis::Fuzz(status, {reinterpret_cast<const char*>(data) + 2, size - 2});
  return 0;
}
