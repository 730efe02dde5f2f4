"""From features to two probabilities and back to words: the classifier, its folder, its explanations."""
