"""What the pages of the syncs show is what happens: their models run twice on DuckDB, over the rows that they show."""

import json
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "dbt"))

import pages
from dbt_project import DbtProject

from braze_runner.config import read_config
from braze_runner.engine import PushSettings, push
from braze_runner.engine.observer import Silent
from braze_runner.engine.select import select_syncs
from braze_runner.errors import ConfigError
from braze_runner.plan import Row, planner_for
from braze_runner.project import Location, Sync
from braze_runner.sandbox import SandboxServer
from braze_runner.warehouse import DbtOptions

MACROS = "\n".join(path.read_text() for path in sorted((pages.ROOT / "macros" / "sync").glob("*.sql")))
PUBLIC_MACROS = set(re.findall(r"macro (\w+_sync)\(\s*relation", MACROS))


class Examples(NamedTuple):
    """One project with the models of all pages, and the invocation of each of its runs."""

    project: DbtProject
    runs: list[str]

    def rows(self, table: str, run: int | None) -> list[dict[str, Any]]:
        """The rows of a log, or of a table beside it, that one run has written; of a view all."""
        where = f" where braze_batch = '{self.runs[run - 1]}'" if run else ""
        columns = self.columns(table)
        found = self.project.sql(f"select * from {table}{where}")
        return [dict(zip(columns, row, strict=True)) for row in found]

    def columns(self, table: str) -> list[str]:
        return [row[0] for row in self.project.sql(f"select column_name from (describe {table})")]

    def meta(self, model: str) -> dict[str, Any]:
        manifest = json.loads((self.project.folder / "target" / "manifest.json").read_text())
        meta: dict[str, Any] = manifest["nodes"][f"model.shop.{model}"]["config"]["meta"]["braze"]
        return meta


def run_examples(folder: Path) -> Examples:
    """Run the models of the pages, and once more over what their sources hold the next day."""
    examples = Examples(DbtProject(folder), [])
    for next_day in (False, True):
        for name, body in pages.models(next_day).items():
            (folder / "models" / name).write_text(body)
        examples.project.run()
        results = json.loads((folder / "target" / "run_results.json").read_text())
        examples.runs.append(results["metadata"]["invocation_id"])
    return examples


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    return run_examples(tmp_path_factory.mktemp("examples"))


def test_every_kind_of_sync_has_an_example() -> None:
    used = set(re.findall(r"dbt_braze\.(\w+_sync)\(", "\n".join(pages.models(next_day=False).values())))
    described = {macro for mark in pages.marks("arguments") for macro in mark.tables}
    assert used == described == PUBLIC_MACROS
    assert {mark.page for mark in pages.marks("rows")} >= {
        path.name for path in pages.PAGES if path.stem.endswith("_sync")
    }


@pytest.mark.parametrize("mark", pages.marks("rows"), ids=str)
def test_the_rows_are_those_that_the_page_shows(examples: Examples, mark: pages.Mark) -> None:
    header, *body = mark.cells()
    expected = [tuple(pages.value(cell) for cell in row) for row in body]
    found = examples.rows(mark.tables[0], mark.run)
    actual = [tuple(pages.shown(row[column]) for column in header) for row in found]
    assert sorted(actual, key=str) == sorted(expected, key=str)
    assert expected


def test_the_data_tests_that_the_page_shows_pass(examples: Examples) -> None:
    shown = re.findall(r"- dbt_braze\.braze_", "\n".join(pages.models(next_day=False).values()))
    assert shown
    assert f"PASS={len(shown)} WARN=0 ERROR=0 SKIP=0" in examples.project.dbt("test")


@pytest.mark.parametrize("mark", pages.marks("columns"), ids=str)
def test_the_columns_are_those_that_the_page_lists(examples: Examples, mark: pages.Mark) -> None:
    listed = [name for row in mark.cells()[1:] for name in pages.names(row[0])]
    assert examples.columns(mark.tables[0]) == listed


@pytest.mark.parametrize("mark", pages.marks("arguments"), ids=str)
def test_the_arguments_are_those_of_the_macros(mark: pages.Mark) -> None:
    header, *body = mark.cells()
    position = header.index("Argument")
    listed = {name for row in body for name in pages.names(row[position])}
    arguments = set()
    for macro in mark.tables:
        signature = re.search(rf"macro {macro}\(([^)]*)\)", MACROS)
        assert signature, macro
        arguments |= {part.split("=")[0].strip() for part in signature[1].split(",")}
    assert listed == arguments


@pytest.mark.parametrize("mark", pages.marks("request"), ids=str)
def test_the_request_holds_the_rows(examples: Examples, mark: pages.Mark) -> None:
    (objects,) = json.loads(mark.body).values()
    found = examples.rows(mark.tables[0], mark.run)
    meta = examples.meta(mark.tables[0])
    expected = [json.loads(planned(row, meta).object) for row in found]
    assert sorted(map(canonical, objects)) == sorted(map(canonical, expected))


def test_the_local_braze_takes_every_row_that_is_pushed(
    examples: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the pages show as an example must not be what Braze refuses.

    Renames and removals are left out: they name old ids of users, and this Braze has none.
    """
    settings = PushSettings(exclude=("users_renames", "users_removals"))
    folder = examples.project.folder
    # The profile's path is relative.
    monkeypatch.chdir(folder)
    with SandboxServer(tmp_path / "braze.sqlite") as server:
        config = read_config({"BRAZE_REST_ENDPOINT": server.url, "BRAZE_API_KEY": server.api_key})
        summary = push(DbtOptions(project_dir=folder, profiles_dir=folder), config, settings)
    refused = examples.project.sql("select sync, identifier, message from braze_sync_rejects")
    assert (summary.error, refused) == (None, [])
    assert summary.counts.rows_sent == summary.counts.rows_read > 0


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def planned(row: dict[str, Any], meta: dict[str, Any]) -> Row:
    """What the runner makes of a row of a log."""
    place = Location(None, "main", "users")
    sync = Sync(
        "model.shop.users",
        "users",
        place,
        meta["sync"],
        update_existing_only=meta.get("update_existing_only"),
    )
    planner = planner_for(sync)
    columns = {name: [row.get(name.upper())] for name in planner.columns} | {"braze_row": [row["braze_row"]]}
    types = pa.schema({name: pa.string() for name in columns})
    [plan] = planner.plan_batch(pa.RecordBatch.from_pydict(columns, schema=types))
    assert isinstance(plan, Row)
    return plan


def test_the_hooks_are_listed_in_their_order() -> None:
    page = (pages.ROOT / "docs" / "how_the_delta_works.md").read_text()
    listed = re.findall(r"^\| \d+ \| `(\w+)` \|", page, re.MULTILINE)
    configured = (pages.ROOT / "macros" / "sync" / "configure_sync.sql").read_text()
    before = re.findall(r"'(\w+)'", configured.split("for hook in [")[1].split("]")[0])
    after = re.findall(r"dbt_braze\.(\w+)\(\)", configured.split("post_hook=[")[1].split("]")[0])
    assert listed == before + after


def test_the_refusal_of_the_runner_is_quoted() -> None:
    place = Location(None, "main", "canvas_entries")
    sync = Sync("model.shop.canvas_entries", "canvas_entries", place, "canvas_triggers")
    with pytest.raises(ConfigError) as refusal:
        select_syncs([sync], (), Silent())
    page = (pages.ROOT / "docs" / "how_the_delta_works.md").read_text()
    assert f"`{refusal.value}`" in page.replace("\n", " ")


def test_every_var_that_the_pages_name_is_one() -> None:
    known = set(re.findall(r"^  (braze_\w+):", (pages.ROOT / "dbt_project.yml").read_text(), re.MULTILINE))
    named = {
        name
        for page in pages.PAGES
        for name in re.findall(r"\b(braze_(?:max|users|source|rebuild)_\w+)", page.read_text())
    }
    assert named <= known
