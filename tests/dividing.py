"""Distribution of tests among pytest-xdist processes."""

from xdist.scheduler import LoadFileScheduling

# Tests that share an expensive fixture, or that need most of the machine, run in one process, one after the other.
TOGETHER = {
    "tests/browser/": "browser",  # all of them share one stack and one browser
    "tests/platform/test_demo.py": "whole installations",
    "tests/platform/test_killed.py": "whole installations",
}


class GroupedScheduling(LoadFileScheduling):
    """Keep the tests of a file in one process, since they share fixtures; start with the browser tests, which take longest."""

    def _split_scope(self, nodeid: str) -> str:
        return next((group for start, group in TOGETHER.items() if nodeid.startswith(start)), nodeid.split("::", 1)[0])
