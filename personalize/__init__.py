"""The machine learning of PAV: task vectors, the taste model and the programs around them.

Everything here but `tasks.py`, `apps.py` and `management/` works without Django.
"""

__version__ = "0.1.0"  # of PAV; goes into the cards of what it makes
