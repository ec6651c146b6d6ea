"""The batch itself: a worker drains the queue of items, then says of each member what really held."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from examples.looking import Onlooker
from examples.reporting import Reporter
from examples.visible_batch.breaks import Sound
from examples.visible_batch.model import (
    MODEL,
    AnswerInvalid,
    Item,
    Result,
    call_model,
    items,
    validate,
)
from examples.visible_batch.page import Seen, refresh, visit
from examples.visible_batch.results import Results

LONGEST_LOG = 20_000
"""Characters of the worker's log that go along."""
MOST_NAMED = 20
"""Missing members named in the summary; the counts always say how many there are."""
_SEEN = {"batch": "body.batch", "shown": "body.shown"}


class Batch:
    """One batch. The worker is one of the many that write what went wrong to a log, and go on."""

    def __init__(
        self,
        *,
        reporter: Reporter,
        onlooker: Onlooker,
        results: Results,
        url: str,
        size: int,
        sabotage: Sound,
    ) -> None:
        self.reporter = reporter
        self.onlooker = onlooker
        self.results = results
        self.url = url
        self.sabotage = sabotage
        self.items = items(size)
        self.name = reporter.run_name
        self.refused: dict[str, str] = {}
        """{member: why it is missing}."""

    def perform(self) -> bool:
        """Report a start, what held of each member, and a claim; whether customers see all of it."""
        began = time.monotonic()
        before = visit(self.url)  # a customer looks every now and then
        self._start()
        saved = self._save(self._drain())
        if self.sabotage.refreshes_page:
            refresh(self.url)
        seen = self._look()
        self._sum_up(saved, seen, seconds=time.monotonic() - began)
        self.results.keep_only([before.batch, self.name])
        return self._missing_on(seen) == []

    def _start(self) -> None:
        """Says beforehand who must be there in the end."""
        self.reporter.start(
            expected={"members": [item.member for item in self.items]},
            tags=["batch", f"model:{MODEL}", f"items:{len(self.items)}"],
            payload={"items": len(self.items), "page": self.url},
        )

    def _drain(self) -> list[Result]:
        """Comforts: the model was called for each item, and nothing waits any more. Step: validated."""
        waiting, found, answers = deque(self.items), [], 0
        unlucky = self._unlucky()
        while waiting:
            item = waiting.popleft()
            answer = call_model(item)
            answers += 1
            if item.member in unlucky:
                answer = self.sabotage.answer(answer)
            found += self._validated(item, answer)
        valid = {each.member: {"payload": {"valid": True}} for each in found}
        self.reporter.members("result_validated", valid)
        self._tell_refused("result_invalid", self.refused)
        self.reporter.evidence("model_call_done", payload={"model": MODEL, "answers": answers})
        self.reporter.evidence("queue_drained", payload={"waiting": len(waiting)})
        return found

    def _unlucky(self) -> set[str]:
        size = len(self.items)
        return {self.items[place].member for place in (size // 7, size // 2, size - 1)}

    def _validated(self, item: Item, answer: str) -> list[Result]:
        try:
            return [validate(item, answer)]
        except AnswerInvalid as refusal:
            self.refused[item.member] = f"{refusal}\n{answer}"
            return []

    def _save(self, found: Sequence[Result]) -> list[str]:
        """Step: the rows are read back after the commit; the members that are there."""
        refused = self.results.save(self.name, found)
        saved = [member for member, _, _ in self.results.rows_of(self.name)]
        rows = {member: {"payload": {"rows": 1}} for member in saved}
        self.reporter.members("result_persisted", rows)
        self.refused |= refused
        self._tell_refused("result_not_saved", refused)
        return saved

    def _tell_refused(self, kind: str, refused: Mapping[str, str]) -> None:
        """What was seen is told as what it is, and proves nothing."""
        self.reporter.members(kind, {member: {"output": why} for member, why in refused.items()})

    def _look(self) -> Seen:
        """Step: Luota itself opens the page; what the batch says that it sees there would prove nothing."""
        target = {"url": f"{self.url}.json?for={{run.occurrence}}", "plain": True, "pick": _SEEN}
        probe_id = self.onlooker.watch(emits="result_visible", target=target)
        self.onlooker.look(probe_id, run_id=self.reporter.run_id)
        return visit(self.url)

    def _seen_sentence(self, seen: Seen) -> str:
        if seen.batch != self.name:
            return f"The page still shows {seen.batch or 'no batch at all'}."
        return f"The page shows {len(seen.members)} of {len(self.items)} results."

    def _missing_on(self, seen: Seen) -> list[str]:
        shown = set(seen.members) if seen.batch == self.name else set()
        return [item.member for item in self.items if item.member not in shown]

    def _sum_up(self, saved: Sequence[str], seen: Seen, *, seconds: float) -> None:
        """The worker's last words: what a person needs who never saw its log. It claims success all the same."""
        missing = self._missing_on(seen)
        facts: Mapping[str, Any] = {
            "items": len(self.items),
            "saved": len(saved),
            "visible": len(self.items) - len(missing),
            "missing": missing[:MOST_NAMED],
            "page": {"batch": seen.batch, "shown": len(seen.members)},
            "seconds": round(seconds, 2),
        }
        summary = f"{facts['visible']} of {len(self.items)} results are visible."
        if missing:
            summary = f"{summary} {self._seen_sentence(seen)}"
        ids = {"batch": self.name}
        log = "\n".join(f"{member}: {why}" for member, why in self.refused.items())
        self.reporter.evidence(
            "batch_summary", ids=ids, payload=facts, summary=summary, output=log[:LONGEST_LOG]
        )
        self.reporter.success(exitCode=0)
