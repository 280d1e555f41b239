#include <algorithm>
#include <optional>
#include <utility>

#include "client/dataset/compare.h"
#include "client/dataset/external_sort.h"

namespace anamnesis {
namespace {

// An id is sorted as id || 0x00 || number of its file, 1 byte; no id has a 0x00.
constexpr char kIdEnd = '\0';
static_assert(kOverlapFilesMax <= 256);

std::string SortedId(std::string_view id, size_t file) { return Text(id, kIdEnd, static_cast<char>(file)); }

// The files that have one id after the other.
class Groups {
 public:
  explicit Groups(ExternalSort& sort) : sort_(sort) {}

  // Moves to the next id; false after the last. `files` are in ascending order.
  StatusOr<bool> Next(std::string& id, std::vector<size_t>& files) {
    files.clear();
    while (true) {
      if (!next_.has_value()) {
        ASSIGN_OR_RETURN(const std::optional<std::string_view> sorted, sort_.Next());
        if (!sorted.has_value()) return !files.empty();
        next_ = *sorted;
      }
      const size_t end = next_->find(kIdEnd);
      const std::string_view found = std::string_view(*next_).substr(0, end);
      const auto file = static_cast<size_t>(static_cast<uint8_t>((*next_)[end + 1]));
      if (files.empty()) {
        id = found;
      } else if (id != found) {
        return true;
      }
      if (files.empty() || files.back() != file) files.push_back(file);
      next_.reset();
    }
  }

 private:
  ExternalSort& sort_;
  std::optional<std::string> next_;
};

class Overlapper {
 public:
  Overlapper(std::span<const MemberFile* const> files, size_t memory_bytes, const OnSharedId& on_shared)
      : files_(files),
        on_shared_(on_shared),
        records_(DirectoryOf(files[0]->path()), memory_bytes / 2),
        subjects_(DirectoryOf(files[0]->path()), memory_bytes / 2) {
    overlap_.without_subject.resize(files.size());
    for (size_t first = 0; first < files.size(); ++first) {
      for (size_t second = first + 1; second < files.size(); ++second) overlap_.pairs.push_back({first, second});
    }
  }

  Status Add(size_t number) {
    return files_[number]->Scan(
        [&](uint64_t, const MemberLeaf&, const std::optional<MemberOpening>& opening) -> Status {
          if (!opening.has_value()) return OkStatus();
          RETURN_IF_ERROR(records_.Add(SortedId(opening->member.record_id, number)));
          if (!opening->member.subject_id.empty()) return subjects_.Add(SortedId(opening->member.subject_id, number));
          ++overlap_.without_subject[number];
          return OkStatus();
        });
  }

  StatusOr<MemberOverlap> Finish() {
    RETURN_IF_ERROR(Group(records_, false));
    RETURN_IF_ERROR(Group(subjects_, true));
    return std::move(overlap_);
  }

 private:
  Status Group(ExternalSort& sort, bool subject) {
    RETURN_IF_ERROR(sort.Finish());
    Groups groups(sort);
    std::string id;
    std::vector<size_t> holders;
    while (true) {
      ASSIGN_OR_RETURN(const bool more, groups.Next(id, holders));
      if (!more) return OkStatus();
      if (!subject) RETURN_IF_ERROR(AddErasedIn(id, holders));
      if (holders.size() < 2) continue;
      ++(subject ? overlap_.shared_subjects : overlap_.shared_records);
      for (MemberOverlap::Pair& pair : overlap_.pairs) {
        if (Holds(holders, pair.first) && Holds(holders, pair.second)) ++(subject ? pair.subjects : pair.records);
      }
      on_shared_(subject, id, holders);
    }
  }

  static bool Holds(const std::vector<size_t>& holders, size_t file) {
    return std::binary_search(holders.begin(), holders.end(), file);
  }

  // Files from which the record was erased have it too.
  Status AddErasedIn(std::string_view id, std::vector<size_t>& holders) const {
    const std::vector<size_t> named = holders;
    for (size_t number = 0; number < files_.size(); ++number) {
      const MemberFile& file = *files_[number];
      if (file.header().erased == 0 || Holds(named, number)) continue;
      ASSIGN_OR_RETURN(const MemberPlace place, FindMember(file, MemberSortKey(file.commitment().salt, id)));
      if (place.found) holders.insert(std::upper_bound(holders.begin(), holders.end(), number), number);
    }
    return OkStatus();
  }

  std::span<const MemberFile* const> files_;
  const OnSharedId& on_shared_;
  ExternalSort records_;
  ExternalSort subjects_;
  MemberOverlap overlap_;
};

}  // namespace

StatusOr<MemberOverlap> OverlapOfMemberFiles(std::span<const MemberFile* const> files, size_t memory_bytes,
                                             const OnSharedId& on_shared) {
  if (files.size() < 2 || files.size() > kOverlapFilesMax) {
    return absl::InvalidArgumentError(Text(files.size(), " files; give 2 to ", kOverlapFilesMax));
  }
  Overlapper overlapper(files, memory_bytes, on_shared);
  for (size_t number = 0; number < files.size(); ++number) RETURN_IF_ERROR(overlapper.Add(number));
  return overlapper.Finish();
}

}  // namespace anamnesis
