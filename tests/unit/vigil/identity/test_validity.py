from __future__ import annotations

from typing import Any

import pytest

from config.resources.cluster_config import ClusterConfig
from config.resources.user import User
from tests.harness.builders import a_cluster_config, a_session, a_user
from tests.harness.gates import at
from vigil.identity.validity import token_life

NOW = 1_800_000_000.0
HOUR = 3600


def seconds(
    session: Any = None, user: User | None = None, cluster: ClusterConfig | None = None
) -> int:
    life = token_life(session or a_session(), user or a_user(), cluster or a_cluster_config(), NOW)
    assert life.start == NOW
    return life.stop - life.start


def test_a_token_is_good_for_four_hours_unless_anything_else_is_said() -> None:
    assert seconds() == 4 * HOUR


def test_what_the_session_declares_of_its_token_decides() -> None:
    status = {"authentication": {"setAt": at(-HOUR), "accessTokenDuration": {"hours": 3}}}
    assert seconds(a_session(status=status)) == 2 * HOUR


def test_a_lifetime_without_a_beginning_counts_from_now() -> None:
    status = {"authentication": {"accessTokenDuration": {"hours": 3}}}
    assert seconds(a_session(status=status)) == 3 * HOUR


def test_the_cluster_may_say_otherwise_for_each_type_of_user() -> None:
    cluster = a_cluster_config(
        session={
            "human": {"accessTokenDuration": {"hours": 1}},
            "workload": {"accessTokenDuration": {"hours": 2}},
        }
    )
    assert seconds(cluster=cluster) == HOUR
    assert seconds(user=a_user(type="WORKLOAD"), cluster=cluster) == 2 * HOUR


def test_the_user_may_say_otherwise_still() -> None:
    cluster = a_cluster_config(session={"human": {"accessTokenDuration": {"hours": 1}}})
    user = a_user(session={"accessTokenDuration": {"hours": 9}})
    assert seconds(user=user, cluster=cluster) == 9 * HOUR


def test_less_than_half_an_hour_is_not_taken_seriously() -> None:
    assert seconds(user=a_user(session={"accessTokenDuration": {"minutes": 29}})) == 4 * HOUR


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        pytest.param(HOUR, HOUR, id="sooner than the token"),
        pytest.param(9 * HOUR, 4 * HOUR, id="later than the token"),
        pytest.param(-HOUR, 4 * HOUR, id="already, which is the gate's business"),
    ],
)
def test_a_token_does_not_outlive_its_session(ends: int, expected: int) -> None:
    assert seconds(a_session(expiresAt=at(ends))) == expected
