#include "node/web/http_post.h"

#include <curl/curl.h>

#include <memory>
#include <utility>

namespace anamnesis {
namespace {

constexpr long kConnectMilliseconds = 3000;
constexpr long kRequestMilliseconds = 10'000;
constexpr char kSystemCas[] = "/etc/ssl/certs";

struct Cleanup {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// Once, before any thread uses it.
bool Initialised() {
  static const bool done = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return done;
}

// libcurl calls this with part of a body; anything but its size ends the transfer.
size_t TakeBody(char* data, size_t size, size_t count, void* body) {
  std::string& taken = *static_cast<std::string*>(body);
  const size_t bytes = size * count;
  if (taken.size() + bytes > kAddCheckpointAnswerBytesMax) return 0;
  taken.append(data, bytes);
  return bytes;
}

int IsCancelled(void* cancelled, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(cancelled)->load() ? 1 : 0;
}

void SetTls(CURL* curl, const TlsFiles& files) {
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_CAPATH, kSystemCas);
  if (!files.ca.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, files.ca.c_str());
  if (files.certificate.empty()) return;
  curl_easy_setopt(curl, CURLOPT_SSLCERT, files.certificate.c_str());
  curl_easy_setopt(curl, CURLOPT_SSLKEY, files.key.c_str());
}

StatusOr<AddCheckpointAnswer> Post(const TlsFiles& files, const std::string& url, const std::string& body,
                                   const std::atomic<bool>& cancelled) {
  const std::unique_ptr<CURL, Cleanup> curl(Initialised() ? curl_easy_init() : nullptr);
  const std::unique_ptr<curl_slist, Cleanup> headers(curl_slist_append(nullptr, "Content-Type: text/plain"));
  if (curl == nullptr || headers == nullptr) return absl::UnavailableError("libcurl can't be used");
  AddCheckpointAnswer answer;
  char why[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, why);
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  // Signals are the process's business.
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, kConnectMilliseconds);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, kRequestMilliseconds);
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, TakeBody);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, IsCancelled);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(&cancelled));
  SetTls(curl.get(), files);
  if (const CURLcode code = curl_easy_perform(curl.get()); code != CURLE_OK) {
    return absl::UnavailableError(Text(url, ": ", why[0] != '\0' ? why : curl_easy_strerror(code)));
  }
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

}  // namespace

HttpPost MakeHttpPost(TlsFiles files) {
  return [files = std::move(files)](const std::string& url, const std::string& body,
                                    const std::atomic<bool>& cancelled) { return Post(files, url, body, cancelled); };
}

}  // namespace anamnesis
