#ifndef ANAMNESIS_CLIENT_CLI_OBJECTS_H_
#define ANAMNESIS_CLIENT_CLI_OBJECTS_H_

// What the verbs share that work with objects: the option --objects, and how a store is reached.

#include <memory>
#include <string>

#include "client/cli/context.h"
#include "client/cpp/object_client.h"

namespace anamnesis::cli {

// The verbs: object.cc and materialise.cc.
void AddObject(CLI::App& app);
void AddMaterialise(CLI::App& app);

// Adds --objects: where the store of an embedded ledger is; and --within.
void AddObjectsOptions(CLI::App& verb, Common& common, std::string& objects);

// The stores of the nodes that `common` names, or of its embedded ledger: in `objects` when that isn't empty.
StatusOr<std::unique_ptr<ObjectClient>> ConnectObjectStore(const Common& common, const std::string& objects);

// Writes an object to `path` below `dir`; the file is there whole and right or not at all. Fails as ObjectClient::Get
// and FileTree::Create do.
Status FetchObject(ObjectClient& store, const Digest& digest, const std::string& dir, std::string_view path);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_OBJECTS_H_
