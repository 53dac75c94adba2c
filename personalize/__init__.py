"""The machine learning of PAV: task vectors, the taste model and the programs around them.

Everything here but `tasks.py`, `apps.py` and `management/` works without Django.
"""
