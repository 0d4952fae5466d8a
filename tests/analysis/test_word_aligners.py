import numpy as np
import pytest

from optical_core.analysis.alignment_error import LinkCounts, alignment_error_rate
from optical_core.analysis.word_aligners import (
    itermax,
    mutual_argmax,
    plan_links,
    softmax_intersection,
    word_links,
)

SIMILARITY = np.array([[0.9, 0.8, 0.1], [0.7, 0.6, 0.2]])


def links(matrix):
    return {(int(i), int(j)) for i, j in zip(*np.nonzero(matrix), strict=True)}


def test_argmax_links_tokens_that_choose_each_other():
    assert links(mutual_argmax(SIMILARITY)) == {(0, 0)}


def test_itermax_finds_what_is_left_in_a_second_round():
    similarity = np.array([[0.9, 0.8, 0.1], [0.7, 0.6, 0.2], [0.1, 0.0, 0.1]])
    assert links(itermax(similarity)) == {(0, 0), (0, 1)}
    assert links(itermax(similarity, rounds=1)) == links(mutual_argmax(similarity))
    assert links(itermax(similarity, discount=0.1)) == {(0, 0), (1, 1)}


def test_itermax_stops_where_its_authors_do():
    """Once a side is linked whole, and where a side has two tokens or fewer."""
    whole = np.array([[0.9, 0, 0], [0, 0.9, 0], [0, 0, 0.9], [0.5, 0.6, 0.7]])
    assert links(itermax(whole)) == {(0, 0), (1, 1), (2, 2)}
    assert links(itermax(SIMILARITY)) == {(0, 0)}


def test_itermax_goes_on_for_as_many_rounds_as_it_may():
    """Row 0 takes its best free column each round, since no other row is like anything."""
    similarity = np.array([[0.9, 0.8, 0.7, 0.1], [-1] * 4, [-1] * 4])
    for rounds in (1, 2, 3):
        expected = {(0, column) for column in range(rounds)}
        assert links(itermax(similarity, rounds=rounds)) == expected
    assert links(itermax(similarity)) == {(0, 0), (0, 1)}


def test_a_plan_links_words_that_share_half_of_the_lighter_ones_mass():
    # Rows weigh .5 and .5, columns .25 and .75: (0, 0) has all of its column, (0, 1) half of its
    # row.
    mass = np.array([[0.25, 0.25], [0.0, 0.5]])
    assert links(plan_links(mass)) == {(0, 0), (0, 1), (1, 1)}
    assert links(plan_links(mass, share=0.51)) == {(0, 0), (1, 1)}
    assert links(plan_links(mass, share=0)) == {(0, 0), (0, 1), (1, 1)}


def test_ties_go_to_the_first():
    assert links(mutual_argmax(np.ones((2, 3)))) == {(0, 0)}


@pytest.mark.parametrize("align", [mutual_argmax, itermax, softmax_intersection, plan_links])
def test_a_side_without_tokens_has_no_links(align):
    for shape in ((0, 3), (3, 0)):
        found = align(np.zeros(shape))
        assert (found.shape, found.dtype) == (shape, bool)


def test_itermax_never_links_two_tokens_that_are_linked_already():
    identity = np.eye(3)
    assert links(itermax(identity, rounds=5)) == {(0, 0), (1, 1), (2, 2)}


def test_softmax_links_what_is_likely_in_both_directions():
    products = np.array([[10.0, 0.0], [0.0, 10.0], [9.0, 0.0]])
    assert links(softmax_intersection(products)) == {(0, 0), (1, 1), (2, 0)}
    assert links(softmax_intersection(products, threshold=0.5)) == {(0, 0), (1, 1)}
    # The default threshold is a thousandth: e^-6.8 is above it, e^-7 isn't.
    for gap, expected in ((6.8, 4), (7.0, 2)):
        assert len(links(softmax_intersection(gap * np.eye(2)))) == expected


def test_softmax_takes_products_of_any_size():
    products = np.array([[2000.0, 0.0], [0.0, 1000.0]])
    assert links(softmax_intersection(products)) == {(0, 0), (1, 1)}


def test_words_are_linked_if_any_of_their_tokens_are():
    tokens = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]], bool)
    assert word_links(tokens, (0, 0, 1), (3, 4, 4)) == {(0, 4)}


def test_rates_are_over_all_links_of_a_corpus():
    first = LinkCounts.of({(0, 0), (1, 1)}, {(0, 0)}, {(0, 0), (1, 1)})
    second = LinkCounts.of({(0, 0)}, {(1, 1), (2, 2)}, set())
    assert first + first == LinkCounts(predicted=4, sure=2, sure_hits=2, possible_hits=4)
    assert (first.precision, first.recall, first.error_rate) == (1, 1, 0)
    both = first + second
    assert both.precision == pytest.approx(2 / 3)
    assert both.recall == pytest.approx(1 / 3)
    assert both.error_rate == pytest.approx(1 - 3 / 6)
    assert second.error_rate == alignment_error_rate({(0, 0)}, {(1, 1), (2, 2)}, set()) == 1
