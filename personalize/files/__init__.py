"""File formats: backbones, photos, banks and rating tables."""
