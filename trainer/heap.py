"""How a trainer's process uses the host's memory: what it freed it uses again, and no step leaves anything behind.

Without a GPU all tensors of a step come from malloc. No two steps have tensors of the same sizes, as completions differ
in length, and everything that is kept by size grows with every step: a 135M model took 11 GB after 24 steps, where a
step needs 5.
"""

import ctypes
from collections.abc import Mapping

MALLOC = {-8: 1, -4: 0, -1: -1}
"""glibc's M_ARENA_MAX, M_MMAP_MAX, M_TRIM_THRESHOLD: one heap, nothing outside it, nothing given back (mallopt(3))."""
ENVIRONMENT = {
    # One heap from the start: importing begins threads, and what a thread frees stays in the heap that it began with.
    "MALLOC_ARENA_MAX": "1",
    # Kernels of oneDNN, and their scratch memory, are kept by the shapes of their tensors, a thousand of them: here no
    # shape comes back. https://uxlfoundation.github.io/oneDNN/dev_guide_primitive_cache.html
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "1",
    # And once more in torch's own layer over it (ideep).
    "LRU_CACHE_CAPACITY": "1",
}


def bound_caches(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for a trainer's process on a CPU; what the user has set in it stands."""
    return {**ENVIRONMENT, **environment}


def unbound(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for an engine that such a process starts: its shapes do come back."""
    return {name: value for name, value in environment.items() if ENVIRONMENT.get(name) != value}


def keep_memory() -> None:
    """Make this process use the memory that it freed again, as torch does on a GPU.

    Every large tensor is else of fresh pages, whose first touch takes a CPU a tenth of a step. Where malloc is not
    glibc's nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in MALLOC.items():
            mallopt(option, value)
