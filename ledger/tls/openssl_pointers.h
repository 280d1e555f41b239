#ifndef ANAMNESIS_LEDGER_TLS_OPENSSL_POINTERS_H_
#define ANAMNESIS_LEDGER_TLS_OPENSSL_POINTERS_H_

// OpenSSL's objects, each with what frees it. For .cc files only: OpenSSL's names stay out of other headers.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>

namespace anamnesis {

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_TLS_OPENSSL_POINTERS_H_
