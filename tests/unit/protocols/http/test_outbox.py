from __future__ import annotations

from collections.abc import Callable

from protocols.http.outbox import Outbox


class Wire:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.is_closed

    def abort(self) -> None:
        self.is_closed = True


class BrokenWire(Wire):
    def write(self, data: bytes) -> None:
        raise RuntimeError("the handler is closed")


def test_nothing_is_written_before_the_end_of_the_turn() -> None:
    turns: list[Callable[[], None]] = []
    outbox, first, second = Outbox(turns.append), Wire(), Wire()
    outbox.post(first, b"a")
    outbox.post(second, b"b")
    outbox.post(first, b"c")
    assert (first.written, second.written) == ([], [])
    assert len(turns) == 1
    turns.pop()()
    assert (first.written, second.written) == ([b"a", b"c"], [b"b"])


def test_the_next_turn_is_asked_for_again() -> None:
    turns: list[Callable[[], None]] = []
    outbox, wire = Outbox(turns.append), Wire()
    outbox.post(wire, b"a")
    turns.pop()()
    outbox.post(wire, b"b")
    turns.pop()()
    assert wire.written == [b"a", b"b"]


def test_what_is_about_to_be_closed_is_sent_before_and_not_again() -> None:
    turns: list[Callable[[], None]] = []
    outbox, wire = Outbox(turns.append), Wire()
    outbox.post(wire, b"a")
    outbox.deliver()
    wire.is_closed = True
    turns.pop()()
    assert wire.written == [b"a"]


def test_nothing_is_sent_to_who_is_gone() -> None:
    turns: list[Callable[[], None]] = []
    outbox, wire = Outbox(turns.append), Wire()
    outbox.post(wire, b"a")
    wire.is_closed = True
    turns.pop()()
    assert wire.written == []


def test_one_connection_that_cannot_be_written_to_costs_the_others_nothing() -> None:
    outbox, broken, whole = Outbox(lambda _: None), BrokenWire(), Wire()
    outbox.post(broken, b"a")
    outbox.post(whole, b"b")
    outbox.post(broken, b"c")
    outbox.deliver()
    assert broken.is_closed
    assert whole.written == [b"b"]
