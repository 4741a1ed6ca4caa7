"""When a version in an object store counts as whole, and how it is copied."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from stored_models import VARIABLES, put

from tfdeconv.errors import CancelledError, ServingError
from tfdeconv.serving.repository.model_cache import ModelCache
from tfdeconv.serving.repository.stored_versions import StoredVersions


def looked(store: StoredVersions) -> list[int]:
    return sorted(store.look() or {})


class TestWhole:
    """When a version counts as whole."""

    @pytest.fixture
    def versions(self, store: Any, cache: ModelCache) -> StoredVersions:
        return StoredVersions("memory://models/m", cache, threading.Event())

    @pytest.mark.parametrize("last", list(VARIABLES))
    def test_everything_must_be_there(self, store: Any, versions: StoredVersions, last: str) -> None:
        """Graph, index and all shards, whichever comes last, and then nothing may change for a look."""
        put(store, 1, {name: content for name, content in VARIABLES.items() if name != last})
        for _ in range(3):
            assert looked(versions) == []
        assert versions.reason.startswith("version 1: ")
        put(store, 1, {last: VARIABLES[last]})
        assert looked(versions) == []
        assert versions.reason == "version 1: it loads when the next look finds the same objects"
        assert looked(versions) == [1]
        assert versions.reason == ""

    @pytest.mark.parametrize(
        "objects",
        [
            {"saved_model.pb": b"constants alone"},
            {"saved_model.pbtxt": b"constants alone"},
            {"model.tflite": b"..."},
            {"saved_model.pb": b"constants", "assets/words.txt": b"a b"},
        ],
    )
    def test_models_without_variables(
        self, store: Any, versions: StoredVersions, objects: dict[str, bytes]
    ) -> None:
        """Need none."""
        put(store, 1, objects)
        assert [looked(versions), looked(versions)] == [[], [1]]

    def test_what_is_written_over_is_still_there(self, store: Any, versions: StoredVersions) -> None:
        """A version that has been offered stays until its objects are gone; then it goes."""
        put(store, 1, VARIABLES)
        put(store, 2, VARIABLES)
        looked(versions)
        assert looked(versions) == [1, 2]
        store.rm("/models/m/1/variables", recursive=True)
        assert looked(versions) == [1, 2]
        store.rm("/models/m/1", recursive=True)
        assert looked(versions) == [2]

    def test_only_numbers_are_versions(self, store: Any, versions: StoredVersions) -> None:
        """As with folders, and of 1 and 0001 the last counts."""
        for name in ("0001", "1", "3.tmp", "notes"):
            store.pipe(f"/models/m/{name}/saved_model.pb", name.encode())
        store.pipe("/models/m/4", b"an object")
        looked(versions)
        assert looked(versions) == [1]
        assert (versions.current() or {})[1].fetch().joinpath("saved_model.pb").read_bytes() == b"1"

    def test_a_place_keeps_to_what_it_was_offered_with(self, store: Any, versions: StoredVersions) -> None:
        """So that a failed copy of it is not taken for one of what has been written since."""
        put(store, 1, VARIABLES)
        looked(versions)
        place = (versions.look() or {})[1]
        assert place.taken() == place.contents()
        put(store, 1, {"saved_model.pb": b"other"})
        versions.look()
        assert place.taken() != place.contents()

    def test_an_object_of_another_size_than_listed(self, store: Any, versions: StoredVersions) -> None:
        """Is being written: nothing is kept of the copy."""
        put(store, 1, VARIABLES)
        looked(versions)
        place = (versions.look() or {})[1]
        put(store, 1, {"variables/variables.index": b"another"})
        with pytest.raises(ServingError, match=r"1/variables/variables\.index came with 7 bytes, and 5 were"):
            place.fetch()


def test_closing_gives_copies_up(store: Any, cache: ModelCache) -> None:
    """A large version does not hold a shutdown up."""
    put(store, 1, VARIABLES)
    closing = threading.Event()
    versions = StoredVersions("memory://models/m", cache, closing)
    versions.look()
    place = (versions.look() or {})[1]
    closing.set()
    with pytest.raises(CancelledError):
        place.fetch()
