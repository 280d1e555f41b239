#include "node/etcd/etcd_types.h"

#include "ledger/base/check.h"

namespace anamnesis {

etcdserverpb::Compare& EtcdTxn::AddCompare(std::string_view key, etcdserverpb::Compare::CompareTarget target) {
  etcdserverpb::Compare& compare = *request_.add_compare();
  compare.set_result(etcdserverpb::Compare::EQUAL);
  compare.set_target(target);
  compare.set_key(std::string(key));
  return compare;
}

EtcdTxn& EtcdTxn::IfCreateRevision(std::string_view key, int64_t revision) {
  AddCompare(key, etcdserverpb::Compare::CREATE).set_create_revision(revision);
  return *this;
}

EtcdTxn& EtcdTxn::IfModRevision(std::string_view key, int64_t revision) {
  AddCompare(key, etcdserverpb::Compare::MOD).set_mod_revision(revision);
  return *this;
}

EtcdTxn& EtcdTxn::IfValue(std::string_view key, std::string_view value) {
  AddCompare(key, etcdserverpb::Compare::VALUE).set_value(std::string(value));
  return *this;
}

EtcdTxn& EtcdTxn::ThenPut(std::string_view key, std::string_view value, int64_t lease_id) {
  etcdserverpb::PutRequest& put = *request_.add_success()->mutable_request_put();
  put.set_key(std::string(key));
  put.set_value(std::string(value));
  put.set_lease(lease_id);
  return *this;
}

EtcdTxn& EtcdTxn::ThenDelete(std::string_view key) {
  request_.add_success()->mutable_request_delete_range()->set_key(std::string(key));
  return *this;
}

EtcdTxn& EtcdTxn::ThenDeleteRange(std::string_view first, std::string_view end) {
  CHECK(!first.empty() && !end.empty());
  etcdserverpb::DeleteRangeRequest& range = *request_.add_success()->mutable_request_delete_range();
  range.set_key(std::string(first));
  range.set_range_end(std::string(end));
  return *this;
}

EtcdTxn& EtcdTxn::ElseGet(std::string_view key) {
  request_.add_failure()->mutable_request_range()->set_key(std::string(key));
  return *this;
}

}  // namespace anamnesis
