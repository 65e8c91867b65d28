"""What can go wrong while a passage is read; pure."""


class ClassifierError(Exception):
    """A batch could not be read; it stays queued. The text never holds a passage."""


class ModelNotFoundError(ClassifierError):
    """The model's files are missing or broken: the service refuses to start."""


class OptionError(ModelNotFoundError):
    """A classifier's options are none that it takes; ``problems`` begin with the option and say what to write."""

    def __init__(self, classifier: str, problems: tuple[str, ...]) -> None:
        """Put the problems into one text, a line each."""
        super().__init__("\n".join(f"{classifier}: {problem}" for problem in problems))
        self.problems = problems
