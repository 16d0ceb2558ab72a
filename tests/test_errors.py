"""How a script ends on what a person must change."""

import pytest

from humanseg.errors import HumansegError, Refused, says_errors


@pytest.mark.parametrize(("error", "code"), [(HumansegError, 2), (Refused, 3)])
def test_a_script_says_the_error_and_ends_with_its_code(
    error: type[HumansegError],
    code: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @says_errors
    def main(fail: bool) -> int:
        if fail:
            raise error("Do this instead.")
        return 0

    assert main(False) == 0
    assert main(True) == code
    assert capsys.readouterr().err == "Do this instead.\n"
    monkeypatch.setenv("HUMANSEG_DEBUG", "1")
    with pytest.raises(error):
        main(True)
