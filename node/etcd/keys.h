#ifndef ANAMNESIS_NODE_ETCD_KEYS_H_
#define ANAMNESIS_NODE_ETCD_KEYS_H_

// Keys with and without the client's prefix. Pure functions.

#include <string>
#include <string_view>

#include "etcd/kv.pb.h"
#include "node/etcd/etcd_types.h"

namespace anamnesis {

// The end of the range of all keys that start with `prefix`, which is not empty and has a byte below 255.
std::string EndOfPrefix(std::string_view prefix);

// Moves out of `kv`, taking `hidden_bytes` off the front of the key.
EtcdKeyValue TakeKeyValue(mvccpb::KeyValue& kv, size_t hidden_bytes);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_ETCD_KEYS_H_
