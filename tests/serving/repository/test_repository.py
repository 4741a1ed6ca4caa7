"""Which versions the repository loads, keeps, retries and unloads, with models that cost nothing."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
from serving_waits import states, wait_for

from tfdeconv.errors import (
    CancelledError,
    DeadlineExceededError,
    FailedPreconditionError,
    InternalError,
    NotFoundError,
    ServingError,
)
from tfdeconv.serving.model_spec import ModelSpec
from tfdeconv.serving.repository.base_paths import BasePaths
from tfdeconv.serving.repository.model_config import ModelConfig
from tfdeconv.serving.repository.repository import ModelRepository
from tfdeconv.serving.repository.version_policy import All, Latest, Specific
from tfdeconv.wire.version_state import VersionState


class FakeModel:
    """Stands for a loaded SavedModel; remembers whether it was closed."""

    def __init__(self):
        self.signatures, self.signature_defs = {}, {}
        self.closed = threading.Event()

    def run(self, feeds, fetches):
        return []

    def close(self):
        self.closed.set()


class FakeLoader:
    """Makes FakeModels; versions, or folders, listed in ``failing`` fail."""

    def __init__(self):
        self.failing: set[int | Path] = set()
        self.calls: list[tuple[str, int]] = []
        self.paths: list[Path] = []
        self.models: dict[tuple[str, int], FakeModel] = {}
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, name, version, path):
        self.calls.append((name, version))
        self.paths.append(path)
        assert self.gate.wait(60)
        if version in self.failing or path in self.failing:
            raise InternalError(f"version {version} is broken")
        return self.models.setdefault((name, version), FakeModel())


@pytest.fixture
def loader():
    return FakeLoader()


@pytest.fixture
def repository(loader):
    found = ModelRepository(loader, poll_seconds=0, max_load_retries=0, retry_seconds=0)
    yield found
    loader.gate.set()
    found.close()


def folders(base: Path, *versions: int) -> str:
    for version in versions:
        (base / str(version)).mkdir(parents=True, exist_ok=True)
    return str(base)


class TestVersionPolicy:
    @pytest.mark.parametrize(
        ("policy", "chosen"),
        [(Latest(), {9}), (Latest(2), {2, 9}), (All(), {1, 2, 9}), (Specific((1, 3)), {1})],
    )
    def test_policies(self, policy, chosen):
        """Latest takes the newest ones, all takes all, specific what is there of its list."""
        assert policy.choose([9, 1, 2]) == chosen


class TestRepository:
    def test_loads_newest_and_finds_it(self, repository, tmp_path):
        """Without a version the newest is found, and others are not there."""
        repository.configure([ModelConfig("m", folders(tmp_path, 1, 2))], timeout=60)
        with repository.lease(ModelSpec("m")) as servable:
            assert servable.version == 2
        with pytest.raises(NotFoundError, match=r"Specific\(m, 1\)"):
            repository.lease(ModelSpec("m", version=1))
        assert states(repository) == {2: "AVAILABLE"}

    def test_new_version_is_available_before_the_old_one_goes(self, repository, loader, tmp_path):
        """While the new version loads, and if it fails, the old one serves."""
        base = folders(tmp_path, 1)
        repository.configure([ModelConfig("m", base)], timeout=60)
        loader.gate.clear()
        folders(tmp_path, 2)
        repository.poll()
        wait_for(lambda: ("m", 2) in loader.calls)
        assert states(repository) == {1: "AVAILABLE", 2: "LOADING"}
        loader.gate.set()
        wait_for(lambda: states(repository) == {1: "END", 2: "AVAILABLE"})
        assert loader.models["m", 1].closed.is_set()
        loader.failing.add(3)
        folders(tmp_path, 3)
        repository.poll()
        wait_for(lambda: states(repository)[3] == "END")
        assert states(repository)[2] == "AVAILABLE"
        assert str(repository.status("m", 3)[0].error) == "version 3 is broken"

    def test_a_version_replaced_in_place_heals(self, repository, loader, tmp_path):
        """A load that failed for good is tried again once the folder has changed and then lain still."""
        base = folders(tmp_path, 1)
        repository.configure([ModelConfig("m", base)], timeout=60)
        loader.failing.add(2)
        folders(tmp_path, 2)
        repository.poll()
        wait_for(lambda: states(repository).get(2) == "END")
        for _ in range(3):
            repository.poll()
        assert loader.calls.count(("m", 2)) == 1, "an unchanged folder is left alone"
        loader.failing.clear()
        (tmp_path / "2" / "saved_model.pb").write_bytes(b"whole now")
        repository.poll()  # changed
        assert states(repository)[2] == "END"
        repository.poll()  # and still
        wait_for(lambda: states(repository) == {1: "END", 2: "AVAILABLE"})
        assert repository.status("m", 2)[0].error is None

    def test_a_version_that_is_still_arriving_is_tried_again_at_once(self, loader, tmp_path):
        """The pause between two tries, a minute, ends when what was awaited has arrived; status says what."""
        repository = ModelRepository(loader, poll_seconds=0.05, max_load_retries=5, retry_seconds=600)
        try:
            repository.configure([ModelConfig("m", folders(tmp_path, 1))], timeout=60)
            loader.failing.add(2)
            folders(tmp_path, 2)
            wait_for(lambda: repository.statuses("m")[0].error is not None)
            assert states(repository) == {1: "AVAILABLE", 2: "LOADING"}
            assert str(repository.status("m", 2)[0].error) == "version 2 is broken"
            loader.failing.clear()
            (tmp_path / "2" / "saved_model.pb").write_bytes(b"whole now")
            wait_for(lambda: states(repository) == {1: "END", 2: "AVAILABLE"})
        finally:
            repository.close()

    def test_status_forgets_versions_that_ended_long_ago(self, repository, tmp_path):
        """A hundred switches leave the newest ten of what has ended."""
        repository.configure([ModelConfig("m", folders(tmp_path, 1))], timeout=60)
        for version in range(2, 31):
            folders(tmp_path, version)
            repository.poll()
            wait_for(lambda version=version: states(repository)[version] == "AVAILABLE")
            wait_for(lambda version=version: states(repository)[version - 1] == "END")
        assert list(states(repository)) == list(range(30, 19, -1))

    def test_a_base_path_that_is_not_there_is_named(self, repository, tmp_path):
        """A start that waits says for which folder, and why."""
        with pytest.raises(DeadlineExceededError, match=r"base path .*/nowhere: there is no such folder"):
            repository.configure([ModelConfig("m", str(tmp_path / "nowhere"))], timeout=0.1)

    def test_unload_waits_for_the_last_lease(self, repository, loader, tmp_path):
        """A version in use is not closed under its requests."""
        repository.configure([ModelConfig("m", folders(tmp_path, 1))], timeout=60)
        with repository.lease(ModelSpec("m")) as servable:
            folders(tmp_path, 2)
            repository.poll()
            wait_for(lambda: states(repository) == {1: "UNLOADING", 2: "AVAILABLE"})
            assert not servable.model.closed.is_set()
        assert loader.models["m", 1].closed.wait(60)

    def test_deleted_version_is_unloaded_and_missing_folder_is_not(self, repository, tmp_path):
        """An empty base path means no versions; a base path that cannot be read changes nothing."""
        base = tmp_path / "m"
        repository.configure([ModelConfig("m", folders(base, 1))], timeout=60)
        base.rename(tmp_path / "away")
        repository.poll()
        assert states(repository) == {1: "AVAILABLE"}
        (tmp_path / "away").rename(base)
        shutil.rmtree(base / "1")
        repository.poll()
        wait_for(lambda: states(repository) == {1: "END"})

    def test_version_that_comes_back_is_loaded_again(self, repository, loader, tmp_path):
        """Rollback: delete the bad version and the one before serves; it loads once more."""
        base = folders(tmp_path, 1)
        repository.configure([ModelConfig("m", base)], timeout=60)
        folders(tmp_path, 2)
        repository.poll()
        wait_for(lambda: states(repository) == {1: "END", 2: "AVAILABLE"})
        (tmp_path / "2").rmdir()
        repository.poll()
        wait_for(lambda: states(repository) == {1: "AVAILABLE", 2: "END"})
        assert loader.calls == [("m", 1), ("m", 2), ("m", 1)]

    def test_failure_is_told_until_the_version_loads(self, repository, loader, tmp_path):
        """A version that failed keeps its error after it is replaced, and loads if it is wanted again."""
        base = folders(tmp_path, 1)
        repository.configure([ModelConfig("m", base)], timeout=60)
        loader.failing.add(2)
        folders(tmp_path, 2)
        repository.poll()
        wait_for(lambda: states(repository)[2] == "END")
        folders(tmp_path, 3)
        repository.poll()
        wait_for(lambda: states(repository) == {1: "END", 2: "END", 3: "AVAILABLE"})
        assert str(repository.status("m", 2)[0].error) == "version 2 is broken"
        loader.failing.clear()
        (tmp_path / "3").rmdir()
        repository.poll()
        wait_for(lambda: states(repository) == {1: "END", 2: "AVAILABLE", 3: "END"})
        assert repository.status("m", 2)[0].error is None

    def test_version_that_appears_while_the_start_waits(self, loader, tmp_path):
        """An empty base path is looked at again while the start waits for it."""
        repository = ModelRepository(loader, poll_seconds=0.01)
        threading.Timer(0.1, folders, (tmp_path, 1)).start()
        try:
            repository.configure([ModelConfig("m", str(tmp_path))], timeout=60)
            assert states(repository) == {1: "AVAILABLE"}
        finally:
            repository.close()

    def test_start_can_be_given_up(self, repository, tmp_path):
        """Setting the event ends a wait that has no end of its own."""
        cancel = threading.Event()
        threading.Timer(0.1, cancel.set).start()
        with pytest.raises(CancelledError):
            repository.configure([ModelConfig("m", str(tmp_path))], cancel=cancel)

    def test_failed_load_is_retried(self, loader, tmp_path):
        """max_load_retries counts the tries after the first; a start and a change have their words."""
        loader.failing.add(1)
        repository = ModelRepository(loader, poll_seconds=0, max_load_retries=2, retry_seconds=0)
        one, two = (ModelConfig(name, folders(tmp_path, 1)) for name in "mn")
        error = r"\(s\) did not become available: \{\{name: %s version: 1\} due to error: INTERNAL: "
        try:
            with pytest.raises(
                ServingError, match="^1 servable" + error % "m" + r"version 1 is broken\}, \}$"
            ):
                repository.configure([one], timeout=60)
            with pytest.raises(ServingError, match="^1 model" + error % "n" + r"version 1 is broken\}, \}$"):
                repository.configure([one, two], timeout=60)
        finally:
            repository.close()
        assert loader.calls == [("m", 1)] * 3 + [("n", 1)] * 3

    def test_a_start_does_not_wait_for_a_retry_where_another_version_serves(self, loader, tmp_path):
        """Once a load has failed it is waited for only while nothing else is there."""
        repository = ModelRepository(loader, poll_seconds=0, max_load_retries=1, retry_seconds=600)
        loader.failing.add(2)
        try:
            repository.configure([ModelConfig("m", folders(tmp_path, 1, 2), All())], timeout=60)
            assert states(repository) == {1: "AVAILABLE", 2: "LOADING"}
        finally:
            repository.close()

    @pytest.mark.parametrize("retries", [0, 5], ids=["given up", "between two tries"])
    @pytest.mark.parametrize("removed", [False, True], ids=["changed", "removed and listed again"])
    def test_a_mended_base_path_is_taken(self, loader, tmp_path, retries, removed):
        """A version that has failed in one folder loads from the one that is configured by then."""
        wrong, right = (ModelConfig("m", folders(tmp_path / name, 1)) for name in ("wrong", "right"))
        (tmp_path / "right" / "1" / "saved_model.pb").touch()
        loader.failing.add(tmp_path / "wrong" / "1")
        repository = ModelRepository(loader, poll_seconds=0.05, max_load_retries=retries, retry_seconds=600)
        try:
            with pytest.raises(ServingError):
                repository.configure([wrong], timeout=60 if retries == 0 else 0.1)
            wait_for(lambda: repository.statuses("m")[0].error is not None)
            if removed:
                repository.configure([], timeout=60)
                wait_for(lambda: states(repository) == {1: "END"})
            repository.configure([right], timeout=60)
            wait_for(lambda: states(repository) == {1: "AVAILABLE"})
        finally:
            repository.close()

    def test_a_look_that_the_configuration_outruns(self, loader, tmp_path):
        """What was found in a base path is not taken for what lies in the one that is configured since."""
        old = ModelConfig("m", folders(tmp_path / "old", 1, 2, 3, 9))
        new = ModelConfig("m", folders(tmp_path / "new", 1, 2, 3), All())
        looking, changed = threading.Event(), threading.Event()

        class SlowFolders(BasePaths):
            def versions(self, config):
                found = super().versions(config)
                if threading.current_thread() is look:
                    looking.set()
                    assert changed.wait(60)
                return found

        repository = ModelRepository(loader, poll_seconds=0, base_paths=SlowFolders())
        look = threading.Thread(target=repository.poll)
        change = threading.Thread(target=repository.configure, args=([new],), kwargs={"timeout": 60})
        try:
            repository.configure([old], timeout=60)
            look.start()
            assert looking.wait(60)
            change.start()
            wait_for(lambda: repository._models["m"].config == new)
            loader.paths.clear()
            changed.set()
            look.join(60)
            change.join(60)
            wait_for(lambda: states(repository) == {9: "END", **dict.fromkeys((3, 2, 1), "AVAILABLE")})
            assert {path.parent.name for path in loader.paths} == {"new"}
        finally:
            repository.close()

    def test_a_load_that_outlasts_the_end_is_undone(self, loader, tmp_path):
        """What is loaded only after ``close`` has given up waiting is closed all the same."""
        repository = ModelRepository(loader, poll_seconds=0)
        loader.gate.clear()
        with pytest.raises(DeadlineExceededError):
            repository.configure([ModelConfig("m", folders(tmp_path, 1))], timeout=0)
        wait_for(lambda: loader.calls == [("m", 1)])
        assert not repository.close(timeout=0)
        loader.gate.set()
        wait_for(lambda: ("m", 1) in loader.models)
        assert loader.models["m", 1].closed.wait(60)

    def test_labels_need_an_available_version(self, repository, tmp_path):
        """A label finds its version; one on an unloaded version is refused and the old one stays."""
        base = folders(tmp_path, 1, 2)
        repository.configure([ModelConfig("m", base, All(), {"stable": 1})], timeout=60)
        with repository.lease(ModelSpec("m", version_label="stable")) as servable:
            assert servable.version == 1
        with pytest.raises(
            FailedPreconditionError,
            match=r"^Request to assign label to version 9 of model m, which is not currently available for "
            r"inference$",
        ):
            repository.configure([ModelConfig("m", base, All(), {"stable": 9})], timeout=60)
        assert repository.labels("m") == {"stable": 1}

    def test_flag_allows_new_labels_on_unloaded_versions(self, loader, tmp_path):
        """The flag relaxes the rule for new labels, not for those that exist."""
        repository = ModelRepository(loader, poll_seconds=0, allow_unavailable_labels=True)
        base = folders(tmp_path, 1)
        try:
            repository.configure([ModelConfig("m", base, All(), {"next": 7})], timeout=60)
            with pytest.raises(NotFoundError, match=r"Specific\(m, 7\)"):
                repository.lease(ModelSpec("m", version_label="next"))
            with pytest.raises(FailedPreconditionError, match="label to version 8"):
                repository.configure([ModelConfig("m", base, All(), {"next": 8})], timeout=60)
        finally:
            repository.close()

    def test_removed_model_is_unloaded_and_its_states_are_kept(self, repository, tmp_path):
        """The new list replaces the old one; ended versions stay in the status."""
        one = ModelConfig("one", folders(tmp_path / "one", 1))
        two = ModelConfig("two", folders(tmp_path / "two", 1))
        repository.configure([one], timeout=60)
        repository.configure([two], timeout=60)
        wait_for(lambda: states(repository, "one") == {1: "END"})
        assert repository.names() == ["two"]
        assert repository.status("one")[0].state is VersionState.END
