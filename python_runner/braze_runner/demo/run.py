"""The main job from end to end, on made-up data: files and customers in, increments pushed, profiles compared."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import orjson
from rich.console import Console

from braze_runner.config import BrazeConfig, read_config
from braze_runner.currents.progress import DEFAULT_SCHEMA, load_with_progress, report
from braze_runner.demo import customers
from braze_runner.demo.check import Profiles, check_batch, check_profiles, expected_profiles
from braze_runner.demo.events import write_events
from braze_runner.demo.settings import DemoSettings
from braze_runner.engine import push
from braze_runner.engine.summary import Summary
from braze_runner.errors import ConfigError, StoppedError
from braze_runner.plan.payloads import data_points
from braze_runner.progress import observer_for, print_summary
from braze_runner.sandbox import SandboxServer
from braze_runner.warehouse import DbtOptions, Warehouse, connect

SOURCE_SCHEMA, SOURCE_TABLE, SYNC_TABLE = "crm", "customers", "users_attributes_sync"

QUESTIONS = {
    "Which campaign was opened by most people who are people?": """
select campaign_name, sum(sends) as sends, sum(human_unique_opens) as opened_by_people
from braze.braze__campaign_performance where campaign_name is not null
group by all order by 3 desc limit 5""",
    "What has been sent to Braze for one customer, run by run?": """
select UPDATED_AT, PAYLOAD from braze.users_attributes_sync
where EXTERNAL_ID = '{example}' order by UPDATED_AT""",
    "What did each push do?": """
select started_at, rows_read, rows_sent, rows_rejected, attributes_sent, data_points
from braze.braze_sync_runs where status != 'started' order by started_at""",
}


class Demo:
    """One run of the demo in the ``data`` folder of its dbt project; what an earlier run left there is replaced."""

    def __init__(self, project_dir: Path, settings: DemoSettings, console: Console) -> None:
        if not (project_dir / "dbt_project.yml").is_file():
            raise ConfigError(
                f"There is no dbt project in {project_dir}: run the demo from a clone, or give --project-dir."
            )
        self.settings = settings
        self.console = console
        self.folder = project_dir.resolve()
        self.data = self.folder / "data"
        self.options = DbtOptions(project_dir=self.folder, profiles_dir=self.folder)
        self._step = 0

    def run(self) -> None:
        """Run every step; raises StoppedError when a step fails or a profile is not what it should be."""
        started = time.monotonic()
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir()
        # dbt and this process have to agree on the file, and the profile's path is relative to the project.
        os.chdir(self.folder)
        self._write_company()
        self._load()
        self._build()
        with SandboxServer(db=self.data / "braze.sqlite", limits="off") as server:
            config = read_config({"BRAZE_REST_ENDPOINT": server.url, "BRAZE_API_KEY": server.api_key})
            self._push(config, "Day one")
            change = self._change_customers()
            self._build()
            self._push_day_two(config, change)
            self._check(config)
        self._ask(change.replaced[0]["customer_id"])
        self.console.print(f"\nDone in {time.monotonic() - started:.0f} s.")

    def _write_company(self) -> None:
        with self._timed("Writing a company: customers, and Currents files as Braze stores them"):
            everybody = (
                customers.customer(number, self.settings.seed) for number in range(1, self.settings.users + 1)
            )
            with self._warehouse() as warehouse:
                columns = ", ".join(f"{name} {kind}" for name, kind in customers.COLUMN_TYPES.items())
                warehouse.execute(f"create schema {SOURCE_SCHEMA}")
                warehouse.execute(f"create table {self._source(warehouse)} ({columns})")
                warehouse.append(self._source(warehouse), customers.as_table(everybody))
            written = write_events(
                self.data / "currents",
                self.settings.users,
                target=self.settings.events,
                seed=self.settings.seed,
            )
        self.console.print(
            f"  {self.settings.users:,} customers; {written.events:,} events in {written.files:,} Avro files, "
            f"{written.duplicates:,} of them delivered twice and {written.late:,} late",
            highlight=False,
            soft_wrap=True,
        )

    def _load(self) -> None:
        with self._timed("braze-runner load-currents: the Avro files into the warehouse"):
            summary, seconds = load_with_progress(
                self.data / "currents", DEFAULT_SCHEMA, self.options, self.console
            )
        report(summary, seconds)
        if not summary.complete:
            raise StoppedError("Not every Currents file was loaded.")

    def _build(self) -> None:
        with self._timed("dbt run: the sync table and the marts"):
            if not (self.folder / "dbt_packages").exists():
                self._dbt("deps")
            self._dbt("run")
        results = orjson.loads((self.folder / "target" / "run_results.json").read_bytes())["results"]
        self.console.print(f"  {len(results)} models", highlight=False)

    def _dbt(self, command: str) -> None:
        dbt = str(Path(sys.executable).with_name("dbt"))
        folders = ("--project-dir", str(self.folder), "--profiles-dir", str(self.folder))
        arguments = [dbt, "--quiet", command, *folders]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise StoppedError(f"dbt {command} failed:\n{done.stdout}{done.stderr}")

    def _push(self, config: BrazeConfig, title: str) -> Summary:
        self._begin(f"braze-runner push, to the local Braze: {title.lower()}")
        summary = push(self.options, config, observer=observer_for(self.console))
        print_summary(summary, self.console, title)
        if summary.exit_code:
            raise StoppedError("Not every row was pushed.")
        return summary

    def _change_customers(self) -> customers.DayTwo:
        change = customers.day_two(self.settings.users, self.settings.seed)
        self._begin(
            f"Day two: {len(change.replaced):,} customers change (values changed, nulled, added), "
            f"{len(change.added):,} are new"
        )
        with self._warehouse() as warehouse:
            source = self._source(warehouse)
            ids = ", ".join(warehouse.literal(row["customer_id"]) for row in change.replaced)
            warehouse.execute(f"delete from {source} where customer_id in ({ids})")  # noqa: S608
            warehouse.append(source, customers.as_table(change.replaced + change.added))
        return change

    def _push_day_two(self, config: BrazeConfig, change: customers.DayTwo) -> None:
        summary = self._push(config, "Day two")
        with self._warehouse() as warehouse:
            check_batch(warehouse, warehouse.relation("braze", SYNC_TABLE), change.differences)
            everybody = expected_profiles(warehouse, self._source(warehouse))
        full = sum(data_points(profile) for profile in everybody.values())
        self.console.print(
            f"Only the {summary.counts.rows_sent:,} changed users went out, with only what changed: "
            f"{summary.counts.data_points:,} data points. Sending everybody again would have cost {full:,}, "
            f"{full / summary.counts.data_points:,.0f} times as much.",
            highlight=False,
            soft_wrap=True,
        )

    def _check(self, config: BrazeConfig) -> None:
        with self._timed("Check: every profile in the local Braze against the customer table"):
            with self._warehouse() as warehouse:
                expected: Profiles = expected_profiles(warehouse, self._source(warehouse))
            compared = check_profiles(config, expected)
        self.console.print(
            f"  {len(expected):,} profiles, {compared:,} attributes: all equal", highlight=False
        )

    def _ask(self, example: str) -> None:
        database = (self.data / "demo.duckdb").relative_to(self.folder.parent)
        self._begin(f"The warehouse is in {database}. Three questions to try, with any DuckDB client:")
        with self._warehouse() as warehouse:
            for question, template in QUESTIONS.items():
                query = template.format(example=example)
                warehouse.fetch_all(query)
                self.console.print(f"\n-- {question}{query};", highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def _warehouse(self) -> Iterator[Warehouse]:
        with closing(connect(self.options)) as warehouse:
            yield warehouse

    def _source(self, warehouse: Warehouse) -> str:
        return warehouse.relation(SOURCE_SCHEMA, SOURCE_TABLE)

    def _begin(self, title: str) -> None:
        self._step += 1
        self.console.print(f"\n[bold]{self._step}. {title}[/bold]", highlight=False, soft_wrap=True)

    @contextmanager
    def _timed(self, title: str) -> Iterator[None]:
        self._begin(title)
        started = time.monotonic()
        yield
        self.console.print(f"  {time.monotonic() - started:.1f} s", highlight=False)


def run_demo(project_dir: Path, settings: DemoSettings | None = None, console: Console | None = None) -> None:
    """Run the demo with its dbt project in ``project_dir``; raises BrazeRunnerError when anything is wrong."""
    Demo(project_dir, settings or DemoSettings(), console or Console()).run()
