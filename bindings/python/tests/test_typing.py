"""The stubs are what the modules are, and the examples of the documentation do what they say."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import memlith

MODULES = [f"memlith.{found.name}" for found in pkgutil.iter_modules(memlith.__path__)]
DOCUMENTS = Path(__file__).resolve().parents[3]


def test_stubs(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy.stubtest", "memlith._native"]
    environment = os.environ | {"MYPY_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["memlith", *MODULES])
def test_examples(name: str) -> None:
    if name == "memlith.langchain":
        pytest.importorskip("langchain_core")
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0
    for owner in vars(module).values():
        # doctest takes compiled classes for those of another module.
        if isinstance(owner, type) and name == "memlith._native":
            for found in doctest.DocTestFinder().find(owner, owner.__name__, globs={}):
                assert doctest.DocTestRunner().run(found).failed == 0


@pytest.mark.parametrize("document", ["README.md", "docs/python.md", "docs/graph.md", "bindings/python/README.md"])
def test_programs_of_the_documents(document: str, tmp_path: Path) -> None:
    text = (DOCUMENTS / document).read_text()
    programs = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert programs, document
    for program in programs:
        done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, program + done.stderr
