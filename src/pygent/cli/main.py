"""The words of the command line. Each command imports what it needs when it is called: `--help` stays quick."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from .streams import open_closed_streams

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def run_command_line(arguments: Sequence[str]) -> int:
    """Do what the arguments say and return the exit status; what is wrong with them is told on standard error."""
    open_closed_streams()
    try:
        code: object = cli.main(args=list(arguments), prog_name="pygent", standalone_mode=False)
    except click.Abort:  # click's name for Ctrl-C
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code

    return code if isinstance(code, int) else 0


class _Commands(click.Group):
    """The group, which takes `pygent -p "…"` for `pygent run "…"` and explains what a lone prompt needs."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].startswith("-") and {"-p", "--print"} & set(args):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            from .escape import one_line

            word = one_line(" ".join(args), 60)
            commands = ", ".join(self.list_commands(ctx))
            raise click.UsageError(f'no such command. To ask the agent: pygent run "{word}"\nCommands: {commands}', ctx)

        return super().resolve_command(ctx, args)


def _seconds(_ctx: click.Context, _param: click.Parameter, value: float | None) -> float | None:
    if value is not None and not 0 <= value < math.inf:
        raise click.BadParameter(f"{value} is not a number of seconds from 0 up.")

    return value


def _variables(_ctx: click.Context, _param: click.Parameter, values: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Divide each `NAME=value`; what has no name is not shown, it may be a key."""
    pairs = []
    for value in values:
        name, equals, content = value.partition("=")
        if not equals or not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
            raise click.BadParameter("it must have the form NAME=value.")

        pairs.append((name, content))
    return tuple(pairs)


FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

CONFIG = click.option("-c", "--config", type=FILE, help="Settings to trust, instead of the project's pygent.toml.")
VARIABLES = click.option(
    "-e",
    "variables",
    metavar="NAME=value",
    callback=_variables,
    multiple=True,
    help="A variable for this run: a setting, or for the commands.",
)


@click.group(cls=_Commands, invoke_without_command=True, context_settings=CONTEXT)
@click.version_option(package_name="pygent", prog_name="pygent", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Pygent, a coding agent: say what should be done, and it works in this folder until it is.

    \b
      pygent demo                               watch it fix a bug; needs no model and no key
      pygent run "Why does test_login fail?"    ask, and it looks, edits and runs commands
      git diff | pygent -p "Review this"        with context from a pipe
      pygent models                             see which models can be asked

    Commands run on this machine; each is shown and waits for your yes. A model is needed for all but the demo: set
    OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own; one that runs on this machine is found.
    """  # noqa: D301 - click takes the backspace for "do not wrap"
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@cli.command(context_settings=CONTEXT, short_help="Let the agent work, and print its answer.")
@click.argument("prompt", nargs=-1)
@click.option("-p", "--print", "_", is_flag=True, hidden=True, help="What it does anyway.")
@click.option("-w", "--workspace", type=FOLDER, help="Work in this folder instead of the current one.")
@click.option("--ephemeral", is_flag=True, help="Work in a temporary folder, removed at the end.")
@click.option("--cwd", is_flag=True, help="Work in the current folder, whatever the settings say.")
@click.option("-m", "--model", metavar="NAME", help="The model to ask: NAME, or PROVIDER:NAME.")
@click.option("--docker/--no-docker", default=None, help="Where commands run. Containers come in a later version.")
@click.option(
    "--max-steps",
    type=click.IntRange(1),
    metavar="N",
    default=50,
    show_default=True,
    help="Ask the model so often at most.",
)
@click.option("--timeout", type=float, callback=_seconds, metavar="SECONDS", help="End the run after this time.")
@click.option("-y", "--yes", is_flag=True, help="Allow all commands without asking.")
@click.option("--confirm-bash/--no-confirm-bash", default=None, help="Ask before each command, or never.")
@CONFIG
@VARIABLES
@click.option("--json", "as_json", is_flag=True, help="The same as --output-format json.")
@click.option(
    "--output-format",
    type=click.Choice(["text", "json", "stream-json"]),
    default="text",
    help="On standard output: the answer, one object with the result, or each event as a line of JSON.",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress on standard error, only what went wrong.")
def run(_: bool, as_json: bool, output_format: str, **options: Any) -> int:
    """Let the agent do what PROMPT says, and print its answer.

    What comes in by a pipe is given to the model, too; a PROMPT of - waits for it, however long that takes.

    \b
    Exit status: 0 done, 1 failed, 2 wrong usage, 3 no model is set up, 4 a limit was reached,
    5 a command needed approval and nobody was there, 130 Ctrl-C, 143 terminated.
    """  # noqa: D301 - the same
    from .options import RunOptions
    from .run import run as run_agent

    if sum((bool(options["workspace"]), options["ephemeral"], options["cwd"])) > 1:
        raise click.UsageError("--workspace, --ephemeral and --cwd exclude each other.")

    if options["yes"] and options["confirm_bash"]:
        raise click.UsageError("--yes and --confirm-bash exclude each other.")

    return run_agent(RunOptions(output_format="json" if as_json else output_format, **options))  # type: ignore[arg-type]


@cli.command(context_settings=CONTEXT, short_help="Watch the agent fix a bug; needs no model and no key.")
@click.option(
    "--fast/--slow", default=None, help="Without pauses, or paced for watching; by default: slow on a terminal."
)
@click.option("--keep", is_flag=True, help="Leave the project's folder, to look at it.")
def demo(fast: bool | None, keep: bool) -> int:
    """Watch the agent fix a bug in a small project: real commands, recorded words.

    The model's replies were recorded, so neither a model nor a key nor a network is needed. All else is real: the loop,
    the tools, the commands, the tests that fail and then pass.
    """
    from .demo.show import run_demo

    return run_demo(fast=fast, keep=keep)


@cli.command(context_settings=CONTEXT, short_help="List the models that can be asked.")
@click.argument("provider", required=False)
@click.option("--providers", is_flag=True, help="List the servers that are known by name, and whose keys are set.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@CONFIG
@VARIABLES
def models(provider: str | None, **options: Any) -> int:
    """List the models of the server that is set up, of PROVIDER, or of what runs on this machine.

    Each line has a name as --model takes it, and how many tokens the model can see, if the server says it.

    \b
      pygent models                what would be asked
      pygent models groq           what Groq offers to your GROQ_API_KEY
      pygent models --providers    which other names there are
    """  # noqa: D301 - the same
    from ..providers import PROVIDERS
    from .models import list_models
    from .options import ModelsOptions

    if provider is not None and provider not in PROVIDERS:
        raise click.UsageError(f"there is no provider {provider!r}. Known: {', '.join(PROVIDERS)}")

    if provider is not None and options["providers"]:
        raise click.UsageError("--providers lists all of them; leave out one of the two.")

    return list_models(ModelsOptions(provider=provider, **options))


@cli.group(context_settings=CONTEXT)
def config() -> None:
    """Look at the settings."""


@config.command(context_settings=CONTEXT)
@click.option("--sources", is_flag=True, help="Also where each value comes from.")
@CONFIG
def show(sources: bool, config: Path | None) -> int:
    """Print every setting and its value; keys are masked."""
    from .config import show_settings

    return show_settings(config, with_sources=sources)
