#include "node/etcd/keys.h"

#include <algorithm>
#include <utility>

namespace anamnesis {

std::string EndOfPrefix(std::string_view prefix) {
  std::string end(prefix);
  while (end.back() == '\xff') end.pop_back();
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

EtcdKeyValue TakeKeyValue(mvccpb::KeyValue& kv, size_t hidden_bytes) {
  EtcdKeyValue taken;
  taken.key = kv.key().substr(std::min(hidden_bytes, kv.key().size()));
  taken.value = std::move(*kv.mutable_value());
  taken.create_revision = kv.create_revision();
  taken.mod_revision = kv.mod_revision();
  taken.lease_id = kv.lease();
  return taken;
}

}  // namespace anamnesis
