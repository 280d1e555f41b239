#include "client/exports/signer_keys.h"

#include <algorithm>

#include "ledger/custody/key_events.h"
#include "ledger/event/names.h"
#include "ledger/event/vocabulary.h"

namespace anamnesis::exports {

void SignerKeys::Note(const v1::EventHeader& header, uint64_t leaf, Timestamp recorded,
                      std::optional<std::string_view> body) {
  latest_ = std::max(latest_, recorded);
  const v1::EntityRef* holder = FindReference(header, "holder");
  if (holder == nullptr || !body.has_value()) return;
  const KeyEvent event = ReadKeyEvent(header.type(), *body, recorded);
  const std::string source = Text(header.type(), " of leaf ", leaf);
  if (event.named.has_value()) {
    Key& key = keys_[event.named->public_key];
    key.holder = Text(holder->kind(), ":", holder->id());
    key.from = event.named->from;
    if (event.named->until.has_value())
      key.ends.emplace_back(*event.named->until, Text("expired, as ", source, " says"));
  }
  if (event.ended.has_value())
    keys_[event.ended->public_key].ends.emplace_back(event.ended->from, Text("was ended by ", source));
}

std::string SignerKeys::HolderOf(std::string_view public_key) const {
  const auto found = keys_.find(public_key);
  return found == keys_.end() ? "" : found->second.holder;
}

bool SignerKeys::MaySealAt(std::string_view public_key, Timestamp at) const {
  const auto found = keys_.find(public_key);
  if (found == keys_.end() || found->second.holder.empty() || at < found->second.from) return false;
  const std::vector<std::pair<Timestamp, std::string>>& ends = found->second.ends;
  return std::none_of(ends.begin(), ends.end(), [&](const auto& end) { return end.first < at; });
}

StatusOr<std::string> SignerKeys::HolderAt(std::string_view public_key, Timestamp at) const {
  const auto found = keys_.find(public_key);
  if (found == keys_.end() || found->second.holder.empty()) {
    return absl::UnauthenticatedError("no record in this export says who holds the key that signed it");
  }
  const Key& key = found->second;
  if (at < key.from) {
    return absl::UnauthenticatedError(Text("the key that signed it is valid only from ", FormatTime(key.from), " on"));
  }
  for (const auto& [from, how] : key.ends) {
    if (from <= at) return absl::UnauthenticatedError(Text("the key that signed it ", how));
  }
  return key.holder;
}

}  // namespace anamnesis::exports
