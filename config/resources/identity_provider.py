"""IdentityProvider: where people and workloads prove who they are (spec/resources.md §16)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from config.resources.meta import FromSecret, Resource, all_different
from config.resources.model import Many, Model, OneOf, Symbol, fault
from config.resources.rules import ConditionTree, Effect
from config.resources.scalars import HTTPSURL, ASCIIText, PlainText, Text


class AAL(StrEnum):
    """How sure a login is."""

    AAL1 = "AAL1"
    AAL2 = "AAL2"
    AAL3 = "AAL3"


class IdentityProviderType(StrEnum):
    """The protocol of an IdentityProvider."""

    GITHUB = "GITHUB"
    OIDC = "OIDC"
    SAML = "SAML"
    OIDC_IDENTITY_TOKEN = "OIDC_IDENTITY_TOKEN"  # noqa: S105 - the name of a type


class AALRule(Model):
    """When a login counts as how sure; the first match decides."""

    condition: ConditionTree
    aal: Symbol[AAL]


class PostAuthenticationRule(Model):
    """Whether a login counts at all; the first match decides."""

    condition: ConditionTree
    effect: Symbol[Effect]


class GitHub(Model):
    """Login with GitHub; the identifier is the login name."""

    client_id: ASCIIText
    client_secret: FromSecret


def _check_issuer(value: str) -> str:
    parts = urlsplit(value)
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise fault("must have no query, fragment or user")
    if parts.path.rstrip("/").endswith("/.well-known/openid-configuration"):
        raise fault("must be the issuer, not its discovery document")
    return value.rstrip("/") if parts.path == "/" else value


class OIDC(Model):
    """Login with OpenID Connect."""

    issuer_url: Annotated[HTTPSURL, AfterValidator(_check_issuer)]
    client_id: ASCIIText
    client_secret: FromSecret
    scopes: Annotated[
        Many[Annotated[str, Field(min_length=1, max_length=128)]],
        Field(max_length=32),
        AfterValidator(all_different),
    ] = ()
    """Absent means openid, profile and email."""
    identifier_claim: Text = ""
    """Absent means email."""
    check_email_verified: bool = False
    use_user_info_endpoint: bool = False


class SAML(Model):
    """Login with SAML."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("metadataURL", "metadata")),)

    metadata_url: HTTPSURL | None = None
    metadata: Annotated[str, Field(min_length=1, max_length=20_000)] | None = None
    entity_id: Annotated[str, Field(max_length=1024)] = ""
    identifier_attribute: Text = ""
    force_authn: bool = False


class OIDCIdentityToken(Model):
    """Login of a WORKLOAD with a token somebody else issued to it."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("issuerURL", "jwksURL", "jwksContent")),)

    issuer_url: Annotated[HTTPSURL, AfterValidator(_check_issuer)] | None = None
    jwks_url: HTTPSURL | None = None
    jwks_content: Annotated[str, Field(min_length=1, max_length=262_144)] | None = None
    issuer: Annotated[str, Field(max_length=2048, validate_default=True)] = ""
    """Required with jwksURL and jwksContent."""
    audience: Annotated[str, Field(max_length=512)] = ""
    """Absent means `https://<domain>`."""

    @field_validator("issuer")
    @classmethod
    def _match_source(cls, issuer: str, others: ValidationInfo) -> str:
        if issuer and others.data.get("issuer_url"):
            raise fault("is not for use with issuerURL, which already says it")
        if not issuer and (others.data.get("jwks_url") or others.data.get("jwks_content")):
            raise fault("is required with jwksURL and jwksContent")
        return issuer


class IdentityProviderSpec(Model):
    """What is declared of an IdentityProvider."""

    one_of: ClassVar[tuple[OneOf, ...]] = (OneOf(("github", "oidc", "saml", "oidcIdentityToken")),)

    display_name: PlainText = ""
    """Shown on the login page."""
    is_disabled: bool = False
    disable_email_as_identity: bool = False
    """Do not look a User up by e-mail address."""
    aal_rules: Annotated[Many[AALRule], Field(max_length=128)] = ()
    post_authentication_rules: Annotated[Many[PostAuthenticationRule], Field(max_length=128)] = ()
    github: GitHub | None = None
    oidc: OIDC | None = None
    saml: SAML | None = None
    oidc_identity_token: OIDCIdentityToken | None = None


class IdentityProviderStatus(Model):
    """What the Cluster knows about an IdentityProvider."""

    type: Symbol[IdentityProviderType] | None = None
    is_locked: bool = False


class IdentityProvider(Resource):
    """A place to prove an identity."""

    kind: ClassVar = "IdentityProvider"

    spec: IdentityProviderSpec
    status: IdentityProviderStatus = IdentityProviderStatus()
