"""Exports: ratings as CSV, and raters' models."""
