"""Backbones, photos, banks and tables of ratings as they lie on disk."""
