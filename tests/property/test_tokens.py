from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vigil.identity.keys import generate
from vigil.identity.tokens import Handle, Refused, TokenVerifier, issuer_of, mint

KEY = generate()
ISSUER = issuer_of("example.com")
TOKEN = mint(KEY, ISSUER, "session", "token", range(100)).encode()
MUTATED = st.one_of(
    st.tuples(st.integers(0, len(TOKEN) - 1), st.integers(0, 255)).map(
        lambda change: TOKEN[: change[0]] + bytes([change[1]]) + TOKEN[change[0] + 1 :]
    ),
    st.tuples(st.integers(0, len(TOKEN)), st.binary(min_size=1, max_size=8)).map(
        lambda change: TOKEN[: change[0]] + change[1] + TOKEN[change[0] :]
    ),
    st.tuples(st.integers(0, len(TOKEN)), st.integers(0, len(TOKEN))).map(
        lambda cut: TOKEN[: min(cut)] + TOKEN[max(cut) :]
    ),
    st.binary(max_size=1100),
)


@given(MUTATED)
def test_no_mutation_of_a_token_verifies(token: bytes) -> None:
    verified = TokenVerifier({KEY.kid: KEY.public}).verify(token, ISSUER, 50)
    assert isinstance(verified, Handle if token == TOKEN else Refused)


@given(st.text(), st.text(), st.integers(0, 2**40), st.integers(1, 2**40))
def test_what_is_minted_verifies_as_what_it_was_minted_for(
    session: str, token_id: str, start: int, life: int
) -> None:
    token = mint(KEY, ISSUER, session, token_id, range(start, start + life)).encode()
    verified = TokenVerifier({KEY.kid: KEY.public}).verify(token, ISSUER, start)
    if len(token) > 1024:
        assert isinstance(verified, Refused)
    else:
        assert verified == Handle(ISSUER, ISSUER, session, token_id, start + life)
