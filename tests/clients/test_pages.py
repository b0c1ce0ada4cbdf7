"""The pages' own types say nothing of an answer that the API's document does not."""

import json
import sys
from pathlib import Path

import pytest

from api.endpoints import ENDPOINTS
from api.openapi import document
from tests.clients.test_clients import HERE, MODULES, run

TYPES = Path(__file__).parents[2] / "api/pages/src/data/types.ts"


def test_types_of_the_pages_are_those_of_the_document(tmp_path: Path) -> None:
    if not MODULES.is_dir():
        pytest.skip("tests/clients/node_modules is missing (make setup)")
    node = Path(sys.executable).with_name("node")
    for path in (HERE / "pages.ts", HERE / "tsconfig.json", HERE / "package.json", TYPES):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "node_modules").symlink_to(MODULES)
    (tmp_path / "openapi.json").write_text(json.dumps(document(ENDPOINTS)))
    run(node, MODULES / "openapi-typescript/bin/cli.js", tmp_path / "openapi.json", "-o", tmp_path / "throughline.ts")
    run(node, MODULES / "typescript/bin/tsc", "-p", tmp_path)
