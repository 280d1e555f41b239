// The etcd of node/etcd's tests, for this room's program too.
#include "tests/node/etcd/etcd_process.cc"
