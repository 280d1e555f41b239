#include "ledger/tls/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <optional>

#include "ledger/tls/openssl_pointers.h"

namespace anamnesis {
namespace {

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";

using Names = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

Bio BioOver(std::string_view bytes) { return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()))); }

// A key with a passphrase is refused instead of asked for on the terminal.
int NoPassphrase(char*, int, int, void*) { return 0; }

Certificate ParseCertificate(std::string_view pem) {
  const Bio bio = BioOver(pem);
  Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr));
  ERR_clear_error();
  return certificate;
}

std::optional<Timestamp> ParseTime(const ASN1_TIME* time) {
  tm broken{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &broken) != 1) return std::nullopt;
  return Timestamp(static_cast<int64_t>(timegm(&broken)) * 1'000'000);
}

std::string SubjectOf(const X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  const char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

std::vector<std::string> UrisOf(const X509* certificate) {
  std::vector<std::string> uris;
  const Names names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr) return uris;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    uris.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                      static_cast<size_t>(ASN1_STRING_length(uri)));
  }
  return uris;
}

}  // namespace

StatusOr<std::vector<CertificateFacts>> ReadCertificates(std::string_view pem) {
  std::vector<CertificateFacts> all;
  while (true) {
    const size_t begin = pem.find(kBegin);
    if (begin == std::string_view::npos) break;
    const size_t end = pem.find(kEnd, begin);
    const size_t next = pem.find(kBegin, begin + 1);
    const std::string place = Text("certificate ", all.size() + 1);
    if (end == std::string_view::npos || next < end) return absl::InvalidArgumentError(Text(place, " is cut off"));
    const Certificate certificate = ParseCertificate(pem.substr(begin, end + kEnd.size() - begin));
    if (certificate == nullptr) return absl::InvalidArgumentError(Text(place, " can't be read as one"));
    const std::optional<Timestamp> not_before = ParseTime(X509_get0_notBefore(certificate.get()));
    const std::optional<Timestamp> not_after = ParseTime(X509_get0_notAfter(certificate.get()));
    if (!not_before || !not_after) return absl::InvalidArgumentError(Text(place, " has no readable validity"));
    all.push_back({SubjectOf(certificate.get()), UrisOf(certificate.get()), *not_before, *not_after});
    pem.remove_prefix(end + kEnd.size());
  }
  if (all.empty()) return absl::InvalidArgumentError("there is no certificate in it");
  return all;
}

Status CheckKeyBelongs(std::string_view key_pem, std::string_view certificate_pem) {
  const Bio bio = BioOver(key_pem);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
  const Certificate certificate = ParseCertificate(certificate_pem);
  const bool belongs =
      key != nullptr && certificate != nullptr && X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  if (key == nullptr) return absl::InvalidArgumentError("there is no private key without passphrase in it");
  if (certificate == nullptr) return absl::InvalidArgumentError("there is no certificate for it");
  if (!belongs) return absl::InvalidArgumentError("the private key is not the certificate's");
  return OkStatus();
}

}  // namespace anamnesis
