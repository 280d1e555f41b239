#ifndef ANAMNESIS_LEDGER_STATE_TRAINING_PARAMETERS_H_
#define ANAMNESIS_LEDGER_STATE_TRAINING_PARAMETERS_H_

// Whether the names of a training run's hyperparameters say how it was trained: learning rate, batch size, epochs and
// early stopping (A47). Every framework has its own names, so they are compared word by word: "train#batch_size",
// "per_device_train_batch_size", "batch_size_per_gpu" and "batchSize" are a batch size, "batch_norm" and
// "val_batch_size" are none. A patience is that of early stopping (Keras, PyTorch Lightning, Ultralytics), but for a
// scheduler's. Pure.

#include <string>

#include "anamnesis/v1/vocabulary_model.pb.h"

namespace anamnesis {

// Those that no name says, joined by ", "; empty when all are there.
std::string TrainingParametersLacking(const v1::TrainingRunStarted& run);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_TRAINING_PARAMETERS_H_
