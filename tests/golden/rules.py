"""Whether an example obeys what the .proto files say about its type. Only the declared rules, so that no golden event
is one that a ledger would refuse for its form."""

from __future__ import annotations

import re
from typing import Any

from wire import Field, MessageType, Value, is_default

DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")
SYMBOL = re.compile(r"[a-z0-9][a-z0-9_.-]*")
TIME_US_MIN = -2208988800000000  # 1900-01-01
TIME_US_END = 7258118400000000  # 2200-01-01
DIGEST_BYTES = {"SHA256": 32, "SHA512": 64, "GIT_SHA1": 20, "SHA1": 20, "MD5": 16}


def elements(field: Field, value: Value) -> list[Any]:
    if field.name not in value:
        return []
    if field.repeated:
        return value[field.name]
    return [] if is_default(field, value[field.name]) else [value[field.name]]


def format_error(rule: Value, value: Any) -> str:
    wanted = rule.get("format", "")
    if wanted == "DECIMAL" and not DECIMAL.fullmatch(value):
        return "is not a decimal"
    if wanted == "SYMBOL" and not SYMBOL.fullmatch(value):
        return "is not a symbol"
    if wanted in ("PUBLIC_KEY", "SHA256_BYTES") and len(value) != 32:
        return "is not 32 bytes"
    if wanted == "TIME_US" and not TIME_US_MIN <= value < TIME_US_END:
        return "is not a time from 1900 to 2199"
    size = len(value.encode()) if isinstance(value, str) else len(value) if isinstance(value, bytes) else 0
    if size > rule.get("max_bytes", 2**63):
        return f"has {size} bytes"
    return ""


def field_errors(path: str, field: Field, value: Value) -> list[str]:
    rule = field.rule or {}
    found = elements(field, value)
    errors = [f"{path} is required"] if rule.get("required") and not found else []
    for element in found:
        if field.kind == "message":
            errors += body_errors(path, field.type, element)
        elif error := format_error(rule, element):
            errors.append(f"{path} {error}")
    return errors


def body_errors(path: str, message: MessageType, value: Value) -> list[str]:
    errors = [e for field in message.fields for e in field_errors(f"{path}.{field.name}", field, value)]
    if message.name == "ContentDigest" and len(value["value"]) != DIGEST_BYTES[value["algorithm"]]:
        errors.append(f"{path}.value has the wrong length for {value['algorithm']}")
    return errors


def reference_errors(rules: list[Value], refs: list[Value]) -> list[str]:
    known = {rule["role"] for rule in rules}
    errors = [f"refs: no role {ref['role']}" for ref in refs if ref["role"] not in known]
    for rule in rules:
        mine = [ref for ref in refs if ref["role"] == rule["role"]]
        if len(mine) < rule.get("min", 0) or 0 < rule.get("max", 0) < len(mine):
            errors.append(f"refs: {len(mine)} with role {rule['role']}")
        for ref in mine:
            if ref["kind"] not in rule["kinds"]:
                errors.append(f"refs: {rule['role']} can't be a {ref['kind']}")
            if rule.get("version_required") and not ref.get("version"):
                errors.append(f"refs: {rule['role']} needs a version")
    return errors


def event_errors(message: MessageType, header: Value, body: Value) -> list[str]:
    """What is wrong with an event of an annotated type, by the annotations alone."""
    option = message.event or {}
    errors = body_errors("body", message, body)
    errors += reference_errors(option.get("refs", []), header.get("refs", []))
    if option.get("rationale_required") and not header.get("rationale"):
        errors.append("header.rationale is required")
    if message.name == "RecordCorrected" and not header.get("corrects"):
        errors.append("header.corrects is required")
    return errors
