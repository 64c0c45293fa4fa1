"""Two kinds of no: `Refused`, told to the person who asked, and `Problem`, told to the operator."""


class Refused(Exception):  # noqa: N818 - reads as the sentence it is
    """A rule of the club said no. The docstring of each kind is the sentence the viewer sees."""

    def __init__(self, sentence: str | None = None) -> None:
        super().__init__(sentence or (type(self).__doc__ or "").strip())

    @property
    def sentence(self) -> str:
        """What the viewer is told."""
        return str(self.args[0])


class Problem(Exception):  # noqa: N818
    """The portal cannot start or go on; one sentence for the operator, no traceback."""
