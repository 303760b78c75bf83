"""A browser is sent to the Cluster's pages, an API client gets the bare status (A39)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

import pytest

from tests.harness.browser import LoginPage, open_page
from tests.harness.cases import with_rules
from tests.harness.certificates import Authority
from tests.harness.processes import LOOPBACK, free_port
from tests.harness.resources import Resources, a_service, a_session, a_user, allow, document
from tests.harness.running import Vigil, up

_DOMAIN: Final = "vigil.example"
_HTML: Final = ("-H", "Accept: text/html,application/xhtml+xml,*/*;q=0.8")
_FIREFOX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_BROWSER: Final = (*_HTML, "-A", _FIREFOX)


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def vigil(tmp_path_factory: pytest.TempPathFactory, app_url: str, port: int) -> Iterator[Vigil]:
    place = tmp_path_factory.mktemp("browser")
    resources = Resources(place / "resources")
    rules = with_rules(allow('ctx.user.metadata.name == "alice"'))
    resources.write(
        "world",
        document("ClusterConfig", "cluster-config", {}, {"domain": _DOMAIN}),
        a_user("alice"),
        a_user("bob"),
        a_user("robot", type="WORKLOAD"),
        a_session("alice", "alice"),
        a_session("bob", "bob"),
        a_session("robot", "robot"),
        a_service("web", port, app_url, mode="WEB", isPublic=True, **rules),
    )
    with up(resources, place, ports=[port]) as process:
        yield process


@pytest.mark.parametrize(
    ("session", "options", "status", "location"),
    [
        pytest.param(
            "",
            _BROWSER,
            303,
            f"https://{_DOMAIN}/login?redirect="
            + quote(f"https://web.{_DOMAIN}/a%20b?x=1&y=2", safe=""),
            id="A39-nobody-in-a-browser",
        ),
        pytest.param("bob", _BROWSER, 303, f"https://{_DOMAIN}/denied", id="A39-human-denied"),
        pytest.param("robot", _BROWSER, 403, None, id="A39-workload-denied"),
        pytest.param("", ("-A", _FIREFOX), 401, None, id="A39-no-html-asked"),
        pytest.param("", _HTML, 401, None, id="A39-curl"),
        pytest.param("", (*_BROWSER, "-X", "POST"), 401, None, id="A39-no-navigation"),
        pytest.param("bob", ("-A", _FIREFOX), 403, None, id="A39-denied-api"),
        pytest.param("alice", _BROWSER, 200, None, id="A39-allowed"),
    ],
)
def test_only_a_browser_that_navigates_is_redirected(
    vigil: Vigil,
    port: int,
    *,
    session: str,
    options: tuple[str, ...],
    status: int,
    location: str | None,
) -> None:
    answer = vigil.get(port, "/a%20b?x=1&y=2", *options, session=session)
    assert (answer.status, answer.header("location")) == (status, location)
    marked = answer.header("x-octelium-unauthorized") == "true"
    assert marked == (status != 200)


def test_a_redirect_never_leaves_the_cluster(vigil: Vigil, port: int) -> None:
    answer = vigil.get(port, "//evil.example/x", "-H", "Host: evil.example", *_BROWSER)
    location = answer.header("location") or ""
    assert location.startswith(f"https://{_DOMAIN}/login?redirect=https%3A%2F%2Fweb.{_DOMAIN}%2F")


@pytest.mark.timeout(120)
def test_a_real_browser_lands_on_the_login_page(
    vigil: Vigil, port: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    page = LoginPage(authority.server(_DOMAIN))
    try:
        rules = f"MAP {_DOMAIN}:443 {LOOPBACK}:{page.port}"
        document_text = open_page(f"http://{LOOPBACK}:{port}/private", hosts=rules)
    finally:
        page.close()
    assert "the Cluster's own page" in document_text
    wanted = quote(f"https://web.{_DOMAIN}/private", safe="")
    assert f"/login?redirect={wanted}" in page.asked
