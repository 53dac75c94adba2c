"""Albums of a rater's own photos: pages, changes, the bin."""
