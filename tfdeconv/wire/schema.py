"""Message classes from the text of a ``.proto`` file, in a descriptor pool of their own.

The modules that ``protoc`` generates register their messages in one pool for the whole process. There they
would clash with the same messages of ``tensorflow-serving-api``, or of whatever else a user's process
imports, so the few messages that are declared in this package are built at run time instead.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_MESSAGE = re.compile(r"message (\w+) \{(.*?)\}", re.DOTALL)
_FIELD = re.compile(r"(?:(repeated) )?(?:map<(\w+), )?([\w.]+)>? (\w+) = (\d+);")


@dataclass(frozen=True)
class Schema:
    """The classes of some messages.

    Attributes:
        messages: Each class by its message's name.
        pool: Where the messages, and those that they hold, are known.
    """

    messages: Any
    pool: Any


def build(text: str, *, package: str, imports: Sequence[Any] = ()) -> Schema:
    r"""Return the classes of the messages in a text.

    Args:
        text: Messages of scalars, messages and maps, in the syntax of proto3, without nesting or ``oneof``.
            A type with a dot is a message of ``imports``.
        package: Their package; part of the names that text format and ``Any`` show.
        imports: Descriptors of files with further messages. Defaults to none.

    Raises:
        ValueError: The text has something else in it.

    Example:
        >>> schema = build("message Size { int64 height = 1; int64 width = 2; }", package="example")
        >>> schema.messages.Size(height=3).SerializeToString()
        b'\x08\x03'
    """
    pool = descriptor_pool.DescriptorPool()
    file = descriptor_pb2.FileDescriptorProto(name=f"tfdeconv/{package}.proto", package=package)
    file.syntax = "proto3"
    for needed in imports:
        _add_file(needed, pool)
        file.dependency.append(needed.name)
    _refuse(_MESSAGE.sub("", text))
    for name, fields in _MESSAGE.findall(text):
        message = file.message_type.add(name=name)
        _refuse(_FIELD.sub("", fields))
        for field in _FIELD.findall(fields):
            _add_field(message, package, *field)
    pool.Add(file)
    classes = {
        message.name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{message.name}"))
        for message in file.message_type
    }
    return Schema(SimpleNamespace(**classes), pool)


def _refuse(rest: str) -> None:
    """Nothing of a schema is passed over."""
    if rest.strip():
        raise ValueError(f"not in the part of proto3 that is read here: {rest.strip()!r}")


def _add_file(file: Any, pool: Any) -> None:
    """Copy a file's descriptor into the pool, after those that it needs."""
    for needed in file.dependencies:
        _add_file(needed, pool)
    pool.AddSerializedFile(file.serialized_pb)


def _add_field(
    message: Any, package: str, repeated: str, key_type: str, type_name: str, name: str, number: str
) -> None:
    """Declare one field; a map is spelled out as the repeated entries that it is."""
    if key_type:
        entry = message.nested_type.add(name="".join(part.title() for part in name.split("_")) + "Entry")
        entry.options.map_entry = True
        _add_field(entry, package, "", "", key_type, "key", "1")
        _add_field(entry, package, "", "", type_name, "value", "2")
        repeated, type_name = "repeated", f"{package}.{message.name}.{entry.name}"
    field = message.field.add(name=name, number=int(number))
    field.label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
    scalar = f"TYPE_{type_name.upper()}"
    if scalar in field.Type.keys():  # noqa: SIM118 - a protobuf enum wrapper, not a mapping
        field.type = field.Type.Value(scalar)
    else:
        field.type = field.TYPE_MESSAGE
        field.type_name = f".{type_name}" if "." in type_name else f".{package}.{type_name}"
