"""``/freezes``, and who may override one."""

from __future__ import annotations

from tests.fakes.api import ALL_CAPABILITIES, FakeApi


def test_an_admin_names_and_ends_a_freeze():
    api = FakeApi()
    wanted = {"reason": "Black Friday", "service": "shop-*", "ends_at": api.clock.now() + 60}
    status, made = api.call("POST", "/freezes", wanted)
    assert (status, made["in_force"], made["created_by"]) == (201, True, "ann")
    assert api.call("GET", "/freezes")[1]["freezes"] == [made]
    status, ended = api.call("DELETE", f"/freezes/{made['id']}", user="bob")
    assert (status, ended["in_force"], ended["ended_by"]) == (200, False, "bob")
    assert api.call("GET", "/freezes")[1]["freezes"] == [ended]
    assert api.call("DELETE", "/freezes/FRZ-none")[0] == 404


def test_one_that_was_asked_for_twice_is_there_once():
    api = FakeApi()
    wanted = {"reason": "Weekend", "days": ["sat", "sun"]}
    key = {"Idempotency-Key": "once"}
    answers = [api.call("POST", "/freezes", wanted, headers=key) for _time in range(2)]
    assert answers[0] == answers[1]
    assert len(api.call("GET", "/freezes")[1]["freezes"]) == 1


def test_who_may_not_override_a_freeze_or_a_limit_is_informed_so():
    api = FakeApi()
    others = ALL_CAPABILITIES - {"incident_override"}
    for verb in ("approve", "execute", "rollback"):
        path, body = f"/plans/PLAN-0123456789/{verb}", {"override": "now"}
        status, problem = api.call("POST", path, body, capabilities=others)
        assert status == 403 and "incident_override, which ann lacks" in problem["detail"]
