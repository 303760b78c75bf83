from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from vigil.identity.keys import generate
from vigil.identity.tokens import MAX_REMEMBERED, Handle, Refused, TokenVerifier, issuer_of, mint

ISSUER = issuer_of("example.com")
KEY = generate()
HEADER = {"typ": "oct+at", "kid": KEY.kid, "alg": "EdDSA"}
CLAIMS = {"iss": ISSUER, "aud": ISSUER, "sub": "session", "jti": "token", "iat": 0, "exp": 100}


def verifier() -> TokenVerifier:
    return TokenVerifier({KEY.kid: KEY.public})


def b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def signed(header: Any = HEADER, claims: Any = CLAIMS, *, key: Any = KEY) -> bytes:
    """Sign any header and claims, given as JSON values or as the very bytes."""
    parts = [
        b64(part if isinstance(part, bytes) else json.dumps(part).encode())
        for part in (header, claims)
    ]
    text = b".".join(parts)
    return text + b"." + b64(key.private.sign(text))


def verify(token: bytes, *, now: float = 50, issuer: str = ISSUER) -> Handle | Refused:
    return verifier().verify(token, issuer, now)


def why(token: bytes, **options: Any) -> str:
    answer = verify(token, **options)
    assert isinstance(answer, Refused), "the token was accepted"
    return answer.why


def test_a_minted_token_names_its_session_and_which_of_its_tokens_it_is() -> None:
    token = mint(KEY, ISSUER, "session", "token", range(100))
    assert verify(token.encode()) == Handle(ISSUER, ISSUER, "session", "token", 100)


def test_a_minted_token_is_what_the_specification_shows() -> None:
    token = mint(KEY, ISSUER, "session", "token", range(100))
    header, claims, _ = (base64.urlsafe_b64decode(part + "==") for part in token.split("."))
    assert json.loads(header) == HEADER
    assert json.loads(claims) == CLAIMS
    assert len(token) <= 1024


def test_a_token_counts_until_the_second_it_expires() -> None:
    assert isinstance(verify(signed(), now=99.9), Handle)
    assert verify(signed(), now=100) == Refused("the access token is expired", is_expired=True)


def test_a_remembered_token_still_expires() -> None:
    known = verifier()
    token = signed()
    assert isinstance(known.verify(token, ISSUER, 50), Handle)
    assert isinstance(known.verify(token, ISSUER, 100), Refused)


def test_a_remembered_token_counts_for_its_own_cluster_only() -> None:
    known = verifier()
    token = signed()
    assert isinstance(known.verify(token, ISSUER, 50), Handle)
    assert isinstance(known.verify(token, issuer_of("other.example"), 50), Refused)


def test_only_so_many_tokens_are_remembered() -> None:
    known = verifier()
    for number in range(MAX_REMEMBERED + 1):
        known._remember(b"%d" % number, Handle(ISSUER, ISSUER, "s", "t", 100))
    assert len(known._remembered) == MAX_REMEMBERED


def test_an_expired_token_is_still_known_to_be_ours() -> None:
    assert verifier().is_ours(signed(claims={**CLAIMS, "exp": 1}))
    assert not verifier().is_ours(signed(key=generate()))


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({**HEADER, "alg": "none"}, id="no algorithm"),
        pytest.param({**HEADER, "alg": "HS256"}, id="a symmetric algorithm"),
        pytest.param({**HEADER, "alg": "eddsa"}, id="the algorithm in lower case"),
        pytest.param({**HEADER, "alg": ["EdDSA"]}, id="a list of algorithms"),
        pytest.param({"typ": "oct+at", "kid": KEY.kid}, id="algorithm missing"),
        pytest.param({"typ": "oct+at", "alg": "EdDSA"}, id="key id missing"),
        pytest.param({"kid": KEY.kid, "alg": "EdDSA"}, id="type missing"),
        pytest.param({**HEADER, "crit": ["exp"]}, id="crit"),
        pytest.param({**HEADER, "jwk": {"kty": "OKP"}}, id="a key inside"),
        pytest.param({**HEADER, "jku": "https://example.com"}, id="a key elsewhere"),
        pytest.param({**HEADER, "b64": False}, id="b64"),
        pytest.param({**HEADER, "typ": "oct+rt"}, id="a refresh token"),
        pytest.param({**HEADER, "typ": "oct+cred"}, id="a credential"),
        pytest.param({**HEADER, "typ": "JWT"}, id="any other JWT"),
        pytest.param({**HEADER, "kid": "another"}, id="an unknown key"),
        pytest.param({**HEADER, "kid": 1}, id="a key id that is a number"),
        pytest.param({**HEADER, "kid": [KEY.kid]}, id="a list of key ids"),
        pytest.param([HEADER], id="a list"),
        pytest.param(b"{", id="no JSON"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b"[" * 700, id="deep nesting"),
        pytest.param(json.dumps(HEADER).encode()[:-1] + b',"alg":"EdDSA"}', id="a key twice"),
    ],
)
def test_a_header_other_than_the_one_we_write_is_refused(header: Any) -> None:
    assert why(signed(header))


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({**CLAIMS, "iss": "https://other.example"}, id="another issuer"),
        pytest.param({**CLAIMS, "aud": "https://other.example"}, id="another audience"),
        pytest.param({**CLAIMS, "aud": [ISSUER]}, id="a list of audiences"),
        pytest.param({**CLAIMS, "exp": "100"}, id="expiry as text"),
        pytest.param({**CLAIMS, "exp": True}, id="expiry as a truth value"),
        pytest.param({**CLAIMS, "exp": 1e9}, id="expiry as a float"),
        pytest.param({**CLAIMS, "nbf": 0}, id="a claim too many"),
        pytest.param({k: v for k, v in CLAIMS.items() if k != "exp"}, id="no expiry"),
        pytest.param({k: v for k, v in CLAIMS.items() if k != "jti"}, id="no token id"),
        pytest.param([], id="a list"),
        pytest.param(b"", id="nothing"),
        pytest.param(json.dumps(CLAIMS).encode()[:-1] + b',"exp":999}', id="a claim twice"),
    ],
)
def test_claims_other_than_the_ones_we_write_are_refused(claims: Any) -> None:
    assert why(signed(claims=claims))


def test_a_token_of_a_foreign_key_is_refused() -> None:
    assert why(signed(key=generate())) == "the signature is wrong"


def test_a_token_signed_symmetrically_with_the_public_key_is_refused() -> None:
    public = KEY.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = b64(json.dumps({**HEADER, "alg": "HS256"}).encode()) + b"." + signed().split(b".")[1]
    assert why(text + b"." + b64(hmac.digest(public, text, "sha256")))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda token: b"", id="empty"),
        pytest.param(lambda token: token + b"=", id="padded"),
        pytest.param(lambda token: token + b" ", id="with a space after it"),
        pytest.param(lambda token: b"\n" + token, id="with a line break before it"),
        pytest.param(lambda token: token.replace(b".", b"..", 1), id="with an empty part"),
        pytest.param(lambda token: token.rpartition(b".")[0], id="without a signature"),
        pytest.param(lambda token: token.rpartition(b".")[0] + b".", id="with an empty signature"),
        pytest.param(lambda token: token + b".AAAA", id="with a fourth part"),
        pytest.param(lambda token: token + b"A" * 1024, id="too long"),
        pytest.param(lambda token: token + b"\xc3\xa9", id="not ASCII"),
        pytest.param(
            lambda token: token.replace(b"_", b"/").replace(b"-", b"+") + b"+", id="plain"
        ),
        pytest.param(lambda token: token[:-1], id="one character short"),
    ],
)
def test_a_token_that_is_not_spelt_exactly_is_refused(spoil: Any) -> None:
    assert why(spoil(signed()))


def test_unused_bits_of_the_last_character_may_not_be_set() -> None:
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = signed()
    twin = token[:-1] + alphabet[alphabet.index(token[-1:]) + 1 :][:1]
    assert base64.urlsafe_b64decode(twin.rpartition(b".")[2] + b"==") == base64.urlsafe_b64decode(
        token.rpartition(b".")[2] + b"=="
    )
    assert why(twin) == "not canonical base64url"
