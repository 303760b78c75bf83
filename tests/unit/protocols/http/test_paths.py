"""One reading of a path, or none (A45)."""

from __future__ import annotations

import pytest

from protocols.http.path import canonical, decoded
from protocols.http.wire.errors import PeerError


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("/", "/"),
        ("/public/../secret", "/secret"),
        ("/public/%2e%2e/secret", "/secret"),
        ("/public/.%2E/secret", "/secret"),
        ("/./a/./b", "/a/b"),
        ("/a/%2e/b", "/a/b"),
        ("/../../etc", "/etc"),
        ("/a/b/..", "/a/"),
        ("/a/.", "/a/"),
        ("/..", "/"),
        ("/a//b", "/a//b"),
        ("//host/x", "//host/x"),
        ("/a//../b", "/a/b"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a%5Cb", "/a%5Cb"),
        ("/a\\b", "/a\\b"),
        ("/.well-known/x", "/.well-known/x"),
        ("/a/...", "/a/..."),
        ("/..a/.b", "/..a/.b"),
        ("/caf%C3%A9", "/caf%C3%A9"),
        ("/a;b=1/c", "/a;b=1/c"),
        ("/a;v=1.0/..b", "/a;v=1.0/..b"),
        ("/100%25", "/100%25"),
        ("/%252F", "/%252F"),
        ("/a/b;..", "/a/b;.."),
    ],
)
def test_dot_segments_are_resolved_and_everything_else_is_kept(sent: str, read: str) -> None:
    assert canonical(sent.encode()) == read.encode()


@pytest.mark.parametrize(
    "path",
    [
        "/public%2f..%2fsecret",
        "/public/..%2fsecret",
        "/public%2F../secret",
        "/public\\..\\secret",
        "/public/..%5csecret",
        "/public\\../secret",
        "/%2e%2e%5cx",
        "/a/..;/b",
        "/a/.;x/b",
        "/a/..;x=1/b",
        "/a/..%3b/b",
        "/a/%2e%2e;/b",
        "/a%00b",
        "/a%0ab",
        "/a%0d%0ab",
        "/a%7fb",
        "/a%zz",
        "/a%2",
        "/a%",
        "/%252e%252e/x",
        "/%252e/x",
        "/x%255c%252e%252e",
        "/x%252f..%252fy",
    ],
)
def test_a_path_with_two_readings_is_400(path: str) -> None:
    with pytest.raises(PeerError) as caught:
        canonical(path.encode())
    assert caught.value.status == 400


@pytest.mark.parametrize("path", ["/%c0%ae%c0%ae/x", "/%ff", "/%ed%a0%80"])
def test_a_path_that_is_no_utf8_is_400(path: str) -> None:
    with pytest.raises(PeerError):
        decoded(canonical(path.encode()))


def test_policy_sees_the_decoded_path() -> None:
    assert decoded(b"/caf%C3%A9/a%2Fb") == "/café/a/b"
