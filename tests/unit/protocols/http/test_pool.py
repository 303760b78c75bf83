"""Idle upstream connections: last in, first out, bounded, and never of another identity."""

from __future__ import annotations

from dataclasses import dataclass, replace

from config.secret import SecretBytes
from policy.decision import Allowed
from protocols.http.pool import IDLE_SECONDS, MOST_IDLE, MOST_IDLE_PER_UPSTREAM, Pool
from protocols.permit import NoLogin, Permit, Upstream, UpstreamTLS

A = Upstream("a", 80, "a")
TLS = Upstream("a", 443, "a", tls=UpstreamTLS("a", certificate="c", private_key=SecretBytes(b"1")))


@dataclass(eq=False)
class Connection:
    upstream: Upstream
    idle_since: float = 0.0
    is_closed: bool = False

    def close(self) -> None:
        self.is_closed = True


def permit(upstream: Upstream) -> Permit:
    return Permit(Allowed(None), (upstream,), NoLogin(), 1)


def test_the_connection_used_last_is_taken_first() -> None:
    pool: Pool[Connection] = Pool()
    first, second = Connection(A), Connection(A)
    pool.put(first, 0.0)
    pool.put(second, 0.0)
    assert [pool.take(permit(A)) for _ in range(3)] == [second, first, None]


def test_an_equal_upstream_of_a_later_generation_shares() -> None:
    pool: Pool[Connection] = Pool()
    connection = Connection(A)
    pool.put(connection, 0.0)
    assert pool.take(permit(replace(A))) is connection


def test_another_client_certificate_is_another_upstream() -> None:
    pool: Pool[Connection] = Pool()
    pool.put(Connection(TLS), 0.0)
    assert TLS.tls is not None
    rotated = replace(TLS, tls=replace(TLS.tls, private_key=SecretBytes(b"2")))
    assert pool.take(permit(rotated)) is None
    assert pool.take(permit(A)) is None


def test_a_connection_that_closed_is_not_taken() -> None:
    pool: Pool[Connection] = Pool()
    gone, good = Connection(A), Connection(A)
    for each in (good, gone):
        pool.put(each, 0.0)
    gone.is_closed = True
    assert pool.take(permit(A)) is good
    assert len(pool) == 0


def test_a_permit_without_upstream_takes_nothing() -> None:
    pool: Pool[Connection] = Pool()
    assert pool.take(Permit(Allowed(None), (), NoLogin(), 1)) is None


def test_there_are_never_too_many() -> None:
    pool: Pool[Connection] = Pool()
    made = [Connection(A) for _ in range(MOST_IDLE_PER_UPSTREAM + 1)]
    for each in made:
        pool.put(each, 0.0)
    assert [each.is_closed for each in made].count(True) == 1
    others = [Connection(Upstream(str(n), 80, "x")) for n in range(MOST_IDLE)]
    for each in others:
        pool.put(each, 0.0)
    assert len(pool) == MOST_IDLE


def test_old_ones_are_closed_and_forgotten() -> None:
    pool: Pool[Connection] = Pool()
    old, young = Connection(A), Connection(A)
    pool.put(old, 0.0)
    pool.put(young, 60.0)
    pool.sweep(IDLE_SECONDS + 1)
    assert (old.is_closed, young.is_closed, len(pool)) == (True, False, 1)
    pool.sweep(IDLE_SECONDS + 61)
    assert len(pool) == 0
    fresh = Connection(A)
    pool.put(fresh, 300.0)
    assert pool.take(permit(A)) is fresh


def test_one_that_ended_while_idle_is_forgotten() -> None:
    pool: Pool[Connection] = Pool()
    connection = Connection(A)
    pool.put(connection, 0.0)
    pool.discard(connection)
    pool.discard(connection)
    assert len(pool) == 0
    assert pool.take(permit(A)) is None


def test_closing_closes_all() -> None:
    pool: Pool[Connection] = Pool()
    made = [Connection(A), Connection(TLS)]
    for each in made:
        pool.put(each, 0.0)
    pool.close()
    assert all(each.is_closed for each in made)
    assert len(pool) == 0
