"""Content-addressed artifacts: committed whole or not at all, shared, verified, collected."""

from within_wf.rooms import lazy_exports

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "CachingPipelineExecutor": "cache",
        "File": "manifest",
        "GcReport": "gc",
        "Manifest": "manifest",
        "Store": "local",
        "VerifyReport": "verify",
        "collect": "gc",
        "pin": "pins",
        "pins": "pins",
        "sweep": "gc",
        "unpin": "pins",
        "verify": "verify",
    },
)
