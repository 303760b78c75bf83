"""The command ``vigil``, also as ``python -m vigil``: where the process begins."""

from __future__ import annotations

from vigil.selfcheck import require_one_house


def main() -> None:
    """Run the command line."""
    require_one_house()
    from vigil.cli.app import run  # noqa: PLC0415  only what was checked may be imported

    run()


if __name__ == "__main__":
    main()
