"""Assertions about the predictions of an emulator."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from .arguments import check_text
from .control import Control
from .matching import expectations


class Assertions:
    """The assertions of an emulator."""

    _control: Control

    def assert_called(self, model: Optional[str] = None, *, times: Optional[int] = None) -> None:
        """Asserts that there are predictions of a model, or of any model.

        Args:
            model: `owner/name` of a model or a deployment, or `owner/name:version`.
            times: Their number. Defaults to at least one.

        Raises:
            AssertionError: There are none, or not as many.
        """
        self._check({"which": "called", "model": model, "times": times})

    def assert_called_with(self, model: str, input: Dict[str, Any]) -> None:
        """Asserts that the last prediction of a model has this input.

        Args:
            model: As for `assert_called()`.
            input: The whole input. `ANY` matches any value, as do objects that compare equal to it, such as
                `pytest.approx(0.5)`. `bytes`, a `Path` and open files match a file with their content.

        Raises:
            AssertionError: It has another input. The message lists the differences.
            TypeError: A value in `input` cannot be compared.
            ValueError: A file in `input` cannot be read.
        """
        self._expect("last", model, input)

    def assert_any_call(self, model: str, input: Dict[str, Any]) -> None:
        """Asserts that some prediction of a model has this input.

        Args:
            model: As for `assert_called()`.
            input: The whole input, as for `assert_called_with()`.

        Raises:
            AssertionError: None has. The message lists the differences from the closest one.
            TypeError: A value in `input` cannot be compared.
            ValueError: A file in `input` cannot be read.
        """
        self._expect("any", model, input)

    def assert_not_called(self, model: Optional[str] = None) -> None:
        """Asserts that there is no prediction of a model, or of any model.

        Args:
            model: As for `assert_called()`.

        Raises:
            AssertionError: There is one. The message lists the inputs.
            ValueError: There is no such model.
        """
        self._check({"which": "never", "model": model})

    def _expect(self, which: str, model: str, input: Dict[str, Any]) -> None:
        check_text("model", model)
        inputs = expectations(self._control, model, input, only_last=which == "last")
        self._check(*({"which": which, "model": model, "input": each} for each in inputs))

    def _check(self, *expected: Dict[str, Any]) -> None:
        """Asserts that one of the expectations holds."""
        problems: List[str] = []
        for each in expected:
            problem = self._control.request("POST", "checks", each)["problem"]
            if problem is None:
                return
            problems.append(problem)
        # The closest one has the fewest lines of differences.
        raise AssertionError(min(problems, key=lambda problem: problem.count("\n")))
