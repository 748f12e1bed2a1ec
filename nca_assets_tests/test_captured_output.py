"""Configuring the loggers leaves pytest's captured output open."""

import io
import logging.config
import sys

import pytest


def test_configured_loggers_leave_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handler of absl, which grain and mlcroissant import, closed it: all later tests of the process failed."""
    import absl.logging  # noqa: F401

    captured = sys.stderr
    monkeypatch.setattr("sys.stderr", io.StringIO())
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False})
    assert not captured.closed
