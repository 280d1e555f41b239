// damage_leaf DIR INDEX: changes one byte of a leaf of the ledger in DIR, which no process has open, as a faulty disk
// or memory could without any checksum's noticing, or somebody who wants to.

#include <cstdlib>
#include <iostream>

#include "ledger/engine/layout.h"
#include "ledger/state/recorded_event.h"
#include "ledger/store/store.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: damage_leaf DIR INDEX\n";
    return 2;
  }
  const auto store = anamnesis::OpenRocksStore(anamnesis::DatabasePath(argv[1]), {});
  if (!store.ok()) {
    std::cerr << store.status() << "\n";
    return 1;
  }
  const std::string key = anamnesis::LeafKey(anamnesis::LeafIndex(std::strtoull(argv[2], nullptr, 10)));
  const auto leaf = (*store)->Get(anamnesis::Family::kLeaves, key);
  if (!leaf.ok() || !leaf->has_value()) {
    std::cerr << "no such leaf\n";
    return 1;
  }
  std::string changed = **leaf;
  // Inside the header.
  changed[changed.size() / 3] = static_cast<char>(changed[changed.size() / 3] ^ 1);
  const anamnesis::Status written = (*store)->Write({{anamnesis::Family::kLeaves, key, changed}}, true);
  if (!written.ok()) std::cerr << written << "\n";
  return written.ok() ? 0 : 1;
}
