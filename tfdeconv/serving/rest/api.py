"""TensorFlow Serving's REST API v1 as a function from method, path and body to an answer."""

from __future__ import annotations

import dataclasses
import logging
import re
import urllib.parse
from collections.abc import Callable

import orjson
from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_serving.apis import get_model_metadata_pb2

from tfdeconv import version_folders
from tfdeconv.errors import InvalidRequestError, TfdeconvError
from tfdeconv.serving import answer_messages, cancellation
from tfdeconv.serving.cancellation import Cancellation
from tfdeconv.serving.codec import json_answer, json_examples, json_predict, predict_message
from tfdeconv.serving.model_spec import ModelSpec
from tfdeconv.serving.plane import signature_runs
from tfdeconv.serving.rest.error_body import error_body
from tfdeconv.serving.runtime import Runtime
from tfdeconv.serving.telemetry import RequestRecord
from tfdeconv.wire import status_codes

_LOG = logging.getLogger("tfdeconv.serving")
_CHOICE = r"(?:(?:/versions/(?P<version>\d+))|(?:/labels/(?P<label>[^/:]+)))?"
_PREDICTION = re.compile(
    rf"/v1/models/(?P<model>[^/:]+){_CHOICE}:(?P<method>classify|regress|predict)", re.IGNORECASE | re.ASCII
)
_STATUS = re.compile(
    rf"/v1/models(?:/(?P<model>[^/:]+))?{_CHOICE}(?:/(?P<resource>metadata))?", re.IGNORECASE | re.ASCII
)
Handler = Callable[[RequestRecord, bytes], bytes]


class RestApi:
    """Answers requests; knows no sockets.

    Args:
        runtime: Answers what the requests ask.

    Example:
        >>> import tempfile
        >>> from tfdeconv.serving import Runtime, ServerOptions
        >>> runtime = Runtime(ServerOptions(model_base_path=tempfile.mkdtemp()))
        >>> RestApi(runtime).answer("GET", "/v1/models/nothing", b"")
        (404, b'{"error":"Could not find any versions of model nothing"}')
        >>> runtime.close()
        True
    """

    def __init__(self, runtime: Runtime) -> None:
        self._plane = runtime.plane
        self._telemetry = runtime.telemetry
        self._max_values = runtime.options.max_json_values
        self._methods: dict[str, Handler] = {
            "predict": self._predict,
            "classify": self._classify,
            "regress": self._regress,
        }

    def answer(
        self, method: str, path: str, body: bytes, waiting: Cancellation | None = None
    ) -> tuple[int, bytes]:
        """Return HTTP status and JSON body.

        Args:
            method: ``GET``, ``POST``, ...
            path: With its query string, if any, as sent.
            body: As sent, or unpacked.
            waiting: Tells whether somebody still waits for the answer. Defaults to yes.
        """
        record = RequestRecord("REST", "")
        try:
            with cancellation.working_for(waiting or Cancellation()):
                content = self._dispatch(record, method, path, body)
        except TfdeconvError as error:
            code, text = status_codes.code_of(error), str(error)
        except Exception:
            _LOG.exception("A REST request failed")
            code, text = "INTERNAL", "The server failed to answer this request; its log has the cause."
        else:
            self._telemetry.finish(record, "OK")
            return 200, content
        self._telemetry.finish(record, code)
        return status_codes.http_status(code), error_body(text)

    def _dispatch(self, record: RequestRecord, method: str, path: str, body: bytes) -> bytes:
        pattern = {"POST": _PREDICTION, "GET": _STATUS}.get(method)
        match = pattern.fullmatch(path) if pattern else None
        if match is None or "?" in path:
            raise InvalidRequestError(f"Malformed request: {method} {path}")
        parts = match.groupdict()
        record.spec = _spec(parts)
        if method == "POST":
            record.api = str(parts["method"]).lower()
            return self._methods[record.api](record, body)
        if not record.spec.name:
            raise InvalidRequestError("Missing model name in request.")
        record.api = "metadata" if parts["resource"] else "status"
        return self._metadata(record) if parts["resource"] else self._status(record)

    def _predict(self, record: RequestRecord, body: bytes) -> bytes:
        request = json_predict.parse_request(body, max_values=self._max_values)
        name = request.signature_name
        spec = record.spec = dataclasses.replace(record.spec, signature_name=name)
        with self._plane.repository.lease(spec) as servable:
            types = signature_runs.signature_for_json(servable, name).input_types()
            record.spec, outputs = self._plane.predict_with(servable, name, request.inputs(types))
        cancellation.check()
        return json_answer.build_response(outputs, row_form=request.row_form)

    def _classify(self, record: RequestRecord, body: bytes) -> bytes:
        signature, examples = json_examples.parse_request(body, max_values=self._max_values)
        record.spec = dataclasses.replace(record.spec, signature_name=signature)
        record.spec, result = self._plane.classify(record.spec, examples)
        return json_examples.build_response(result.examples)

    def _regress(self, record: RequestRecord, body: bytes) -> bytes:
        signature, examples = json_examples.parse_request(body, max_values=self._max_values)
        record.spec = dataclasses.replace(record.spec, signature_name=signature)
        record.spec, result = self._plane.regress(record.spec, examples)
        return json_examples.build_response(result.values)

    def _status(self, record: RequestRecord) -> bytes:
        message = answer_messages.status(self._plane.status(record.spec))
        return orjson.dumps(_to_dict(message), option=orjson.OPT_INDENT_2)

    def _metadata(self, record: RequestRecord) -> bytes:
        record.spec, signatures = self._plane.metadata(record.spec, ["signature_def"])
        table = get_model_metadata_pb2.SignatureDefMap(signature_def=signatures)
        document = {
            "model_spec": _to_dict(predict_message.spec_to_message(record.spec)),
            "metadata": {"signature_def": _to_dict(table)},
        }
        return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def _to_dict(message: Message) -> object:
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def _spec(parts: dict[str, str | None]) -> ModelSpec:
    version = None
    if parts["version"]:
        version = version_folders.number(parts["version"])
        if version is None:
            raise InvalidRequestError(f"Failed to convert version: {parts['version']} to numeric.")
    label = parts["label"]
    return ModelSpec(
        name=urllib.parse.unquote(parts["model"] or ""),
        version=version,
        version_label=urllib.parse.unquote(label) if label else None,
    )
