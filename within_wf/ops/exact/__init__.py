"""Layers whose every operation has one order, so that their bits depend on no processor, number of threads or batch."""

from within_wf.rooms import lazy_exports

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "addmm": "matmul",
        "bmm": "matmul",
        "erf": "elementwise",
        "exp": "elementwise",
        "gelu": "elementwise",
        "linear": "matmul",
        "log": "elementwise",
        "log1p": "elementwise",
        "lstm": "lstm",
        "mm": "matmul",
        "scaled_dot_product_attention": "attention",
        "sigmoid": "elementwise",
        "silu": "elementwise",
        "softplus": "elementwise",
        "sqrt": "elementwise",
        "tanh": "elementwise",
    },
)
