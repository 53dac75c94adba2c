"""Families of drawn pictures, a module for each; `ratings.photos.drawn.catalogue` lists them."""
