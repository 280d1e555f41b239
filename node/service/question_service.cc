#include "node/service/question_service.h"

namespace anamnesis {

grpc::ServerUnaryReactor* QuestionService::Ask(grpc::CallbackServerContext* call, const v1::Question* request,
                                               v1::Answer* reply) {
  return AnswerOnWorker(context_, call, "Ask", request, reply,
                        [this, request] { return context_.ledger.Ask(*request); });
}

}  // namespace anamnesis
