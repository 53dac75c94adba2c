"""How pytest-xdist divides the tests among processes."""

from xdist.scheduler import LoadFileScheduling

# What shares something dear, or wants most of the machine, is done by one process, one test after the other.
TOGETHER = {
    "tests/browser/": "browser",  # one stack and one browser serve them all
    "tests/platform/test_demo.py": "whole installations",
    "tests/platform/test_killed.py": "whole installations",
}


class ByWhatIsShared(LoadFileScheduling):
    """Files whole, for their fixtures, in the order of their names: the browser tests, which take longest, begin."""

    def _split_scope(self, nodeid: str) -> str:
        return next((group for start, group in TOGETHER.items() if nodeid.startswith(start)), nodeid.split("::", 1)[0])
