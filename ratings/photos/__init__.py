"""Photos: intake, storage, import, samples, and who may fetch which file."""
