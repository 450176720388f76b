"""Workers that die at a chosen moment: after a commit, or around a request; nothing they do afterwards has any effect.

Made for tests inside one transaction that is rolled back: a transaction of the product is a savepoint there, the end
of the outermost one its commit.

    with watching() as watch: syncing.pull(pk)      # watch.moments: how many there are
    with dying(at=Moment("commit", 3)): ...         # Killed is swallowed at the end of the block
    with meanwhile(at=Moment("request", 2), act=user_does_something): ...
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple
from unittest import mock

from django.db import connection
from django.db.transaction import Atomic

from icloud_sync.models import ICloudConnection
from icloud_sync.remote.session import Session

WRITES = ("INSERT", "UPDATE", "DELETE")
UNWINDING = ("SAVEPOINT", "ROLLBACK", "RELEASE")


class Killed(BaseException):
    """kill -9, as far as Python can be made to feel it."""


class Moment(NamedTuple):
    """After the nth commit, before the nth request is sent, or after the nth request was answered; from 1 on."""

    kind: Literal["commit", "request", "answer"]
    number: int


class Watch:
    """Counts the moments of a run; at one of them it kills, or lets somebody act."""

    def __init__(self, at: Moment | None = None, act: Callable[[], None] | None = None) -> None:
        self.at = at
        self.act = act
        self.moments: list[Moment] = []
        self.dead = False
        self.happened = False
        self._depth = 0
        self._wrote = False
        self._acting = False

    def reach(self, kind: Literal["commit", "request", "answer"]) -> None:
        """A moment has come."""
        if self._acting or self.dead:
            return
        here = Moment(kind, 1 + sum(one.kind == kind for one in self.moments))
        self.moments.append(here)
        if here != self.at:
            return
        self.happened = True
        if self.act is None:
            self.dead = True
            raise Killed
        self._acting = True
        try:
            self.act()
        finally:
            self._acting = False

    def statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Wraps every statement: a dead process makes none, and a lone one commits itself."""
        if self.dead and not sql.startswith(UNWINDING):
            raise Killed
        result = execute(sql, params, many, context)
        if sql.lstrip().startswith(WRITES):
            self._wrote = True
            if self._depth == 0:
                self._commit()
        return result

    def enter(self, enter: Callable[[Atomic], None], atomic: Atomic) -> None:
        """Wraps the beginning of a transaction; the outermost must be one that can be rolled back by itself."""
        if self._depth == 0 and connection.in_atomic_block:
            atomic.savepoint = True
        self._depth += 1
        try:
            enter(atomic)
        except BaseException:
            self._depth -= 1
            raise

    def leave(self, leave: Callable[..., None], atomic: Atomic, kind: Any, error: Any, traceback: Any) -> None:
        """Wraps the end of a transaction."""
        try:
            leave(atomic, kind, error, traceback)
        finally:
            self._depth -= 1
        if self._depth == 0 and kind is None:
            self._commit()

    def _commit(self) -> None:
        if self._wrote:
            self._wrote = False
            self.reach("commit")

    def request(self, send: Callable[..., Any], session: Session, *args: Any, **kwargs: Any) -> Any:
        """Wraps every request, before it is sent and after it was answered, whatever the answer."""
        if self.dead:
            raise Killed
        self.reach("request")
        try:
            return send(session, *args, **kwargs)
        finally:
            if not self.dead:
                self.reach("answer")


@contextlib.contextmanager
def watching(watch: Watch | None = None) -> Iterator[Watch]:
    """Run the block under a watch; a death inside it ends the block."""
    watch = watch or Watch()
    enter, leave, send = Atomic.__enter__, Atomic.__exit__, Session.request
    with (
        mock.patch.object(Atomic, "__enter__", lambda atomic: watch.enter(enter, atomic)),
        mock.patch.object(Atomic, "__exit__", lambda atomic, *how: watch.leave(leave, atomic, *how)),
        mock.patch.object(Session, "request", lambda session, *a, **k: watch.request(send, session, *a, **k)),
        connection.execute_wrapper(watch.statement),
        contextlib.suppress(Killed),
    ):
        yield watch


def dying(at: Moment) -> contextlib.AbstractContextManager[Watch]:
    """Run the block as a process that dies at a moment."""
    return watching(Watch(at))


def meanwhile(at: Moment, act: Callable[[], None]) -> contextlib.AbstractContextManager[Watch]:
    """Run the block while somebody else does something at a moment."""
    return watching(Watch(at, act))


def let_leases_expire() -> None:
    """The minute passes after which the leases of the dead are over."""
    ICloudConnection.objects.update(claim=None, claimed_until=None)
