#include "node/cluster/deliveries.h"

#include <utility>

#include "ledger/crypto/sha256.h"

namespace anamnesis {

void Deliveries::Start(const Sequencer::Receiver& receiver) {
  receiver_ = &receiver;
  worker_.Start();
}

void Deliveries::Stop(const Status& why) {
  worker_.Stop();
  std::map<Revision, std::shared_ptr<const Held>> dropped;
  {
    const std::lock_guard lock(mutex_);
    dropped.swap(own_);
  }
  for (const auto& [revision, held] : dropped) receiver_->dropped(held->payload, why);
}

void Deliveries::DeliverBatch(Revision revision, const OrderRecord& record, std::shared_ptr<const Held> held) {
  {
    const std::lock_guard lock(mutex_);
    // It comes again when one before it was lost.
    if (const auto before = own_.find(revision); before != own_.end()) held = before->second;
    if (held != nullptr && held->own()) own_[revision] = held;
  }
  Post({revision, record.id.session.value, record.id.number.value, nullptr, std::nullopt}, record, std::move(held));
}

void Deliveries::Post(Ordered ordered, const OrderRecord& record, std::shared_ptr<const Held> held) {
  worker_.Post([this, ordered = std::move(ordered), record, held = std::move(held)]() mutable {
    if (lost_.has_value() && ordered.revision > *lost_) return;
    lost_.reset();
    Apply(std::move(ordered), record, held);
  });
}

void Deliveries::Apply(Ordered ordered, const OrderRecord& record, const std::shared_ptr<const Held>& held) {
  Status applied;
  if (ordered.session != 0 && !ended_) {
    StatusOr<std::shared_ptr<const Payload>> payload = PayloadOf(record, held.get());
    if (absl::IsDataLoss(payload.status())) {
      driver_.log(Text(MessageOf(payload.status()), "; it is fetched from another node"));
      lost_ = ordered.revision;
      return driver_.lost(record.id);
    }
    applied = payload.status();
    if (payload.ok()) ordered.payload = *std::move(payload);
  }
  const std::shared_ptr<const Payload> own = TakeOwn(ordered.revision);
  if (ended_) {
    if (own != nullptr) receiver_->dropped(own, absl::UnknownError("nothing more is applied here"));
    return;
  }
  if (applied.ok()) applied = receiver_->ordered(ordered);
  if (applied.ok()) return;
  ended_ = true;
  driver_.refuse(Text("nothing more is applied here: ", MessageOf(applied), "; open the ledger again"));
}

StatusOr<std::shared_ptr<const Payload>> Deliveries::PayloadOf(const OrderRecord& record, const Held* held) const {
  if (held != nullptr) return held->payload;
  ASSIGN_OR_RETURN(std::optional<std::string> bytes, staging_.Get(NameOf(record.id)));
  if (!bytes.has_value()) return absl::DataLossError("a staged batch is not there");
  if (Sha256({*bytes}) != record.digest) return absl::DataLossError("a staged batch is not the one that was ordered");
  return receiver_->parse(*std::move(bytes));
}

std::shared_ptr<const Payload> Deliveries::TakeOwn(Revision revision) {
  const std::lock_guard lock(mutex_);
  const auto found = own_.extract(revision);
  return found ? found.mapped()->payload : nullptr;
}

}  // namespace anamnesis
