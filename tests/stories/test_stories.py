"""Stories nobody thought of (done-when of the sync engine: `make stories` tells many more of them)."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests import night
from tests.fake_icloud import PROFILES
from tests.stage import Stage
from tests.stories.machine import Stories
from tests.stories.town import Town

# By day the three profiles share 126 short stories, five of six in `make late`; nightly 2,000 long ones.
# A listing is believed after this long: by day within the time that passes between two looks at rest, which spares one.
STEPS, PARTS, SETTLE = (30, 8, 120) if night.NIGHTLY else (5, 6, 60)
EXAMPLES = max(1, int(os.environ.get("STORIES", 672)) // PARTS) if night.NIGHTLY else 7


@pytest.mark.slow
@pytest.mark.late_turns(6)
@pytest.mark.timeout(20_000)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize(("icloud", "settle"), zip(PROFILES, (0, SETTLE, 0), strict=True), indirect=["icloud"])
@pytest.mark.icloud(impolite="an unacknowledged write is repeated whatever became of the event", ignore={5})
def test_both_sides_agree_in_the_end(
    traveller: Any, stage: Stage, settings_for: Any, settle: int, part: int, request: pytest.FixtureRequest
) -> None:
    settings_for(settle)
    machine = type("TheseStories", (Stories,), {"town": Town(stage, traveller)})
    told = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        print_blob=True,
        derandomize=not night.NIGHTLY,
    )
    if not night.NIGHTLY:
        seed(request.node.name)(machine)
    run_state_machine_as_test(machine, settings=told)


@pytest.fixture
def settings_for(settings: Any) -> Any:
    def apply(settle: int) -> None:
        settings.ICLOUD_SETTLE_SECONDS = settle
        settings.ICLOUD_POLL_SECONDS = 60
        settings.ICLOUD_PASSWORD_CONFIRM_SECONDS = 300

    return apply
