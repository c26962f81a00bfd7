"""Which policy is chosen for which hardware."""

import pytest

from salclass_tf.devices import precision


@pytest.fixture(autouse=True)
def nothing_held_back(monkeypatch):
    for name in ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("name", "value", "policy"),
    [
        ("TF_ENABLE_ONEDNN_OPTS", "0", "float32"),
        ("TF_ENABLE_ONEDNN_OPTS", "1", "mixed_bfloat16"),
        ("ONEDNN_MAX_CPU_ISA", "AVX2", "float32"),
        ("DNNL_MAX_CPU_ISA", "avx512_core_vnni", "float32"),
        ("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16", "mixed_bfloat16"),
    ],
)
def test_auto_takes_no_bfloat16_that_the_environment_forbids(
    name, value, policy, tmp_path, monkeypatch
):
    (tmp_path / "cpuinfo").write_text("flags: avx512_bf16")
    monkeypatch.setattr(precision, "_CPU_FLAGS", tmp_path / "cpuinfo")
    monkeypatch.setattr(precision.tf.config, "get_visible_devices", lambda kind: [])
    monkeypatch.setenv(name, value)
    chosen, reason = precision.choose("auto")
    assert chosen == policy
    assert (f"{name}={value}" in reason) == (policy == "float32")


@pytest.mark.parametrize(
    ("flags", "policy"),
    [
        ("flags: fma avx2", "float32"),
        ("flags: avx512f amx_bf16", "mixed_bfloat16"),
        ("flags: avx512_bf16", "mixed_bfloat16"),
        ("flags: not_amx_bf16", "float32"),
    ],
)
def test_auto_goes_by_the_cpus_flags(flags, policy, tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text(flags)
    monkeypatch.setattr(precision, "_CPU_FLAGS", tmp_path / "cpuinfo")
    monkeypatch.setattr(precision.tf.config, "get_visible_devices", lambda kind: [])
    assert precision.choose("auto")[0] == policy


@pytest.mark.parametrize(
    ("capability", "policy"),
    [((6, 1), "float32"), ((7, 0), "mixed_float16"), ((8, 6), "mixed_bfloat16")],
)
def test_auto_goes_by_the_gpus_capability(capability, policy, monkeypatch):
    monkeypatch.setattr(precision.tf.config, "get_visible_devices", lambda kind: ["gpu"])
    details = {"compute_capability": capability}
    monkeypatch.setattr(
        precision.tf.config.experimental, "get_device_details", lambda device: details
    )
    assert precision.choose("auto")[0] == policy


def test_run_that_was_placed_on_the_cpu_does_not_go_by_the_gpu(tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text("flags: avx2")
    monkeypatch.setattr(precision, "_CPU_FLAGS", tmp_path / "cpuinfo")
    monkeypatch.setattr(precision.tf.config, "list_physical_devices", lambda kind: ["gpu"])
    assert precision.choose("auto")[0] == "float32"


def test_a_tpu_computes_in_bfloat16(monkeypatch):
    monkeypatch.setattr(precision.tf.config, "list_logical_devices", lambda kind: [kind])
    assert precision.choose("auto")[0] == "mixed_bfloat16"


def test_float16_without_gpu_is_refused(monkeypatch):
    monkeypatch.setattr(precision.tf.config, "get_visible_devices", lambda kind: [])
    with pytest.raises(ValueError, match="GPU"):
        precision.choose("mixed_float16")


def test_asked_for_is_taken():
    assert precision.choose("mixed_bfloat16")[0] == "mixed_bfloat16"


@pytest.mark.parametrize(
    ("flags", "gpus", "policy", "xla"),
    [
        ("flags: avx2", [], "mixed_bfloat16", True),
        ("flags: avx2", [], "float32", False),
        ("flags: avx512_bf16", [], "mixed_bfloat16", False),
        ("flags: avx2", ["gpu"], "mixed_bfloat16", False),
    ],
)
def test_xla_widens_bfloat16_that_a_cpu_lacks(flags, gpus, policy, xla, tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text(flags)
    monkeypatch.setattr(precision, "_CPU_FLAGS", tmp_path / "cpuinfo")
    monkeypatch.setattr(precision.tf.config, "get_visible_devices", lambda kind: gpus)
    details = {"compute_capability": (6, 1)}
    monkeypatch.setattr(
        precision.tf.config.experimental, "get_device_details", lambda device: details
    )
    assert precision.needs_xla(policy) is xla
