"""Raters: guests, consent to share ratings, sign-in links for administrators."""
