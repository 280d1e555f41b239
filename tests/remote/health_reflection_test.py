"""What stock tools ask a node: grpc.health.v1 (as load balancers do) and server reflection (as grpcurl does). Health
says NOT_SERVING of appends while the ledger refuses them, and of everything once the node stops.

Without python3-grpcio the test is skipped."""

import contextlib
import json
import os
import queue
import resource
import signal
import sys
import threading
import time

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))
import harness  # noqa: E402

try:
    import grpc
except ImportError:
    harness.skip("python3-grpcio isn't installed")

SERVING, NOT_SERVING, SERVICE_UNKNOWN = 1, 2, 3
SERVICES = {"anamnesis.v1." + name: methods for name, methods in {
    "AppendService": {"Append", "AppendStream"},
    "ReadService": {"Read", "GetEvent", "GetStreamHead", "GetCredential", "GetStatus"},
    "QueryService": {"GetConfiguration"},
    "QuestionService": {"Ask"},
    "ProofService": {"GetCheckpoint", "GetReceipt", "GetConsistencyProof"},
    "ReceiptService": {"GetReceipts"},
    "ObjectService": {"Put", "Get", "Stat", "Verify"},
    "BackupService": {"CreateBackup", "ListBackups", "DropBackups"},
    "WitnessService": {"GetWitnessedCheckpoint", "GetWitnessedReceipt", "GetWitnessStatus"},
    "ScrubService": {"GetScrubStatus"},
}.items()}
APPENDS = "anamnesis.v1.AppendService"
STANDARD = {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
CALL_SECONDS = 20
# The node looks at its ledger once a second.
NOTICE_SECONDS = 10
FILE_BYTES_MAX = 256 << 10

STRING, BYTES, ENUM_NUMBER = (descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
                              descriptor_pb2.FieldDescriptorProto.TYPE_BYTES,
                              descriptor_pb2.FieldDescriptorProto.TYPE_INT32)
# The fields of the two public protocols that are used here, since Debian has neither .proto: name -> (number, type or
# message, repeated). https://github.com/grpc/grpc-proto: grpc/health/v1/health.proto, grpc/reflection/v1alpha.
PROTOCOLS = {
    "HealthCheckRequest": {"service": (1, STRING, False)},
    "HealthCheckResponse": {"status": (1, ENUM_NUMBER, False)},
    "ServerReflectionRequest": {"file_by_filename": (3, STRING, False), "file_containing_symbol": (4, STRING, False),
                                "list_services": (7, STRING, False)},
    "FileDescriptorResponse": {"file_descriptor_proto": (1, BYTES, True)},
    "ServiceResponse": {"name": (1, STRING, False)},
    "ListServiceResponse": {"service": (1, "ServiceResponse", True)},
    "ErrorResponse": {"error_code": (1, ENUM_NUMBER, False), "error_message": (2, STRING, False)},
    "ServerReflectionResponse": {"file_descriptor_response": (4, "FileDescriptorResponse", False),
                                 "list_services_response": (6, "ListServiceResponse", False),
                                 "error_response": (7, "ErrorResponse", False)},
}


def declare(protocols):
    file = descriptor_pb2.FileDescriptorProto(name="standard.proto", package="standard", syntax="proto3")
    for name, fields in protocols.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, repeated) in fields.items():
            declared = message.field.add(name=field, number=number, label=3 if repeated else 1)
            if isinstance(kind, str):
                declared.type, declared.type_name = declared.TYPE_MESSAGE, f".standard.{kind}"
            else:
                declared.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return {name: factory.GetPrototype(pool.FindMessageTypeByName(f"standard.{name}")) for name in protocols}


MESSAGE = declare(PROTOCOLS)


def health(channel, service):
    check = channel.unary_unary("/grpc.health.v1.Health/Check",
                                request_serializer=MESSAGE["HealthCheckRequest"].SerializeToString,
                                response_deserializer=MESSAGE["HealthCheckResponse"].FromString)
    return check(MESSAGE["HealthCheckRequest"](service=service), timeout=CALL_SECONDS).status


class Watch:
    """Health of one service, told as it changes."""

    def __init__(self, channel, service):
        watch = channel.unary_stream("/grpc.health.v1.Health/Watch",
                                     request_serializer=MESSAGE["HealthCheckRequest"].SerializeToString,
                                     response_deserializer=MESSAGE["HealthCheckResponse"].FromString)
        self.service = service
        self.call = watch(MESSAGE["HealthCheckRequest"](service=service))
        self.told = queue.Queue()
        threading.Thread(target=self.collect, daemon=True).start()

    def collect(self):
        try:
            for response in self.call:
                self.told.put(response.status)
        except grpc.RpcError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.call.cancel()

    def expect_next(self, status):
        try:
            told = self.told.get(timeout=NOTICE_SECONDS)
        except queue.Empty:
            told = None
        harness.expect(told == status, f"the watch of '{self.service}' tells {told}, not {status}")


def reflect(channel, **request):
    info = channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                 request_serializer=MESSAGE["ServerReflectionRequest"].SerializeToString,
                                 response_deserializer=MESSAGE["ServerReflectionResponse"].FromString)
    answers = list(info(iter([MESSAGE["ServerReflectionRequest"](**request)]), timeout=CALL_SECONDS))
    harness.expect(len(answers) == 1, f"{request}: {len(answers)} answers")
    return answers[0]


def files_of(channel, symbol):
    """The file that declares `symbol` and what it imports, gathered as tools do: by name, until nothing is missing."""
    answer = reflect(channel, file_containing_symbol=symbol)
    found, wanted = {}, []
    while True:
        harness.expect(not answer.HasField("error_response"), f"{symbol}: {answer.error_response}")
        for data in answer.file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(data)
            found[file.name] = file
            wanted += file.dependency
        wanted = [name for name in wanted if name not in found]
        if not wanted:
            return found
        answer = reflect(channel, file_by_filename=wanted[0])


def pool_of(files):
    """Fails when the files don't make sense together."""
    pool = descriptor_pool.DescriptorPool()
    left = dict(files)
    while left:
        ready = [name for name, file in left.items() if not set(file.dependency) & set(left)]
        harness.expect(ready, f"files that import each other: {sorted(left)}")
        for name in ready:
            pool.Add(left.pop(name))
    return pool


def check_reflection(channel):
    listed = {service.name for service in reflect(channel, list_services="*").list_services_response.service}
    harness.expect(listed == set(SERVICES) | STANDARD, f"reflection lists {sorted(listed)}")
    for service, methods in SERVICES.items():
        pool = pool_of(files_of(channel, service))
        described = pool.FindServiceByName(service)
        harness.expect({method.name for method in described.methods} == methods, f"{service} has other methods")
    unknown = reflect(channel, file_containing_symbol="anamnesis.v1.NoSuchService")
    not_found = grpc.StatusCode.NOT_FOUND.value[0]
    harness.expect(unknown.error_response.error_code == not_found, f"no such symbol: {unknown}")
    # What was fetched is enough to make a call, knowing nothing else.
    pool = pool_of(files_of(channel, "anamnesis.v1.ReadService"))
    method = pool.FindServiceByName("anamnesis.v1.ReadService").FindMethodByName("GetStatus")
    factory = message_factory.MessageFactory(pool)
    request, reply = factory.GetPrototype(method.input_type), factory.GetPrototype(method.output_type)
    call = channel.unary_unary("/anamnesis.v1.ReadService/GetStatus", request_serializer=request.SerializeToString,
                               response_deserializer=reply.FromString)
    status = call(request(), timeout=CALL_SECONDS)
    harness.expect(status.origin == harness.ORIGIN and status.tree_size > 0, f"status by reflection: {status}")


def check_serving(channel):
    for service in ("", *SERVICES):
        harness.expect(health(channel, service) == SERVING, f"'{service}' isn't SERVING")
    try:
        health(channel, "anamnesis.v1.NoSuchService")
        raise AssertionError("a service that doesn't exist has a health")
    except grpc.RpcError as error:
        harness.expect(error.code() == grpc.StatusCode.NOT_FOUND, f"unknown service: {error}")
    with Watch(channel, "anamnesis.v1.NoSuchService") as watch:
        watch.expect_next(SERVICE_UNKNOWN)


def check_refusing(place, node, channel):
    """A write that fails stops appends, and reads go on; both are told. The write fails on a limit of file sizes, which
    the node meets as an error since it was started with the limit's signal ignored."""
    with Watch(channel, APPENDS) as appends, Watch(channel, "anamnesis.v1.ReadService") as reads:
        appends.expect_next(SERVING)
        reads.expect_next(SERVING)
        limits = resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (FILE_BYTES_MAX, limits[1]))
        with harness.Load(place, node, place.dir, clients=1, body_bytes=2000):
            appends.expect_next(NOT_SERVING)
        # The node has looked at its ledger again, and nothing changed.
        time.sleep(2.5)
        harness.expect(appends.told.empty() and reads.told.empty(), "a watch is told what didn't change")
    for service in ("", *SERVICES):
        expected = NOT_SERVING if service == APPENDS else SERVING
        harness.expect(health(channel, service) == expected, f"health of '{service}' while appends are refused")
    status = json.loads(harness.run_well("status", "--ledger", node.address, "--json"))
    harness.expect(status.get("refusingAppends"), f"the status doesn't say that appends are refused: {status}")


def check_stopping(node, channel):
    with contextlib.ExitStack() as stack:
        watches = [stack.enter_context(Watch(channel, service)) for service in ("", *SERVICES)]
        for watch in watches:
            watch.expect_next(SERVING)
        node.process.send_signal(signal.SIGTERM)
        for watch in watches:
            watch.expect_next(NOT_SERVING)
    harness.expect(node.process.wait(timeout=60) == 0, f"exit status: {node.log_tail()}")


def main():
    harness.need_programs(harness.LOAD, os.path.join(harness.BIN, "anamnesisd"))
    with harness.Place() as place:
        node = harness.Node(place.ledger, place.dir, restore_signals=False)
        with node:
            with grpc.insecure_channel(node.address) as channel:
                check_serving(channel)
                check_reflection(channel)
                check_refusing(place, node, channel)
            harness.expect(node.stop() == 0, f"exit status: {node.log_tail()}")
        with node, grpc.insecure_channel(node.address) as channel:
            check_serving(channel)
            check_stopping(node, channel)
    print("health and reflection: as stock tools expect them", flush=True)


if __name__ == "__main__":
    main()
