"""Region: a place where Services and Gateways run (spec/resources.md §17)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from config.resources.meta import Resource
from config.resources.model import Many, Model
from config.resources.scalars import Attrs, Text, Timestamp, UInt


class RegionSpec(Model):
    """Nothing is declared of a Region but its name."""


class VersionInfo(Model):
    """Which version of a part runs in the Region."""

    version: Text = ""
    package: Text = ""
    id: Text = ""
    set_at: Timestamp | None = None
    ext: Attrs = Field(default_factory=dict)


class RegionStatus(Model):
    """What the Cluster knows about a Region."""

    index: UInt = 0
    ingress_addresses: Many[Text] = ()
    public_hostname: Text = ""
    version: Text = ""
    version_info_map: dict[str, VersionInfo] = Field(default_factory=dict)
    ext: Attrs = Field(default_factory=dict)


class Region(Resource):
    """A place; ``default`` always exists."""

    kind: ClassVar = "Region"

    spec: RegionSpec
    status: RegionStatus = RegionStatus()
