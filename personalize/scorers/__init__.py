"""Networks that score photos: feature extraction with a bank, and models of single raters."""
