"""Bank building: fine-tuned models or published checkpoints become a bank; a bank is compressed and inspected."""
