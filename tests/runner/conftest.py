"""A minimal dbt project on a DuckDB file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from push_helpers import FakeBraze, Shop

from braze_runner.warehouse import DbtOptions

PROFILES = """\
shop:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: "{{ env_var('SHOP_PATH') }}"
      schema: braze
    elsewhere:
      type: duckdb
      path: "{{ env_var('SHOP_PATH') }}"
      schema: elsewhere
"""


@pytest.fixture
def project_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "dbt_project.yml").write_text("name: shop\nversion: '1.0'\nprofile: shop\n")
    (folder / "profiles.yml").write_text(PROFILES)
    monkeypatch.setenv("SHOP_PATH", str(tmp_path / "shop.duckdb"))
    for name in ("DBT_PROJECT_DIR", "DBT_PROFILES_DIR", "DBT_TARGET", "DBT_PROFILE", "DBT_TARGET_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def options(project_dir: Path) -> DbtOptions:
    return DbtOptions(project_dir=project_dir)


@pytest.fixture
def braze() -> Iterator[FakeBraze]:
    fake = FakeBraze()
    fake.start()
    yield fake
    fake.stop()


@pytest.fixture
def shop(options: DbtOptions, braze: FakeBraze, tmp_path: Path) -> Shop:
    return Shop(options, braze, tmp_path / "shop.duckdb")
