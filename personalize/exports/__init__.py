"""Exports of raters' models: files that score photos without the database."""
