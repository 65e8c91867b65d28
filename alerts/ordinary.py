"""Words that anybody uses: a name of nothing else is found in posts about anything."""

from __future__ import annotations

from collections.abc import Collection

# So frequent that a search for nothing but them brings posts about anything; then what every school says of itself.
_FREQUENT = """
a about after all also am an and another any are as at back be because been before being best big but by can
come could day did do does down each even every few find first for free from get give go good great had has
have he help her here him his home how i if in into is it its just know last life like little live long look
love made make many may me more most much must my name never new news next no not now of off old on one only
open or other our out over own people place please same say see she should show small so some still such take
than thank thanks that the their them then there these they thing things this those time to today too top two
under up us use very want was way we well were what when where which while who why will with work world would
year years yes you your
"""
_OF_SCHOOLS = """
academies academy assembly boy boys child children class classes classroom college community course education
exam exams family federation football girl girls governors grammar group head headteacher high infant infants
junior juniors kids learn learning lesson lessons lower middle mum mums nursery parent parents playground
prep preschool primary principal pupil pupils reception school schools secondary sixth form staff student
students study sport teach teacher teachers teaching team trust uniform upper ysgol youth
"""
ORDINARY = frozenset((_FREQUENT + _OF_SCHOOLS).split())


def is_ordinary(spoken: Collection[str]) -> bool:
    """Whether a name, as its words in small letters, says nothing that tells one school from another."""
    return all(word in ORDINARY for word in spoken)
