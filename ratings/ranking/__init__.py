"""Rankings: features, fits, the active model, exact refits, the population prior, and the pushes to browsers."""
