#ifndef ANAMNESIS_TESTS_SUPPORT_FORWARDING_STORE_H_
#define ANAMNESIS_TESTS_SUPPORT_FORWARDING_STORE_H_

// A store that has another do everything, for tests that put something of their own in place of a method or two.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/state/rows.h"
#include "ledger/store/store.h"

namespace anamnesis {

class ForwardingStore : public Store {
 public:
  // `store` outlives it.
  explicit ForwardingStore(Store& store) : store_(store) {}

  Status Write(const Rows& rows, bool durable) override { return store_.Write(rows, durable); }
  Status Remove(Family family, const std::vector<std::string>& keys) override { return store_.Remove(family, keys); }
  std::unique_ptr<RowReader> View() const override { return store_.View(); }
  Status TryResume() override { return store_.TryResume(); }
  Status ClearProjections() override { return store_.ClearProjections(); }
  Status BulkLoad(Family family, std::vector<const Row*> rows) override {
    return store_.BulkLoad(family, std::move(rows));
  }
  Status Purge(Family family, const std::vector<std::string>& keys) override { return store_.Purge(family, keys); }
  Status Flush() override { return store_.Flush(); }
  Status VerifyChecksums() override { return store_.VerifyChecksums(); }
  StatusOr<uint32_t> BackUp(const std::string& dir, const std::string& note,
                            const std::function<bool()>& go_on) override {
    return store_.BackUp(dir, note, go_on);
  }
  uint64_t FreeBytes() const override { return store_.FreeBytes(); }
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
  Store& store_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_SUPPORT_FORWARDING_STORE_H_
