"""Bringing photos: resumable uploads, what may be stored, and taking files in as photos of an album."""
