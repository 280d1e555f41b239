"""Reads the text of .proto files, as far as the vocabulary uses the language: messages, enums, fields and the options
`(event)` and `(rule)`. Not the protobuf library's view of them, on purpose."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from wire import EnumType, Field, MessageType, Value

TOKEN = re.compile(r'\s+|//[^\n]*|("(?:[^"\\]|\\.)*")|([A-Za-z_][A-Za-z0-9_.]*)|(-?[0-9]+)|([{}\[\]();=:,<>])')
SCALARS = ("bytes", "string", "bool", "uint32", "uint64", "int64")
REPEATED_OPTIONS = ("clauses", "writer_roles", "refs", "kinds", "preconditions", "events", "any_of", "of")


def tokens(text: str) -> list[str]:
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"can't read {text[at:at + 40]!r}")
        if match.lastindex:
            found.append(match.group())
        at = match.end()
    return found


class Reader:
    """A cursor over the tokens of one file. Adds what it reads to `messages` and `enums`, by qualified name."""

    def __init__(self, text: str, messages: dict[str, MessageType], enums: dict[str, EnumType]) -> None:
        self.tokens = tokens(text)
        self.at = 0
        self.messages = messages
        self.enums = enums

    def next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def accept(self, token: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at] == token:
            self.at += 1
            return True
        return False

    def expect(self, token: str) -> None:
        found = self.next()
        if found != token:
            raise ValueError(f"expected {token!r}, found {found!r}")

    def skip_statement(self) -> None:
        while self.next() != ";":
            pass

    def read_file(self) -> None:
        while self.at < len(self.tokens):
            keyword = self.next()
            if keyword == "message":
                self.read_message("")
            elif keyword == "enum":
                self.read_enum("")
            elif keyword == "extend":
                while self.next() != "}":
                    pass
            else:
                self.skip_statement()

    def read_enum(self, scope: str) -> None:
        name = scope + self.next()
        numbers: dict[str, int] = {}
        self.expect("{")
        while not self.accept("}"):
            value = self.next()
            self.expect("=")
            numbers[value] = int(self.next())
            self.expect(";")
        self.enums[name] = EnumType(name, numbers)

    def read_message(self, scope: str) -> None:
        name = scope + self.next()
        message = MessageType(name, [])
        self.messages[name] = message
        self.expect("{")
        while not self.accept("}"):
            if self.accept("message"):
                self.read_message(name + ".")
            elif self.accept("enum"):
                self.read_enum(name + ".")
            elif self.accept("option"):
                self.read_message_option(message)
            elif self.accept("reserved"):
                self.skip_statement()
            else:
                message.fields.append(self.read_field())

    def read_message_option(self, message: MessageType) -> None:
        name = self.read_option_name()
        self.expect("=")
        value = self.read_option_value()
        self.expect(";")
        if name == "event":
            message.event = value

    def read_option_name(self) -> str:
        if not self.accept("("):
            return self.next()
        name = self.next()
        self.expect(")")
        return name

    def read_field(self) -> Field:
        label = self.next()
        kind = self.next() if label in ("repeated", "optional") else label
        field = Field(0, self.next(), kind, repeated=label == "repeated", optional=label == "optional")
        self.expect("=")
        field.number = int(self.next())
        if self.accept("["):
            name = self.read_option_name()
            self.expect("=")
            value = self.read_option_value()
            self.expect("]")
            field.rule = value if name == "rule" else None
        self.expect(";")
        return field

    def read_option_value(self) -> Any:
        if self.accept("{"):
            return self.read_option_message()
        token = self.next()
        if token.startswith('"'):
            return token[1:-1]
        if token in ("true", "false"):
            return token == "true"
        return int(token) if re.fullmatch(r"-?[0-9]+", token) else token

    def read_option_message(self) -> Value:
        value: Value = {}
        while not self.accept("}"):
            name = self.next()
            self.accept(":")
            element = self.read_option_value()
            self.accept(",")
            if name in REPEATED_OPTIONS:
                value.setdefault(name, []).append(element)
            elif name in value:
                raise ValueError(f"option {name} is given twice")
            else:
                value[name] = element
        return value


def resolve(scope: str, name: str, types: dict[str, Any]) -> Any:
    """The innermost type called `name`, as protobuf looks names up; None when there is none."""
    parts = scope.split(".")
    for depth in range(len(parts), -1, -1):
        found = types.get(".".join(parts[:depth] + [name]))
        if found is not None:
            return found
    return None


def link(messages: dict[str, MessageType], enums: dict[str, EnumType]) -> None:
    for message in messages.values():
        for field in message.fields:
            if field.kind in SCALARS:
                continue
            enum, sub = resolve(message.name, field.kind, enums), resolve(message.name, field.kind, messages)
            if (enum is None) == (sub is None):
                raise ValueError(f"{message.name}.{field.name}: no single type {field.kind}")
            field.kind, field.type = ("enum", enum) if sub is None else ("message", sub)


def load(paths: list[Path]) -> dict[str, MessageType]:
    """All messages of the files, by name within the package; a nested one is "Outer.Inner"."""
    messages: dict[str, MessageType] = {}
    enums: dict[str, EnumType] = {}
    for path in paths:
        Reader(path.read_text(encoding="utf-8"), messages, enums).read_file()
    link(messages, enums)
    return messages
