"""Numerics of ratings, taste and acquisition; NumPy only, without torch or file access."""
