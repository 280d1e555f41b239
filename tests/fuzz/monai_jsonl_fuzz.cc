// One line of an extracted history, and the same bytes as a YAML list of large files: whatever is read becomes events
// with distinct ids, twice the same, each of which the run builder takes or refuses and never stops at.

#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include "client/importers/document.h"
#include "client/importers/monai_events.h"
#include "client/importers/monai_jsonl.h"
#include "ledger/base/check.h"
#include "ledger/event/run_builder.h"

namespace anamnesis {
namespace {

v1::Agent Importer() {
  v1::Agent agent;
  agent.set_kind("software");
  agent.set_id("importer");
  return agent;
}

void CheckEvents(const BundleVersion& version) {
  BundleState state;
  const StatusOr<MappedVersion> mapped = MapBundleVersion(version, "fuzz", state);
  if (!mapped.ok()) return;
  RunBuilder builder("fuzz.example/ledger", MonaiStream(version.bundle), Importer(), StreamPosition(), Digest());
  std::set<EventId> ids;
  for (const IdentifiedDraft& event : mapped->events) {
    CHECK(ids.insert(event.id).second);
    (void)builder.Add(event.draft, event.id, std::string(32, 'n'));
  }
  BundleState afresh;
  const StatusOr<MappedVersion> again = MapBundleVersion(version, "fuzz", afresh);
  CHECK(again.ok() && again->events.size() == mapped->events.size());
  for (const IdentifiedDraft& event : again->events) CHECK(ids.count(event.id) == 1);
  // The version after it: the same once more, so that it is compared with its predecessor.
  CHECK(MapBundleVersion(version, "fuzz", state).ok());
}

void CheckLargeFiles(std::string_view bytes) {
  std::vector<Unreadable> unreadable;
  const StatusOr<Document> yaml = ParseYaml(bytes);
  if (yaml.ok()) (void)ReadWeights(yaml->Find("large_files"), "fuzz", unreadable);
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::vector<anamnesis::Unreadable> unreadable;
  const auto version = anamnesis::ParseMonaiLine(bytes, "fuzz", unreadable);
  if (version.ok()) anamnesis::CheckEvents(*version);
  anamnesis::CheckLargeFiles(bytes);
  return 0;
}
