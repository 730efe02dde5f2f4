import threading
from datetime import UTC, datetime, timedelta

from pipeline.store.hosts import Lease, StoredRobots, give_back, holder, keep_robots, postpone, robots_of, take_lease
from pipeline.store.session import open_session

NOW = datetime(2009, 9, 19, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOST = "http://news.example:80"


def take(session, owner, now=NOW, host=HOST):
    return take_lease(session, host, owner, now=now, until=now + MINUTE)


def test_one_owner_at_a_time(store_settings):
    with open_session(store_settings) as session:
        assert take(session, "a").next_request_at is None
        assert take(session, "b") is None
        assert take(session, "b", host="http://news.example:81") is not None
        # the owner makes its own lease longer
        assert take(session, "a", NOW + MINUTE / 2) == Lease(None, inherited=False)
        assert take(session, "b", NOW + MINUTE) is None
        # and loses it when it is silent
        assert take(session, "b", NOW + MINUTE * 2) == Lease(None, inherited=True)
        assert take(session, "a", NOW + MINUTE * 2) is None


def test_giving_back_leaves_word_for_the_next(store_settings):
    with open_session(store_settings) as session:
        take(session, "a")
        give_back(session, HOST, "a", NOW + MINUTE * 3)
        assert take(session, "b").next_request_at == NOW + MINUTE * 3
        # who holds no lease can't give one back
        give_back(session, HOST, "a", None)
        assert take(session, "c") is None


def test_a_lease_is_taken_from_an_owner_that_is_gone_and_from_no_other(store_settings):
    with open_session(store_settings) as session:
        assert holder(session, HOST) is None
        take(session, "dead")
        assert holder(session, HOST) == "dead"
        more = {"now": NOW, "until": NOW + MINUTE}
        assert take_lease(session, HOST, "heir", **more, gone="somebody else") is None
        assert take_lease(session, HOST, "heir", **more, gone="dead") == Lease(None, inherited=True)
        # of two heirs one wins
        assert take_lease(session, HOST, "late", **more, gone="dead") is None


def test_a_pause_is_known_at_once_and_never_made_shorter(store_settings):
    with open_session(store_settings) as session:
        take(session, "a")
        postpone(session, HOST, NOW + MINUTE * 5)
        postpone(session, HOST, NOW + MINUTE)
        assert take_lease(session, HOST, "b", now=NOW, until=NOW, gone="a").next_request_at == NOW + MINUTE * 5


def test_of_many_at_once_one_wins(store_settings):
    with open_session(store_settings):
        pass
    won = []
    start = threading.Barrier(8)

    def work(owner):
        with open_session(store_settings) as session:
            start.wait()
            if take(session, owner):
                won.append(owner)

    threads = [threading.Thread(target=work, args=(f"owner {i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_robots_are_kept_beside_the_lease(store_settings):
    with open_session(store_settings) as session:
        assert robots_of(session, HOST) is None
        take(session, "a")
        assert robots_of(session, HOST) is None
        for robots in (StoredRobots("User-agent: *", 200, NOW), StoredRobots(None, 503, NOW + MINUTE)):
            keep_robots(session, HOST, robots)
            assert robots_of(session, HOST) == robots
        assert take(session, "b") is None
