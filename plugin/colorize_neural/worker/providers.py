"""What ONNX Runtime computes with: the processor, or the first provider for graphics cards that works.

content of an ONNX file  ->  an InferenceSession
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Sequence

import onnxruntime as ort

from colorize_neural import settings
from colorize_neural.errors import ColorizeError

CPU, GPU = "cpu", "gpu"
NO_SUPPORT = "this installation is one for CPUs"
_TENSORRT, _TENSORRT_CACHE = "TensorrtExecutionProvider", "ORT_TENSORRT_CACHE_PATH"  # ONNX Runtime's own variable
#  the best one first; asked for arithmetic with 32 bits, where they can be asked: colours are to be the same everywhere
GPU_PROVIDERS: dict[str, dict[str, str]] = {
    _TENSORRT: {
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": os.environ.get(_TENSORRT_CACHE, ""),
        "trt_timing_cache_enable": "1",  # what was measured for one size serves the next
    },
    "CUDAExecutionProvider": {
        "cudnn_conv_algo_search": "HEURISTIC",  # the default tries all algorithms anew for each size, for seconds
        "arena_extend_strategy": "kSameAsRequested",  # no powers of two: GIMP and others use the card's memory too
        "use_tf32": "0",
    },
    "DmlExecutionProvider": {"performance_preference": "high_performance"},  # of a laptop's two cards
    "CoreMLExecutionProvider": {
        "ModelFormat": "MLProgram",
        "MLComputeUnits": "CPUAndGPU",  # Apple's Neural Engine computes with 16 bits
    },
    "OpenVINOExecutionProvider": {
        "device_type": "GPU",  # else it takes the processor, and says nothing
        "precision": "FP32",
    },
}


class NoGpuError(ColorizeError):
    """A GPU is wished for and does not run; `reason` is a part of a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"No GPU can run, because {reason}: choose the device auto or cpu.")
        self.reason = reason


def gpu_providers() -> list[str]:
    """Those that this build of ONNX Runtime has; TensorRT, which builds engines for minutes, only with their folder."""
    known = ort.get_available_providers()
    return [name for name in GPU_PROVIDERS if name in known and (name != _TENSORRT or _TENSORRT_CACHE in os.environ)]


def open_on_gpu(content: bytes, threads: int = 0) -> ort.InferenceSession:
    """A session of the first provider that starts; those after it run what it does not know."""
    providers = gpu_providers()
    if not providers:
        raise NoGpuError(NO_SUPPORT)
    for place, name in enumerate(providers):
        try:
            session = open_session(content, providers[place:], threads)
        except Exception as error:  # some raise where they cannot start, others are just left out
            settings.sentence_of(error)  # for the log
            continue
        if name in session.get_providers():
            return session
    raise NoGpuError("ONNX Runtime found no GPU whose driver and libraries it could start")


def open_session(content: bytes, providers: Sequence[str] = (), threads: int = 0) -> ort.InferenceSession:
    """From bytes alone, so that ONNX Runtime reads no second file; the processor runs what no provider does.

    It raises what ONNX Runtime raises.
    """
    ort.disable_telemetry_events()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.enable_mem_pattern = "DmlExecutionProvider" not in providers  # which knows none
    options.log_severity_level = 4  # what fails is told by get_providers, not on stderr
    options.add_session_config_entry("session.load_model_format", "ONNX")
    if "CUDAExecutionProvider" in providers:
        with contextlib.redirect_stdout(io.StringIO()):  # a failure shows in the session's providers
            ort.preload_dlls(directory="")  # NVIDIA's libraries that pip put beside it
    wanted = [*((name, GPU_PROVIDERS[name]) for name in providers), "CPUExecutionProvider"]
    return ort.InferenceSession(content, options, wanted, enable_fallback=0)  # its own way to the CPU tells nobody
