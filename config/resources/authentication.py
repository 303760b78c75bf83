"""How a login was made, as a Session remembers it (spec/resources.md §13)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from config.resources.credential import CredentialType
from config.resources.identity_provider import AAL, IdentityProviderType
from config.resources.meta import LongDuration, ObjectReference
from config.resources.model import Model, OneOf, Symbol
from config.resources.scalars import UID, Attrs, Text, Timestamp, UInt


class AuthenticationType(StrEnum):
    """What a login was based on."""

    CREDENTIAL = "CREDENTIAL"
    IDENTITY_PROVIDER = "IDENTITY_PROVIDER"
    REFRESH_TOKEN = "REFRESH_TOKEN"  # noqa: S105 - the name of a login type
    AUTHENTICATOR = "AUTHENTICATOR"
    INTERNAL = "INTERNAL"
    EXTERNAL = "EXTERNAL"


class AuthenticatorType(StrEnum):
    """The kind of a second factor."""

    FIDO = "FIDO"
    TOTP = "TOTP"
    TPM = "TPM"


class AuthenticatorMode(StrEnum):
    """The part a second factor had in a login."""

    DEFAULT = "DEFAULT"
    PASSKEY = "PASSKEY"
    MFA = "MFA"


class ByCredential(Model):
    """A login with a Credential's token."""

    credential_ref: ObjectReference | None = None
    type: Symbol[CredentialType] | None = None
    token_id: UID = ""


class ByIdentityProvider(Model):
    """A login through an IdentityProvider."""

    identity_provider_ref: ObjectReference | None = None
    type: Symbol[IdentityProviderType] | None = None
    identifier: Text = ""
    email: Text = ""
    pic_url: Annotated[str, Field(max_length=2048)] = ""


class FIDOFacts(Model):
    """What a FIDO authenticator proved."""

    user_present: bool = False
    user_verified: bool = False
    is_hardware: bool = False
    is_software: bool = False
    is_attestation_verified: bool = False
    is_passkey: bool = False
    aaguid: Text = ""


class AuthenticatorFacts(Model):
    """What an Authenticator proved."""

    fido: FIDOFacts | None = None


class ByAuthenticator(Model):
    """A login with an Authenticator."""

    authenticator_ref: ObjectReference | None = None
    type: Symbol[AuthenticatorType] | None = None
    mode: Symbol[AuthenticatorMode] | None = None
    info: AuthenticatorFacts | None = None


class ByExternal(Model):
    """A login somebody else vouches for."""

    owner_ref: ObjectReference | None = None
    attrs: Attrs = Field(default_factory=dict)


class Downstream(Model):
    """What the client said about itself."""

    ip_address: Text = ""
    user_agent: Text = ""
    client_version: Text = ""


class GeoCountry(Model):
    """A country."""

    code: Text = ""
    name: Text = ""


class GeoNetwork(Model):
    """Whose network an address belongs to."""

    asn: UInt = 0
    isp: Text = ""
    organization: Text = ""
    domain: Text = ""


class GeoTimezone(Model):
    """A time zone."""

    id: Text = ""
    offset: int = 0


class GeoCoordinates(Model):
    """A place."""

    latitude: float = 0.0
    longitude: float = 0.0


class GeoIP(Model):
    """Where on Earth a login came from."""

    ip: Text = ""
    ip_version: Text = ""
    country: GeoCountry | None = None
    region: Text = ""
    city: Text = ""
    continent: Text = ""
    network: GeoNetwork | None = None
    timezone: GeoTimezone | None = None
    postal_code: Text = ""
    coordinates: GeoCoordinates | None = None


class AuthenticationInfo(Model):
    """How a login was made."""

    one_of: ClassVar[tuple[OneOf, ...]] = (
        OneOf(
            ("credential", "identityProvider", "authenticator", "external"),
            is_required=False,
        ),
    )

    type: Symbol[AuthenticationType] | None = None
    credential: ByCredential | None = None
    identity_provider: ByIdentityProvider | None = None
    authenticator: ByAuthenticator | None = None
    external: ByExternal | None = None
    aal: Symbol[AAL] | None = None
    downstream: Downstream | None = None
    geoip: GeoIP | None = None


class Authentication(Model):
    """One login; the token it gave out carries ``token_id``."""

    set_at: Timestamp | None = None
    token_id: UID = ""
    """The access token of this login carries it; another value revokes that token."""
    access_token_duration: LongDuration | None = None
    """How long an access token lives after `setAt`."""
    refresh_token_duration: LongDuration | None = None
    info: AuthenticationInfo | None = None
