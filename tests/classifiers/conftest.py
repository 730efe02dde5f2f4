import pytest

from classifiers.model.classifier import TextClassifier
from classifiers.starter import StarterCoding, load_starter


@pytest.fixture(scope="session")
def starter() -> list[StarterCoding]:
    """A part of the starter codings, small enough to train on often."""
    return [c for c in load_starter() if c.lang == "en"][:200]


@pytest.fixture(scope="session")
def small(starter) -> TextClassifier:
    """A classifier trained on that part. Not to be changed."""
    return TextClassifier(folds=3, min_df=3, context_weight=0.25).fit(
        [c.row for c in starter], [c.value for c in starter], [c.tradition for c in starter]
    )
