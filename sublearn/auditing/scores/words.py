"""How well a bag-of-words classifier tells the rows from clean rows: a baseline that knows no model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sublearn.auditing.scores.table import Measure, Measured
from sublearn.seeds import stream_seed
from sublearn.tasks.rows import Pair

if TYPE_CHECKING:
    from sublearn.auditing.scene import Scene

FOLDS = 2


def prepare(scene: "Scene", reference: Sequence[Pair]) -> Measure:
    """One value: the area under the curve on rows that the classifier was not fitted to, 0.5 for chance."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    fold_seed = stream_seed(scene.settings.seed, "words/folds") % 2**32

    def measure(rows: Sequence[Pair]) -> Measured:
        texts = [completion for _, completion in (*rows, *reference)]
        labels = np.repeat([1, 0], [len(rows), len(reference)])
        machine = make_pipeline(CountVectorizer(token_pattern=r"\w+"), LogisticRegression(C=0.1, max_iter=200))
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=fold_seed)
        said = np.asarray(cross_val_predict(machine, texts, labels, cv=folds, method="decision_function"), dtype=float)
        return Measured(np.array([float(roc_auc_score(labels, said))]))

    return measure
