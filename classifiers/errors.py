"""What can go wrong while a passage is read."""


class ClassifierError(Exception):
    """A batch could not be read; it stays queued. The text never holds a passage."""


class ModelNotFoundError(ClassifierError):
    """The model's files are missing or broken: the service refuses to start."""
