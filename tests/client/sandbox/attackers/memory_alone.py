"""Takes memory until there is no more, and says how much there was, in MiB."""
pieces = []
try:
    while len(pieces) < 4096:
        pieces.append(bytearray(1 << 20))
except MemoryError:
    pass
taken = len(pieces)
pieces.clear()
print(taken)
