"""What workers do between Django's tables and the library: one module per kind of task."""
