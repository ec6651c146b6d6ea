"""The ways in which the batch is broken on purpose, one class each. All that is green before the break stays true."""

import json


class Sound:
    """Nothing is broken: where a break would interfere, things stay as they are."""

    refreshes_page = True

    def answer(self, answer: str) -> str:
        """What comes back from the model for one of the three unlucky members."""
        return answer


class CutOff(Sound):
    """The model stops in the middle of a sentence, as it does at its limit of tokens. The call itself is done."""

    def answer(self, answer: str) -> str:
        return answer[: len(answer) * 2 // 3]


class TooLong(Sound):
    """A reply that passes validation, and that the table does not take."""

    def answer(self, answer: str) -> str:
        read = json.loads(answer)
        return json.dumps(read | {"reply": read["reply"] * 6})


class StalePage(Sound):
    """Everything is saved, and nobody tells the page: customers go on seeing what was there before."""

    refreshes_page = False


BREAKS: dict[str, Sound] = {
    "validation": CutOff(),
    "persistence": TooLong(),
    "visible": StalePage(),
}
