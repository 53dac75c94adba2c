"""The mathematics of task vectors on torch: no files, no model zoo."""
