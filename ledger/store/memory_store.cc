#include <array>
#include <limits>
#include <map>
#include <mutex>
#include <shared_mutex>

#include "ledger/store/store.h"

namespace anamnesis {
namespace {

class MemoryStore : public Store {
 public:
  StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override {
    const std::shared_lock lock(mutex_);
    const Sorted& rows = RowsOf(family);
    const auto found = rows.find(key);
    if (found == rows.end()) return std::optional<std::string>();
    return std::optional<std::string>(found->second);
  }

  StatusOr<std::optional<Row>> LastAtOrBefore(Family family, std::string_view prefix,
                                              std::string_view key) const override {
    const std::shared_lock lock(mutex_);
    const Sorted& rows = RowsOf(family);
    auto after = rows.upper_bound(key);
    if (after == rows.begin()) return std::optional<Row>();
    --after;
    if (!std::string_view(after->first).starts_with(prefix)) return std::optional<Row>();
    return std::optional<Row>(Row{family, after->first, after->second});
  }

  Status Scan(Family family, std::string_view prefix, std::string_view from, const Visitor& visit) const override {
    const std::shared_lock lock(mutex_);
    const Sorted& rows = RowsOf(family);
    for (auto it = rows.lower_bound(from); it != rows.end() && std::string_view(it->first).starts_with(prefix); ++it) {
      if (!visit(it->first, it->second)) break;
    }
    return OkStatus();
  }

  Status ScanBackwards(Family family, std::string_view prefix, std::string_view from,
                       const Visitor& visit) const override {
    const std::shared_lock lock(mutex_);
    const Sorted& rows = RowsOf(family);
    auto it = rows.upper_bound(from);
    while (it != rows.begin()) {
      --it;
      if (!std::string_view(it->first).starts_with(prefix) || !visit(it->first, it->second)) break;
    }
    return OkStatus();
  }

  Status Write(const Rows& rows, bool) override {
    const std::unique_lock lock(mutex_);
    for (const Row& row : rows) {
      if (Erases(row)) {
        RowsOf(row.family).erase(row.key);
      } else {
        RowsOf(row.family).insert_or_assign(row.key, row.value);
      }
    }
    return OkStatus();
  }

  Status Purge(Family, const std::vector<std::string>&) override { return OkStatus(); }

  Status Remove(Family family, const std::vector<std::string>& keys) override {
    const std::unique_lock lock(mutex_);
    for (const std::string& key : keys) RowsOf(family).erase(key);
    return OkStatus();
  }

  std::unique_ptr<RowReader> View() const override { return std::make_unique<Borrowed>(*this); }
  Status TryResume() override { return OkStatus(); }

  Status ClearProjections() override {
    const std::unique_lock lock(mutex_);
    for (Family family : kProjectionFamilies) RowsOf(family).clear();
    return OkStatus();
  }

  Status BulkLoad(Family family, std::vector<const Row*> rows) override {
    const std::unique_lock lock(mutex_);
    for (const Row* row : rows) RowsOf(family).insert_or_assign(row->key, row->value);
    return OkStatus();
  }
  Status Flush() override { return OkStatus(); }
  Status VerifyChecksums() override { return OkStatus(); }
  StatusOr<uint32_t> BackUp(const std::string&, const std::string&, const std::function<bool()>&) override {
    return absl::UnimplementedError("a store in memory has no backups");
  }
  uint64_t FreeBytes() const override { return std::numeric_limits<uint64_t>::max(); }

 private:
  using Sorted = std::map<std::string, std::string, std::less<>>;

  class Borrowed : public RowReader {
   public:
    explicit Borrowed(const MemoryStore& store) : store_(store) {}
    StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override {
      return store_.Get(family, key);
    }
    StatusOr<std::optional<Row>> LastAtOrBefore(Family family, std::string_view prefix,
                                                std::string_view key) const override {
      return store_.LastAtOrBefore(family, prefix, key);
    }
    Status Scan(Family family, std::string_view prefix, std::string_view from, const Visitor& visit) const override {
      return store_.Scan(family, prefix, from, visit);
    }
    Status ScanBackwards(Family family, std::string_view prefix, std::string_view from,
                         const Visitor& visit) const override {
      return store_.ScanBackwards(family, prefix, from, visit);
    }

   private:
    const MemoryStore& store_;
  };

  const Sorted& RowsOf(Family family) const { return rows_[static_cast<size_t>(family)]; }
  Sorted& RowsOf(Family family) { return rows_[static_cast<size_t>(family)]; }

  mutable std::shared_mutex mutex_;
  std::array<Sorted, kFamilies> rows_;
};

}  // namespace

std::unique_ptr<Store> MakeMemoryStore() { return std::make_unique<MemoryStore>(); }

}  // namespace anamnesis
