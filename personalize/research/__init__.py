"""Research: people's real ratings replayed to measure methods. Nothing in production imports this package."""
