"""What a step computes in: seeds, counter-based random streams."""

from within_wf.rooms import lazy_exports

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Stream": "streams",
        "ids_of": "streams",
        "philox": "streams",
        "set_seed": "seeds",
    },
)
