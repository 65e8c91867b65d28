"""Who may see how much of a matter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.flag import CONCERNS, GRAVE
from alerts.school import ROLES, barred
from alerts.viewer import CLOSED, PROVIDER, Sight, Viewer, is_closed, may_see, roles_in

IT = Viewer(roles=frozenset(PROVIDER))
DSL = Viewer(roles=frozenset({"dsl"}), person="s")


@pytest.mark.parametrize(
    ("concerns", "targets", "closed"),
    [
        (("criticism",), (), False),
        (("identifies_pupil",), (), False),
        (("blind_spot",), (), False),
        (("self_harm",), (), True),
        (("criticism", "contact_with_pupil"), (), True),
        (("illegal_activity",), (), True),
        (("protected_identity",), (), True),
        (("cyberbullying",), (), True),
        (("cyberbullying",), ("pupil",), True),
        (("cyberbullying",), ("headteacher",), False),
        (("cyberbullying",), ("headteacher", "pupil"), True),
    ],
)
def test_safeguarding_and_staff_are_closed_to_the_provider(
    concerns: tuple[str, ...], targets: tuple[str, ...], closed: bool
) -> None:
    of = Sight(concerns=concerns, targets=targets)
    assert is_closed(of) is closed
    assert (may_see(IT, of) == "closed") is closed
    assert may_see(DSL, of) != "closed"


def test_everything_grave_is_closed() -> None:
    assert set(GRAVE) <= set(CLOSED)


def test_what_is_open_for_now_is_seen_and_never_what_nobody_may_look_at() -> None:
    assert may_see(IT, Sight(concerns=("threat",), opened=True)) == "folded"
    assert may_see(IT, Sight(concerns=("staff_conduct",), opened=True)) == "open"
    assert may_see(IT, Sight(concerns=("indecent_image",), opened=True)) == "withheld"


def test_a_matter_with_an_accused_is_seen_by_those_who_were_told() -> None:
    of = Sight(concerns=("criticism",), about=("headteacher",), told=("c",))
    assert may_see(Viewer(roles=frozenset({"chair_of_governors"}), person="c"), of) == "open"
    assert may_see(DSL, of) == "hidden"
    assert may_see(IT, of) == "closed"


@given(
    concerns=st.sets(st.sampled_from(CONCERNS), min_size=1),
    about=st.sets(st.sampled_from(ROLES), max_size=2),
    roles=st.sets(st.sampled_from(ROLES), max_size=3),
    accused=st.booleans(),
    told=st.booleans(),
    opened=st.booleans(),
)
def test_the_accused_never_sees_it_under_any_hat(
    concerns: set[str], about: set[str], roles: set[str], accused: bool, told: bool, opened: bool
) -> None:
    viewer = Viewer(roles=frozenset(roles), person="x")
    of = Sight(
        concerns=tuple(concerns),
        about=tuple(about),
        accused=("x",) if accused else (),
        told=("x",) if told else (),
        opened=opened,
    )
    if accused or not roles or roles & barred(about):
        assert may_see(viewer, of) == "hidden"


def test_the_accused_roles_are_told_apart() -> None:
    assert roles_in("headteacher, dsl,") == ("headteacher", "dsl")
    assert roles_in(None) == ()
