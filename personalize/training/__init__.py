"""Training of task vectors."""
