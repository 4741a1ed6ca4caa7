"""The ``Input`` message of classification and regression: serialized examples, not parsed ones.

A context's bytes before an example's bytes are, by the rules of the wire format, one example that has
the features of both.
"""

from __future__ import annotations

from tfdeconv.errors import ResourceExhaustedError
from tfdeconv.serving.codec import wire_format

_EXAMPLE_LIST, _WITH_CONTEXT = 1, 2
_EXAMPLES, _CONTEXT = 1, 2
# A context is sent once and copied to each example.
_MAX_COPIED_BYTES = 1 << 28


def serialized_examples(data: bytes) -> list[bytes]:
    """Return the serialized ``tf.Example`` messages of a serialized ``Input``, context merged in.

    Args:
        data: A valid serialized ``tensorflow.serving.Input``.

    Example:
        >>> from tensorflow_serving.apis import input_pb2
        >>> message = input_pb2.Input()
        >>> _ = message.example_list.examples.add()
        >>> serialized_examples(message.SerializeToString())
        [b'']

    Raises:
        ResourceExhaustedError: The context is too large for so many examples.
    """
    examples: list[bytes] = []
    context = b""
    for kind, wire_type, content in wire_format.fields(memoryview(data)):
        if wire_type != wire_format.LENGTH_DELIMITED or not isinstance(content, memoryview):
            continue
        if kind not in (_EXAMPLE_LIST, _WITH_CONTEXT):
            continue
        for number, inner_type, value in wire_format.fields(content):
            if inner_type != wire_format.LENGTH_DELIMITED or not isinstance(value, memoryview):
                continue
            if number == _EXAMPLES:
                examples.append(bytes(value))
            elif number == _CONTEXT and kind == _WITH_CONTEXT:
                context += bytes(value)
    check_context(len(context), len(examples))
    return [context + example for example in examples]


def check_context(size: int, examples: int) -> None:
    """Refuse a context that would fill the memory when each example gets its copy.

    Raises:
        ResourceExhaustedError: It would.

    Example:
        >>> check_context(1 << 20, 1000)
        Traceback (most recent call last):
        tfdeconv.errors.ResourceExhaustedError: A context of 1048576 bytes in each of 1000 examples would \
take 1048576000 bytes; at most 268435456 are copied. Send fewer examples at once.
    """
    if size * examples > _MAX_COPIED_BYTES:
        raise ResourceExhaustedError(
            f"A context of {size} bytes in each of {examples} examples would take {size * examples} bytes; "
            f"at most {_MAX_COPIED_BYTES} are copied. Send fewer examples at once."
        )
