"""Mine hard negatives for an acoustic detector, train with and without them, and say what differs."""

__version__ = "0.1.0"
