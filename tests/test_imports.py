"""The import direction: stages lie in the order in which the data flows, and only `deploy` knows more than one."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STAGES = ("ingest", "workers", "rollups", "api", "deploy")
ALLOWED = {
    "ingest": ("ingest",),
    "rollups": ("rollups",),
    "workers": ("workers", "ingest", "rollups"),
    "api": ("api", "rollups", "ingest.contract"),
    "deploy": STAGES,
}
MODULES = sorted(path.relative_to(ROOT) for stage in STAGES for path in (ROOT / stage).rglob("*.py"))


def imported(tree: ast.Module) -> Iterator[str]:
    """Full names of all that the module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_imports_only_what_its_stage_may(module: Path) -> None:
    tree = ast.parse((ROOT / module).read_text())
    ours = {name for name in imported(tree) if name.split(".")[0] in (*STAGES, "tests", "common", "utils")}
    wrong = {name for name in ours if not any(within(name, allowed) for allowed in ALLOWED[module.parts[0]])}
    assert not wrong


@pytest.mark.parametrize("module", [module for module in MODULES if module.parts[0] != "deploy"], ids=str)
def test_only_deploy_reads_the_environment(module: Path) -> None:
    tree = ast.parse((ROOT / module).read_text())
    reads = {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    }
    assert not reads and not {"os.environ", "os.getenv"} & set(imported(tree))


def test_every_stage_says_what_it_is_for() -> None:
    assert all(ast.get_docstring(ast.parse((ROOT / stage / "__init__.py").read_text())) for stage in STAGES)


@pytest.mark.parametrize("module", [each for each in MODULES if "registry" in each.parts[:-1]], ids=str)
def test_the_registry_knows_nothing_of_http(module: Path) -> None:
    names = set(imported(ast.parse((ROOT / module).read_text())))
    assert not {name for name in names if within(name, "starlette")}
    assert not {name for name in names if within(name, "api") and not within(name, "api.registry")}
