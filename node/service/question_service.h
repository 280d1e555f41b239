#ifndef ANAMNESIS_NODE_SERVICE_QUESTION_SERVICE_H_
#define ANAMNESIS_NODE_SERVICE_QUESTION_SERVICE_H_

// anamnesis.v1.QuestionService: what the life cycle asks, answered on a worker.

#include "anamnesis/v1/question.grpc.pb.h"
#include "node/service/context.h"

namespace anamnesis {

class QuestionService : public v1::QuestionService::CallbackService {
 public:
  explicit QuestionService(const ServiceContext& context) : context_(context) {}

  grpc::ServerUnaryReactor* Ask(grpc::CallbackServerContext* call, const v1::Question* request,
                                v1::Answer* reply) override;

 private:
  const ServiceContext context_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_QUESTION_SERVICE_H_
