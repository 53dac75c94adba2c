"""Training task vectors."""
