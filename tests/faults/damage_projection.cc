// damage_projection DIR: changes projection rows of the ledger in DIR, which no process has open, as a faulty disk or
// memory could without any checksum's noticing: the lists of events by type get an entry more.

#include <iostream>

#include "ledger/engine/layout.h"
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
  const anamnesis::Status scanned =
      (*store)->Scan(anamnesis::Family::kTypeEvents, "", "", [&](std::string_view key, std::string_view value) {
        rows.push_back({anamnesis::Family::kTypeEvents, std::string(key), std::string(value) + std::string(value)});
        return true;
      });
  const anamnesis::Status written = scanned.ok() ? (*store)->Write(rows, true) : scanned;
  if (!written.ok()) std::cerr << written << "\n";
  return written.ok() && !rows.empty() ? 0 : 1;
}
