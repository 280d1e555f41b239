#include "tests/support/projected_history.h"

#include <cstdio>
#include <optional>
#include <utility>

#include "ledger/base/check.h"
#include "ledger/event/header.h"
#include "ledger/event/leaf.h"
#include "ledger/state/project.h"
#include "ledger/state/recorded_event.h"

namespace anamnesis {

EventDraft WithRefs(EventDraft draft, const std::vector<std::string>& refs) {
  for (const std::string& ref : refs) {
    const size_t equals = ref.find('=');
    const size_t colon = ref.find(':', equals);
    const size_t at = ref.find('@', colon);
    AddReference(draft, ref.substr(0, equals), ref.substr(equals + 1, colon - equals - 1),
                 ref.substr(colon + 1, at == std::string::npos ? at : at - colon - 1),
                 at == std::string::npos ? "" : ref.substr(at + 1));
  }
  return draft;
}

LeafIndex ProjectedHistory::Add(EventDraft draft, Timestamp recorded, std::string_view writer) {
  const LeafIndex index(count_++);
  const Timestamp time = recorded.us == 0 ? Timestamp(draft.header.occurred_latest_us()) : recorded;
  auto& [length, last] = streams_[std::string(writer)];
  RunBuilder builder(origin_, Text("person/", writer), MakeAgent("person", writer), StreamPosition(length), last);
  const Status added = builder.Add(draft, DerivedId("projected", index.value), DerivedNonce("projected", index.value));
  if (!added.ok())
    std::fprintf(stderr, "leaf %llu: %s\n", static_cast<unsigned long long>(index.value), added.ToString().c_str());
  CHECK(added.ok());
  static const auto* key = new PrivateKey(KeyOfSeed(1));
  const v1::Run run = builder.Seal(seal_with_ != nullptr ? *seal_with_ : *key, kTestStart);
  const ParsedHeader header = ParseHeader(run.headers(0)).value();
  ++length;
  last = header.digest;

  std::optional<SealView> seal;
  if (seal_with_ != nullptr) seal = SealView{run.seal().statement(), run.seal().signature()};
  RowOverlay overlay(*store_);
  overlay.Put(Family::kLeaves, LeafKey(index), EncodeLeaf(time, run.headers(0), seal));
  overlay.Put(Family::kBodies, LeafKey(index), run.bodies(0).nonce() + run.bodies(0).content());
  const EventType* type = Vocabulary::Get().Find(header.fields.type(), 1);
  const Status projected = Project({index, time, &header, type, draft.body.get()}, overlay);
  if (!projected.ok()) std::fprintf(stderr, "%s\n", projected.ToString().c_str());
  CHECK(projected.ok());
  CHECK(store_->Write(overlay.Take(), false).ok());
  return index;
}

void ProjectedHistory::SealWith(const PrivateKey& key, std::string origin) {
  seal_with_ = &key;
  origin_ = std::move(origin);
}

LeafIndex ProjectedHistory::Retract(LeafIndex index) {
  EventDraft draft = Correct(DerivedId("projected", index.value), v1::RecordCorrected::RETRACTED);
  return Add(std::move(draft));
}

std::string ProjectedHistory::IdOf(LeafIndex index) { return DerivedId("projected", index.value).bytes(); }

}  // namespace anamnesis
