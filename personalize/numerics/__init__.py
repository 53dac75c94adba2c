"""The mathematics of taste on NumPy alone: no torch, no files."""
