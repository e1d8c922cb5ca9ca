"""Specification of our own threads: a program neither counts them nor hears of their end."""

from __future__ import annotations

import sys
import threading

from headwater.capture.own_threads import OwnThread


def test_a_thread_ends_in_silence_when_threads_got_other_identities(monkeypatch):
    """``gevent`` replaces ``threading.get_ident`` while our thread runs: it ends without an error all the same, and is
    in no list afterwards."""
    errors = []
    monkeypatch.setattr(sys, "unraisablehook", errors.append)
    monkeypatch.setattr(threading, "excepthook", errors.append)
    real, work = threading.get_ident, threading.Event()
    thread = OwnThread(work.wait, "own")
    thread.start()
    monkeypatch.setattr(threading, "get_ident", lambda: real() + 1)
    work.set()
    thread.join(10)
    monkeypatch.undo()
    assert not thread.is_alive()
    assert (errors, thread in threading.enumerate()) == ([], False)
