#include "ledger/tls/tls_identity.h"

#include <sys/stat.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "grpcpp/security/tls_certificate_provider.h"
#include "ledger/tls/certificate.h"
#include "ledger/tls/memory_file.h"

namespace anamnesis {
namespace {

constexpr std::chrono::seconds kLookInterval(1);
constexpr unsigned kGrpcLookIntervalSeconds = 1;
// Far beyond any chain or bundle; keeps a path to something else from being read whole.
constexpr size_t kFileBytesMax = 4u << 20;

Timestamp Now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return Timestamp(std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count());
}

// What tells a replaced or rewritten file from the one before.
std::array<int64_t, 6> StampOf(const std::string& file) {
  struct stat info = {};
  if (file.empty() || ::stat(file.c_str(), &info) != 0) return {};
  return {static_cast<int64_t>(info.st_dev),
          static_cast<int64_t>(info.st_ino),
          info.st_size,
          info.st_mtim.tv_sec,
          info.st_mtim.tv_nsec,
          info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec};
}

using Stamps = std::array<std::array<int64_t, 6>, 3>;
Stamps StampsOf(const TlsFiles& files) { return {StampOf(files.certificate), StampOf(files.key), StampOf(files.ca)}; }

StatusOr<std::string> ReadPem(const std::string& file) {
  if (file.empty()) return std::string();
  std::ifstream stream(file, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  if (!stream || text.empty()) return absl::NotFoundError(Text(file, ": can't be read, or is empty"));
  if (text.size() > kFileBytesMax) return absl::InvalidArgumentError(Text(file, ": is too large for certificates"));
  return text;
}

// The content of the files, found to fit together.
struct Material {
  std::string certificate;
  std::string key;
  std::string ca;
  std::vector<CertificateFacts> own;
  std::vector<CertificateFacts> trusted;
};

StatusOr<std::vector<CertificateFacts>> ReadFacts(const std::string& file, const std::string& pem) {
  if (file.empty()) return std::vector<CertificateFacts>();
  StatusOr<std::vector<CertificateFacts>> facts = ReadCertificates(pem);
  if (!facts.ok()) return WithContext(facts.status(), file);
  return facts;
}

Status CheckValidNow(const std::string& file, const CertificateFacts& facts) {
  const Timestamp now = Now();
  if (now > facts.not_after) {
    return absl::InvalidArgumentError(Text(file, ": expired at ", FormatTime(facts.not_after), "; get a new one"));
  }
  if (now < facts.not_before) {
    return absl::InvalidArgumentError(Text(file, ": is valid only from ", FormatTime(facts.not_before), " on"));
  }
  return OkStatus();
}

StatusOr<Material> ReadMaterial(const TlsFiles& files) {
  if (files.certificate.empty() != files.key.empty()) {
    return absl::InvalidArgumentError("TLS certificate and key: one of the two is missing");
  }
  Material material;
  ASSIGN_OR_RETURN(material.certificate, ReadPem(files.certificate));
  ASSIGN_OR_RETURN(material.key, ReadPem(files.key));
  ASSIGN_OR_RETURN(material.ca, ReadPem(files.ca));
  ASSIGN_OR_RETURN(material.own, ReadFacts(files.certificate, material.certificate));
  ASSIGN_OR_RETURN(material.trusted, ReadFacts(files.ca, material.ca));
  if (material.own.empty()) return material;
  const Status belongs = CheckKeyBelongs(material.key, material.certificate);
  if (!belongs.ok()) return WithContext(belongs, Text(files.key, " and ", files.certificate));
  RETURN_IF_ERROR(CheckValidNow(files.certificate, material.own.front()));
  return material;
}

}  // namespace

class TlsIdentity::Impl {
 public:
  Impl(TlsFiles files, Log log) : files_(std::move(files)), log_(std::move(log)) {}
  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

  Status Start() {
    seen_ = StampsOf(files_);
    ASSIGN_OR_RETURN(Material material, ReadMaterial(files_));
    if (!material.own.empty()) uris_ = material.own.front().uris;
    RETURN_IF_ERROR(TakeOver(std::move(material)));
    const std::string pair = files_.certificate.empty() ? "" : pair_file_.path();
    const std::string ca = files_.ca.empty() ? "" : ca_file_.path();
    if (!pair.empty() || !ca.empty()) {
      provider_ = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(pair, pair, ca,
                                                                                       kGrpcLookIntervalSeconds);
    }
    try {
      thread_ = std::thread([this] { Run(); });
    } catch (const std::system_error& error) {
      return absl::UnavailableError(Text("no thread to look after certificates: ", error.what()));
    }
    return OkStatus();
  }

  const TlsFiles& files() const { return files_; }
  const std::vector<std::string>& uris() const { return uris_; }
  const std::shared_ptr<grpc::experimental::FileWatcherCertificateProvider>& provider() const { return provider_; }

  uint64_t version() const {
    const std::lock_guard lock(mutex_);
    return version_;
  }

  std::vector<ExpiringCertificate> Expiring() const {
    const std::lock_guard lock(mutex_);
    std::vector<ExpiringCertificate> expiring;
    for (const CertificateFacts& one : own_) {
      expiring.push_back({Text("the certificate ", one.subject, " in ", files_.certificate), one.not_after});
    }
    for (const CertificateFacts& one : trusted_) {
      expiring.push_back({Text("the CA certificate ", one.subject, " in ", files_.ca), one.not_after});
    }
    return expiring;
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, kLookInterval, [this] { return stopping_; })) {
      lock.unlock();
      Look();
      lock.lock();
    }
  }

  void Look() {
    const Stamps stamps = StampsOf(files_);
    if (stamps == seen_) return;
    const Status taken = TakeChanged();
    log_(taken.ok() ? Text("TLS: the files changed and are used from now on: ", Names())
                    : Text("TLS: the files changed, and those from before stay in use: ", MessageOf(taken)));
    // What changed while it was read is looked at again.
    seen_ = stamps;
  }

  Status TakeChanged() {
    ASSIGN_OR_RETURN(Material material, ReadMaterial(files_));
    if (!material.own.empty() && material.own.front().uris != uris_) {
      return absl::InvalidArgumentError(Text(files_.certificate, ": names another than the one in use, which was ",
                                             uris_.empty() ? "nobody" : uris_.front(), "; that needs a restart"));
    }
    return TakeOver(std::move(material));
  }

  Status TakeOver(Material material) {
    // Key and certificates in one file, so that nobody reads the key of one pair and the certificate of another.
    if (!material.own.empty()) RETURN_IF_ERROR(pair_file_.Replace(Text(material.key, "\n", material.certificate)));
    if (!material.trusted.empty()) RETURN_IF_ERROR(ca_file_.Replace(material.ca));
    const std::lock_guard lock(mutex_);
    own_ = std::move(material.own);
    trusted_ = std::move(material.trusted);
    ++version_;
    return OkStatus();
  }

  std::string Names() const {
    const std::lock_guard lock(mutex_);
    std::string names;
    if (!own_.empty()) names = Text(own_.front().subject, ", valid until ", FormatTime(own_.front().not_after), "; ");
    return Text(names, trusted_.size(), " CA certificates");
  }

  const TlsFiles files_;
  const Log log_;
  // Set by Start.
  std::vector<std::string> uris_;
  // Used by Start, then by the thread only.
  Stamps seen_{};
  MemoryFile pair_file_;
  MemoryFile ca_file_;
  // Ends before the files that it reads.
  std::shared_ptr<grpc::experimental::FileWatcherCertificateProvider> provider_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  // All below are guarded by mutex_.
  std::vector<CertificateFacts> own_;
  std::vector<CertificateFacts> trusted_;
  uint64_t version_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

TlsIdentity::TlsIdentity(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsIdentity::~TlsIdentity() = default;

StatusOr<std::shared_ptr<TlsIdentity>> TlsIdentity::Load(TlsFiles files, Log log) {
  auto impl = std::make_unique<Impl>(std::move(files), std::move(log));
  RETURN_IF_ERROR(impl->Start());
  return std::shared_ptr<TlsIdentity>(new TlsIdentity(std::move(impl)));
}

bool TlsIdentity::has_certificate() const { return !impl_->files().certificate.empty(); }
bool TlsIdentity::has_ca() const { return !impl_->files().ca.empty(); }
const std::vector<std::string>& TlsIdentity::uris() const { return impl_->uris(); }
std::vector<ExpiringCertificate> TlsIdentity::Expiring() const { return impl_->Expiring(); }
uint64_t TlsIdentity::version() const { return impl_->version(); }

std::shared_ptr<grpc::experimental::CertificateProviderInterface> TlsIdentity::provider() const {
  return impl_->provider();
}

}  // namespace anamnesis
