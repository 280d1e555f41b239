#include <algorithm>
#include <optional>
#include <utility>

#include "client/dataset/compare.h"
#include "client/dataset/external_sort.h"

namespace anamnesis {
namespace {

// What may be shared is sorted as id || 0x00 || number of its file, 1 byte || what has it there; no id has a 0x00.
constexpr char kIdEnd = '\0';
static_assert(kOverlapFilesMax <= 256);

std::string Sorted(std::string_view id, size_t file, std::string_view owner = "") {
  return Text(id, kIdEnd, static_cast<char>(file), owner);
}

// A file that has an id, and what has it there: one thing, or several.
struct Holder {
  size_t file;
  std::string owner;
  bool several = false;
};

// The files that have one id after the other.
class Groups {
 public:
  explicit Groups(ExternalSort& sort) : sort_(sort) {}

  // Moves to the next id; false after the last. `holders` are in ascending order of files.
  StatusOr<bool> Next(std::string& id, std::vector<Holder>& holders) {
    holders.clear();
    while (true) {
      if (!next_.has_value()) {
        ASSIGN_OR_RETURN(const std::optional<std::string_view> sorted, sort_.Next());
        if (!sorted.has_value()) return !holders.empty();
        next_ = *sorted;
      }
      const size_t end = next_->find(kIdEnd);
      const std::string_view found = std::string_view(*next_).substr(0, end);
      const auto file = static_cast<size_t>(static_cast<uint8_t>((*next_)[end + 1]));
      const std::string_view owner = std::string_view(*next_).substr(end + 2);
      if (holders.empty()) {
        id = found;
      } else if (id != found) {
        return true;
      }
      if (holders.empty() || holders.back().file != file) {
        holders.push_back({file, std::string(owner)});
      } else if (holders.back().owner != owner) {
        holders.back().several = true;
      }
      next_.reset();
    }
  }

 private:
  ExternalSort& sort_;
  std::optional<std::string> next_;
};

// Whether something in the one has what another thing has in the other.
bool HaveDifferentOwners(const Holder& a, const Holder& b) { return a.several || b.several || a.owner != b.owner; }

std::vector<size_t> FilesOf(const std::vector<Holder>& holders) {
  std::vector<size_t> files;
  for (const Holder& holder : holders) files.push_back(holder.file);
  return files;
}

class Overlapper {
 public:
  Overlapper(std::span<const MemberFile* const> files, size_t memory_bytes, const OnSharedId& on_shared)
      : files_(files),
        on_shared_(on_shared),
        records_(DirectoryOf(files[0]->path()), memory_bytes / 3),
        subjects_(DirectoryOf(files[0]->path()), memory_bytes / 3),
        contents_(DirectoryOf(files[0]->path()), memory_bytes / 3) {
    overlap_.without_subject.resize(files.size());
    for (size_t first = 0; first < files.size(); ++first) {
      for (size_t second = first + 1; second < files.size(); ++second) overlap_.pairs.push_back({first, second});
    }
  }

  Status Add(size_t number) {
    return files_[number]->Scan(
        [&](uint64_t, const MemberLeaf&, const std::optional<MemberOpening>& opening) -> Status {
          if (!opening.has_value()) return OkStatus();
          const Member& member = opening->member;
          RETURN_IF_ERROR(records_.Add(Sorted(member.record_id, number)));
          if (member.content.has_value())
            RETURN_IF_ERROR(contents_.Add(Sorted(member.content->hex(), number, member.record_id)));
          if (!member.subject_id.empty()) return subjects_.Add(Sorted(member.subject_id, number));
          ++overlap_.without_subject[number];
          return OkStatus();
        });
  }

  StatusOr<MemberOverlap> Finish() {
    RETURN_IF_ERROR(Group(records_, SharedKind::kRecord));
    RETURN_IF_ERROR(Group(subjects_, SharedKind::kSubject));
    RETURN_IF_ERROR(GroupContents());
    return std::move(overlap_);
  }

 private:
  Status Group(ExternalSort& sort, SharedKind kind) {
    RETURN_IF_ERROR(sort.Finish());
    Groups groups(sort);
    std::string id;
    std::vector<Holder> holders;
    const bool subject = kind == SharedKind::kSubject;
    while (true) {
      ASSIGN_OR_RETURN(const bool more, groups.Next(id, holders));
      if (!more) return OkStatus();
      std::vector<size_t> files = FilesOf(holders);
      if (!subject) RETURN_IF_ERROR(AddErasedIn(id, files));
      if (files.size() < 2) continue;
      ++(subject ? overlap_.shared_subjects : overlap_.shared_records);
      for (MemberOverlap::Pair& pair : overlap_.pairs) {
        if (Holds(files, pair.first) && Holds(files, pair.second)) ++(subject ? pair.subjects : pair.records);
      }
      on_shared_(kind, id, files);
    }
  }

  // A record that is in both files with the same content is one that they share, and no second finding.
  Status GroupContents() {
    RETURN_IF_ERROR(contents_.Finish());
    Groups groups(contents_);
    std::string digest;
    std::vector<Holder> holders;
    while (true) {
      ASSIGN_OR_RETURN(const bool more, groups.Next(digest, holders));
      if (!more) return OkStatus();
      bool shared = false;
      for (MemberOverlap::Pair& pair : overlap_.pairs) {
        const Holder* first = In(holders, pair.first);
        const Holder* second = In(holders, pair.second);
        if (first == nullptr || second == nullptr || !HaveDifferentOwners(*first, *second)) continue;
        ++pair.contents;
        shared = true;
      }
      if (!shared) continue;
      ++overlap_.shared_contents;
      on_shared_(SharedKind::kContent, digest, FilesOf(holders));
    }
  }

  static const Holder* In(const std::vector<Holder>& holders, size_t file) {
    const auto found =
        std::lower_bound(holders.begin(), holders.end(), file, [](const Holder& a, size_t b) { return a.file < b; });
    return found == holders.end() || found->file != file ? nullptr : &*found;
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
  ExternalSort contents_;
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
