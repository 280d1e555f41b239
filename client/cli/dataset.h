#ifndef ANAMNESIS_CLIENT_CLI_DATASET_H_
#define ANAMNESIS_CLIENT_CLI_DATASET_H_

// The verbs of `dataset`, and what they share.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "anamnesis/v1/dataset.pb.h"
#include "client/dataset/build.h"
#include "client/dataset/member_file.h"
#include "ledger/base/status.h"

namespace anamnesis::cli {

void AddDatasetSeal(CLI::App& dataset);
void AddDatasetBuild(CLI::App& dataset);
void AddDatasetMembers(CLI::App& dataset);
void AddDatasetProve(CLI::App& dataset);
void AddDatasetRedact(CLI::App& dataset);
void AddDatasetVerify(CLI::App& dataset);
void AddDatasetDiff(CLI::App& dataset);
void AddDatasetOverlap(CLI::App& dataset);

// A damaged file is bad input here: INVALID_ARGUMENT instead of DATA_LOSS, which is the ledger's.
Status AsBadInput(const Status& status);
StatusOr<std::unique_ptr<MemberFile>> OpenMembers(const std::string& path);

// Builds a member file, with the count of members on a terminal while it goes on.
StatusOr<MemberFileHeader> BuildMembers(const std::string& manifest, const std::string& out);

v1::MemberFileSummary SummaryOf(const MemberFileHeader& header);
// "347 records of 301 subjects", a root and a salt, over three lines.
std::string SummaryText(const MemberFileHeader& header);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_DATASET_H_
