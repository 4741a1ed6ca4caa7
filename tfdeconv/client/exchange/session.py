"""All flows of a client; those here send pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack

from numpy.typing import NDArray

from tfdeconv.client.exchange.flow import Flow, Together
from tfdeconv.client.exchange.inference import DEFAULT_SIGNATURE, Inference
from tfdeconv.client.exchange.many import Progress
from tfdeconv.client.exchange.tiled_call import TiledCall, read_rule
from tfdeconv.client.values.images import check_encoded, from_unit_batch, to_unit_batch
from tfdeconv.client.values.inputs import bind
from tfdeconv.errors import FailedPreconditionError
from tfdeconv.wire import tile_rule
from tfdeconv.wire.tile_rule import TileRule

_IMAGE_BYTES_SIGNATURE = "serve_image_bytes"
_UPSCALER = "upscaler"


class PredictOptions(TypedDict, total=False):
    """The keyword arguments of ``predict``, for others to hand on."""

    model: str | None
    version: int | None
    label: str | None
    signature: str
    outputs: Sequence[str] | None
    timeout: float | None


class Session(Inference):
    """The flows of a client."""

    def upscale(
        self,
        image: Any,
        *,
        model: str | None = None,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
        concurrency: int = 8,
        progress: Progress | None = None,
    ) -> Flow[Any]:
        """Send a picture through a served upscaler, tile by tile where it is large.

        A model exported with ``tile=`` gets no more than a tile in a request; others get the whole.

        Args:
            image: An RGB array ``[H, W, 3]`` or ``[N, H, W, 3]`` (uint8, uint16, or floats in [0, 1]), sent
                to the signature ``serving_default``; or the ``bytes`` of a PNG or JPEG, sent as a whole to
                ``serve_image_bytes``.
            model: Name of the model; default the one given to ``connect``, else ``"upscaler"``.
            version: Version of the model.
            label: Label of the version.
            timeout: Seconds for the whole call, or for each tile.
            concurrency: Most tiles in flight. Default 8.
            progress: Called after each answer with the number of answers so far and of tiles.

        Returns:
            The upscaled picture as it came: an array of the same rank and type (floats as float32), or
            the ``bytes`` of a PNG.

        Raises:
            ImageError: The array or the bytes are not such a picture.
        """
        chosen: PredictOptions = {
            "model": model or self._model or _UPSCALER,
            "version": version,
            "label": label,
            "timeout": timeout,
        }
        if isinstance(image, bytes | bytearray | memoryview):
            encoded = [check_encoded(bytes(image))]
            chosen["signature"] = _IMAGE_BYTES_SIGNATURE
            outputs = yield from self.predict(encoded, **chosen)
            return _only(outputs)[0]
        pictures = to_unit_batch(image)
        rule = yield from self.tile_rule(**_which(chosen))
        if rule is not None and _is_cut(pictures, rule):
            outputs = yield from self.predict_tiled(
                pictures, concurrency=concurrency, progress=progress, **chosen
            )
        else:
            outputs = yield from self.predict(pictures, **chosen)
        return from_unit_batch(_only(outputs), like=image)

    def predict_tiled(
        self,
        inputs: Any,
        *,
        tiles: Any = None,
        concurrency: int = 8,
        progress: Progress | None = None,
        **options: Unpack[PredictOptions],
    ) -> Flow[dict[str, NDArray[Any]]]:
        """Run a signature on pictures of any size, tile by tile; the result is that of the whole.

        Each request holds one tile, so that neither requests nor the server's memory grow with the picture.

        Args:
            inputs: What :meth:`predict` takes; the batch comes first.
            tiles: How the model is cut: the version folder that ``export_saved_model(..., tile=...)`` wrote,
                its ``tiles.json``, or what :meth:`tile_rule` returns. None: what the server says.
            concurrency: Most requests in flight. Default 8.
            progress: Called after each answer with the number of answers so far and of tiles.
            **options: The keyword arguments of :meth:`predict`, for every request.

        Returns:
            Output name to array, as :meth:`predict` would return it for the whole.

        Raises:
            FailedPreconditionError: ``tiles`` is None and the model was not exported with ``tile=``.
        """
        chosen = _which(options)
        rule = read_rule(tiles) if tiles is not None else (yield from self.tile_rule(**chosen))
        if rule is None:
            raise FailedPreconditionError(
                f"Model {chosen['model'] or self._model!r} does not say how it is cut. Export it with "
                "tile=, or give tiles=, the version folder of one that was."
            )
        metadata = yield from self.metadata(**chosen)
        name = options.get("signature") or DEFAULT_SIGNATURE
        call = TiledCall(bind(inputs, name, metadata.signature(name)), rule)
        jobs = iter(call.jobs())
        yield Together(
            lambda tile: self.predict(tile, **options),
            call,
            concurrency,
            lambda outputs: call.place(next(jobs), outputs),
            progress,
        )
        return call.results

    def tile_rule(
        self,
        *,
        model: str | None = None,
        version: int | None = None,
        label: str | None = None,
        timeout: float | None = None,
    ) -> Flow[TileRule | None]:
        """Return how large pictures are cut for a model; None where it was not exported with ``tile=``.

        Args:
            model: Name of the model.
            version: Version of the model.
            label: Label of the version.
            timeout: Seconds for the whole call.
        """
        chosen: Any = {"model": model, "version": version, "label": label, "timeout": timeout}
        metadata = yield from self.metadata(**chosen)
        if tile_rule.SIGNATURE not in metadata.signatures:
            return None
        query = {tile_rule.QUERY: [tile_rule.SIGNATURE]}
        outputs = yield from self.predict(query, signature=tile_rule.SIGNATURE, **chosen)
        return TileRule.from_json(outputs[tile_rule.SIGNATURE][0])


def _which(options: Mapping[str, Any]) -> dict[str, Any]:
    """What says which model a call is for, out of the keyword arguments of ``predict``."""
    return {key: options.get(key) for key in ("model", "version", "label", "timeout")}


def _is_cut(pictures: NDArray[Any], rule: TileRule) -> bool:
    """Whether pictures are larger than a tile."""
    return any(size > tile for size, tile in zip(pictures.shape[1:-1], rule.tile, strict=False))


def _only(outputs: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Return the output of an upscaler, which has one."""
    if len(outputs) != 1:
        raise FailedPreconditionError(
            f"An upscaler has one output, this model {len(outputs)}: {', '.join(outputs)}. Use predict()."
        )
    (batch,) = outputs.values()
    return batch
