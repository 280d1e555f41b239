#include "node/cluster/staging_writer.h"

#include <utility>

namespace anamnesis {

bool StagingWriter::Write(std::shared_ptr<const Held> batch) {
  const uint64_t bytes = batch->record.size_bytes;
  {
    const std::lock_guard lock(mutex_);
    if (batch->origin == Held::Origin::kPeer && waiting_bytes_ + bytes > waiting_bytes_max_) return false;
    waiting_bytes_ += bytes;
  }
  Add(std::move(batch));
  return true;
}

void StagingWriter::Remove(std::vector<BatchName> names) { Add(std::move(names)); }

void StagingWriter::Add(Work work) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(work));
  }
  worker_.Post([this] { DoAll(); });
}

void StagingWriter::DoAll() {
  std::vector<Work> works;
  {
    const std::lock_guard lock(mutex_);
    works.swap(waiting_);
  }
  Batches batches;
  for (const Work& work : works) {
    if (const auto* batch = std::get_if<0>(&work)) {
      batches.push_back(*batch);
      continue;
    }
    WriteAll(std::exchange(batches, {}));
    (void)staging_.Remove(std::get<1>(work));
  }
  WriteAll(batches);
}

void StagingWriter::WriteAll(const Batches& batches) {
  if (batches.empty()) return;
  std::vector<Staging::Batch> rows;
  rows.reserve(batches.size());
  uint64_t bytes = 0;
  for (const auto& batch : batches) {
    rows.push_back({NameOf(batch->record.id), batch->record.digest, *batch->bytes});
    bytes += batch->record.size_bytes;
  }
  const Status written = staging_.Put(rows);
  {
    const std::lock_guard lock(mutex_);
    waiting_bytes_ -= bytes;
  }
  on_written_(batches, written);
}

}  // namespace anamnesis
