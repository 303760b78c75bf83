"""The command line: what each command is called and what it takes. The work is done elsewhere."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from config.errors import ConfigError
from vigil.cli import check, explain, replay, schema, serve, test, token
from vigil.cli.arguments import Address, address, request_facts
from vigil.cli.output import Format, say_problems
from vigil.cli.process import Where

DISTRIBUTION: Final = "vigil-access"

app: Final = typer.Typer(
    name="vigil",
    help="The identity-aware proxy in front of each Service.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Resources: TypeAlias = Annotated[
    Path, typer.Option("--resources", help="Directory of resource files.", show_default=False)
]
Directory: TypeAlias = Annotated[
    Path, typer.Argument(help="Directory of resource files.", show_default=False)
]
Data: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="Where the signing key is kept. [default: .vigil beside the resources]"),
]
Admin: TypeAlias = Annotated[
    Address | None,
    typer.Option(
        parser=address,
        metavar="HOST:PORT",
        help="Where /metrics, /healthz and /readyz are answered. [default: nowhere]",
    ),
]
AccessLogTarget: TypeAlias = Annotated[
    str, typer.Option("--access-log", metavar="PATH", help="File of the access log; - is stdout.")
]


@app.command("serve")
def serve_command(  # noqa: PLR0913, PLR0917  its parameters are its command line
    service: Annotated[str, typer.Argument(help="The Service to serve: web, or web.prod.")],
    resources: Resources,
    listen: Annotated[
        Address | None,
        typer.Option(
            parser=address,
            metavar="HOST:PORT",
            help="Where to listen. [default: 127.0.0.1 and the Service's own port]",
        ),
    ] = None,
    admin: Admin = None,
    data: Data = None,
    access_log: AccessLogTarget = "-",
) -> None:
    """Serve one Service."""
    where = Where(resources=resources, data=data, admin=admin, access_log=access_log)
    raise typer.Exit(serve.serve(service, where, listen))


@app.command("up")
def up_command(
    directory: Directory,
    listen_address: Annotated[
        str, typer.Option(metavar="HOST", help="The address all Services listen on.")
    ] = "127.0.0.1",
    admin: Admin = None,
    data: Data = None,
    access_log: AccessLogTarget = "-",
) -> None:
    """Serve every Service of a directory, in one process and without privileges."""
    where = Where(resources=directory, data=data, admin=admin, access_log=access_log)
    raise typer.Exit(serve.up(where, listen_address))


@app.command("check")
def check_command(directory: Directory) -> None:
    """Say everything that is wrong with the resources of a directory."""
    check.check(directory)


@app.command("token")
def token_command(
    session: Annotated[str, typer.Argument(help="The declared Session.", show_default=False)],
    resources: Resources,
    data: Data = None,
) -> None:
    """Print an access token of a declared Session."""
    print(token.token_of(session, resources, data))  # noqa: T201  the one thing it prints


@app.command("explain")
def explain_command(  # noqa: PLR0913, PLR0917  its parameters are its command line
    resources: Resources,
    service: Annotated[str, typer.Option(help="The Service asked for.", show_default=False)],
    request: Annotated[
        dict[str, object],
        typer.Option(
            parser=request_facts,
            metavar="JSON",
            help='What ctx.request holds, like {"http": {"method": "GET", "path": "/"}}.',
        ),
    ],
    session: Annotated[
        str, typer.Option(help="The Session that asks; nobody without it.", show_default=False)
    ] = "",
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR2", help="An edited copy of the directory: show what would change."
        ),
    ] = None,
    output: Annotated[Format, typer.Option("--output", "-o", help="For people or programs.")] = (
        Format.TEXT
    ),
) -> None:
    """Show every check, policy and rule on the way to a decision, or what would change."""
    explain.explain(resources, against, explain.Question(service, session, request), output)


@app.command("test")
def policy_test_command(
    directory: Directory,
    output: Annotated[
        test.ReportFormat, typer.Option("--output", "-o", help="For people, programs or CI.")
    ] = test.ReportFormat.TEXT,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write JUnit XML there as well.")
    ] = None,
) -> None:
    """Run the PolicyTests of a directory; exit code 1 where a case fails."""
    raise typer.Exit(test.test(directory, output, junit))


@app.command("replay")
def replay_command(
    access_log: Annotated[
        Path, typer.Argument(help="File of access log lines; - is stdin.", show_default=False)
    ],
    resources: Resources,
    output: Annotated[Format, typer.Option("--output", "-o", help="For people or programs.")] = (
        Format.TEXT
    ),
) -> None:
    """Decide recorded requests again, and list those whose answer would change."""
    replay.replay(access_log, resources, output)


@app.command("schema")
def schema_command(
    kind: Annotated[str, typer.Argument(help="A kind; all of them without it.")] = "",
) -> None:
    """Print the JSON Schema of resources, for editors."""
    schema.schema(kind)


@app.command("version")
def version_command() -> None:
    """Print the version."""
    try:
        print(version(DISTRIBUTION))  # noqa: T201  the one thing it prints
    except PackageNotFoundError:
        print("not installed")  # noqa: T201  the one thing it prints


def run() -> None:
    """Run the command line; what is refused ends in exit code 1 and a list of what to change."""
    try:
        app(prog_name=app.info.name)
    except ConfigError as error:
        say_problems(error.problems)
        sys.exit(1)
