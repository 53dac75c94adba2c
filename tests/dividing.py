"""Distribution of tests among pytest-xdist processes."""

from xdist.scheduler import LoadFileScheduling

# Tests that share an expensive fixture, or that need most of the machine, run in one process, one after the other. They take longest, so
# they come first: otherwise one process would end with them while the other has nothing left to do. Whole installations come after the
# browser, since pages are slow beside them.
TOGETHER = ("tests/browser/", "tests/platform/test_demo.py", "tests/platform/test_killed.py")


def turn(nodeid: str) -> int:
    """The place of a test's part of `TOGETHER`; everything else comes after them."""
    return next((place for place, start in enumerate(TOGETHER) if nodeid.startswith(start)), len(TOGETHER))


class GroupedScheduling(LoadFileScheduling):
    """Keep the tests of a file, and those of `TOGETHER`, in one process."""

    def _split_scope(self, nodeid: str) -> str:
        return "together" if turn(nodeid) < len(TOGETHER) else nodeid.split("::", 1)[0]
