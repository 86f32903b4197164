"""Find words in a claim that a quote can't prove: a denial, a cause, an order, "all".

This is no language understanding. A claim with such a word is shown as not checked, unless the
cited event has the word followed by the same next word: "after 3 attempts".
"""

from __future__ import annotations

import re
from typing import List, Tuple

from .quantities import COUNTS

__all__ = ["doubt", "is_turned_round"]

_DENIES = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|nowhere|neither|nor|without)\b|n't\b|\bcannot\b"
    r"|(?<=[ _])not(?=[A-Z_])|(?i:NotFound|NoSuch\w)",
    re.I,
)
_UNABLE = re.compile(r"\b(?:cannot|can't|could not|couldn't|can not|unable)\b", re.I)
_ILL = re.compile(
    r"fail|error|exception|traceback|warn|crash|panic|fatal|abort|cancel|kill|broke|corrupt|dead"
    r"|refus|reject|den(?:y|ied|ies)|time[sd]?[- ]?out|timing out|giv(?:e|es|ing) up|gave up"
    r"|exhaust|used up|nearly|fewer|full\b|lost\b|\bdown\b|missing|expired|exceeded|drop"
    r"|retr(?:y|ie)|unable|unavailable|unreachable|unhealthy|bad\b|invalid|incorrect|wrong|stale|slow"
    r"|skew|overload|throttl|limited|back-?off|lock wait|shr[aiu]nk|too (?:many|few|large|long)"
    r"|\boom\b|(?-i:\bE[A-Z]{3,})|(?<!\d)[45]\d\d(?!\d)",
    re.I,
)
"""Words of trouble, as logs have them."""
_WELL = re.compile(
    r"\b(?:pass(?:es|ed)?|succe\w+|fine|healthy|normal(?:ly)?|ok|valid|works?|working|recovered"
    r"|intact)\b",
    re.I,
)
_FAILED = re.compile(
    r"\b(?:fail(?:s|ed|ing|ures?)?|crash\w*|broken?|panick\w*|exhausted|refused|rejected|killed"
    r"|corrupt\w*)\b",
    re.I,
)

# An event that says "H1 is refuted" was written to be quoted.
_JUDGES = re.compile(
    r"\b(?:[HM]\d{1,2}\s(?:is|was|has|did|does|seems|looks|can|must|should)"
    r"|(?i:hypothes[ie]s|culprits?|(?:refut|disprov|prov|contradict|confirm|support|rul)(?:e?s|ed|ing)?"
    r"(?:\sout)?\s(?-i:[HM]\d{1,2})))\b"
)
_COMPARES = 'It compares ("{word}"), and the event that it cites does not say so.'
# Each pattern with the sentence about its word. If the same word follows it in the event, the event
# itself says so.
_RELATIONS: List[Tuple[str, str]] = [
    (
        r"because|caus(?:es?|ed|ing)|due to|owing to|thanks to|le(?:ads?|d) to|as a result"
        r"|result(?:s|ed|ing)? (?:in|from)|trigger(?:s|ed|ing)?|therefore|thus|hence|so that"
        r"|consequently|reasons?|root|responsible|explains?|why|stems|blames?|forced?"
        r"|br(?:ings?|inging|ought) (?:about|down)|broke|breaks|overload(?:s|ed)|filled"
        r"|made|makes|making|t(?:ook|akes?)(?= .{1,60}\bdown\b)",
        'It says what brought about what ("{word}"): a quote can\'t show that.',
    ),
    (
        r"before(?:hand)?|after(?:wards)?|since|until|till|then|first|last|later|earlier|already"
        r"|previously|once|whil?st|while|when(?:ever)?|meanwhile|follow(?:s|ed|ing)|again|ago|next"
        r"|preced(?:es|ed|ing)|prior|subsequent(?:ly)?|began|begun",
        'It says what came when ("{word}"): one event can\'t show that.',
    ),
    (
        r"only|all|every(?:thing|one|body)?|each|always|never|none|nobody|no one|entire(?:ly)?"
        r"|whole|any|most(?:ly)?|just|sole(?:ly)?|exclusively|completely|both|half|many|several"
        r"|single",
        'It says how many or how far ("{word}"): one event can\'t show that.',
    ),
    (
        r"(?:more|less|fewer)(?= \w)|higher|lower|rais(?:es|ed|ing)|rose|rises?|rising|gr[eo]ws?"
        r"|(?:in|de)creas(?:es?|ed|ing)|reduc(?:es?|ed|ing)|lowers|lowered|doubled|fell|falls"
        r"|shr[aiu]nks?|improved|worse(?:ned)?|(?:wid|tight)en(?:s|ed)?|faster|slower|slowed"
        r"|longer|shorter|larger|smaller|restricts?",
        _COMPARES,
    ),
]
# Opposites, by the beginnings of the words.
_CONTRARIES = [
    (re.compile(rf"\b(?:{one})\w*", re.I), re.compile(rf"\b(?:{other})\w*", re.I))
    for one, other in (
        ("add|creat|insert|appl(?:y|ied)", "drop|remov|delet|revert"),
        ("start|launch|boot", "stop|shut|halt|terminat|kill"),
        ("open", "clos"),
        ("enabl", "disabl"),
        ("up|online", "down|offline"),
        ("grant|allow|permit|accept|approv", "revok|den(?:y|ie)|block|drop|reject|refus"),
        ("acquir|lock|reserv", "releas|unlock|free"),
        ("join|connect|attach|mount", "left|leav|disconnect|detach|unmount"),
        ("promot", "demot"),
        ("upgrad|roll(?:ed|ing|s)? out", "downgrad|roll(?:ed|ing|s)? ?back"),
        ("succe|complet|finish", "fail|abort"),
        ("sent|send", "receiv"),
        ("read", "writ|wrote"),
    )
]
_COMPILED = [
    (re.compile(rf"\b(?P<word>{words})\b[ ,:]*(?P<next>[\w.-]*)", re.I), said)
    for words, said in _RELATIONS
]
_ARTICLES = re.compile(r"\b(?:the|a|an|its|their)\s+", re.I)
_NAME = r"(?<![\w.%:/-])([\w.%:/-]{0,60}\w%?)"
_FROM_TO = re.compile(rf"{_NAME} (?:to|->|→) {_NAME}")
MOST_PAIRS = 5
READ = 20_000
"""Characters of an event that are looked at."""
_PREVIOUS = re.compile(r"(?:previous|old|before|from)\w{0,20}\W{1,6}([\w.%-]*\w%?)", re.I)
_ARROW = r"\W{1,6}(?:to|into|->|→|=>|after|new)\W{1,6}"
_MORE = re.compile(r"\b(?:rais|increas|gr[eo]w|widen|rose|rise|up from)", re.I)
_LESS = re.compile(r"\b(?:lower|decreas|reduc|shr[aiu]nk|tighten|fell|down from|cut)", re.I)


def doubt(text: str, quote: str, event: str) -> str:
    """Return what a quote can't prove of a claim, as a sentence; "" if no word points to such a
    thing.

    ``event`` is the text of the cited event.
    """
    event = event[:READ]
    judged = _JUDGES.search(text)
    if judged:
        return f'It judges a hypothesis ("{judged[0]}"): no event can show that.'
    denied = _doubt_of_polarity(text, quote, event)
    if denied:
        return denied
    plain, told = _plain(text), _plain(event)
    settled = _is_settled_pair(plain, event)
    for pattern, said in _COMPILED:
        for found in pattern.finditer(plain):
            if said is _COMPARES and settled:
                continue
            if not _occurs_with_next(found["word"], found["next"], told):
                return said.format(word=found["word"].strip())
    return _contrary(text, event)


def is_turned_round(text: str, event: str) -> bool:
    """Return whether a claim reverses "A to B" of an event, or says up for down."""
    event = event[:READ]
    for one, other in _FROM_TO.findall(text)[:MOST_PAIRS]:
        if _has_pair(other, one, event) and not _has_pair(one, other, event):
            return True
        previous = _PREVIOUS.findall(event)
        if other in previous and one not in previous:
            return True
        if _has_pair(one, other, event) and _is_wrong_way(text, one, other):
            return True
    return False


def _is_settled_pair(text: str, event: str) -> bool:
    return any(_has_pair(one, other, event) for one, other in _FROM_TO.findall(text)[:MOST_PAIRS])


def _contrary(text: str, event: str) -> str:
    """Return the word of a claim of which the event has only the opposite, "" for none."""
    for pair in _CONTRARIES:
        for side, other in (pair, pair[::-1]):
            said, told = side.search(text), other.search(event)
            if said and told and not side.search(event) and not other.search(text):
                return f'It says "{said[0]}", and the event that it cites "{told[0]}".'
    return ""


def _has_pair(one: str, other: str, event: str) -> bool:
    pair = rf"(?<![\w.]){re.escape(one)}{_ARROW}{re.escape(other)}(?![\w.]\w)"
    return re.search(pair, event, re.I) is not None


def _is_wrong_way(text: str, one: str, other: str) -> bool:
    before, after = _amount(one), _amount(other)
    if before[1] != after[1] or before == after:
        return False
    wrong = _LESS if before[0] < after[0] else _MORE
    right = _MORE if before[0] < after[0] else _LESS
    return wrong.search(text) is not None and right.search(text) is None


def _amount(text: str) -> Tuple[float, str]:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([A-Za-z%]{0,3})", text)
    return (float(found[1]), found[2].lower()) if found else (0.0, text)


def _doubt_of_polarity(text: str, quote: str, event: str) -> str:
    denies, quote_denies = _DENIES.search(text), _DENIES.search(quote)
    ill = _ILL.search(event) is not None
    if denies and not quote_denies and not (_UNABLE.search(text) and ill):
        return "It denies something, and its quote does not."
    if quote_denies and not denies and not _ILL.search(text):
        return "Its quote denies something, and it does not."
    if _WELL.search(text) and not _WELL.search(event):
        return "It says that something went well, and the event that it cites does not."
    if _FAILED.search(text) and not ill and not _DENIES.search(event):
        return "It says that something failed, and the event that it cites does not."
    return ""


def _plain(text: str) -> str:
    """Return a text in small letters, with small numbers as digits and without articles."""
    small = _ARTICLES.sub("", text.lower())
    return re.sub(r"\b[a-z]+\b", lambda m: COUNTS.get(m[0], m[0]), small)


def _occurs_with_next(word: str, following: str, event: str) -> bool:
    pattern = rf"\b{re.escape(word.strip())}\W{{1,4}}{re.escape(following)}"
    return bool(following) and re.search(pattern, event) is not None
