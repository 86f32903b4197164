# ruff: noqa: SIM905  # lists of words read best as text
"""Lists of words: those that stand for a value, and those that carry a message's meaning."""

from __future__ import annotations

__all__ = [
    "DETERMINERS",
    "FUNCTION_WORDS",
    "LEVELS",
    "MAY_BE_STATES",
    "TRANSFERS",
    "VALUE_WORDS",
]

# Words that are values: constants of programming languages, the super-user, and names of days and
# months, which are part of a date.
VALUE_WORDS = frozenset(
    "true false null none nil nan undefined root True False None NULL TRUE FALSE NaN"
    " Mon Tue Wed Thu Fri Sat Sun Jan Feb Mar Apr Jun Jul Aug Sep Oct Nov Dec"
    " UTC GMT CET CEST EST EDT PST PDT".split()
)

# Words that carry a message's meaning: two lines that differ in one are two messages.
FUNCTION_WORDS = frozenset(
    """a an the and or nor but not no in on at to of off from for by with without within into onto
    over under up down out via per as is are was were be been being has have had do does did can
    cannot could can't will would shall should may might must if then else when while until since
    before after again now yet already still only all any each every some more most less than that
    this these those it its we you i there here because so too very also both either neither instead
    get post put delete head patch options ok okay yes success successful successfully succeeded
    failure fail failed error errors warning info debug fatal critical notice start stop open close
    read write send receive enable disable enter exit begin end first last new old min max start-up
    startup shutdown login logout connect disconnect online offline ready busy idle active inactive
    alive dead valid invalid available unavailable normal abnormal true false input output request
    response allow deny accept reject add remove create update insert drop lock unlock acquire
    release load unload push pop primary secondary master slave left right through join leave attach
    detach mount unmount grant revoke bind unbind register unregister suspend resume pause unpause
    promote demote subscribe unsubscribe install uninstall done lost found sent made taken given
    begun held kept built broken written shut gone seen thrown caught starts stops fails begins ends
    exits closes opens succeeds happens occurs""".split()
)

# Those of FUNCTION_WORDS that are a state or a step if they are in capitals.
MAY_BE_STATES = frozenset(
    "start stop open close read write send receive begin end first last new old login logout"
    " connect disconnect ready busy idle active inactive input output request response".split()
)

LEVELS = frozenset(["info", "debug", "notice", "warning", "error", "critical", "fatal"])
"""Words for how bad a message is, which tell nothing of what happened."""

DETERMINERS = frozenset(["a", "an", "the", "its", "this", "that", "all", "any"])

TRANSFERS = frozenset(["received", "receiving", "got", "sending", "sent"])
"""Verbs behind which a word in capitals is a kind of message, which mostly tells what happened."""
