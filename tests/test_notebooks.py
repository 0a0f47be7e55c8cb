"""The notebooks run anywhere, and those committed are small, in order and of the reference run.

``python -m tests.test_notebooks`` executes them on the real recordings and puts their outputs in place.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from bench.marks import open_run
from bench.records.schema import Run
from bench.report import build, summary_markdown, write
from bench.workers.parent import ROOT
from benchmarks.speech import word_errors
from tests.bench import factory
from tests.bench.report.made_up import noisy

DATA, RESULTS, COMPRESSION = (
    ROOT / "notebooks" / name for name in ("01_data.ipynb", "02_results.ipynb", "03_compression.ipynb")
)
SMALL = 400_000
ABSOLUTE = re.compile(r"(?<![\w.:/<])/[A-Za-z][\w.-]*/[\w.-]|\b[A-Z]:\\\\\w")


def load(path: Path) -> NotebookNode:
    found: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return found


def execute(path: Path, cwd: Path, environ: dict[str, str]) -> NotebookNode:
    """The notebook with outputs, of a fresh kernel. Raises CellExecutionError where a cell does."""
    notebook = load(path)
    client = NotebookClient(
        notebook, kernel_name="python3", timeout=240, record_timing=False, resources={"metadata": {"path": str(cwd)}}
    )
    quiet = "ignore:IProgress not found"  # of tqdm, which librosa brings and nothing here uses
    client.execute(env={**environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": quiet})
    return notebook


def code_cells(notebook: NotebookNode) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text(notebook: NotebookNode) -> str:
    """All that its cells say, pictures left out."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    said = [value for output in outputs for kind, value in output.get("data", {}).items() if "image" not in kind]
    return "\n".join([*said, *(output.text for output in outputs if output.output_type == "stream")])


def pictures(notebook: NotebookNode) -> int:
    return sum("image/png" in output.get("data", {}) for cell in code_cells(notebook) for output in cell.outputs)


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, str]:
    """An environment without recordings, caches or network."""
    homes = ("XDG_CACHE_HOME", "HF_HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "MPLCONFIGDIR")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("DIGITBENCH_", "HF_"))}
    return {**environ, **{name: str(tmp_path / name) for name in homes}, "HF_HUB_OFFLINE": "1"}


def varied(run: Run) -> Run:
    """With clips of many lengths."""
    samples = np.random.default_rng(0).integers(1_000, 8_000, len(run.clips))
    return replace(run, clips=run.clips.assign(samples=samples))


def plain() -> Run:
    """No times, no speakers, no conditions."""
    table = factory.clips().assign(speaker=None)
    return factory.run(factory.heard(table, "mfcc-svm", wrong=["0_ann_0"]), table, ran=["official", "mixed"])


def test_the_data_are_shown_without_recordings(nowhere: dict[str, str], tmp_path: Path) -> None:
    done = execute(DATA, tmp_path, nowhere)
    assert "SYNTHETIC" in text(done)
    assert pictures(done) == pictures(load(DATA))


def test_results_of_a_run_under_noise(nowhere: dict[str, str], tmp_path: Path) -> None:
    run = varied(noisy())
    folder = factory.save(run, tmp_path / "run")
    write(build(open_run(folder)), folder)
    done = execute(RESULTS, tmp_path, {**nowhere, "DIGITBENCH_RUN": str(folder)})
    said = text(done)
    assert summary_markdown(open_run(folder)).strip() in said
    assert "The same as in the run's" in said
    assert "accuracy_snr" in said
    assert "No difference shown" in said


def test_results_of_a_run_with_accuracy_alone(nowhere: dict[str, str], tmp_path: Path) -> None:
    folder = factory.save(plain(), tmp_path / "run")
    done = execute(RESULTS, tmp_path, {**nowhere, "DIGITBENCH_RUN": str(folder)})
    assert "no `report.md`" in text(done)


def test_a_report_that_says_something_else_is_told(nowhere: dict[str, str], tmp_path: Path) -> None:
    folder = factory.save(varied(noisy(noises=(), others=())), tmp_path / "run")
    (folder / "report.md").write_text("# something else\n")
    assert "Not the table" in text(execute(RESULTS, tmp_path, {**nowhere, "DIGITBENCH_RUN": str(folder)}))


def test_compression_is_shown_on_sentences_of_espeak(nowhere: dict[str, str], tmp_path: Path) -> None:
    for package in ("ctranslate2", "faster_whisper", "jiwer", "onnxruntime", "espeakng_loader"):
        pytest.importorskip(package)
    done = execute(COMPRESSION, tmp_path, nowhere)
    said = text(done)
    assert "SYNTHETIC" in said and "the same for hops and for pieces of random size" in said
    assert pictures(done) == pictures(load(COMPRESSION))
    package = json.loads(re.findall(r"```json\n(.*?)\n```", said, re.DOTALL)[0])
    assert word_errors(package["said"], package["heard"])[0] <= 2
    assert package["left_s"] < package["seconds"]


def test_compression_follows_the_plan_in_twelve_sections() -> None:
    titles = [
        title
        for cell in load(COMPRESSION).cells
        if cell.cell_type == "markdown"
        for title in re.findall(r"^## (\d+)\. ", cell.source, re.MULTILINE)
    ]
    assert titles == [str(number) for number in range(1, 13)]


@pytest.mark.parametrize("path", [DATA, RESULTS, COMPRESSION], ids=lambda path: path.stem)
def test_what_is_committed_is_whole_and_small(path: Path) -> None:
    notebook = load(path)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "execute it anew, top to bottom"
    assert all(cell.outputs for cell in cells)
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert kinds <= {"display_data", "execute_result"}, "nothing printed, no warning, no error"
    assert pictures(notebook) >= 4
    assert path.stat().st_size < SMALL
    assert notebook.metadata.kernelspec.name == "python3"
    assert "widgets" not in notebook.metadata
    assert not any(cell.metadata for cell in notebook.cells), "no times of execution"


@pytest.mark.parametrize("path", [DATA, RESULTS, COMPRESSION], ids=lambda path: path.stem)
def test_what_is_committed_names_no_place_of_a_machine(path: Path) -> None:
    notebook = load(path)
    said = "\n".join([text(notebook), json.dumps(notebook.metadata), *(cell.source for cell in notebook.cells)])
    assert not ABSOLUTE.findall(said)


@pytest.mark.parametrize("path", ["/home/ann/run", "'/tmp/x.wav'", r"C:\\Users"])
def test_an_absolute_path_would_be_seen(path: str) -> None:
    assert ABSOLUTE.search(f"in {path}")


def test_what_is_committed_is_of_the_reference_run() -> None:
    assert summary_markdown(open_run(ROOT / "results" / "fsdd")).strip() in text(load(RESULTS))
    assert "**fsdd**" in text(load(DATA))
    assert all("SYNTHETIC" not in text(load(path)) for path in (DATA, COMPRESSION))


if __name__ == "__main__":
    for place in (DATA, RESULTS, COMPRESSION):
        nbformat.write(execute(place, place.parent, dict(os.environ)), place)  # type: ignore[no-untyped-call]
