from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from config.errors import ConfigError
from config.resources.user import User
from config.sources import files, tree
from config.sources.files import Loaded, load, watch
from tests.harness.resources import Resources, a_user

Step = Callable[[], object]


@pytest.fixture
def resources(tmp_path: Path) -> Resources:
    resources = Resources(tmp_path / "resources")
    resources.write("users", a_user("alice"))
    return resources


class FakeSleep:
    """Does one step instead of each pause, and stops the watching when there is none left."""

    def __init__(self, *steps: Step) -> None:
        self._steps = iter(steps)
        self.asked: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        step = next(self._steps, None)
        if step is None:
            raise EndOfWatchError
        step()


class EndOfWatchError(Exception):
    pass


def nothing() -> None:
    pass


async def seen(
    source: Path, *steps: Step, since: Loaded | None = None
) -> list[Loaded | ConfigError]:
    """Return what is yielded while the steps are done, one between each poll and the next."""
    found: list[Loaded | ConfigError] = []
    with pytest.raises(EndOfWatchError):
        await _collect(watch(source, since=since, sleep=FakeSleep(*steps)), found)
    return found


async def _collect(
    loads: AsyncIterator[Loaded | ConfigError], found: list[Loaded | ConfigError]
) -> None:
    async with aclosing(loads) as watching:  # type: ignore[type-var]  # a generator has aclose
        async for each in watching:
            found.append(each)  # noqa: PERF401 - what was found before the end must be kept


def users(outcome: Loaded | ConfigError) -> list[str]:
    assert isinstance(outcome, Loaded), outcome
    return [user.metadata.name for user in outcome.snapshot.all(User)]


async def test_the_first_thing_seen_is_what_is_there(resources: Resources) -> None:
    (first,) = await seen(resources.path, nothing, nothing)
    assert users(first) == ["alice"]


async def test_what_was_loaded_before_is_not_seen_again(resources: Resources) -> None:
    loaded = load(resources.path)
    assert await seen(resources.path, nothing, nothing, nothing, since=loaded) == []


async def test_an_edit_is_seen_two_polls_later_with_the_next_revision(
    resources: Resources,
) -> None:
    loaded = load(resources.path)
    (edited,) = await seen(
        resources.path,
        nothing,
        lambda: resources.write("more", a_user("bob")),
        nothing,
        nothing,
        since=loaded,
    )
    assert users(edited) == ["bob", "alice"]
    assert isinstance(edited, Loaded)
    assert edited.snapshot.revision == loaded.snapshot.revision + 1


async def test_an_edit_between_the_first_load_and_the_watching_is_not_lost(
    resources: Resources,
) -> None:
    loaded = load(resources.path)
    resources.write("users", a_user("bob"))
    (edited,) = await seen(resources.path, nothing, nothing, since=loaded)
    assert users(edited) == ["bob"]


async def test_files_are_not_read_while_they_change(resources: Resources) -> None:
    file = resources.path / "users.yaml"
    whole = file.read_text() + "---\nkind: User\nmetadata: {name: bob}\nspec: {type: HUMAN}\n"
    pieces = [whole[:end] for end in (20, 40, 60, len(whole))]
    writes = [lambda piece=piece: file.write_text(piece) for piece in pieces]
    (edited,) = await seen(resources.path, *writes, nothing, nothing, since=load(resources.path))
    assert users(edited) == ["alice", "bob"]


async def test_a_file_that_changes_while_it_is_read_is_read_again(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    edits = iter([True])

    def read_slowly(listing: tree.Listing) -> tree.Contents:
        contents = tree.read_files(listing)
        if next(edits, False):
            resources.write("more", a_user("bob"))
        return contents

    monkeypatch.setattr(files, "read_files", read_slowly)
    (only,) = await seen(resources.path, nothing, nothing, nothing, nothing)
    assert users(only) == ["bob", "alice"]


async def test_a_touched_file_is_no_edit(resources: Resources) -> None:
    text = (resources.path / "users.yaml").read_text()
    loaded = load(resources.path)
    rewrite: Step = lambda: resources.write_text("users", text)  # noqa: E731 - a step
    assert await seen(resources.path, nothing, rewrite, nothing, nothing, since=loaded) == []


async def test_a_broken_edit_is_seen_as_its_error_once_and_the_repair_as_resources(
    resources: Resources,
) -> None:
    text = (resources.path / "users.yaml").read_text()
    broken, repaired = await seen(
        resources.path,
        nothing,
        lambda: resources.write_text("users", "kind: ["),
        nothing,
        nothing,
        nothing,
        lambda: resources.write_text("users", text),
        nothing,
        nothing,
        since=load(resources.path),
    )
    assert isinstance(broken, ConfigError)
    assert broken.__traceback__ is None, "it would keep alive all that was read"
    assert "users.yaml" in str(broken)
    assert users(repaired) == ["alice"]


async def test_a_directory_that_vanishes_for_a_while_comes_back(
    resources: Resources, tmp_path: Path
) -> None:
    away = tmp_path / "away"
    gone, back = await seen(
        resources.path,
        nothing,
        lambda: shutil.move(resources.path, away),
        nothing,
        nothing,
        lambda: shutil.move(away, resources.path),
        nothing,
        nothing,
        since=load(resources.path),
    )
    assert isinstance(gone, ConfigError)
    assert "cannot be read" in str(gone)
    assert users(back) == ["alice"]


async def test_added_and_removed_files_are_edits(resources: Resources) -> None:
    added, removed = await seen(
        resources.path,
        lambda: resources.write("more", a_user("bob")),
        nothing,
        lambda: resources.remove("more"),
        nothing,
        nothing,
        since=load(resources.path),
    )
    assert users(added) == ["bob", "alice"]
    assert users(removed) == ["alice"]


async def test_the_pause_between_polls_is_as_asked(resources: Resources) -> None:
    sleep = FakeSleep(nothing)
    with pytest.raises(EndOfWatchError):
        async for _ in watch(resources.path, interval=3.5, sleep=sleep):
            pass
    assert sleep.asked == [3.5, 3.5]
