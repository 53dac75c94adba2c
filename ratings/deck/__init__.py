"""The deck: presentations dealt to raters, their ratings, undo."""
