"""Agreement of raters: how much of a taste is shared, private and noise. NumPy only: no Django, no SciPy, needs no torch.

`reading.py` and `pair_reading.py` read tables, `analysis.py` computes everything, each statistic has a module of its own.
"""
