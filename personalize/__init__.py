"""Machine learning of PAV: task vectors, the taste model and their commands.

Everything except `tasks.py`, `apps.py`, `management/` and `worker/` works without Django.
"""

__version__ = "0.1.0"  # of PAV; recorded in bank metadata and model cards
