#ifndef ANAMNESIS_TESTS_LEDGER_ENGINE_ERASURES_H_
#define ANAMNESIS_TESTS_LEDGER_ENGINE_ERASURES_H_

// A subject whose data is erased, and where on disk its bytes are.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/vocabulary_erasure.pb.h"
#include "tests/support/test_run.h"

namespace anamnesis {

inline constexpr std::string_view kName = "Josephine Unmistakable-Featherstonehaugh";

inline EventDraft EnrolByName(std::string_view id, std::string_view name) {
  EventDraft draft = EnrolPerson(id);
  auto body = std::make_shared<v1::PersonEnrolled>();
  body->set_printed_name(std::string(name));
  body->set_identity_check(v1::PersonEnrolled::DOCUMENT);
  draft.body = body;
  return draft;
}

inline EventDraft EraseBodies(const std::vector<uint64_t>& indexes) {
  v1::SubjectDataErased body;
  for (const uint64_t index : indexes) body.add_erased_indexes(index);
  body.set_basis("Art. 17(1)(b): consent withdrawn");
  body.set_authorised_by("p-dpo");
  EventDraft draft = Draft(body);
  draft.header.set_rationale("The subject asked for it.");
  return draft;
}

// The names of the files in `dir` and below that hold the bytes anywhere.
inline std::vector<std::string> FilesHolding(const std::string& dir, std::string_view bytes) {
  std::vector<std::string> holding;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    if (content.find(bytes) != std::string::npos) holding.push_back(entry.path().filename());
  }
  return holding;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_ENGINE_ERASURES_H_
