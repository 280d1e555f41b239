#ifndef ANAMNESIS_CLIENT_EXPORTS_SIGNER_KEYS_H_
#define ANAMNESIS_CLIENT_EXPORTS_SIGNER_KEYS_H_

// Whose keys an export's records say they are, and from when until when they may sign: what is all that a verifier
// without the ledger has to go by. One thread.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"

namespace anamnesis::exports {

class SignerKeys {
 public:
  // A record, which is verified; `body` is its content where that is there.
  void Note(const v1::EventHeader& header, uint64_t leaf, Timestamp recorded, std::optional<std::string_view> body);

  // When the last of the records was recorded: what they are in was made after that.
  Timestamp latest() const { return latest_; }

  // Who got the key, as "kind:id", whenever that was; empty where no record says so.
  std::string HolderOf(std::string_view public_key) const;

  // Who holds the key, as "kind:id". UNAUTHENTICATED: no record says so, or the key is not in force at `at`.
  StatusOr<std::string> HolderAt(std::string_view public_key, Timestamp at) const;

  // Whether a record of this time may be sealed with the key. What ends a key at once is of the time at which the key
  // ends, and is often sealed with it.
  bool MaySealAt(std::string_view public_key, Timestamp at) const;

 private:
  struct Key {
    // Empty where the record that names the key is not there.
    std::string holder;
    Timestamp from;
    // From when on its seals are refused, and how it ended.
    std::vector<std::pair<Timestamp, std::string>> ends;
  };

  std::map<std::string, Key, std::less<>> keys_;
  Timestamp latest_;
};

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_SIGNER_KEYS_H_
