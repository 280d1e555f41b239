// damage_projection DIR: changes projection rows of the ledger in DIR, which no process has open, as a faulty disk or
// memory could without any checksum's noticing: each list of events by type repeats what it has. Ends with 3, and has
// changed nothing, where the log ends with rows of these lists: what is appended next would be added to none of them.

#include <algorithm>
#include <cstdint>
#include <iostream>

#include "ledger/engine/layout.h"
#include "ledger/state/event_list.h"
#include "ledger/store/store.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: damage_projection DIR\n";
    return 2;
  }
  const auto store = anamnesis::OpenRocksStore(anamnesis::DatabasePath(argv[1]), {});
  if (!store.ok()) {
    std::cerr << store.status() << "\n";
    return 1;
  }
  anamnesis::Rows rows;
  uint64_t size = 0;
  const anamnesis::Status scanned =
      (*store)->Scan(anamnesis::Family::kTypeEvents, "", "", [&](std::string_view key, std::string_view value) {
        if (!value.empty()) {
          size = std::max(size, anamnesis::FirstOfListRow(key).value + static_cast<uint8_t>(value.back()) + 1);
        }
        rows.push_back({anamnesis::Family::kTypeEvents, std::string(key), std::string(value) + std::string(value)});
        return true;
      });
  if (scanned.ok() && size % anamnesis::kListRowIndexes == 0) return 3;
  const anamnesis::Status written = scanned.ok() ? (*store)->Write(rows, true) : scanned;
  if (!written.ok()) std::cerr << written << "\n";
  return written.ok() && !rows.empty() ? 0 : 1;
}
