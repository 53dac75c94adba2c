"""Accounts: signing up and in, invitations, and merging a guest's ratings into an account."""
