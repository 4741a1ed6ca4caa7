"""The ``Input`` message of classification and regression: serialized examples, not parsed ones.

A context's bytes before an example's bytes are, by the rules of the wire format, one example that has
the features of both.
"""

from __future__ import annotations

from tfdeconv.serving.codec import wire_format

_EXAMPLE_LIST, _WITH_CONTEXT = 1, 2
_EXAMPLES, _CONTEXT = 1, 2


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
    return [context + example for example in examples]
