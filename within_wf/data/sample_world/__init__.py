"""A simulator of an advertiser's business, with what later stages must find planted and written down."""

from within_wf.rooms import lazy_exports

__getattr__, __dir__ = lazy_exports(__name__, {"simulate": "world", "make_world": "world", "make_plan": "plan"})
