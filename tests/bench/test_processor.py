"""Processors of one name are told apart, and processors without a name are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.compare import same_session
from bench.processor import describe_host, describe_kernels, describe_processor, kind, quota
from bench.report.text.provenance import machine_kind, origin
from tests.bench import factory

X86 = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 17
model name\t: AMD EPYC
stepping\t: 1
microcode\t: 0xa101148
flags\t\t: fpu sse4_2 avx avx2 fma f16c avx512f avx512bw avx512vl hypervisor
"""
ARM = """processor\t: 0
Features\t: fp asimd asimdhp asimddp sve i8mm bf16
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x1
CPU part\t: 0xd40
CPU revision\t: 1
"""


def test_one_name_is_two_machines() -> None:
    older = X86.replace("family\t: 25", "family\t: 23").replace(" avx512f avx512bw avx512vl", "")
    here, there = describe_processor(X86), describe_processor(older)
    assert here["name"] == there["name"] == "AMD EPYC"
    assert (here["family"], here["model"], here["stepping"], here["microcode"]) == ("25", "17", "1", "0xa101148")
    assert here["flags"] == ["sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl"]
    assert kind(here) != kind(there)
    assert "family 25, model 17, stepping 1, sse4_2 avx avx2 fma" in kind(here)


def test_an_arm_without_a_name_is_named_by_its_numbers() -> None:
    mixed = ARM + "\n" + ARM.replace("0xd40", "0xd05").replace(" sve", "")
    found = describe_processor(mixed)
    assert found["name"] == "vendor 0x41 family 8 model 0xd40 / 0xd05 variant 0x1"
    assert found["flags"] == ["asimd", "asimdhp", "asimddp", "i8mm", "bf16"]  # what every core has


@pytest.mark.parametrize("text", ["", "garbage", "model name\t:\n", ":\n::\n"])
def test_a_processor_that_states_nothing_still_has_a_name(text: str) -> None:
    found = describe_processor(text)
    assert found["name"] and kind(found)


def test_kernels_name_their_library_and_what_chose_them() -> None:
    choosers = {"DNNL_MAX_CPU_ISA": "AVX2", "OPENBLAS_CORETYPE": "Haswell"}
    found = describe_kernels({**choosers, "OPENBLAS_NUM_THREADS": "1", "HOME": "/x"})
    assert {one["package"] for one in found["blas"]} >= {"numpy"}
    assert all(one["version"] and one["kernel"] for one in found["blas"])
    assert found["environment"] == choosers


def test_the_quota_is_the_least_of_the_group_and_those_above(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert quota(tmp_path, "0::/a/b") is None
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "a" / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "a" / "b" / "cpu.max").write_text("200000 100000\n")
    assert quota(tmp_path, "0::/a/b") == 1.5
    old = tmp_path / "cpu,cpuacct" / "x"
    old.mkdir(parents=True)
    (old / "cpu.cfs_quota_us").write_text("50000\n")
    (old / "cpu.cfs_period_us").write_text("100000\n")
    assert quota(tmp_path, "4:cpu,cpuacct:/x\n3:memory:/x") == 0.5


def machine(text: str, **kernels: Any) -> dict[str, Any]:
    stated = {"processor": describe_processor(text), "kernels": {**describe_kernels({}), **kernels}}
    return {**factory.MACHINE, **stated, "host": describe_host()}


def test_two_machines_of_one_name_are_not_one_session() -> None:
    table = factory.clips()
    heard = factory.heard(table, "a")
    one = factory.run(heard, table, machine=machine(X86))
    assert same_session(one, factory.run(heard, table, machine=machine(X86)))
    assert same_session(one, factory.run(heard, table))  # a run that does not say
    assert not same_session(one, factory.run(heard, table, machine=machine(X86.replace("avx2", ""))))
    assert not same_session(one, factory.run(heard, table, machine=machine(X86, environment={"MKL_CBWR": "AVX2"})))


def test_the_report_tells_processor_kernels_and_predictions_taken_over() -> None:
    table = factory.clips()
    run = factory.run(factory.heard(table, "a"), table, machine=machine(X86))
    here = kind(run.info["machine"]["processor"])
    for cell, made in zip(run.info["cells"], [here], strict=True):
        cell["processor"] = made
    text = "\n".join(origin(run))
    assert f"| processor | `{here}" in text
    assert "microcode 0xa101148" in text and "openblas" in text
    assert "predictions taken over" not in text
    run.info["cells"][0]["processor"] = kind(describe_processor(ARM))
    assert "1 of 1 cells on " in "\n".join(origin(run)) and "0x41, family 8" in "\n".join(origin(run))


def test_a_run_that_does_not_say_has_no_such_lines() -> None:
    assert machine_kind(factory.MACHINE) == {}
