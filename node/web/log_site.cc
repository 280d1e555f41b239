#include "node/web/log_site.h"

#include <utility>

#include "ledger/engine/tiles_out.h"
#include "ledger/merkle/tiles.h"

namespace anamnesis {
namespace {

constexpr std::string_view kAddCheckpointPath = "/add-checkpoint";
constexpr std::string_view kCheckpointPath = "/checkpoint";
// What a tile shows is what this call shows.
constexpr std::string_view kReadMethod = "/anamnesis.v1.ReadService/Read";

WebAnswer Say(int status, std::string_view why) {
  WebAnswer answer;
  answer.status = status;
  answer.body = Text(why, '\n');
  return answer;
}

WebAnswer MethodNotAllowed(std::string_view allowed) {
  WebAnswer answer = Say(405, Text("only ", allowed));
  answer.allow = std::string(allowed);
  return answer;
}

}  // namespace

WebAnswer LogSite::Answer(const WebRequest& request) {
  if (request.target == kAddCheckpointPath) {
    if (request.method != "POST") return MethodNotAllowed("POST");
    AddCheckpointAnswer answer = witness_.Add(request.body);
    WebAnswer web;
    web.status = answer.status;
    web.content_type = std::move(answer.content_type);
    web.body = std::move(answer.body);
    return web;
  }
  if (request.target != kCheckpointPath && !request.target.starts_with("/tile/")) {
    return Say(404, "nothing is served here; see c2sp.org/tlog-tiles");
  }
  if (!request.reads()) return MethodNotAllowed("GET, HEAD");
  return AnswerRead(request);
}

WebAnswer LogSite::AnswerRead(const WebRequest& request) {
  if (const Status allowed = access_.MayRead(request, kReadMethod); !allowed.ok()) {
    return Say(HttpStatusOfRefusal(allowed), MessageOf(allowed));
  }
  if (request.target.starts_with("/tile/")) return AnswerTile(request.target.substr(1));
  const std::optional<PublishedCheckpoint> newest = publisher_.Newest();
  if (!newest.has_value()) return Say(404, "no checkpoint is published yet");
  WebAnswer answer;
  answer.cache_control = "no-cache";
  answer.body = newest->note;
  return answer;
}

WebAnswer LogSite::AnswerTile(std::string_view path) {
  const StatusOr<TilePathParts> tile = ParseTilePath(path);
  if (!tile.ok()) return Say(404, MessageOf(tile.status()));
  const std::optional<PublishedCheckpoint> newest = publisher_.Newest();
  const TreeSize size = newest.has_value() ? newest->checkpoint.size : TreeSize(0);
  StatusOr<std::string> bytes = ReadTile(*ledger_.View(), *tile, size);
  if (absl::IsNotFound(bytes.status())) return Say(404, MessageOf(bytes.status()));
  if (!bytes.ok()) return Say(500, "the tile can't be read");
  WebAnswer answer;
  answer.content_type = "application/octet-stream";
  // One that isn't full is soon asked for no more.
  answer.cache_control = access_.CacheFor(tile->width == kTileWidth ? "max-age=31536000, immutable" : "max-age=60");
  answer.body = *std::move(bytes);
  return answer;
}

}  // namespace anamnesis
