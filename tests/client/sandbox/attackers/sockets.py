"""Tries every way to a socket; prints each that it got."""
import ctypes
import socket

libc = ctypes.CDLL(None, use_errno=True)
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK, socket.AF_PACKET, socket.AF_VSOCK):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
        if libc.socket(int(family), int(kind), 0) >= 0:
            print("escaped: socket", family, kind)
for address in ("\0abstract", "/tmp/s", "/run/systemd/notify", "/run/dbus/system_bus_socket"):
    try:
        socket.socket(socket.AF_UNIX).connect(address)
        print("escaped: connect", address)
    except OSError:
        pass
try:
    socket.socketpair()
    print("escaped: socketpair")
except OSError:
    pass
try:
    print("escaped: name resolved to", socket.getaddrinfo("localhost", 80))
except OSError:
    pass
print("done")
