"""Background tasks, connecting Django's tables with the library: one module per kind of task."""
