#include <optional>

#include "client/dataset/compare.h"
#include "client/dataset/external_sort.h"

namespace anamnesis {
namespace {

// A member is sorted as record id || 0x00 || side || member bytes; no id has a 0x00.
constexpr char kIdEnd = '\0';
constexpr char kBefore = 'b';
constexpr char kAfter = 'c';

Status AddMembers(const MemberFile& file, char side, ExternalSort& sort) {
  return file.Scan([&](uint64_t, const MemberLeaf&, const std::optional<MemberOpening>& opening) {
    if (!opening.has_value()) return OkStatus();
    return sort.Add(Text(opening->member.record_id, kIdEnd, side, EncodeMember(opening->member)));
  });
}

class Differ {
 public:
  Differ(const MemberFile& before, const MemberFile& after, const OnMemberChange& on_change)
      : before_(before), after_(after), on_change_(on_change) {}

  // In the order of ids, a record's member before ahead of that after.
  Status Take(std::string_view sorted) {
    const size_t end = sorted.find(kIdEnd);
    const std::string_view id = sorted.substr(0, end);
    const std::string_view member = sorted.substr(end + 2);
    if (sorted[end + 1] == kBefore) {
      RETURN_IF_ERROR(TakeWaiting());
      waiting_ = {std::string(id), std::string(member)};
      return OkStatus();
    }
    if (waiting_.has_value() && waiting_->id == id) {
      ++difference_.common;
      if (waiting_->member != member) Report(MemberChange::kChanged, difference_.changed, id);
      waiting_.reset();
      return OkStatus();
    }
    RETURN_IF_ERROR(TakeWaiting());
    ASSIGN_OR_RETURN(const bool erased, IsErasedIn(before_, id, matched_before_));
    if (!erased) Report(MemberChange::kAdded, difference_.added, id);
    return OkStatus();
  }

  StatusOr<MemberDifference> Finish() {
    RETURN_IF_ERROR(TakeWaiting());
    difference_.unmatched_erased_before = before_.header().erased - matched_before_;
    difference_.unmatched_erased_after = after_.header().erased - matched_after_;
    return difference_;
  }

 private:
  struct Waiting {
    std::string id;
    std::string member;
  };

  void Report(MemberChange change, uint64_t& count, std::string_view id) {
    ++count;
    on_change_(change, id);
  }

  // The member before for which there is none after.
  Status TakeWaiting() {
    if (!waiting_.has_value()) return OkStatus();
    ASSIGN_OR_RETURN(const bool erased, IsErasedIn(after_, waiting_->id, matched_after_));
    if (!erased) Report(MemberChange::kRemoved, difference_.removed, waiting_->id);
    waiting_.reset();
    return OkStatus();
  }

  // For a record that no member of `file` names any more.
  StatusOr<bool> IsErasedIn(const MemberFile& file, std::string_view id, uint64_t& matched) {
    if (file.header().erased == 0) return false;
    ASSIGN_OR_RETURN(const MemberPlace place, FindMember(file, MemberSortKey(file.commitment().salt, id)));
    if (!place.found) return false;
    ++matched;
    ++difference_.common;
    ++difference_.not_comparable;
    return true;
  }

  const MemberFile& before_;
  const MemberFile& after_;
  const OnMemberChange& on_change_;
  std::optional<Waiting> waiting_;
  MemberDifference difference_;
  uint64_t matched_before_ = 0;
  uint64_t matched_after_ = 0;
};

}  // namespace

StatusOr<MemberDifference> DiffMemberFiles(const MemberFile& before, const MemberFile& after, size_t memory_bytes,
                                           const OnMemberChange& on_change) {
  ExternalSort sort(DirectoryOf(before.path()), memory_bytes);
  RETURN_IF_ERROR(AddMembers(before, kBefore, sort));
  RETURN_IF_ERROR(AddMembers(after, kAfter, sort));
  RETURN_IF_ERROR(sort.Finish());
  Differ differ(before, after, on_change);
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<std::string_view> sorted, sort.Next());
    if (!sorted.has_value()) return differ.Finish();
    RETURN_IF_ERROR(differ.Take(*sorted));
  }
}

}  // namespace anamnesis
