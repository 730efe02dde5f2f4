import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.measure.quantifiers import (
    QuantifierError,
    adjusted_probabilistic_count,
    classify_and_count,
    companions,
    maximum_likelihood_prior,
    probabilistic_count,
)

RATES = {"prior": 0.5, "mean_positive": 0.8, "mean_negative": 0.2}
probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=50).map(np.array)


def _em(p, prior, rounds=20_000):
    """The EM of Saerens et al. (2002), as printed."""
    share = prior
    for _ in range(rounds):
        positive, negative = share / prior * p, (1 - share) / (1 - prior) * (1 - p)
        share = float((positive / (positive + negative)).mean())
    return share


def test_counts():
    p = np.array([0.9, 0.5, 0.4, 0.0])
    assert classify_and_count(p) == 0.5
    assert probabilistic_count(p) == pytest.approx(0.45)


def test_pacc_undoes_known_rates():
    # 30% positive, whose mean probability is .8; the others' .2
    p = np.array([0.8] * 3 + [0.2] * 7)
    assert adjusted_probabilistic_count(p, 0.8, 0.2) == pytest.approx(0.3)


@given(probabilities)
def test_pacc_stays_a_share(p):
    assert 0 <= adjusted_probabilistic_count(p, 0.6, 0.4) <= 1


def test_pacc_refuses_to_divide_by_noise():
    with pytest.raises(QuantifierError, match="hardly separates"):
        adjusted_probabilistic_count(np.array([0.5]), 0.51, 0.5)


@pytest.mark.parametrize("prior", [0.2, 0.5, 0.7])
def test_sld_is_where_the_em_of_the_paper_ends(prior):
    p = np.random.default_rng(1).beta(1.2, 0.9, size=60)
    assert maximum_likelihood_prior(p, prior) == pytest.approx(_em(p, prior), abs=1e-6)


def test_sld_finds_a_share_unlike_the_training_data():
    # a calibrated classifier trained at .5, on data with .2 positive
    random = np.random.default_rng(2)
    x = random.normal(np.where(random.random(20_000) < 0.2, 1.0, -1.0), 1.0)
    p = 1 / (1 + np.exp(-2 * x))
    assert maximum_likelihood_prior(p, 0.5) == pytest.approx(0.2, abs=0.01)
    assert abs(probabilistic_count(p) - 0.2) > 0.02


@given(probabilities, st.floats(0.01, 0.99))
def test_sld_stays_a_share(p, prior):
    assert 0 <= maximum_likelihood_prior(p, prior) <= 1


def test_companions_of_a_cell():
    p_n, p_u = np.array([0.8, 0.8, 0.2, 0.2]), np.array([0.2, 0.2, 0.2, 0.8])
    made = companions(p_n, p_u, {"nationalist": RATES, "universalist": RATES}, 0.1)
    assert made["cc"] == pytest.approx(0.25)
    assert made["pcc"] == pytest.approx(0.5 - 0.35)
    assert made["pacc"] == pytest.approx(0.5 - 0.25)
    assert made["sld"] == pytest.approx(
        maximum_likelihood_prior(p_n, 0.5) - maximum_likelihood_prior(p_u, 0.5), abs=1e-9
    )
    assert made["constant"] == 0.1
    assert "reasons" not in made


def test_what_can_not_be_computed_is_none_with_its_reason():
    rates = {"nationalist": RATES | {"prior": 1.0}, "universalist": {"prior": 0.5}}
    made = companions(np.array([0.6]), np.array([0.4]), rates, 0.0)
    assert made["pacc"] is None
    assert made["sld"] is None
    assert made["pcc"] == pytest.approx(0.2)
    assert "lacks mean_positive, mean_negative of the universalist head" in made["reasons"]["pacc"]
    assert "one value only" in made["reasons"]["sld"]


def test_a_cell_without_texts_has_no_companions():
    with pytest.raises(ValueError, match="without texts"):
        companions(np.array([]), np.array([]), {}, 0.0)
