"""Research: measurements of methods on real ratings. Production code never imports this package."""
