import json
import logging

import pytest

from within_wf.errors import ConfigError
from within_wf.tracking import setup_logging


@pytest.fixture(autouse=True)
def _clean():
    yield
    logger = logging.getLogger("training")
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = True


def lines(folder):
    return [json.loads(line) for line in (folder / "training.log").read_text().splitlines()]


def test_a_line_for_people_and_a_line_of_json(tmp_path, capsys):
    logger = setup_logging(tmp_path / "new" / "logs")
    logger.debug("not shown")
    logger.info("epoch %d", 3, extra={"loss": 0.5})
    (line,) = lines(tmp_path / "new" / "logs")
    assert line["timestamp"].endswith("Z")
    del line["timestamp"]
    assert line == {
        "level": "INFO",
        "logger": "training",
        "module": "test_logs",
        "function": "test_a_line_for_people_and_a_line_of_json",
        "message": "epoch 3",
        "loss": 0.5,
    }
    assert capsys.readouterr().err.strip().endswith("- training - INFO - epoch 3")


def test_an_exception_is_kept_and_stays_one_line(tmp_path):
    logger = setup_logging(tmp_path)
    try:
        raise ValueError("broken")
    except ValueError:
        logger.exception("failed")
    (line,) = lines(tmp_path)
    assert "ValueError: broken" in line["exception"]


def test_no_credential_is_logged(tmp_path, capsys):
    setup_logging(tmp_path).warning("to %s", "postgresql://me:hunter2@host/base", extra={"uri": "https://me:hunter2@host"})
    assert "hunter2" not in (tmp_path / "training.log").read_text() + capsys.readouterr().err
    assert lines(tmp_path)[0]["uri"] == "https://***@host"


def test_setting_up_again_replaces(tmp_path):
    setup_logging(tmp_path / "a")
    logger = setup_logging(tmp_path / "b", "debug")
    logger.debug("x")
    assert len(logger.handlers) == 2
    assert lines(tmp_path / "a") == []
    assert len(lines(tmp_path / "b")) == 1


def test_an_unknown_level_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="log_level: found 'LOUD', expected one of DEBUG, INFO"):
        setup_logging(tmp_path, "LOUD")
