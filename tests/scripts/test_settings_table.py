"""The table of settings for the documentation."""

import yaml

from humanseg.config.find import conf_folder
from humanseg.config.settings import top_level
from scripts.settings_table import settings_table


def test_the_table_has_every_setting_with_its_default() -> None:
    table = settings_table()
    assert all(f"| `{key}` |" in table for key in top_level())
    data = yaml.safe_load((conf_folder() / "data" / "folders.yaml").read_text())
    for key in data.keys() - {"_target_"}:
        assert f"| `data.{key}` |" in table, key
    batch_size = "| `data.batch_size` | Photos in a batch. | a whole number of at least 1 | `8` |"
    assert f"{batch_size} result | change |" in table
    assert "`data.unlabelled`" not in table
    pool_sizes = next(line for line in table.splitlines() if "`model.pool_sizes`" in line)
    assert "| a list of one or more (each a whole number of at least 1) |" in pool_sizes
    assert "| `[1, 2, 3, 6]` |" in pool_sizes
