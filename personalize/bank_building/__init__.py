"""Bank building: from fine-tuned models or published checkpoints; compression and summaries of banks."""
