"""Simulated participants of rating studies: through HTTP and in a browser, and what must be true of the data afterwards."""
