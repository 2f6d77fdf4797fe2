"""A configuration of augmentation that cannot work is refused before anything runs."""

import pytest
from pydantic import ValidationError

from within_wf.config.data import TextAugmentationConfig


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"methods": ["back_translation"]}, "the method 'back_translation' needs a translator"),
        ({"back_translation": {"there": "apertium:eng-spa"}}, "back_translation needs both there and back"),
        ({"protected": ["Acme", " "]}, "protected holds an empty name"),
        ({"methods": ["rhyme"]}, "Input should be 'synonym_replacement'"),
    ],
)
def test_what_cannot_work_is_refused(given, message):
    with pytest.raises(ValidationError, match=message):
        TextAugmentationConfig.model_validate(given)


def test_a_translator_makes_the_method_possible():
    translator = {"there": "apertium:eng-spa", "back": "apertium:spa-eng"}
    config = TextAugmentationConfig.model_validate({"methods": ["back_translation"], "back_translation": translator})
    assert config.back_translation.there == "apertium:eng-spa"
