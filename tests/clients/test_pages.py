"""What the pages believe of answers is generated from the API's document: `make types` writes it anew."""

import json
import os
import sys
from pathlib import Path

import pytest

from api.endpoints import ENDPOINTS
from api.openapi import document
from tests.clients.test_clients import MODULES, run

TYPES = Path(__file__).parents[2] / "api/pages/src/data/openapi.ts"
WRITE = "WRITE_TYPES" in os.environ


def test_types_of_the_pages_are_those_of_the_document(tmp_path: Path) -> None:
    if not MODULES.is_dir():
        pytest.skip("tests/clients/node_modules is missing (make setup)")
    source, made = tmp_path / "openapi.json", TYPES if WRITE else tmp_path / "openapi.ts"
    source.write_text(json.dumps({**document(ENDPOINTS), "paths": {}}))  # of answers and bodies alone
    node = Path(sys.executable).with_name("node")
    run(node, MODULES / "openapi-typescript/bin/cli.js", source, "-o", made)
    assert TYPES.read_text() == made.read_text(), "the document has changed: make types"
