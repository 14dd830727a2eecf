"""Mine hard negatives for an acoustic detector, train with and without them, and report what differs."""

__version__ = "0.2.0"
