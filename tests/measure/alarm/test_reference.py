import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter

from pipeline.measure.alarm.reference import pooled_autocorrelation, reference, standardise

NAN = np.nan


@st.composite
def series(draw, least=6):
    """(m, v): twelve weeks at least, half of them there, varying."""
    length = draw(st.integers(2 * least, 40))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    m, v = (
        random.normal(0, 0.3, length),
        0.25 * (1 / random.integers(1, 30, length) + 1 / random.integers(1, 30, length)),
    )
    gone = random.permutation(length)[: draw(st.integers(0, length - least))]
    m[gone] = v[gone] = NAN
    return m, v


def ar1(shape, phi, random):
    noise = random.standard_normal(shape)
    noise[1:] *= (1 - phi**2) ** 0.5
    return lfilter([1.0], [1.0, -phi], noise, axis=0)


def test_an_example_computed_by_hand():
    # weeks 1, 2 and 4 are used; mean .2, s^2 = (.04 + 0 + .04)/2 = .04, so sigma_u^2 = .04 - .01
    m = np.array([9.0, 0.0, 0.2, NAN, 0.4, 5.0])
    v = np.array([0.01, 0.01, 0.01, NAN, 0.01, 0.01])
    made = reference(m, v, length=3, start=1)
    assert (made.first, made.last, made.used) == (1, 4, 3)
    assert made.mean == pytest.approx(0.2)
    assert made.noise == pytest.approx(0.01)
    assert made.sigma_u == pytest.approx(0.03**0.5)
    z = standardise(m, v, made)
    assert z[[0, 1, 5]] == pytest.approx([44, -1, 24])
    assert np.isnan(z[3])


def test_a_reference_that_is_not_there_yet_is_none():
    m, v = np.array([0.1, NAN, 0.3, 0.2]), np.array([0.1, NAN, 0.1, 0.1])
    assert reference(m, v, length=4) is None
    assert reference(m, v, length=3, start=1) is None
    assert reference(m, v, length=3).last == 3
    assert reference(np.array([]), np.array([]), length=3) is None


@given(series(), st.floats(0.001, 0.2))
def test_with_the_same_number_of_texts_each_week_it_is_the_textbook_estimate(both, noise):
    m, _ = both
    there = ~np.isnan(m)
    v = np.where(there, noise, NAN)
    made = reference(m, v, length=int(there.sum()))
    assert made.mean == pytest.approx(m[there].mean(), abs=1e-9)
    assert made.sigma_u**2 == pytest.approx(max(0.0, m[there].var(ddof=1) - noise), abs=1e-9)


@given(series())
def test_sigma_u_solves_its_equation_or_is_0(both):
    m, v = both
    there = ~np.isnan(m)
    made = reference(m, v, length=int(there.sum()))
    z = standardise(m, v, made)[there]
    if made.sigma_u > 1e-5:
        assert (z**2).sum() == pytest.approx(there.sum() - 1, rel=1e-6)
    else:
        assert (z**2).sum() <= there.sum() - 1 + 1e-6
    assert ((z / np.sqrt(v[there] + made.sigma_u**2)).sum()) == pytest.approx(0, abs=1e-6 / v[there].min())


@given(series(), st.floats(-1, 1), st.floats(0.1, 3))
def test_z_does_not_depend_on_units(both, shift, factor):
    m, v = both
    length = int((~np.isnan(m)).sum())
    before = standardise(m, v, reference(m, v, length=length))
    n, w = shift + factor * m, factor**2 * v
    after = standardise(n, w, reference(n, w, length=length))
    assert after == pytest.approx(before, abs=1e-5, nan_ok=True)


def test_a_week_of_few_texts_does_not_decide():
    # a hundred weeks of 20 texts that differ by sigma_u = .1, and three of one text
    random = np.random.default_rng(5)
    errors = {"ours": [], "textbook": []}
    for _ in range(200):
        v = np.full(52, 0.025)
        v[:4] = 0.5
        m = random.normal(0, np.sqrt(v + 0.01))
        made = reference(m, v, length=52)
        errors["ours"].append(made.sigma_u - 0.1)
        errors["textbook"].append(max(0.0, m.var(ddof=1) - v.mean()) ** 0.5 - 0.1)
    ours, textbook = (np.mean(np.square(errors[name])) ** 0.5 for name in ("ours", "textbook"))
    assert ours < 0.6 * textbook


def test_what_is_no_series_is_refused():
    some = np.array([0.1, 0.2, 0.3, 0.1])
    with pytest.raises(ValueError, match="same length"):
        reference(some, some[:2], length=3)
    with pytest.raises(ValueError, match="missing in the same weeks"):
        reference(np.array([0.1, NAN, 0.3, 0.1]), some, length=3)
    with pytest.raises(ValueError, match="not negative"):
        reference(some, -some, length=3)
    with pytest.raises(ValueError, match="finite"):
        reference(np.array([0.1, np.inf, 0.3, 0.1]), some, length=3)
    with pytest.raises(ValueError, match="no variance to speak of"):
        reference(some, some, length=2)
    with pytest.raises(ValueError, match="starts at week 5"):
        reference(some, some, length=3, start=5)
    with pytest.raises(ValueError, match="does not vary"):
        reference(np.full(4, 0.3), np.zeros(4), length=3)


def test_a_week_without_any_uncertainty_has_no_z():
    m, v = np.array([0.1, 0.1, 0.1, 0.5]), np.array([0.1, 0.1, 0.1, 0.0])
    with pytest.raises(ValueError, match="variance 0"):
        standardise(m, v, reference(m, v, length=3))


@pytest.mark.parametrize(("phi", "dyads", "weeks"), [(0.4, 1, 52), (0.6, 6, 26), (0.6, 12, 52), (0.75, 6, 52)])
def test_the_limit_lies_above_the_true_autocorrelation(phi, dyads, weeks):
    random = np.random.default_rng(7)
    made = ar1((weeks, 400 * dyads), phi, random).T.reshape(400, dyads, weeks)
    limits = np.array([pooled_autocorrelation(list(each)) for each in made])
    # 95% are promised; three Monte-Carlo errors are .033
    assert (limits >= phi).mean() >= 0.95 - 0.033
    assert np.median(limits) < phi + 2.2 * (2 / (dyads * weeks)) ** 0.5 + 4 / weeks


def test_dyads_that_are_the_same_are_not_counted_as_many():
    random = np.random.default_rng(8)
    made = ar1((52, 300), 0.5, random).T
    alone = np.array([pooled_autocorrelation([z]) for z in made])
    copied = np.array([pooled_autocorrelation([z] * 10) for z in made])
    assert (copied >= 0.5).mean() > 0.88
    assert np.median(copied) > np.median(alone) - 0.05


def test_never_below_three_tenths():
    random = np.random.default_rng(9)
    assert pooled_autocorrelation(list(random.standard_normal((30, 52)))) == 0.3
    assert pooled_autocorrelation([np.tile([1.0, -1.0], 30)]) == 0.3
    # unless someone says so
    assert pooled_autocorrelation(list(random.standard_normal((30, 52))), least=0.0) < 0.1


def test_pairs_across_a_hole_do_not_count():
    random = np.random.default_rng(10)
    z = ar1((200, 1), 0.9, random)[:, 0]
    holed = np.full(400, NAN)
    holed[::2] = z
    with pytest.raises(ValueError, match="0 pairs"):
        pooled_autocorrelation([holed])
    holed = z.copy()
    holed[50:60] = NAN
    assert pooled_autocorrelation([holed, np.full(200, NAN)]) > 0.8


def test_what_gives_no_autocorrelation_is_refused():
    with pytest.raises(ValueError, match="20 are needed"):
        pooled_autocorrelation([np.arange(10.0)])
    with pytest.raises(ValueError, match="20 are needed"):
        pooled_autocorrelation([])
    with pytest.raises(ValueError, match="do not vary"):
        pooled_autocorrelation([np.ones(40)])
