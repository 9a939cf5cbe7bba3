"""How many bits a network is trained with, by what the processor does fast."""

from __future__ import annotations

import torch


def has_fast_bfloat16(accelerator: str = "auto") -> bool:
    """Whether bfloat16 is the faster way on a GPU of CUDA, where there is one and `accelerator` allows it, or the CPU.

    oneDNN computes it from AVX-512 on: on an older CPU a step in it takes several times as long as one in 32 bits.
    """
    if torch.cuda.is_available() and accelerator != "cpu":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.backends.cpu.get_cpu_capability().startswith("AVX512")


def fast_precision(accelerator: str = "auto") -> str:
    """Lightning's name of it; weights and losses have 32 bits in both."""
    return "bf16-mixed" if has_fast_bfloat16(accelerator) else "32-true"
