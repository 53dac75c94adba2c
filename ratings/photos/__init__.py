"""Photos: intake, storage, import, samples, and access to photo files."""
