"""Examples that follow from the annotations alone, for the event types that have none in examples.py: every field and
every role once, with values that obey their rules. So a new type can't be forgotten."""

from __future__ import annotations

from typing import Any

import primitives as p
from examples import BASE_US, Example, ref
from wire import Field, MessageType, Value

FORMATS: dict[str, Any] = {
    "DECIMAL": "0.95", "SYMBOL": "a-symbol", "PUBLIC_KEY": p.public_key(p.seed(33)), "TIME_US": BASE_US + 1_000_000,
    "SHA256_BYTES": p.sha256(b"example"),
}


def scalar(field: Field, path: str) -> Any:
    rule = field.rule or {}
    if "format" in rule:
        return FORMATS[rule["format"]]
    if field.kind == "string":
        return path[-rule.get("max_bytes", 64):]
    if field.kind == "bytes":
        return p.sha256(path.encode())[:rule.get("max_bytes", 32)]
    if field.kind == "bool":
        return True
    return 3


def value_of(field: Field, path: str) -> Any:
    if field.kind == "message":
        return body_of(field.type, path)
    if field.kind == "enum":
        return next(name for name, number in field.type.numbers.items() if number == 1)
    return scalar(field, path)


def body_of(message: MessageType, path: str) -> Value:
    if message.name == "ContentDigest":
        return {"algorithm": "SHA256", "value": p.sha256(path.encode())}
    if message.name == "PolicyDocument":
        # One part only, as policy.adopted asks.
        part = next(f for f in message.fields if f.name == "contemporaneity")
        return {part.name: body_of(part.type, f"{path}.{part.name}")}
    body: Value = {}
    for field in message.fields:
        value = value_of(field, f"{path}.{field.name}")
        body[field.name] = [value] if field.repeated else value
    return body


def reference_of(rule: Value) -> Value:
    version = "1.0" if rule.get("version_required") else ""
    return ref(rule["role"], rule["kinds"][0], f"example-{rule['role']}", version)


def example_of(message: MessageType) -> Example:
    option = message.event or {}
    header: Value = {"rationale": f"Why {option['type']}."} if option.get("rationale_required") else {}
    return Example([reference_of(rule) for rule in option.get("refs", [])], body_of(message, option["type"]), header)
