"""The command ``braze-runner``: one module a command, each imported only when it is called."""

import importlib
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from braze_runner import __version__, json_log
from braze_runner.errors import BrazeRunnerError

# Command -> module of this package that holds it as `command`, and its line in --help.
COMMANDS = {
    "push": ("push", "Push what the sync tables hold and Braze does not have yet."),
    "run": ("run", "Run dbt, or take a run of dbt Cloud, then push the syncs that succeeded in it."),
    "check": ("check", "Look at everything that a push needs: warehouse, tables, key, permissions."),
    "status": ("status", "Show where each sync stands: pending rows, watermark, lag, last run, rejects."),
    "verify": ("verify", "Read profiles back from Braze and compare them with what was sent."),
    "cdi": ("cdi", "List, trigger and follow the syncs that Braze reads itself."),
    "failures": ("failures", "List, show and export the rows that were rejected."),
    "retry": ("retry", "Send rejected rows again, and never an old value over a new one."),
    "resolve": ("resolve", "Decide about objects that may have arrived."),
    "load-currents": ("load_currents", "Load Braze Currents files (Avro) into the warehouse."),
    "sandbox": ("sandbox", "Serve a local Braze to push to."),
    "demo": ("demo", "Run the whole job on made-up data, with DuckDB and the local Braze."),
}


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command runs or shows its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Name every command, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's signature)
        """Import the command, or return None for a name that is not one."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"braze_runner.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's signature)
        """List the commands from the table alone, so that --help imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="braze-runner")
def group() -> None:
    """Push what changed in your warehouse to Braze, after `dbt run`."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Exit codes: 0 all pushed; 1 some rows rejected or held back; 2 configuration or usage; 3 stopped by Braze, the
    warehouse or a defect; 130 and 143 after SIGINT and SIGTERM.
    """
    code: Any
    try:
        code = group.main(args=arguments, prog_name="braze-runner", standalone_mode=False)
    except click.exceptions.Exit as exc:
        code = exc.exit_code
    except click.ClickException as exc:
        exc.show()
        code = exc.exit_code
    except click.Abort:
        code = 130
    except BrazeRunnerError as exc:
        _tell(str(exc), exc.exit_code)
        code = exc.exit_code
    except Exception as exc:
        # A traceback would show the text of the error, which may hold data.
        code = BrazeRunnerError.exit_code
        _tell(_defect(exc), code)
    sys.exit(code if isinstance(code, int) else 0)


def _tell(sentence: str, exit_code: int) -> None:
    """Say on the error stream what ended the command."""
    if json_log.is_wanted():
        json_log.write("error", text=sentence, exit_code=exit_code)
    else:
        click.echo(f"braze-runner: {sentence}", err=True)


def _defect(error: Exception) -> str:
    """Return where an error came up that nobody foresaw, without its text; that of a missing module holds no data."""
    places = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    name = f"{type(error).__name__}: {error}" if isinstance(error, ImportError) else type(error).__name__
    return f"a defect of the runner, {name}; please report it with these lines:\n{places}"
