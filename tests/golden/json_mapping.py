"""The protobuf JSON mapping of a value: lowerCamelCase names, 64-bit integers as strings, bytes as base64, enums by
name. A C++ test reads these objects with the protobuf library's own JSON parser."""

from __future__ import annotations

import base64
import re
from typing import Any

import wire


def json_name(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda match: match.group(1).upper(), name)


def json_value(field: wire.Field, value: Any) -> Any:
    if field.kind == "message":
        return to_json(field.type, value)
    if field.kind == "bytes":
        return base64.b64encode(value).decode("ascii")
    if field.kind in ("int64", "uint64"):
        return str(value)
    return value


def to_json(message: wire.MessageType, value: wire.Value) -> wire.Value:
    """Every field that `wire.encode` would write, in number order."""
    out: wire.Value = {}
    for field in sorted(message.fields, key=lambda f: f.number):
        if field.name not in value or wire.is_default(field, value[field.name]):
            continue
        found = value[field.name]
        if field.repeated:
            if found:
                out[json_name(field.name)] = [json_value(field, element) for element in found]
        else:
            out[json_name(field.name)] = json_value(field, found)
    return out
