#include "node/service/scrub_service.h"

#include <string>

#include "ledger/query/events.h"

namespace anamnesis {

grpc::ServerUnaryReactor* ScrubService::GetScrubStatus(grpc::CallbackServerContext* call,
                                                       const v1::GetScrubStatusRequest* /*request*/,
                                                       v1::ScrubStatus* reply) {
  const ScrubTally tally = scrubber_.tally();
  reply->set_bytes_per_second_max(scrubber_.bytes_per_second());
  reply->set_next_index(tally.next_leaf);
  reply->set_tree_size(tally.size);
  reply->set_rounds(tally.rounds);
  if (tally.last_round.has_value()) *reply->mutable_last_round() = ToProtoTime(*tally.last_round);
  reply->set_found(tally.found);
  reply->set_mended(tally.mended);
  for (const std::string& line : tally.damaged) reply->add_damaged(line);
  reply->set_bytes_read(tally.bytes_read);
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

}  // namespace anamnesis
