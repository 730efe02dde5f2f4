from pipeline.framing.naming import Naming


def test_groups_are_found_by_name_and_alias_in_every_spelling(monitor):
    named = Naming(monitor).named_in
    assert named("The AURIN  front met the Belt League.") == ["a", "b"]
    assert named("A word of the front to others") == ["a"]
    assert named("قال عن جبهه أورين") == named("قالت جبهة أورين") == ["a"]
    assert named("Nobody's belt was in the league table") == []


def test_a_group_is_not_asked_about_itself(monitor):
    assert Naming(monitor).named_in("The Front wrote to the Belt League", "a") == ["b"]
