#ifndef ANAMNESIS_LEDGER_NOTE_POLICY_H_
#define ANAMNESIS_LEDGER_NOTE_POLICY_H_

// Whose signatures a verifier wants to see on a checkpoint, as a file (https://c2sp.org/tlog-policy): logs, witnesses,
// groups of them, and the quorum. Constant after parsing, so safe from any thread; any input is safe.

#include <cstddef>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/signed_note.h"
#include "ledger/note/verifier_key.h"

namespace anamnesis {

class Policy {
 public:
  struct Log {
    VerifierKey key;
    std::string url;  // empty when there is none
    friend bool operator==(const Log&, const Log&) = default;
  };
  struct Witness {
    std::string name;  // within the policy; the key has its own
    VerifierKey key;
    std::string url;  // empty when there is none
    friend bool operator==(const Witness&, const Witness&) = default;
  };
  struct Group {
    std::string name;
    size_t threshold = 1;  // in [1, members.size()]
    std::vector<std::string> members;
    friend bool operator==(const Group&, const Group&) = default;
  };

  // INVALID_ARGUMENT, naming the line (from 1) and the reason, for anything that the specification does not allow: a
  // name used before its line, defined twice or in two groups, a key listed twice, a threshold out of range, no quorum
  // line or two, a last line without newline (a file that was cut off must not pass for a weaker policy); for more than
  // limits::kPolicyLinesOfAKindMax of a kind or limits::kPolicyBytesMax; and for keys other than Ed25519 ones
  // (type 1 for a log, type 4 for a witness).
  static StatusOr<Policy> Parse(std::string_view text);
  // A policy file with the same meaning, without comments, thresholds as numbers.
  std::string Format() const;

  const std::vector<Log>& logs() const { return logs_; }
  const std::vector<Witness>& witnesses() const { return witnesses_; }
  const std::vector<Group>& groups() const { return groups_; }
  // The name of a witness or a group; nothing for "quorum none".
  const std::optional<std::string>& quorum() const { return quorum_; }

  // Whether these witnesses, by their names within the policy, are enough.
  bool IsQuorum(const std::set<std::string>& witnesses) const;

  // OK when the note is a checkpoint signed by a log of the policy whose name is its origin, and cosigned as the quorum
  // wants. Everything else fails:
  // INVALID_ARGUMENT when the text is not a checkpoint; UNAUTHENTICATED when a signature by a known key is wrong or the
  // log's is missing (always, when the policy lists no log); FAILED_PRECONDITION when the signatures are right but
  // below the quorum, naming the witnesses that cosigned. `more_logs` count as logs of the policy: whoever knows by
  // which keys a log signs by now need not have them written into the file.
  Status Check(const SignedNote& note, std::span<const VerifierKey> more_logs = {}) const;

  // The checkpoint in a note that passes Check. INVALID_ARGUMENT when the note is malformed; otherwise fails as Check
  // does.
  StatusOr<Checkpoint> Open(std::string_view note, std::span<const VerifierKey> more_logs = {}) const;

  friend bool operator==(const Policy&, const Policy&) = default;

 private:
  Policy() = default;

  std::vector<Log> logs_;
  std::vector<Witness> witnesses_;
  std::vector<Group> groups_;
  std::optional<std::string> quorum_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_NOTE_POLICY_H_
