"""``bench templates`` reads the layout of the public labelled logs and scores as is published.

Grouping accuracy: Zhu et al., Tools and Benchmarks for Automated Log Parsing, ICSE-SEIP 2019. F1 of
grouping and parsing accuracy: Khan et al., Guidelines for Assessing the Accuracy of Log Message
Template Identification Techniques, ICSE 2022.
"""

from __future__ import annotations

import csv

import pytest

from benchmarks.templates import corpora, mean, ours, score

HEADER = ["LineId", "Date", "Content", "EventId", "EventTemplate"]
ROWS = [
    ("Jan 1", "open 1, ok", "E1", "open <*>, ok"),
    ("Jan 2", "open 2, ok", "E1", "open <*>, ok"),
    ("Jan 3", "closed", "E2", "closed"),
]


def _system(folder, name, rows=ROWS, header=HEADER, log=True):
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}_2k.log_structured_corrected.csv").open("w", newline="") as out:
        writer = csv.DictWriter(out, header, extrasaction="ignore")
        writer.writeheader()
        for number, values in enumerate(rows, 1):
            writer.writerow(dict(zip(HEADER, (number, *values))))
    if log:
        text = "".join(f"{date} host: {content}\n" for date, content, *_ in rows)
        (folder / f"{name}_2k.log").write_text(text)


def test_systems_are_found_flat_and_in_folders_of_their_own(tmp_path):
    _system(tmp_path, "Alpha")
    _system(tmp_path / "Beta", "Beta")
    found = list(corpora(tmp_path))
    assert [corpus.name for corpus in found] == ["Alpha", "Beta"]
    for corpus in found:
        assert corpus.content == ["open 1, ok", "open 2, ok", "closed"]
        assert corpus.raw[1] == "Jan 2 host: open 2, ok"
        assert corpus.truth == ["open <*>, ok", "open <*>, ok", "closed"]


def test_a_byte_order_mark_belongs_to_no_column_and_to_no_line(tmp_path):
    _system(tmp_path, "Alpha")
    for file in tmp_path.iterdir():
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    (corpus,) = corpora(tmp_path)
    assert corpus.raw[0] == "Jan 1 host: open 1, ok"


def test_without_a_column_content_the_lines_of_the_log_are_mined(tmp_path):
    _system(tmp_path, "Alpha", header=["LineId", "EventTemplate"])
    (corpus,) = corpora(tmp_path)
    assert corpus.content[2] == "Jan 3 host: closed"


@pytest.mark.parametrize(
    ("header", "log", "says"),
    [
        (["LineId", "Content"], True, "lacks the column EventTemplate"),
        (["LineId", "EventTemplate"], False, "Alpha_2k.log is not beside it"),
    ],
)
def test_what_is_missing_in_the_data_is_named(tmp_path, header, log, says):
    _system(tmp_path, "Alpha", header=header, log=log)
    with pytest.raises(ValueError, match=says):
        list(corpora(tmp_path))


def test_a_folder_without_data_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"No .*_structured_corrected\.csv"):
        list(corpora(tmp_path))


def test_a_line_counts_when_its_group_is_exactly_the_true_group():
    truth = ["a <*>", "a <*>", "a <*>", "b", "c <*>", "c <*>"]
    # a is split, b is right, c is right under another text
    found = ["a <*>", "a <*>", "a 3", "b", "<*>", "<*>"]
    got = score(found, truth, seconds=3.0)
    assert got.grouping_accuracy == pytest.approx(3 / 6)
    # two of four groups are true ones, and two of three true ones are found
    assert got.grouping_f1 == pytest.approx(2 * (2 / 4) * (2 / 3) / (2 / 4 + 2 / 3))
    assert got.parsing_accuracy == pytest.approx(3 / 6)
    assert got.lines_per_second == pytest.approx(2.0)


def test_two_templates_found_as_one_are_both_wrong():
    got = score(["x", "x", "y"], ["a", "b", "c"], seconds=1.0)
    assert got.grouping_accuracy == pytest.approx(1 / 3)


def test_the_mean_weighs_systems_alike_and_its_speed_is_that_of_all_lines():
    fast, slow = score(["a"], ["a"], 0.1, 1.0), score(["a", "b"], ["a", "a"], 2.0, 10.0)
    both = mean([fast, slow])
    assert both.grouping_accuracy == pytest.approx(0.5)
    assert both.lines_per_second == pytest.approx(2 / (1 / 10 + 1 / 1))


def test_ours_is_the_same_after_a_stream_as_after_one_pass(tmp_path):
    _system(tmp_path, "Alpha")
    (corpus,) = corpora(tmp_path)
    assert ours(corpus.content) == corpus.truth
    assert ours(corpus.content, passes=3) == corpus.truth
