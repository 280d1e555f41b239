"""Garbage on the node's port: it goes on serving, doesn't grow, and ends in order. gRPC calls with random messages need
python3-grpcio and are left out, aloud, without it.

ANAMNESIS_SEED: of the garbage (1)."""

import os
import random
import socket
import struct
import sys

import harness

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GROWTH_MIB = 64
CONNECTIONS = 600
CALLS = 100
METHODS = ("AppendService/Append", "AppendService/AppendStream", "ReadService/Read", "ReadService/GetEvent",
           "ReadService/GetStreamHead", "ReadService/GetCredential", "ReadService/GetStatus",
           "QueryService/GetConfiguration", "ProofService/GetCheckpoint", "ProofService/GetReceipt",
           "ProofService/GetConsistencyProof", "ReceiptService/GetReceipts", "ObjectService/Put",
           "ObjectService/Get", "ObjectService/Stat", "ObjectService/Verify",
           "WitnessService/GetWitnessedCheckpoint", "WitnessService/GetWitnessedReceipt",
           "WitnessService/GetWitnessStatus", "ScrubService/GetScrubStatus")


def frame(kind, flags, stream, payload, length=None):
    """An HTTP/2 frame; `length` may lie."""
    return struct.pack(">I", len(payload) if length is None else length)[1:] + struct.pack(
        ">BBI", kind, flags, stream) + payload


def random_bytes(source):
    return source.randbytes(source.randrange(1, 20000))


def http1(source):
    return b"POST /%s HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n" % source.randbytes(8).hex().encode()


def long_line(_):
    return b"GET /" + b"a" * 200000


def truncated(source):
    whole = PREFACE + frame(4, 0, 0, b"") + frame(1, 4, 1, source.randbytes(60))
    return whole[:source.randrange(1, len(whole))]


def random_frames(source):
    frames = [frame(source.randrange(12), source.randrange(256), source.choice([0, 1, 2, 3, 2**31 - 1]),
                    source.randbytes(source.randrange(300))) for _ in range(30)]
    return PREFACE + frame(4, 0, 0, b"") + b"".join(frames)


def lying_length(source):
    return PREFACE + frame(4, 0, 0, b"") + frame(0, 0, 1, source.randbytes(50), length=0xffffff)


def rapid_reset(source):
    resets = b"".join(frame(1, 4, 2 * n + 1, b"\x83\x87") + frame(3, 0, 2 * n + 1, b"\0\0\0\x08")
                      for n in range(source.randrange(100, 500)))
    return PREFACE + frame(4, 0, 0, b"") + resets


def ping_flood(_):
    return PREFACE + frame(4, 0, 0, b"") + frame(6, 0, 0, b"12345678") * 2000


KINDS = (random_bytes, http1, long_line, truncated, random_frames, lying_length, rapid_reset, ping_flood)


def send(address, garbage, source):
    """Sends it and hangs up: in order, or with a reset. Some connections stay for as long as the caller keeps them."""
    host, port = address.rsplit(":", 1)
    connection = socket.create_connection((host, int(port)), timeout=5)
    try:
        connection.sendall(garbage)
        connection.settimeout(0.02)
        connection.recv(65536)
    except OSError:
        pass
    if source.random() < 0.1:
        return connection
    if source.random() < 0.5:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    return None


def send_all(address, source, connections):
    kept = [send(address, KINDS[number % len(KINDS)](source), source) for number in range(connections)]
    for connection in kept:
        if connection is not None:
            connection.close()


def protobuf_like(source):
    """Bytes that parse as fields more often than random ones do."""
    parts = []
    for _ in range(source.randrange(1, 8)):
        field, inside = source.randrange(1, 12), source.randbytes(source.randrange(0, 60))
        if source.random() < 0.5 and len(parts) < 4:
            inside = b"".join(parts) or inside
        parts.append(bytes([field << 3 | 2, len(inside) & 0x7f]) + inside[:len(inside) & 0x7f]
                     if source.random() < 0.7 else bytes([field << 3, source.randrange(128)]))
    return b"".join(parts)


def calls(address, source):
    """Random messages to every method. False when there is no gRPC here."""
    try:
        import grpc  # pylint: disable=import-outside-toplevel
    except ImportError:
        return False
    with grpc.insecure_channel(address) as channel:
        for method in METHODS:
            unary = channel.unary_unary(f"/anamnesis.v1.{method}")
            stream = channel.stream_stream(f"/anamnesis.v1.{method}")
            for number in range(CALLS):
                message = source.randbytes(200) if number % 3 == 0 else protobuf_like(source)
                try:
                    if method.endswith(("/AppendStream", "/Read")):
                        list(stream(iter([message]), timeout=2))
                    else:
                        unary(message, timeout=2)
                except grpc.RpcError:
                    pass
    return True


def main():
    harness.need_programs(harness.LOAD, os.path.join(harness.BIN, "anamnesisd"))
    source = random.Random(int(os.environ.get("ANAMNESIS_SEED", "1")))
    with harness.Place() as place, harness.Node(place.ledger, place.dir) as node:
        with harness.Load(place, node, place.dir, clients=1, pause_us=5000) as load:
            load.wait_for(50)
            send_all(node.address, source, CONNECTIONS // 4)
            before = node.rss_mib()
            send_all(node.address, source, CONNECTIONS)
            if not calls(node.address, source):
                print("SKIPPED in part: python3-grpcio isn't installed, no gRPC calls with random messages", flush=True)
            load.wait_for(50)
            grown = node.rss_mib() - before
            load.finish()
        harness.expect(grown < GROWTH_MIB, f"the node grew by {grown:.0f} MiB")
        harness.run_well("status", "--ledger", node.address)
        harness.expect(node.stop() == 0, f"exit status: {node.log_tail()}")
        events = harness.check_all(place.ledger, load)
    print(f"{CONNECTIONS} hostile connections: {events} events, the node grew by {grown:.1f} MiB")


if __name__ == "__main__":
    sys.exit(main())
