from within_wf.tracking.flat import LONGEST_NAME, LONGEST_VALUE, chunks, flatten, name_of


def test_nested_values_get_dotted_names_and_texts():
    nested = {"a": {"b": 1, "c": {"d": "text", "e": [1, {"x": None}]}}, "f": None, "g": {}, "h": True, "i": 0.1}
    assert flatten(nested) == {
        "a.b": "1",
        "a.c.d": "text",
        "a.c.e": '[1, {"x": null}]',
        "f": "null",
        "g": "{}",
        "h": "true",
        "i": "0.1",
    }


def test_names_hold_what_mlflow_takes_and_are_cut():
    assert name_of("spend ($)/day: a-b_c.d") == "spend ___/day: a-b_c.d"
    assert len(name_of("n" * 1000)) == LONGEST_NAME


def test_long_values_say_that_they_were_cut():
    (value,) = flatten({"a": "v" * 10_000}).values()
    assert len(value) == LONGEST_VALUE
    assert value.endswith("v…")
    assert flatten({"a": "v" * LONGEST_VALUE}) == {"a": "v" * LONGEST_VALUE}


def test_chunks_keep_order_and_everything():
    assert list(chunks(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(chunks([], 3)) == []
