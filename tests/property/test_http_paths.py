"""For every path, what policy judges is what any upstream makes of it."""

from __future__ import annotations

from posixpath import normpath
from urllib.parse import unquote

from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.http.path import canonical, decoded
from protocols.http.wire.errors import PeerError

PIECES = [
    "/",
    "//",
    ".",
    "..",
    "%2e",
    "%2E",
    "%2f",
    "%5c",
    "\\",
    ";",
    ";x=1",
    "%3b",
    "%00",
    "%25",
    "%252e",
    "%252f",
    "%c0%ae",
    "%C3%A9",
    "a",
    "public",
    "secret",
    "%61",
    "...",
    "~",
    "@",
    ":",
    "%",
    "%zz",
]
PATHS = st.lists(st.sampled_from(PIECES), max_size=12).map(lambda parts: "/" + "".join(parts))


@settings(max_examples=2000, deadline=None)
@given(PATHS)
def test_no_reader_finds_a_dot_segment_in_an_accepted_path(path: str) -> None:
    try:
        clean = canonical(path.encode())
        seen = decoded(clean)
    except PeerError:
        return
    for reading in (clean.decode(), seen, unquote(seen)):
        for separated in (reading, reading.replace("\\", "/")):
            segments = [segment.partition(";")[0] for segment in separated.split("/")]
            assert "." not in segments
            assert ".." not in segments
    assert canonical(clean) == clean


@settings(max_examples=1000, deadline=None)
@given(PATHS)
def test_a_prefix_rule_holds_for_an_upstream_that_cleans_paths_itself(path: str) -> None:
    try:
        clean = canonical(path.encode())
        seen = decoded(clean)
    except PeerError:
        return
    upstream = normpath(unquote(clean.decode())).replace("//", "/")
    assert upstream == normpath(seen).replace("//", "/")
