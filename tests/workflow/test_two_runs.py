"""Two runs at once on one store work beside each other."""

from tests.workflow.place import Place


def test_no_step_is_computed_twice(tmp_path, undisturbed):
    places = [Place(tmp_path / name, tmp_path / "store") for name in ("one", "two")]
    processes = [place.start("account_health") for place in places]
    for process in processes:
        text, _ = process.communicate(timeout=900)
        assert process.returncode == 0, text
    done = places[0].outputs()
    assert "report_model/sample_world.account_health" in done
    assert done.items() <= undisturbed.outputs().items()
    assert places[1].outputs() == done
    assert not places[0].computed() & places[1].computed()
    assert places[0].computed() | places[1].computed() == set(done)


def test_two_runs_in_one_folder_do_not_lock_each_other_out(tmp_path, undisturbed):
    place = Place(tmp_path / "run", tmp_path / "store")
    processes = [place.start("validate_all") for _ in range(2)]
    for process in processes:
        text, _ = process.communicate(timeout=300)
        assert process.returncode == 0, text
    done = place.outputs()
    assert done
    assert done.items() <= undisturbed.outputs().items()
