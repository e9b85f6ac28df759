"""What the dbt tests share: their helper modules, and those of the runner's tests, are imported by name."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
sys.path.append(str(HERE.parent / "runner"))
