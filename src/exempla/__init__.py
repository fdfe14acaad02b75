"""Exempla: a server for the versioned example datasets that LLM applications are evaluated on."""

__version__ = "0.1.0"
