"""Networks that score photos: a bank, which describes them for everybody, and one person's model."""
