#include "client/pki/certificate_authority.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

#include "ledger/tls/openssl_pointers.h"

namespace anamnesis {
namespace {

constexpr long kSecondsPerDay = 86'400;
// For clocks that are a little behind.
constexpr long kBackdatedSeconds = 60;
constexpr int kSerialBits = 127;

using Number = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using Address = std::unique_ptr<ASN1_OCTET_STRING, Freed<ASN1_OCTET_STRING_free>>;

Status Failed(std::string_view what) {
  char text[256] = "";
  ERR_error_string_n(ERR_get_error(), text, sizeof(text));
  ERR_clear_error();
  return absl::InternalError(Text("OpenSSL: ", what, ": ", std::string_view(text)));
}

Bio BioOver(std::string_view bytes) { return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()))); }

std::string Content(const Bio& bio) {
  const char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

StatusOr<KeyPair> ToPem(X509* certificate, EVP_PKEY* key) {
  const Bio certificate_bio(BIO_new(BIO_s_mem()));
  const Bio key_bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(certificate_bio.get(), certificate) != 1 ||
      PEM_write_bio_PrivateKey(key_bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return Failed("writing PEM");
  }
  return KeyPair{Content(certificate_bio), Content(key_bio)};
}

Certificate ParseCertificate(std::string_view pem) {
  return Certificate(PEM_read_bio_X509(BioOver(pem).get(), nullptr, nullptr, nullptr));
}

// A certificate for `key` with its serial number and validity, and nothing else yet.
StatusOr<Certificate> Begin(EVP_PKEY* key, int days) {
  if (days < 1) return absl::InvalidArgumentError(Text("days: ", days, " is less than 1"));
  Certificate certificate(X509_new());
  const Number serial(BN_new());
  const bool done = X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
                    BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
                    BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate.get())) != nullptr &&
                    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kBackdatedSeconds) != nullptr &&
                    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), days * kSecondsPerDay) != nullptr &&
                    X509_set_pubkey(certificate.get(), key) == 1;
  if (!done) return Failed("a new certificate");
  return certificate;
}

Status SetSubject(X509* certificate, const std::string& common_name) {
  const int set = X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                             reinterpret_cast<const unsigned char*>(common_name.data()),
                                             static_cast<int>(common_name.size()), -1, 0);
  // A common name has at most 64 characters; names that count are URIs and hosts.
  return set == 1 ? OkStatus() : absl::InvalidArgumentError(Text("common name \"", common_name, "\" can't be written"));
}

Status AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return Failed(Text(OBJ_nid2sn(nid), "=", value));
  }
  return OkStatus();
}

bool IsDnsName(const std::string& host) {
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  });
}

StatusOr<std::string> AlternativeNames(const CertificateRequest& request) {
  std::string names;
  const auto add = [&names](std::string_view kind, const std::string& name) {
    names += Text(names.empty() ? "" : ",", kind, ":", name);
  };
  for (const std::string& uri : request.uris) add("URI", uri);
  for (const std::string& host : request.hosts) {
    if (Address(a2i_IPADDRESS(host.c_str())) != nullptr) {
      add("IP", host);
    } else if (IsDnsName(host)) {
      add("DNS", host);
    } else {
      return absl::InvalidArgumentError(Text("host \"", host, "\" is neither a DNS name nor an IP address"));
    }
  }
  ERR_clear_error();
  return names;
}

}  // namespace

class CertificateAuthority::Impl {
 public:
  Impl(Certificate certificate, Key key) : certificate_(std::move(certificate)), key_(std::move(key)) {}

  X509* certificate() const { return certificate_.get(); }
  EVP_PKEY* key() const { return key_.get(); }

  // Adds what every certificate has, signs it, and returns it with its key.
  StatusOr<KeyPair> Sign(X509* certificate, EVP_PKEY* key) const {
    if (X509_set_issuer_name(certificate, X509_get_subject_name(certificate_.get())) != 1) return Failed("issuer");
    RETURN_IF_ERROR(AddExtension(certificate, certificate_.get(), NID_basic_constraints, "critical,CA:FALSE"));
    RETURN_IF_ERROR(AddExtension(certificate, certificate_.get(), NID_key_usage, "critical,digitalSignature"));
    RETURN_IF_ERROR(AddExtension(certificate, certificate_.get(), NID_authority_key_identifier, "keyid:always"));
    if (X509_sign(certificate, key_.get(), EVP_sha256()) == 0) return Failed("signing");
    return ToPem(certificate, key);
  }

 private:
  const Certificate certificate_;
  const Key key_;
};

CertificateAuthority::CertificateAuthority(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CertificateAuthority::~CertificateAuthority() = default;
CertificateAuthority::CertificateAuthority(CertificateAuthority&&) noexcept = default;

StatusOr<CertificateAuthority> CertificateAuthority::Make(std::string_view common_name, int days) {
  Key key(EVP_EC_gen("P-256"));
  if (key == nullptr) return Failed("a new key");
  ASSIGN_OR_RETURN(Certificate certificate, Begin(key.get(), days));
  X509* const self = certificate.get();
  RETURN_IF_ERROR(SetSubject(self, std::string(common_name)));
  if (X509_set_issuer_name(self, X509_get_subject_name(self)) != 1) return Failed("issuer");
  RETURN_IF_ERROR(AddExtension(self, self, NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
  RETURN_IF_ERROR(AddExtension(self, self, NID_key_usage, "critical,keyCertSign,cRLSign"));
  RETURN_IF_ERROR(AddExtension(self, self, NID_subject_key_identifier, "hash"));
  if (X509_sign(self, key.get(), EVP_sha256()) == 0) return Failed("signing");
  return CertificateAuthority(std::make_unique<Impl>(std::move(certificate), std::move(key)));
}

StatusOr<CertificateAuthority> CertificateAuthority::Parse(const KeyPair& pair) {
  Certificate certificate = ParseCertificate(pair.certificate);
  Key key(PEM_read_bio_PrivateKey(BioOver(pair.key).get(), nullptr, nullptr, nullptr));
  const bool fit =
      certificate != nullptr && key != nullptr && X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  if (!fit) return absl::InvalidArgumentError("not the certificate of a CA and its key");
  return CertificateAuthority(std::make_unique<Impl>(std::move(certificate), std::move(key)));
}

StatusOr<KeyPair> CertificateAuthority::Pair() const { return ToPem(impl_->certificate(), impl_->key()); }

StatusOr<KeyPair> CertificateAuthority::Issue(const CertificateRequest& request, int days) const {
  ASSIGN_OR_RETURN(const std::string names, AlternativeNames(request));
  const Key key(EVP_EC_gen("P-256"));
  if (key == nullptr) return Failed("a new key");
  ASSIGN_OR_RETURN(const Certificate certificate, Begin(key.get(), days));
  X509* const made = certificate.get();
  RETURN_IF_ERROR(SetSubject(made, request.common_name));
  if (!names.empty()) RETURN_IF_ERROR(AddExtension(made, impl_->certificate(), NID_subject_alt_name, names));
  RETURN_IF_ERROR(AddExtension(made, impl_->certificate(), NID_ext_key_usage,
                               request.hosts.empty() ? "clientAuth" : "serverAuth,clientAuth"));
  return impl_->Sign(made, key.get());
}

StatusOr<KeyPair> CertificateAuthority::IssueAgain(std::string_view certificate_pem, int days) const {
  const Certificate before = ParseCertificate(certificate_pem);
  ERR_clear_error();
  if (before == nullptr) return absl::InvalidArgumentError("not a certificate");
  const Key key(EVP_EC_gen("P-256"));
  if (key == nullptr) return Failed("a new key");
  ASSIGN_OR_RETURN(const Certificate certificate, Begin(key.get(), days));
  if (X509_set_subject_name(certificate.get(), X509_get_subject_name(before.get())) != 1) return Failed("subject");
  for (const int nid : {NID_subject_alt_name, NID_ext_key_usage}) {
    const int place = X509_get_ext_by_NID(before.get(), nid, -1);
    if (place < 0) continue;
    if (X509_add_ext(certificate.get(), X509_get_ext(before.get(), place), -1) != 1) return Failed("an extension");
  }
  return impl_->Sign(certificate.get(), key.get());
}

}  // namespace anamnesis
