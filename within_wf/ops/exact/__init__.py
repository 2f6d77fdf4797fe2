"""Layers whose every operation has one order, so that their bits depend on no processor, number of threads or batch."""

from within_wf.rooms import lazy_exports

__getattr__, __dir__ = lazy_exports(__name__, {"addmm": "matmul", "bmm": "matmul", "linear": "matmul", "mm": "matmul"})
