#include "client/interchange/attestor_key.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>

#include "ledger/crypto/ed25519.h"
#include "ledger/crypto/sha256.h"
#include "ledger/note/verifier_key.h"
#include "ledger/tls/openssl_pointers.h"

namespace anamnesis::interchange {
namespace {

constexpr size_t kPemBytesMax = 16 * 1024;

using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;

const unsigned char* Bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

bool IsP256(EVP_PKEY* key) {
  std::array<char, 64> group{};
  size_t size = 0;
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
         EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1 &&
         std::string_view(group.data(), size) == "prime256v1";
}

std::string ToDer(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  std::string bytes(reinterpret_cast<char*>(der), size > 0 ? static_cast<size_t>(size) : 0);
  OPENSSL_free(der);
  return bytes;
}

// What OpenSSL noted on the way says nothing about the next call.
struct ErrorsCleared {
  ~ErrorsCleared() { ERR_clear_error(); }
};

bool VerifiesEcdsa(std::string_view der, std::string_view message, std::string_view signature) {
  const ErrorsCleared cleared;
  const unsigned char* at = Bytes(der);
  const Key key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  const DigestContext context(EVP_MD_CTX_new());
  return key != nullptr && context != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(message), message.size()) == 1;
}

}  // namespace

StatusOr<AttestorKey> AttestorKey::FromVerifierKey(std::string_view text) {
  ASSIGN_OR_RETURN(const VerifierKey parsed, VerifierKey::Parse(text));
  AttestorKey key;
  key.name_ = parsed.name();
  key.bytes_ = parsed.public_key().bytes();
  key.fingerprint_ = "ed25519:" + parsed.public_key().hex();
  return key;
}

StatusOr<AttestorKey> AttestorKey::FromPem(std::string_view pem, std::string name) {
  const ErrorsCleared cleared;
  if (pem.size() > kPemBytesMax) return absl::InvalidArgumentError(Text(name, ": is too large for a public key"));
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Key parsed(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  if (parsed == nullptr) return absl::InvalidArgumentError(Text(name, ": has no PEM block PUBLIC KEY"));
  AttestorKey key;
  key.name_ = std::move(name);
  if (EVP_PKEY_get_base_id(parsed.get()) == EVP_PKEY_ED25519) {
    key.bytes_.resize(PublicKey::kSize);
    size_t size = key.bytes_.size();
    EVP_PKEY_get_raw_public_key(parsed.get(), reinterpret_cast<unsigned char*>(key.bytes_.data()), &size);
    key.fingerprint_ = "ed25519:" + HexEncode(key.bytes_);
    return key;
  }
  if (!IsP256(parsed.get())) {
    return absl::InvalidArgumentError(
        Text(key.name_, ": is a key of another kind than ECDSA on P-256 and Ed25519, which are taken"));
  }
  key.ecdsa_ = true;
  key.bytes_ = ToDer(parsed.get());
  key.fingerprint_ = "ecdsa-p256:" + Sha256(key.bytes_).hex();
  return key;
}

Status AttestorKey::Verify(std::string_view message, std::string_view signature) const {
  if (!ecdsa_) {
    ASSIGN_OR_RETURN(const PublicKey key, PublicKey::FromBytes(bytes_));
    if (VerifyEd25519(key, message, signature).ok()) return OkStatus();
  } else if (VerifiesEcdsa(bytes_, message, signature)) {
    return OkStatus();
  }
  return absl::UnauthenticatedError(Text("the signature is none by ", name_));
}

}  // namespace anamnesis::interchange
