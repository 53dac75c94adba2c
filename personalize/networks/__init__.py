"""Task vectors, merging and tangents on torch, without file access or model libraries."""
