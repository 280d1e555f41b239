#ifndef ANAMNESIS_CLIENT_CLI_RUN_END_H_
#define ANAMNESIS_CLIENT_CLI_RUN_END_H_

// The end of a training run: what its event says, and that it isn't lost when the ledger is away just then.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/vocabulary_model.pb.h"
#include "client/cli/program.h"
#include "client/cli/write.h"
#include "ledger/base/status.h"

namespace anamnesis::cli {

struct RunFiles {
  std::vector<std::string> outputs;
  std::vector<std::string> metrics;
};

// The numbers that a script left behind, as it wrote them, by name.
struct Metrics {
  std::vector<v1::Metric> values;
  // What is not among them, for a person: a file that can't be read or is no JSON object, a value that is no number
  // although it should be one, such as NaN (which Python writes into JSON).
  std::vector<std::string> left_out;
};
Metrics ReadMetrics(const std::vector<std::string>& files);
// Of one file's text.
void AddMetrics(const std::string& file, std::string_view text, Metrics& metrics);

struct RunEnd {
  Ended ended;
  // The last signal that asked for the end; 0 for none.
  int stopped_by = 0;
  uint64_t seconds = 0;
};

// training_run.completed or training_run.failed, with the files that are there. Appends to `missing`, for a person,
// what isn't.
EventDraft EndDraft(const std::string& run, const RunFiles& files, const RunEnd& end,
                    std::vector<std::string>& missing);

// INVALID_ARGUMENT when EndDraft of these files could not be recorded whatever comes of the run, so that this is found
// before it begins.
Status CheckEndDraft(const std::string& run, const RunFiles& files);

// The files in which ends are kept, as a pattern of Git's. They are no code, though they may lie among it.
inline constexpr std::string_view kKeptEndFiles = "anamnesis-run-*.jsonl";

// Appends the end, again and again for options.common.append_within while the ledger can't be reached, and adds it to
// `all`. From the first failure until it is recorded it is kept on the disk, in a file in the working directory that is
// no other end's, which `append --jsonl` takes; any failure's message says so. So it is before the first try when a
// signal to stop has come already, since whoever sent it may not wait. One that comes later ends the tries.
Status RecordEnd(const WriteOptions& options, const std::string& run, const IdentifiedDraft& end,
                 const StopSignals& signals, v1::RunResult& all);

// The line of `append --jsonl` that records the draft; an empty stream is KIND/ID of the key's holder.
StatusOr<std::string> SpecLine(const std::string& stream, const IdentifiedDraft& draft);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_RUN_END_H_
